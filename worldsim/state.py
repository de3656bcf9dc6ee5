"""What a simulator hands out: the state of games, which is a value, and what a step brought."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from worldsim.data.frames import Pixels
from worldsim.memory.panorama import Panorama
from worldsim.memory.panoramas import as_arrays
from worldsim.models.cache import Cache
from worldsim.models.cache import joined as joined_caches
from worldsim.trail import Kept, Trail

SEEN = "seen."
"""Before the names of the tensors of panoramas."""


@dataclass(frozen=True)
class State:
    """`b` games between two steps; nothing a step does changes it.

    latents: (b, z, y, x) of the frame on show. cache: the past, that frame included.
    seeds: (b,) long. text: (b, text width), or None. panoramas: one a game, where there is a
    camera; body: (b, ...), then, of `models.body.Body`, after the frame on show; hands: (b, ...),
    of `models.hands.Hands`, where events are told apart. trail: how it came about since a state
    was last `kept`.
    """

    latents: Tensor
    cache: Cache
    seeds: Tensor
    text: Tensor | None = None
    panoramas: tuple[Panorama, ...] = ()
    body: Tensor | None = None
    hands: Tensor | None = None
    trail: Trail | None = None

    @property
    def clock(self) -> Tensor:
        """Frames (b,) of each game since its reset, context included."""
        return self.cache.age

    def rows(self, index: Sequence[int] | Tensor) -> "State":
        """The games of the index, which may repeat, as a state that shares nothing with this."""
        chosen = torch.as_tensor(index, dtype=torch.long, device=self.latents.device)
        text = None if self.text is None else self.text[chosen]
        seen = tuple(self.panoramas[i] for i in chosen.tolist()) if self.panoramas else ()
        body = None if self.body is None else self.body[chosen]
        hands = None if self.hands is None else self.hands[chosen]
        cache = self.cache.rows(chosen)
        return State(self.latents[chosen], cache, self.seeds[chosen], text, seen, body, hands)

    def with_rows(self, index: Sequence[int] | Tensor, other: "State") -> "State":
        """This state with the games of the index replaced by those of the other, in order."""
        chosen = torch.as_tensor(index, dtype=torch.long, device=self.latents.device)
        seen = list(self.panoramas)
        for i, panorama in zip(chosen.tolist(), other.panoramas, strict=False):
            seen[i] = panorama

        def put(own: Tensor | None, theirs: Tensor | None) -> Tensor | None:
            return own if own is None or theirs is None else own.index_copy(0, chosen, theirs)

        return State(
            self.latents.index_copy(0, chosen, other.latents),
            self.cache.with_rows(chosen, other.cache),
            self.seeds.index_copy(0, chosen, other.seeds),
            put(self.text, other.text),
            tuple(seen),
            put(self.body, other.body),
            put(self.hands, other.hands),
        )

    def with_seeds(self, seeds: Sequence[int]) -> "State":
        """The same games with another future: seeds for the noise to come, one a game."""
        return replace(self, seeds=as_seeds(seeds, len(self.seeds)).to(self.seeds.device))

    def kept(self) -> tuple["State", Kept]:
        """This state to go on from, and what to keep of it.

        States kept one after the other share what is large.
        """
        trail = self.trail or Trail(self.tensors())
        return replace(self, trail=trail), Kept(self.latents, self.seeds, trail, self.shown)

    def moved(self) -> int:
        """Moves since a state was last `kept`."""
        return len(self.trail.moves) if self.trail else 0

    @property
    def shown(self) -> tuple[Pixels, ...]:
        """The pictures (h, w, 3) on show, one a game, where they are not simply decoded."""
        return tuple(game.shown for game in self.panoramas)

    def tensors(self) -> dict[str, Tensor]:
        """The state as tensors, to save; `Simulator.restore` takes them."""
        parts = {"latents": self.latents, "seeds": self.seeds, **self.cache.tensors()}
        if self.body is not None:
            parts["body"] = self.body
        if self.hands is not None:
            parts["hands"] = self.hands
        if self.panoramas:
            seen = as_arrays(self.panoramas)
            parts |= {f"{SEEN}{name}": torch.from_numpy(seen[name]) for name in seen}
        return parts if self.text is None else {**parts, "text": self.text}


@dataclass(frozen=True)
class Step:
    """What `f` frames of `b` games brought; frame i is what action i led to.

    latents: (b, f, z, y, x). reward: (b, f), expected. p_end: (b, f), probability that the
    episode terminated. p_ground: (b, f), probability of standing. motion: (b, f, 5), as
    `models.heads.body_motion`. events: (b, f, k), 1 for what happened, where events are told apart.
    """

    latents: Tensor
    reward: Tensor
    p_end: Tensor
    p_ground: Tensor
    motion: Tensor
    decode: Callable[[Tensor], Pixels]
    events: Tensor | None = None
    pictures: Pixels | None = None

    @cached_property
    def frames(self) -> Pixels:
        """The pictures (b, f, h, w, 3), uint8, decoded when first asked for."""
        return self.decode(self.latents) if self.pictures is None else self.pictures


def joined(states: Sequence[State]) -> State:
    """The games of all states, in order, as one state."""

    def all_of(parts: Sequence[Tensor | None]) -> Tensor | None:
        given = [part for part in parts if part is not None]
        return torch.cat(given) if given else None

    return State(
        torch.cat([state.latents for state in states]),
        joined_caches([state.cache for state in states]),
        torch.cat([state.seeds for state in states]),
        all_of([state.text for state in states]),
        tuple(panorama for state in states for panorama in state.panoramas),
        all_of([state.body for state in states]),
        all_of([state.hands for state in states]),
    )


def as_seeds(seeds: Sequence[int], b: int) -> Tensor:
    """The seeds (b,) of `b` games.

    Raises:
        ValueError: more or fewer.
    """
    if len(seeds) != b:
        raise ValueError(f"{len(seeds)} seeds for {b} games; needed one each")
    return torch.tensor([int(seed) for seed in seeds], dtype=torch.long)
