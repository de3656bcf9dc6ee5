"""Who sees whom when a whole clip is trained on at once: clean and noisy stream side by side."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Sight(NamedTuple):
    """Which frames each frame may look at; f = 2t frames, the t clean ones, then the t noisy ones.

    time: (f, f) bool, row looks at column along time at the same token position.
    offsets: distances from a frame to those whose every token it looks at, besides its own.
    present: (f, offsets) bool, whether it may.
    noisy: (t, offsets) bool, whether a noisy frame looks at the noisy version of that one; a
    clean frame looks at the clean version.
    """

    time: Tensor
    offsets: tuple[int, ...]
    present: Tensor
    noisy: Tensor


def chunk_starts(t: int, chunk: int) -> Tensor:
    """First frame (t,) of the chunk each frame is in: frame 0 alone, then runs of `chunk`."""
    frame = torch.arange(t)
    return torch.where(frame == 0, 0, 1 + (frame - 1) // chunk * chunk)


def teacher_forcing(t: int, chunk: int, window: int, local: int) -> Sight:
    """The sight under which every frame of a clip is trained exactly as it is played.

    A clean frame sees clean frames up to itself. A noisy frame sees the noisy frames of its chunk
    and the clean frames before the chunk. Along time a clean frame reaches back `window` frames
    with itself, a noisy one as far as its chunk's first frame does; all tokens are seen of the
    own frame and of the `local` before it.
    """
    frame, start = torch.arange(t), chunk_starts(t, chunk)
    back = frame[:, None] - frame[None]
    from_start = start[:, None] - frame[None]
    clean_clean = (back >= 0) & (back < window)
    noisy_clean = (from_start > 0) & (from_start < window)
    noisy_noisy = start[:, None] == start[None]
    nothing = torch.zeros(t, t, dtype=torch.bool)
    time = torch.cat(
        [torch.cat([clean_clean, nothing], 1), torch.cat([noisy_clean, noisy_noisy], 1)]
    )
    offsets = tuple(range(-local, 0))
    near = frame[:, None] + torch.tensor(offsets)
    return Sight(time, offsets, (near >= 0).repeat(2, 1), near >= start[:, None])


def additive(seen: Tensor) -> Tensor:
    """The mask to add to logits: 0 where seen, minus infinity elsewhere."""
    return torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -torch.inf)


@dataclass(frozen=True)
class ClipView:
    """A `layers.View` of frames among themselves, as a `Sight` allows."""

    offsets: tuple[int, ...]
    noisy: Tensor
    space_mask: Tensor
    time_mask: Tensor

    def space(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of near and own frames (b, f, heads, (offsets + 1) n, width)."""
        return self._gathered(keys), self._gathered(values)

    def time(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All frames at the same position (b, heads, n, f, width)."""
        return keys.permute(0, 3, 2, 1, 4), values.permute(0, 3, 2, 1, 4)

    def cast(self, x: Tensor) -> Tensor:
        """The tensor as it is."""
        return x

    def _gathered(self, x: Tensor) -> Tensor:
        clean, noisy = x.chunk(2, 1)  # (b, t, n, heads, width)
        frames = []
        for i, offset in enumerate(self.offsets):
            past = clean.roll(-offset, 1)
            own_stream = self.noisy[:, i, None, None, None]
            frames.append(
                torch.cat([past, torch.where(own_stream, noisy.roll(-offset, 1), past)], 1)
            )
        seen = torch.stack([*frames, x], 2)
        return seen.permute(0, 1, 4, 2, 3, 5).flatten(3, 4)


def clip_view(sight: Sight, n: int, device: torch.device) -> ClipView:
    """The view of `n` tokens a frame under a sight."""
    own = torch.ones(len(sight.present), 1, dtype=torch.bool, device=sight.present.device)
    space = additive(torch.cat([sight.present, own], 1).repeat_interleave(n, 1))
    time = additive(sight.time)
    noisy = sight.noisy.to(device)
    return ClipView(sight.offsets, noisy, space[:, None, None].to(device), time.to(device))
