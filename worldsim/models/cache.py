"""The past at play: keys and values of committed frames, as a value that is cheap to step.

Steps of one game append to one preallocated log in place. A `Cache` is a log and where it ends
for this game; whoever comes second to a place in the log (a fork, a game gone back to an earlier
state) copies the reach of the past into a log of its own first. So every cache stays valid.
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from worldsim.models.clip import additive


@dataclass(frozen=True)
class CacheShape:
    """Sizes of a cache; attention looks at `reach` past frames along time, `local` in space."""

    layers: int
    heads_space: int
    heads_time: int
    n: int
    width: int
    reach: int
    local: int
    room: int
    """Frames that fit into a log before the past moves to a new one."""
    fixed: bool = False
    """Attention spans the whole reach from the first frame on, the frames not there yet masked.

    Then sums have the same order, and a game the same bits, however old its neighbours are."""


@dataclass(eq=False)
class Log:
    """Keys (index 0) and values (1) of frames in order, written up to place `head`.

    near: (layers, 2, b, heads_space, local + room, n, width).
    far: (layers, 2, b, heads_time, n, reach + room, width).

    Frame i of the log lies at `local + i` and `reach + i`; before frame 0 comes the past of the
    log, or zeros.
    """

    near: Tensor
    far: Tensor
    head: int


@dataclass(frozen=True)
class LayerView:
    """The past and the new frames as one block sees them; new keys and values go into the log."""

    near: tuple[Tensor, Tensor]
    near_new: tuple[Tensor, Tensor]
    far: tuple[Tensor, Tensor]
    far_new: tuple[Tensor, Tensor]
    space_mask: Tensor | None
    time_mask: Tensor | None

    def space(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of own and near frames (b, f, heads, (local + 1) n, width)."""
        self.near_new[0].copy_(keys.permute(0, 3, 1, 2, 4))
        self.near_new[1].copy_(values.permute(0, 3, 1, 2, 4))
        return self.near

    def time(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Past and new frames at the same position (b, heads, n, reach + f, width)."""
        self.far_new[0].copy_(keys.permute(0, 3, 2, 1, 4))
        self.far_new[1].copy_(values.permute(0, 3, 2, 1, 4))
        return self.far

    def cast(self, x: Tensor) -> Tensor:
        """The tensor in the precision of the log."""
        return x.to(self.far[0].dtype)


@dataclass(frozen=True)
class Cache:
    """The past of `b` games that step together.

    end: frames in the log.
    age: (b,) long, frames that each game has committed since its reset.
    """

    shape: CacheShape
    log: Log
    end: int
    age: Tensor

    def opened(self, f: int) -> "Cache":
        """The same past with room for `f` more frames that this cache alone may write.

        Raises:
            ValueError: `f` frames never fit.
        """
        if not 0 < f <= self.shape.room:
            raise ValueError(f"{f} frames at once; a cache takes 1 to {self.shape.room}")
        if self.log.head == self.end and self.end + f <= self.shape.room:
            self.log.head = self.end + f
            return self
        near, far = self._past()
        cache = _fresh(self.shape, near, far, self.age)
        cache.log.head = f
        return cache

    def views(self, f: int, committing: bool) -> list[LayerView]:
        """What each layer sees of the past and of `f` new frames, for an opened cache.

        Frames being denoised see one another; frames being committed see what is before them.
        """
        s, e = self.shape, self.end
        near, far = self.log.near, self.log.far
        size = (s.layers, 2, len(self.age), f, s.heads_space, (s.local + 1) * s.n, s.width)
        layer, part, row, head, frame, token, one = near.stride()
        stride = (layer, part, row, frame, head, token, one)
        sliding = near.as_strided(size, stride, near.storage_offset() + e * frame)
        columns = (
            _pairs(sliding),
            _pairs(near[:, :, :, :, s.local + e : s.local + e + f]),
            _pairs(far[..., s.reach + e - self._reach() : s.reach + e + f, :]),
            _pairs(far[..., s.reach + e : s.reach + e + f, :]),
        )
        masks = self._space_mask(f), self._time_mask(f, committing)
        return [LayerView(*pairs, *masks) for pairs in zip(*columns, strict=True)]

    def committed(self, f: int) -> "Cache":
        """The cache after `f` frames were written to it."""
        return replace(self, end=self.end + f, age=self.age + f)

    def rows(self, index: Tensor) -> "Cache":
        """The games of the index (long), which may repeat; the copy shares nothing."""
        near, far = self._past()
        return _fresh(self.shape, near[:, :, index], far[:, :, index], self.age[index])

    def with_rows(self, index: Tensor, other: "Cache") -> "Cache":
        """The cache with the games of the index replaced by those of the other, in order."""
        pairs = zip(self._past(), other._past(), strict=True)
        near, far = (own.index_copy(2, index, theirs) for own, theirs in pairs)
        return _fresh(self.shape, near, far, self.age.index_copy(0, index, other.age))

    def tensors(self) -> dict[str, Tensor]:
        """Everything a later step depends on, as tensors of its own."""
        near, far = self._past()
        return {"near": near.clone(), "far": far.clone(), "age": self.age.clone()}

    def _past(self) -> tuple[Tensor, Tensor]:
        s, e = self.shape, self.end
        return self.log.near[:, :, :, :, e : e + s.local], self.log.far[..., e : e + s.reach, :]

    def _reach(self) -> int:
        """Past frames within reach of any of the games."""
        if self.shape.fixed:
            return self.shape.reach
        return min(self.shape.reach, int(self.age.max()))

    def _space_mask(self, f: int) -> Tensor | None:
        s = self.shape
        if not s.fixed and int(self.age.min()) >= s.local:
            return None
        places = torch.arange(-s.local, f, device=self.age.device).unfold(0, s.local + 1, 1)
        there = self.age[:, None, None] + places >= 0  # (b, f, local + 1)
        return self._mask(there.repeat_interleave(s.n, -1)[:, :, None, None])

    def _time_mask(self, f: int, committing: bool) -> Tensor | None:
        reach = self._reach()
        whole = not self.shape.fixed and int(self.age.min()) >= reach
        if whole and (f == 1 or not committing):
            return None
        place = torch.arange(-reach, f, device=self.age.device)
        seen = (self.age[:, None, None] + place >= 0).expand(-1, f, -1)
        if committing:
            back = torch.arange(f, device=place.device)[:, None] - place
            seen = seen & (back >= 0) & (back <= self.shape.reach)
        return self._mask(seen[:, None, None])

    def _mask(self, seen: Tensor) -> Tensor:
        return additive(seen).to(self.log.far.dtype)


def empty(shape: CacheShape, b: int, dtype: torch.dtype, device: torch.device) -> Cache:
    """The cache of `b` games that have not begun."""
    age = torch.zeros(b, dtype=torch.long, device=device)
    nothing = torch.zeros((), dtype=dtype, device=device)
    return _fresh(shape, nothing, nothing, age)


def restored(shape: CacheShape, tensors: dict[str, Tensor]) -> Cache:
    """The cache that `Cache.tensors` was taken of."""
    return _fresh(shape, tensors["near"], tensors["far"], tensors["age"].clone())


def joined(caches: Sequence[Cache]) -> Cache:
    """One cache of the games of all, in order."""
    near, far = (torch.cat(parts, 2) for parts in zip(*(c._past() for c in caches), strict=True))
    return _fresh(caches[0].shape, near, far, torch.cat([cache.age for cache in caches]))


def _fresh(shape: CacheShape, near: Tensor, far: Tensor, age: Tensor) -> Cache:
    """A cache of a new log that begins with a copy of the past, as `Cache._past` gives it."""
    s = shape
    log = _blank(s, len(age), far.dtype, far.device)
    with torch.inference_mode():
        log.near[:, :, :, :, : s.local] = near
        log.far[..., : s.reach, :] = far
    return Cache(shape, log, 0, age)


_SPARE: dict[tuple[Any, ...], list[tuple[Tensor, Tensor]]] = {}
"""Memory of logs that nobody looks at any more; new memory is slow to touch for the first time."""
_SPARES = 2  # kept of one kind


def _blank(shape: CacheShape, b: int, dtype: torch.dtype, device: torch.device) -> Log:
    """A log with anything at all in it."""
    key = shape, b, dtype, device
    if key not in _SPARE:
        _SPARE.clear()  # another model, or another number of games, has begun
    spare = _SPARE.setdefault(key, [])
    if spare:
        near, far = spare.pop()
    else:
        s = shape
        sizes = (
            (s.layers, 2, b, s.heads_space, s.local + s.room, s.n, s.width),
            (s.layers, 2, b, s.heads_time, s.n, s.reach + s.room, s.width),
        )
        near, far = (torch.empty(size, dtype=dtype, device=device) for size in sizes)
    log = Log(near, far, head=0)
    weakref.finalize(log, _keep, spare, near, far).atexit = False
    return log


def _keep(spare: list[tuple[Tensor, Tensor]], near: Tensor, far: Tensor) -> None:
    if len(spare) < _SPARES:
        spare.append((near, far))


def _pairs(tensor: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
    """Keys and values of each layer of a tensor (layers, 2, ...)."""
    flat = tensor.flatten(0, 1).unbind(0)
    return list(zip(flat[::2], flat[1::2], strict=True))
