"""Command: put a tokenizer, a dynamics model and start contexts into one playable world file."""

from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldsim import checkpoint
from worldsim.coding import depths
from worldsim.data.dataset import Dataset, refuse_held_out
from worldsim.data.encode import Encoder
from worldsim.data.episode import read, read_header
from worldsim.data.frames import Pixels
from worldsim.data.hours import watched
from worldsim.data.survey import surveyed
from worldsim.errors import UserError
from worldsim.memory.daylight import Daylight
from worldsim.memory.vistas import Vistas
from worldsim.models.depth import Depth
from worldsim.models.dynamics import Dynamics
from worldsim.models.tokenizer import Tokenizer
from worldsim.simulator import SimulatorConfig
from worldsim.trained import load_depth, load_dynamics, load_tokenizer, short
from worldsim.world import Context, Kept, Origin, kept_of, save_world

_LATEST_START = 160  # ticks into an episode; the way there is kept in the file
_NEAR, _FAR = 0.5, 32.0  # blocks between which it counts how far away things are
_TRIES = 6  # starts of an episode of which the one with most to see is taken


@dataclass
class Config:
    """Settings of the command."""

    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    dynamics: str = "runs/dynamics/dynamics.safetensors"
    depth: str = ""
    """The depth network that the dynamics was trained with, if it was."""
    contexts: list[str] = field(default_factory=list)
    """Folders of recorded data sets, of validation seeds, from which dreams begin; or, as for
    networks, vistas and hours, a world file, of which they are kept."""
    count: int = 24
    """Start contexts."""
    frames: int = 16
    """Frames in a start context."""
    vistas: list[str] = field(default_factory=list)
    """Folders of recordings with policy=surveyor: what dreams suppose where nothing was seen."""
    most_vistas: int = 48
    """Of the places found there the most open ones are kept, 13 KB each."""
    hours: list[str] = field(default_factory=list)
    """Folders of recordings with policy=watcher, which tell dreams how days go; none: none pass."""
    sampling: SimulatorConfig = field(default_factory=SimulatorConfig)
    """How the world is played unless the player says otherwise."""
    out: str = "runs/world.safetensors"
    seed: int = 0


def run(config: Config, run_dir: Path) -> None:
    """Write the world file and its card beside it.

    Raises:
        UserError: models that do not belong together, or no recordings to begin from.
    """
    tokenizer, tokenizer_meta = load_tokenizer(config.tokenizer)
    dynamics, meta = load_dynamics(config.dynamics)
    if meta["tokenizer"] != tokenizer_meta["hash"]:
        raise UserError(
            f"{config.dynamics} was trained on latents of tokenizer {meta['tokenizer'][:12]}; "
            f"{config.tokenizer} is {tokenizer_meta['hash'][:12]} (name the one it was made with)"
        )
    depth, depth_meta = load_depth(config.depth) if config.depth else (None, {"hash": ""})
    if meta.get("depth", "") != depth_meta["hash"]:
        raise UserError(
            f"{config.dynamics} was trained with depth network {short(meta.get('depth', ''))};"
            f" depth={config.depth} is {short(depth_meta['hash'])}"
        )
    kept = _kept(config, tokenizer_meta["hash"])
    contexts, shape = _contexts(config, tokenizer)
    card = {
        "step": meta["step"],
        "figures": {**tokenizer_meta.get("figures", {}), **meta.get("figures", {})},
        "frames_seen": meta["frames_seen"],
        "frames_recorded": meta["frames_recorded"],
        "tokenizer_step": tokenizer_meta["step"],
    }
    sampling = {
        **asdict(config.sampling),
        "distilled": meta.get("sampling", {}).get("distilled", 0),
    }
    settings = {"sampling": sampling, "frame_shape": list(shape)}
    out = Path(config.out)
    looks = (
        _vistas(config, tokenizer, dynamics, depth),
        _daylight(config, tokenizer, dynamics, depth),
    )
    content = save_world(out, tokenizer, dynamics, contexts, settings, card, depth, *looks, kept)
    meta, size = checkpoint.read_meta(out), out.stat().st_size
    write_card(out.with_suffix(".md"), content, meta, size)
    print(f"{out}: {size / 1e6:.1f} MB, {len(meta['contexts'])} start contexts, {content[:12]}")


def _world(folders: list[str]) -> str:
    """The world file that is named instead of folders, if one is; else empty."""
    return folders[0] if len(folders) == 1 and Path(folders[0]).is_file() else ""


def _kept(config: Config, tokenizer: str) -> Kept:
    """What stays as other world files have it.

    Raises:
        UserError: as `world.kept_of`; or contexts were encoded by another tokenizer.
    """
    named = {"contexts": config.contexts, "vistas": config.vistas, "daylight": config.hours}
    kept = Kept()
    for name, path in ((name, _world(folders)) for name, folders in named.items()):
        if not path:
            continue
        kept |= kept_of(path, name)
        if name == "contexts" and (own := load_tokenizer(path)[1]["hash"]) != tokenizer:
            raise UserError(
                f"contexts of {path} go with tokenizer {short(own)}; this world has"
                f" {short(tokenizer)} (name folders of recordings)"
            )
    return kept


def _contexts(config: Config, tokenizer: Tokenizer) -> tuple[list[Context], tuple[int, int]]:
    """Contexts of recordings, if any are named, and the shape (h, w) of frames."""
    path = _world(config.contexts)
    if path:
        height, width = checkpoint.read_meta(path, "world")["config"]["frame_shape"]
        return [], (height, width)
    data = Dataset(config.contexts)
    refuse_held_out(data, "export", ("train", "validation"))
    found = start_contexts(data, tokenizer, config.count, config.frames, config.seed)
    return found, data.frame_shape


def _vistas(
    config: Config, tokenizer: Tokenizer, dynamics: Dynamics, depth: Depth | None
) -> Vistas | None:
    if not config.vistas or _world(config.vistas):
        return None
    if dynamics.body is None:
        raise UserError("vistas are for games with a camera; this dynamics model has none")
    data = Dataset(config.vistas)
    refuse_held_out(data, "export", ("train",))
    openness = None if depth is None else partial(open_by, tokenizer, depth)
    return surveyed(data, dynamics.config.camera, config.most_vistas, openness)


def _daylight(
    config: Config, tokenizer: Tokenizer, dynamics: Dynamics, depth: Depth | None
) -> Daylight | None:
    if not config.hours or _world(config.hours):
        return None
    if dynamics.body is None or depth is None:
        raise UserError(
            "hours are for games with a camera and a depth network, which tells the sky"
        )
    data = Dataset(config.hours)
    refuse_held_out(data, "export", ("train",))
    return watched(data, dynamics.config.camera, partial(away_by, tokenizer, depth))


def away_by(
    tokenizer: Tokenizer, depth: Depth, frames: Pixels, pitches: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Blocks (n, h, w) to what frames (n, h, w, 3) show, as `coding.depths` has them."""
    latents = torch.from_numpy(Encoder(tokenizer)(frames)).float()
    return depths(depth, latents, pitches, frames.shape[1:3])


def open_by(
    tokenizer: Tokenizer, depth: Depth, frames: Pixels, pitches: NDArray[np.float64]
) -> float:
    """How far away, in logarithms of blocks, frames (n, h, w, 3) show things on the average."""
    away = np.abs(away_by(tokenizer, depth, frames, pitches))
    return float(np.log(np.clip(away, _NEAR, _FAR)).mean())


def start_contexts(
    data: Dataset, tokenizer: Tokenizer, count: int, frames: int, seed: int
) -> list[Context]:
    """`count` contexts of that many frames, from different episodes as far as there are enough.

    Raises:
        UserError: episodes too short.
    """
    rng, encode = np.random.default_rng(seed), Encoder(tokenizer)
    long = [entry for entry in data.entries if entry.length >= frames]
    if not long:
        raise UserError(
            f"{data.folders[0]} has no episode of {frames} ticks; record longer ones for contexts"
        )
    contexts = []
    for i in range(count):
        entry = long[i * len(long) // count if count <= len(long) else i % len(long)]
        latest = min(_LATEST_START, entry.length - frames + 1)
        starts = rng.integers(0, latest + 1, _TRIES)
        start = max(starts, key=lambda s: variety(read(entry.path, s, s + frames - 1).frames[-1]))
        stop = int(start) + frames - 1
        episode, header = read(entry.path, 0, stop), read_header(entry.path)
        contexts.append(
            Context(
                latents=torch.from_numpy(encode(episode.frames[start:])),
                actions=episode.actions[start:],
                pose=_pose(episode.info),
                origin=Origin(header.env_id, header.env_options, entry.seed, episode.actions),
            )
        )
    return contexts


def variety(frame: Pixels) -> float:
    """How much the parts of a frame (h, w, 3) differ: little where it shows a wall close by."""
    parts = frame[: len(frame) // 4 * 4, : frame.shape[1] // 4 * 4].astype(np.float64)
    means = parts.reshape(4, len(parts) // 4, 4, -1, 3).mean((1, 3))
    return float(means.std((0, 1)).sum())


def _pose(info: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The last pose x, y, z, yaw, pitch; zeros where the environment tells none."""
    if not {"position", "yaw", "pitch"} <= set(info):
        return np.zeros(5)
    return np.array([*info["position"][-1], info["yaw"][-1], info["pitch"][-1]], np.float64)


def write_card(path: Path, content: str, meta: dict[str, Any], size: int) -> None:
    """Write what the world file is, as a page to read."""
    rows = {
        "content hash": content,
        "size": f"{size / 1e6:.1f} MB, bf16",
        "frames recorded, part trained last": f"{meta['frames_recorded']:,}",
        "frames seen, part trained last": f"{meta['frames_seen']:,}",
        "steps, part trained last": f"{meta['step']:,}",
        "steps of the tokenizer": f"{meta['tokenizer_step']:,}",
        "start contexts": str(len(meta["contexts"])),
        **({"vistas": str(meta["vistas"])} if "vistas" in meta else {}),
        **{name: f"{value:.4g}" for name, value in sorted(meta["figures"].items())},
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    models = "\n".join(
        f"- {part}: " + ", ".join(f"{key} {value}" for key, value in meta["config"][part].items())
        for part in ("tokenizer", "depth", "dynamics", "sampling")
        if part in meta["config"]
    )
    path.write_text(f"# {path.stem}\n\n| | |\n|---|---|\n{table}\n\n## Models\n\n{models}\n")
