"""One tiny run of every command from recording to a world file, for the tests that need it."""

import torch

from worldsim import export
from worldsim.camera import CameraConfig
from worldsim.data import encode, record
from worldsim.data.dataset import Dataset
from worldsim.data.episode import Episode
from worldsim.models.depth import DepthConfig
from worldsim.models.dynamics import DynamicsConfig
from worldsim.models.tokenizer import TokenizerConfig
from worldsim.training import train_depth, train_dynamics, train_tokenizer

torch.set_num_threads(1)

SIZE = 32
PLAIN = {"device": "cpu", "dtype": "float32"}
TOKENIZER = TokenizerConfig(
    encoder_widths=[8, 8], encoder_blocks=[1, 1], decoder_widths=[8, 8, 8], decoder_blocks=[1, 1, 1]
)
DYNAMICS = DynamicsConfig(
    width=32,
    blocks=2,
    heads_space=1,
    heads_time=1,
    head_width=16,
    registers=2,
    window=4,
    liquids=True,
)


def tokenizer_config(root):
    return train_tokenizer.Config(
        data=[str(root / "train")],
        held_out=[str(root / "validation")],
        model=TOKENIZER,
        steps=2,
        batch=2,
        compile=False,
        tensorboard=False,
        **PLAIN,
    )


def depth_config(root):
    return train_depth.Config(
        data=[str(root / "train")],
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
        model=DepthConfig(widths=[8, 8], blocks=[1, 1], liquid=True),
        steps=2,
        batch=4,
        tensorboard=False,
        **PLAIN,
    )


def encode_config(root, name):
    return encode.Config(
        data=[str(root / name)],
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
        out=str(root / f"latents-{name}"),
        camera=CameraConfig(field_of_view=70.0),
        depth=str(root / "depth" / "depth.safetensors"),
        **PLAIN,
    )


def dynamics_config(root, steps=2):
    return train_dynamics.Config(
        latents=[str(root / "latents-train")],
        held_out=[str(root / "latents-validation")],
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
        depth=str(root / "depth" / "depth.safetensors"),
        model=DYNAMICS,
        steps=steps,
        batch=2,
        frames=8,
        rollouts=2,
        context=4,
        compile=False,
        tensorboard=False,
        **PLAIN,
    )


def export_config(root):
    return export.Config(
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
        dynamics=str(root / "dynamics" / "dynamics.safetensors"),
        depth=str(root / "depth" / "depth.safetensors"),
        contexts=[str(root / "validation")],
        count=3,
        frames=5,
        out=str(root / "world.safetensors"),
    )


def make_runs(root):
    """Fill the folder with recordings, a tokenizer, latents, a dynamics model and a world file."""
    for name, seed in (("train", 0), ("validation", 700_000)):
        record.record(
            record.Config(
                env="WorldSim/Voxel-v0",
                env_options={"size": SIZE},
                policy="explorer",
                episodes=2,
                steps=40,
                seed=seed,
                out=str(root / name),
            )
        )
    train_tokenizer.run(tokenizer_config(root), root / "tokenizer")
    train_depth.run(depth_config(root), root / "depth")
    for name in ("train", "validation"):
        encode.run(encode_config(root, name), root)
    train_dynamics.run(dynamics_config(root), root / "dynamics")
    export.run(export_config(root), root)


def record_window(folder, index) -> Episode:
    """An episode of a recorded folder."""
    return Dataset([folder]).window(index)
