"""Recorded decisions: what was seen before each, the move that was chosen, what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.moves import MIRRORED, nearest
from agents.sight import Sight, Sights, down_of
from worldsim import actions
from worldsim.camera import CameraConfig
from worldsim.data import dataset, episode
from worldsim.data.latents import FACTS, INDEX, LatentDataset
from worldsim.errors import UserError
from worldsim.progress import progress


@dataclass
class Decisions:
    """Recorded decisions: seen (n, c, y, x), the moves most like them (n,), returns (n,).

    first: (n,), which decision the episode of each began with.
    """

    seen: NDArray[Any]
    moves: NDArray[np.int64]
    returns: NDArray[np.float32]
    first: NDArray[np.int64]

    def observed(
        self, rows: NDArray[np.int64], history: int, begun: NDArray[np.bool_] | bool = False
    ) -> NDArray[Any]:
        """The last sights (k, history * c, y, x) before decisions (k,), the newest first.

        begun: (k,), where nothing was seen before.
        """
        first = np.where(begun, rows, self.first[rows])
        back = np.maximum(rows[:, None] - np.arange(history), first[:, None])
        seen = self.seen[back]
        observed: NDArray[Any] = seen.reshape(len(rows), -1, *seen.shape[3:])
        return observed


def decisions(
    folders: list[str],
    seen: Sight,
    repeat: int,
    discount: float,
    seeds: Sequence[int] = (),
    mirror: bool = False,
) -> Decisions:
    """The decisions of all episodes in folders of recordings, or of latents.

    A decision is `repeat` ticks from a multiple of that on; what a recorded policy intended counts,
    where it tells. seeds: first and last of the episodes.
    mirror: those of recordings once more, with left and right exchanged.

    Raises:
        UserError: none given, or latents of another tokenizer, or latents for an agent of pixels.
    """
    if not folders:
        raise UserError("no recordings were given to learn from; needed data=[FOLDER]")
    if len(seeds) not in (0, 2):
        raise UserError(f"seeds are {list(seeds)}; needed the first and the last, or none")
    chosen = range(seeds[0], seeds[1] + 1) if seeds else range(2**62)
    parts = []
    for folder in folders:
        if (Path(folder) / INDEX).exists():
            parts.append(_of_latents(folder, seen, repeat, discount, chosen))
        else:
            parts.append(_of_recordings(folder, seen, repeat, discount, chosen, mirror))
    columns = list(zip(*(part for some in parts for part in some), strict=True))
    sights, moves, returns = (np.concatenate(column) for column in columns)
    lengths = np.array([len(part) for part in columns[1]])
    return Decisions(sights, moves, returns, np.repeat(lengths.cumsum() - lengths, lengths))


Part = tuple[NDArray[Any], NDArray[np.int64], NDArray[np.float32]]
"""What was seen, done and gained in an episode."""


def _of_latents(folder: str, seen: Sight, repeat: int, discount: float, seeds: range) -> list[Part]:
    data = LatentDataset([folder])
    if seen.kind != "latent":
        raise UserError(f"{folder} holds latents; an agent of obs={seen.kind} needs recordings")
    if data.latent_shape != seen.bare.shape:
        raise UserError(
            f"{folder} has latents {data.latent_shape}; the world's tokenizer makes"
            f" {seen.bare.shape} (encode with that world's tokenizer)"
        )
    parts = []
    for i, (_, _, frames, seed) in enumerate(data.episodes):
        if seed not in seeds:
            continue
        clip = data.clips([(i, 0)], frames)
        rewards = clip.facts[0, 1:, FACTS.index("reward")]
        starts = _starts(len(rewards), repeat)
        meant = clip.actions if clip.intended is None else clip.intended
        told = _told(meant[0], rewards, repeat, discount)
        down = np.nan_to_num(clip.facts[0, starts, FACTS.index("pitch")])  # NaN where untold
        parts.append((seen.tilted(clip.latents[0][starts].astype(np.float16), down), *told))
    if not parts:
        raise UserError(f"{folder} holds no episodes of these seeds; name others")
    return parts


def _of_recordings(
    folder: str, seen: Sight, repeat: int, discount: float, seeds: range, mirror: bool
) -> list[Part]:
    found = sorted(Path(folder).glob("*.h5"))
    paths = [path for path in found if episode.read_header(path).seed in seeds]
    if not paths:
        dataset.read_manifest(Path(folder))
        raise UserError(
            f"{folder} holds no episodes of these seeds; record some with `worldsim record`"
        )
    parts = []
    with progress("seeing recordings", len(paths)) as shown:
        for path in paths:
            played = episode.read(path)
            starts = _starts(len(played.actions), repeat)
            frames = played.frames[starts]
            down = down_of(played.info, len(played.frames))[starts]
            moves, returns = _told(played.meant, played.rewards, repeat, discount)
            parts.append((_kept(seen.tilted(seen(frames), down)), moves, returns))
            if mirror:
                flipped = seen.tilted(seen(_mirrored(frames)), down)
                parts.append((_kept(flipped), MIRRORED[moves], returns))
            shown.advance(len(starts))
    return parts


def _kept(sights: Sights) -> Sights:
    return sights if sights.dtype == np.uint8 else sights.astype(np.float16)


def _mirrored(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames (n, h, w, 3) whose world has left and right exchanged."""
    frames = frames.copy()
    world = frames[:, : CameraConfig().visible(frames.shape[1])]
    world[:] = world[:, :, ::-1].copy()
    return frames


def _starts(ticks: int, repeat: int) -> NDArray[np.int64]:
    return np.arange(0, ticks - repeat + 1, repeat)


def _told(
    played: NDArray[np.float32], rewards: NDArray[np.float32], repeat: int, discount: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Moves and discounted returns of an episode's decisions."""
    starts = _starts(len(played), repeat)
    moves = np.zeros(len(starts), np.int64)
    returns = np.zeros(len(starts), np.float32)
    later = 0.0
    for k in range(len(starts) - 1, -1, -1):
        ticks = slice(starts[k], starts[k] + repeat)
        turned = played[ticks, actions.CAMERA].sum(0)
        moves[k] = nearest(played[ticks].mean(0), turned, repeat)
        later = float(rewards[ticks].sum()) + discount * later
        returns[k] = later
    return moves, returns
