"""From recording to dreaming, in one tiny run of every command; and the files in between."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from safetensors.torch import load_file, save_file

from worldsim import actions, checkpoint, export
from worldsim.data import latents as encode
from worldsim.data import record
from worldsim.data.latents import LatentDataset
from worldsim.errors import UserError
from worldsim.evaluation import frames as evaluate
from worldsim.models.dynamics import DynamicsConfig
from worldsim.models.tokenizer import TokenizerConfig
from worldsim.training import train_dynamics, train_tokenizer
from worldsim.world import load_world

torch.set_num_threads(1)

SIZE = 32
PLAIN = {"device": "cpu", "dtype": "float32"}
TOKENIZER = TokenizerConfig(
    encoder_widths=[8, 8], encoder_blocks=[1, 1], decoder_widths=[8, 8, 8], decoder_blocks=[1, 1, 1]
)
DYNAMICS = DynamicsConfig(
    width=32, blocks=2, heads_space=1, heads_time=1, head_width=16, registers=2, window=4
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with recordings, a tokenizer, latents, a dynamics model and a world file."""
    root = tmp_path_factory.mktemp("runs")
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
    train_tokenizer.run(_tokenizer_config(root), root / "tokenizer")
    for name in ("train", "validation"):
        encode.run(_encode_config(root, name), root)
    train_dynamics.run(_dynamics_config(root), root / "dynamics")
    export.run(_export_config(root), root)
    return root


def _tokenizer_config(root):
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


def _encode_config(root, name):
    return encode.Config(
        data=[str(root / name)],
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
        out=str(root / f"latents-{name}"),
        **PLAIN,
    )


def _dynamics_config(root, steps=2):
    return train_dynamics.Config(
        latents=[str(root / "latents-train")],
        held_out=[str(root / "latents-validation")],
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
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


def _export_config(root):
    return export.Config(
        tokenizer=str(root / "tokenizer" / "tokenizer.safetensors"),
        dynamics=str(root / "dynamics" / "dynamics.safetensors"),
        contexts=[str(root / "validation")],
        count=3,
        frames=5,
        out=str(root / "world.safetensors"),
    )


@pytest.fixture
def dream(runs):
    made = gym.make("envs:WorldSim/Dream-v0", checkpoint=str(runs / "world.safetensors"), **PLAIN)
    yield made.unwrapped
    made.close()


def _dreamt(env, options=None, seed=0, ticks=6):
    frames = [env.reset(seed=seed, options=options)[0]]
    frames += [env.step(actions.make(forward=1, camera=(0.0, 3.0)))[0] for _ in range(ticks)]
    return np.stack(frames)


def test_training_leaves_pictures_metrics_and_cards(runs):
    for name in ("tokenizer", "dynamics"):
        folder = runs / name
        assert "frames seen" in (folder / "card.md").read_text()
        assert list((folder / "samples").glob("*.png"))
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        assert any(key.startswith("held_out/") for line in lines for key in line)
    assert list((runs / "dynamics" / "samples").glob("*.gif"))


def test_latents_are_rows_aligned_with_actions_and_facts(runs):
    data = LatentDataset([str(runs / "latents-train")])
    first = record_window(runs / "train", 0)
    clips = data.clips([(0, 3)], 6)
    assert np.array_equal(clips.actions[0], first.actions[3:8])
    places = clips.facts[0][:, 3:6]
    assert np.allclose(places, first.info["position"][3:9], atol=1e-2)
    model, _ = train_tokenizer.load_tokenizer(runs / "tokenizer" / "tokenizer.safetensors")
    own = encode.Encoder(model, **PLAIN)(first.frames[3:9])
    assert np.allclose(clips.latents[0], own, atol=2e-2)


def record_window(folder, index):
    from worldsim.data.dataset import Dataset

    return Dataset([folder]).window(index)


def test_encoding_again_adds_nothing_and_drops_half_written_rows(runs, tmp_path):
    folder = tmp_path / "latents"
    shutil.copytree(runs / "latents-train", folder)
    before = (folder / "latents.f16").read_bytes()
    with (folder / "latents.f16").open("ab") as file:
        file.write(b"half a row")
    encode.run(replace(_encode_config(runs, "train"), out=str(folder)), tmp_path)
    assert (folder / "latents.f16").read_bytes() == before


def test_eventful_clips_have_an_event_in_their_later_half(runs):
    data = LatentDataset([str(runs / "latents-train")])
    if not any(len(events) for events in data._events):
        pytest.skip("nothing happened in the tiny recording")
    clips = data.draw(np.random.default_rng(0), 16, 8, eventful=1.0)
    assert (clips.facts[:, 1:, -1] > 0).any(1).all()


def test_latents_of_another_tokenizer_are_refused(runs, tmp_path):
    folder = tmp_path / "latents"
    shutil.copytree(runs / "latents-train", folder)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "tokenizer": "0" * 64}))
    with pytest.raises(UserError, match="encode them again"):
        train_dynamics.run(replace(_dynamics_config(runs), latents=[str(folder)]), tmp_path / "run")
    with pytest.raises(UserError, match="encode into another folder"):
        encode.run(replace(_encode_config(runs, "train"), out=str(folder)), tmp_path)


def test_held_out_latents_are_refused_for_training(runs, tmp_path):
    config = replace(_dynamics_config(runs), latents=[str(runs / "latents-validation")])
    with pytest.raises(UserError, match="validation split"):
        train_dynamics.run(config, tmp_path / "run")


def test_dynamics_resume_equals_uninterrupted(runs, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_dynamics.run(replace(_dynamics_config(runs, 4), cooldown=0.0), whole)
    for steps in (2, 4):
        train_dynamics.run(replace(_dynamics_config(runs, steps), cooldown=0.0), parts)
    a, b = (load_file(folder / "dynamics.safetensors") for folder in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_world_file_is_half_precision_and_holds_contexts(runs):
    tensors, meta = checkpoint.load(runs / "world.safetensors", "world")
    models = [
        t for n, t in tensors.items() if not n.startswith("contexts") and t.is_floating_point()
    ]
    assert {t.dtype for t in models} == {torch.bfloat16}
    world = load_world(runs / "world.safetensors", **PLAIN)
    assert len(world.contexts) == 3
    assert world.context_frames == 5
    assert world.contexts[0].seed >= 700_000
    assert (runs / "world.md").read_text().startswith("# world")
    assert meta["frames_seen"] == 2 * 16


def test_context_is_where_the_exact_world_gets_with_the_actions_before(runs):
    world = load_world(runs / "world.safetensors", **PLAIN)
    context = world.contexts[1]
    env = gym.make(f"envs:{context.env_id}", **context.env_options)
    _, info = env.reset(seed=context.seed)
    for vector in context.before:
        info = env.step(actions.from_vector(vector))[4]
    assert np.allclose([*info["position"], info["yaw"], info["pitch"]], context.pose)
    assert np.array_equal(context.before[-4:], context.actions)


def test_gymnasium_checker_passes(dream):
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(dream, skip_render_check=True)


def test_dream_spaces_are_those_of_the_exact_world(dream):
    exact = gym.make("envs:WorldSim/Voxel-v0", size=SIZE)
    assert dream.action_space == exact.action_space
    assert dream.observation_space == exact.observation_space


def test_equal_seeds_dream_equal_frames_and_other_seeds_others(dream):
    start = {"start_index": 0}
    first = _dreamt(dream, start)
    assert np.array_equal(_dreamt(dream, start), first)
    assert not np.array_equal(_dreamt(dream, start, seed=1), first)


def test_info_tells_pose_end_and_model_and_nothing_of_the_clock(dream):
    infos = []
    for _ in range(2):
        dream.reset(seed=3)
        infos.append(dream.step(actions.make(forward=1))[4])
    assert sorted(infos[0]) == ["model_hash", "p_ground", "p_terminate", "pose"]
    assert all(np.array_equal(infos[0][key], infos[1][key]) for key in infos[0])


def test_a_kept_state_goes_on_bit_for_bit(dream):
    dream.reset(seed=0)
    dream.step(actions.make())
    kept = dream.state
    plan = [actions.make(left=1, camera=(1.0, -2.0)) for _ in range(6)]
    first = [dream.step(action)[0] for action in plan]
    dream.restore(kept)
    assert np.array_equal([dream.step(action)[0] for action in plan], first)


def test_dream_starts_from_frames_and_actions_and_from_the_exact_world(dream, runs):
    episode = record_window(runs / "validation", 0)
    given = {"frames": episode.frames[:6], "actions": episode.actions[:5]}
    assert _dreamt(dream, given).shape == (7, SIZE, SIZE, 3)
    assert _dreamt(dream, {"frames": episode.frames[:1]}).shape == (7, SIZE, SIZE, 3)
    dream._exact = "Small/Voxel-v0"
    if "Small/Voxel-v0" not in gym.registry:
        gym.register("Small/Voxel-v0", "envs.voxel.env:VoxelEnv", kwargs={"size": SIZE})
    dream.reset(seed=0, options={"exact_seed": 700_001})
    exact = gym.make("Small/Voxel-v0")
    _, info = exact.reset(seed=700_001)
    assert np.allclose(dream._pose[3:], [info["yaw"], info["pitch"]])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"start": 1}, "start_index"),
        ({"frames": np.zeros((2, 8, 8, 3), np.uint8)}, "32, 32, 3"),
        ({"frames": np.zeros((2, SIZE, SIZE, 3), np.float32)}, "uint8"),
        ({"frames": np.zeros((3, SIZE, SIZE, 3), np.uint8)}, "one between each frame"),
    ],
)
def test_bad_starts_are_refused(dream, options, problem):
    with pytest.raises(UserError, match=problem):
        dream.reset(options=options)


def test_the_dream_never_asks_its_twin(runs):
    code = f"""
import sys
import gymnasium as gym
sys.modules["envs.voxel"] = None
sys.modules["envs.voxel.env"] = None
path = {str(runs / "world.safetensors")!r}
env = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, device="cpu")
env.reset(seed=0)
from worldsim import actions
for _ in range(3):
    env.step(actions.make(forward=1))
print("dreamt")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "dreamt", done.stderr


def test_world_files_that_are_wrong_are_refused(runs, tmp_path):
    good = runs / "world.safetensors"
    with pytest.raises(UserError, match="no such checkpoint"):
        load_world(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="needed 'world'"):
        load_world(runs / "tokenizer" / "tokenizer.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(UserError, match="truncated"):
        load_world(cut)
    alien = tmp_path / "alien.safetensors"
    save_file({"x": torch.zeros(1)}, alien)
    with pytest.raises(UserError, match="not one of worldsim"):
        load_world(alien)


def test_evaluation_scores_every_arm_beside_the_dream(runs, tmp_path):
    if "Small/Voxel-v0" not in gym.registry:
        gym.register("Small/Voxel-v0", "envs.voxel.env:VoxelEnv", kwargs={"size": SIZE})
    config = evaluate.Config(
        checkpoint=str(runs / "world.safetensors"),
        exact="Small/Voxel-v0",
        clips=3,
        context=4,
        horizons=[1, 2],
        wait=3,
        seed=790_000,
        **PLAIN,
    )
    evaluate.run(config, tmp_path)
    scores = json.loads((tmp_path / "frames.json").read_text())["scores"]
    assert set(scores) == {"explorer", "replay"}
    arms = {"dream", "shuffled actions", "no action", "copy", "row mean", "blur", "reconstruction"}
    assert set(scores["replay"]) == arms
    copy = scores["explorer"]["copy"]["1"]["all"]
    assert copy["low"] <= copy["mean"] <= copy["high"]
    assert (tmp_path / "explorer.png").exists()
    with pytest.raises(UserError, match="reserved"):
        evaluate.run(replace(config, seed=900_000), tmp_path)
    with pytest.raises(UserError, match="train split"):
        evaluate.run(replace(config, seed=0), tmp_path)
