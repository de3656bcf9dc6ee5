"""What happens in dreams: events are drawn by their odds before the frames that show them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.cubes import CRACKS, DUG, FELL, GONE, HELD, HURT, PLACED
from worldsim.cubes import NONE as NOTHING
from worldsim.memory import loose
from worldsim.memory.expected import Expected
from worldsim.memory.painted import beside, fallen, painted
from worldsim.models.body import motion_of
from worldsim.models.company import in_company
from worldsim.models.draft import Draft, Drafted, undrawn
from worldsim.models.dynamics import Dynamics
from worldsim.models.faces import Faces
from worldsim.models.hands import Hands
from worldsim.models.overlay import Overlay
from worldsim.models.packed import pack
from worldsim.noise import chances_of, draft_noise_of, lucks_of, shares_of
from worldsim.state import State
from worldsim.surroundings import Ahead
from worldsim.trained import Model, played

_SURER = 2.0
"""Times their log-odds by which events are drawn: what happens in a world that has rules is not a
matter of chance, and a crack that is missed is missed by all that follow."""


class Happenings:
    """Draws events, follows those whose hands bring them about, and drafts what they look like.

    hands: float32. draft: packed for the type it multiplies in, if it is. names: of the events.
    """

    def __init__(
        self,
        hands: Hands,
        draft: Draft | None = None,
        names: Sequence[str] = (),
        faces: Faces | None = None,
        overlay: Overlay | None = None,
    ) -> None:
        self._hands, self._draft, self._faces, self._overlay = hands, draft, faces, overlay
        self._dug, self._gone, self._placed, self._fell, self._hurt = (
            [i for i, name in enumerate(names) if name in kinds]
            for kinds in (DUG, GONE, PLACED, FELL, HURT)
        )
        self._viewed = [i for i, name in enumerate(names) if name not in HELD]
        self._cracks = [i for i, name in enumerate(names) if name in CRACKS]
        self._more = [i for i in self._viewed if i not in self._cracks]

    @classmethod
    def of(cls, dynamics: Dynamics, dtype: torch.dtype) -> "Happenings | None":
        """Those of a dynamics model; None where it does not tell events apart.

        dtype: what drafts multiply in.
        """
        if dynamics.hands is None:
            return None
        hands, draft = played(dynamics.hands), _packed(dynamics.draft, dtype)
        pack(hands)
        faces, overlay = _packed(dynamics.faces), _packed(dynamics.overlay)
        return cls(hands, draft, dynamics.config.events, faces, overlay)

    def begun(self, latents: Tensor, led: Tensor) -> Tensor:
        """The hands (b, width) of games that have seen latents (b, t, ...), led by actions."""
        unknown = led.new_zeros(*led.shape[:2], self._hands.events)
        start = self._hands.start(len(latents))
        hands: Tensor = in_company(self._hands, latents, led, unknown, start)
        return hands[:, -1]

    def drawn(
        self, state: State, led: Tensor, coming: NDArray[np.floating] | None = None
    ) -> Tensor:
        """The events (b, f, k), 0 or 1, that actions (b, f, a) bring about.

        coming: (b, 3), the motion to which the first of them leads, where that is known.
        """
        assert state.hands is not None
        f, k = led.shape[1], self._hands.events
        shares, hands, seen = shares_of(state, (f, k)), state.hands, state.latents[:, None]
        away = aims(state).to(hands)
        events: list[Tensor] = []
        for i in range(f):
            if i:  # what the frames between show is not known yet
                before = led[:, i - 1 : i], events[-1][:, None], hands
                hands = in_company(self._hands, seen, *before)[:, 0]
            logits = in_company(self._hands.logits, hands, led[:, i], away)
            odds = (_SURER * logits).sigmoid()
            if i == 0 and coming is not None and state.body is not None:
                up = torch.from_numpy(coming[:, -1]).to(state.body)
                speeds = torch.stack([motion_of(state.body)[:, -1], up], 1)
                odds = odds * self._hands.spans.fit(speeds)
            events.append((shares[:, i] < odds).to(odds.dtype))
        return torch.stack(events, 1)

    def gone_on(self, state: State, led: Tensor, latents: Tensor, events: Tensor) -> Tensor:
        """The hands (b, width) after events (b, f, k) and frames (b, f, z, y, x)."""
        assert state.hands is not None
        hands: Tensor = in_company(self._hands, latents, led, events, state.hands)
        return hands[:, -1]

    def put(
        self, state: State, events: Tensor, ahead: Ahead, sure: bool = False
    ) -> tuple[Ahead, Tensor, Tensor]:
        """What is known of the next frames with the blocks in them that events (b, k) put there.

        And the blocks (b, 6) that these or others change; and the events, of which those are struck
        out by which a block would fall that cannot, and those added by which one falls that must.
        sure: they are what truly happens, and stay as they are.
        """
        gone, placed = self._broken(events), _happened(events, self._placed)
        blocks, events = self._blocks(ahead, events, gone), events.clone()
        if self._faces is None:
            return ahead, blocks, events
        falls = self._falls(state, placed, sure)
        for i in torch.nonzero(placed).flatten().tolist():
            if _happened(events[i : i + 1], self._fell):
                free = loose.support(ahead.views[i].panorama, blocks[i].numpy()) <= 0
                if falls[i] and free and blocks[i, -1] > 0:
                    blocks[i, 1] += 1
                elif not sure:
                    events[i, self._fell] = 0
        told = blocks * (gone | placed).to(blocks)[:, None], ahead.views, gone
        views = painted(self._faces, state.latents, *told)
        for i, view in enumerate(views):
            if placed[i]:
                views[i] = replace(view, panorama=loose.told(view.panorama, float(falls[i])))
            elif loose.waits(view.panorama):
                views[i] = self._settled(state, i, view, events[i], sure)
        return ahead._replace(views=views), blocks, events

    def _settled(
        self, state: State, i: int, view: Expected, events: Tensor, sure: bool
    ) -> Expected:
        """A view of a game with a block that may fall; its events (k,) are changed as in `put`."""
        falls = bool((events[self._fell] > 0).any()) or (not sure and loose.due(view.panorama))
        if falls and loose.free(view.panorama):
            events[self._fell] = 1
            return fallen(view, state.panoramas[i], float(lucks_of(state)[i]))
        if not sure:
            events[self._fell] = 0
        return view

    def _falls(self, state: State, placed: Tensor, sure: bool) -> Tensor:
        """Whether what is put down (b,) would fall: 1, 0, or 0.5 where nobody can tell."""
        unknown = torch.full(placed.shape, 0.5)
        if sure or self._faces is None or self._faces.loose is None or not placed.any():
            return unknown
        odds = in_company(self._faces.falls, state.latents)
        return (chances_of(state) < odds).float()

    def _broken(self, events: Tensor) -> Tensor:
        """Where (b,) events (b, k) leave a hole: a block breaks, and none is put down."""
        return _happened(events, self._gone) & ~_happened(events, self._placed)

    def drafted(
        self,
        state: State,
        prior: Tensor,
        led: Tensor,
        events: Tensor,
        ahead: Ahead,
        blocks: Tensor,
    ) -> Drafted:
        """What events (b, f, k), brought about by actions (b, f, a), make of priors (b, f, ...).

        Of the first frame's, of which so much is known: nothing is of those after it. blocks:
        (b, 6) that change. What is painted already stays. What is laid over the view has a network
        of its own, by which alone frames are drawn whose events change nothing else; but what it is
        to be hurt, hands do not bring about.
        """
        drawn, share = undrawn(prior.clone())
        if self._draft is not None:
            occasions = chosen = self._draft.occasions(led[:, 0], events[:, 0])
            if self._overlay is not None:
                chosen = chosen & _happened(events[:, 0], self._viewed)
            if chosen.any():
                noise = draft_noise_of(state, state.latents.shape[1:])[:, None]
                bold = ~_happened(events[:, 0], self._cracks) | _happened(events[:, 0], self._more)
                parts = prior, led, events, noise, blocks.to(prior)[:, None], bold[:, None]
                rows = tuple(part[chosen][:, :1] for part in parts)
                drawn[chosen, :1], share[chosen, :1] = self._draft.drafted(*rows)
                first = Drafted(drawn[:, :1], share[:, :1])
                drawn[:, :1], share[:, :1] = beside(first, prior[:, :1], ahead.views)
            sure = occasions & ~_happened(events[:, 0], self._hurt)
            if self._overlay is not None and sure.any():
                first = Drafted(drawn[sure, :1], share[sure, :1])
                told = prior[sure, :1], led[sure, 0], events[sure, 0]
                drawn[sure, :1], share[sure, :1] = self._overlay.laid(first, *told)
        return Drafted(drawn, share)

    def _blocks(self, ahead: Ahead, events: Tensor, gone: Tensor) -> Tensor:
        """The blocks (b, 6) that events (b, k) change, as `cubes` has them; all 0 where none is.

        gone: (b,), where one breaks.
        """
        dug, placed = (_happened(events, kinds).tolist() for kinds in (self._dug, self._placed))
        found = [
            view.block(puts, sure=goes) if digs or puts else NOTHING
            for view, digs, puts, goes in zip(ahead.views, dug, placed, gone.tolist(), strict=True)
        ]
        return torch.from_numpy(np.array(found, np.float32))


def _packed(part: Model | None, dtype: torch.dtype | None = None) -> Model | None:
    """A part of a dynamics model, if it has that, as it is played; dtype: see `pack`."""
    if part is not None:
        part = played(part)
        pack(part, dtype)
    return part


def _happened(events: Tensor, kinds: Sequence[int]) -> Tensor:
    """Where (b,) any of some kinds of events (b, k) happens."""
    return (events[:, kinds] > 0).any(1)


def aims(state: State) -> Tensor:
    """Blocks (b,) to what games are aimed at in their last frames; 0 where nobody knows."""
    if not state.panoramas:
        return torch.zeros(len(state.latents), device=state.latents.device)
    return torch.tensor([game.aim() for game in state.panoramas], device=state.latents.device)
