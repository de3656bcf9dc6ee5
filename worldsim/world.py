"""A world file: tokenizer, dynamics and start contexts in one checkpoint, ready to play.

Tensors are `tokenizer.*`, `dynamics.*`, of some games `depth.*`, `daylight` (n, k + 1, 3) and
`vistas.<i>`, the bytes of a picture each, and, for `n` contexts of t+1 frames, `contexts.latents`
(n, t+1, z, y, x) in bytes, times `contexts.scales` (z, 1, 1), `contexts.actions` (n, t, a),
`contexts.poses` (n, 5) and, for each, the actions `contexts.before.<i>` (ticks, a) that lead from
the exact world's reset to the context's last frame.
"""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from worldsim import checkpoint
from worldsim.device import pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.memory.daylight import Daylight
from worldsim.memory.vistas import Vistas, unpacked
from worldsim.models.depth import Depth, DepthConfig
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.tokenizer import Tokenizer, TokenizerConfig
from worldsim.paths import weights_dir
from worldsim.simulator import Simulator, SimulatorConfig
from worldsim.trained import ready

SHIPPED = weights_dir() / "voxel.safetensors"

_KEPT = {"contexts": ("contexts",), "vistas": ("vistas",), "daylight": ("pace",)}
"""Of what stands beside networks, the first part of the names of its tensors: keys of metadata."""


@dataclass(frozen=True)
class Origin:
    """A place of the exact world: reset `env_id` with `seed`, then play `before` (ticks, a)."""

    env_id: str
    env_options: dict[str, Any]
    seed: int
    before: NDArray[np.float32]


@dataclass(frozen=True)
class Context:
    """Where a dream may begin, and how the exact world gets to the same place.

    latents: (t+1, z, y, x); actions: (t, a) between them; pose: (5,) x, y, z, yaw, pitch at the
    last frame, which is also what `origin` shows.
    """

    latents: Tensor
    actions: NDArray[np.float32]
    pose: NDArray[np.float64]
    origin: Origin


@dataclass(frozen=True)
class Kept:
    """What a world file has beside its networks, as it is there: tensors, and metadata of them."""

    tensors: checkpoint.Tensors = field(default_factory=dict)
    meta: checkpoint.Meta = field(default_factory=dict)

    def __or__(self, other: "Kept") -> "Kept":
        """Both."""
        return Kept(self.tensors | other.tensors, self.meta | other.meta)


@dataclass(frozen=True)
class World:
    """A loaded world file.

    Attributes:
        simulator: plays it.
        contexts: start contexts, in order.
        frame_shape: (h, w) of its frames.
        hash: of the file's tensors.
        meta: the file's metadata.
    """

    simulator: Simulator
    contexts: list[Context]
    frame_shape: tuple[int, int]
    hash: str
    meta: dict[str, Any]

    @cached_property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape (z, y, x) of a frame's latents."""
        blank = np.zeros((1, *self.frame_shape, 3), np.uint8)
        return tuple(self.simulator.encode(blank).shape[1:])

    @cached_property
    def context_frames(self) -> int:
        """Frames in the shortest start context."""
        return min((len(c.latents) for c in self.contexts), default=1)


def load_world(
    path: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **sampling: Any,
) -> World:
    """The world of a file, the shipped one by default; `sampling` overrides `SimulatorConfig`.

    Raises:
        UserError: no such file, damaged, of another kind or version, or an unknown setting.
    """
    if path is None and not SHIPPED.exists():
        raise UserError(
            f"no world ships with this copy ({SHIPPED} is missing); "
            "train one and name it: checkpoint=runs/world.safetensors"
        )
    path = path or SHIPPED
    tensors, meta = checkpoint.load(path, "world")
    place = pick_device(device)
    config = meta["config"]
    own = checkpoint.with_prefix(tensors, "tokenizer")
    tokenizer = ready(Tokenizer(TokenizerConfig(**config["tokenizer"])), own, path)
    own = checkpoint.with_prefix(tensors, "dynamics")
    dynamics = ready(Dynamics(DynamicsConfig(**config["dynamics"])), own, path)
    chosen = {name: value for name, value in sampling.items() if value is not None}
    settings = replace(SimulatorConfig(**config["sampling"]), **chosen)
    precision = pick_dtype(place, dtype)
    depth = None
    if "depth" in config:
        own = checkpoint.with_prefix(tensors, "depth")
        depth = ready(Depth(DepthConfig.of(config["depth"])), own, path).to(place)
    models = tokenizer.to(place), dynamics.to(place)
    places = _vistas(tensors, path), _daylight(tensors, meta, path)
    simulator = Simulator(*models, settings, precision, depth, *places)
    height, width = config["frame_shape"]
    return World(simulator, _contexts(tensors, meta), (height, width), meta["hash"], meta)


def kept_of(path: str | Path, name: str) -> Kept:
    """The contexts, the vistas or the daylight of a world file.

    Raises:
        UserError: as `worldsim.checkpoint.load`, or it has none.
    """
    tensors, meta = checkpoint.load(path, "world")
    own = {key: value for key, value in tensors.items() if key.split(".")[0] == name}
    if not own:
        raise UserError(f"{path} is a world without {name}")
    return Kept(own, {key: meta[key] for key in _KEPT[name]})


def save_world(
    path: Path,
    tokenizer: Tokenizer,
    dynamics: Dynamics,
    contexts: list[Context],
    config: dict[str, Any],
    card: dict[str, Any],
    depth: Depth | None = None,
    vistas: Vistas | None = None,
    daylight: Daylight | None = None,
    kept: Kept | None = None,
) -> str:
    """The hash of the world file written at `path`, weights in bf16.

    `config` has `sampling` and `frame_shape`; `card` is plain data about training and figures.
    kept: of other world files, instead of what is not given.
    """
    tensors = checkpoint.prefixed(_halved(tokenizer), "tokenizer")
    tensors |= checkpoint.prefixed(_halved(dynamics), "dynamics")
    shapes = {"tokenizer": asdict(tokenizer.config), "dynamics": asdict(dynamics.config)}
    if depth is not None:
        tensors |= checkpoint.prefixed(_halved(depth), "depth")
        shapes["depth"] = asdict(depth.config)
    if vistas is not None:
        packed = (torch.from_numpy(data.copy()) for data in vistas.packed())
        tensors |= {f"vistas.{i}": data for i, data in enumerate(packed)}
    if contexts:
        latents = torch.stack([c.latents for c in contexts]).float()
        scales = latents.abs().amax((0, 1, 3, 4)).clamp(min=1e-6)[:, None, None] / 127
        tensors["contexts.scales"] = scales
        tensors["contexts.latents"] = (latents / scales).round().to(torch.int8)
        tensors["contexts.actions"] = torch.from_numpy(np.stack([c.actions for c in contexts]))
        tensors["contexts.poses"] = torch.from_numpy(np.stack([c.pose for c in contexts]))
        for i, context in enumerate(contexts):
            tensors[f"contexts.before.{i}"] = torch.from_numpy(context.origin.before)
    sources = [
        {name: value for name, value in vars(c.origin).items() if name != "before"}
        for c in contexts
    ]
    meta = {"kind": "world", "config": {**config, **shapes}, "contexts": sources, **card}
    if vistas is not None:
        meta["vistas"] = len(vistas.pictures)
    if daylight is not None:
        tensors["daylight"] = torch.from_numpy(daylight.table).half()
        meta["pace"] = daylight.pace
    kept = kept or Kept()
    return checkpoint.save(path, tensors | kept.tensors, meta | kept.meta)


def _vistas(tensors: dict[str, Tensor], path: str | Path) -> Vistas | None:
    own = checkpoint.with_prefix(tensors, "vistas")
    try:
        return unpacked([own[str(i)].numpy() for i in range(len(own))]) if own else None
    except (KeyError, ValueError) as problem:
        raise UserError(f"{path}: {problem}; get a fresh copy") from problem


def _daylight(
    tensors: dict[str, Tensor], meta: dict[str, Any], path: str | Path
) -> Daylight | None:
    if "daylight" not in tensors:
        return None
    try:
        return Daylight(tensors["daylight"].double().numpy(), float(meta["pace"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise UserError(f"{path}: {problem!r} of how its days go; get a fresh copy") from problem


def _halved(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: tensor.bfloat16() if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }


def _contexts(tensors: dict[str, Tensor], meta: dict[str, Any]) -> list[Context]:
    scales = tensors.get("contexts.scales", torch.ones(()))  # files of before have none
    return [
        Context(
            latents=tensors["contexts.latents"][i].float() * scales,
            actions=tensors["contexts.actions"][i].numpy(),
            pose=tensors["contexts.poses"][i].numpy(),
            origin=Origin(**source, before=tensors[f"contexts.before.{i}"].numpy()),
        )
        for i, source in enumerate(meta.get("contexts", []))
    ]
