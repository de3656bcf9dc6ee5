"""What games with a camera have seen, between the networks and `memory.panorama`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from worldsim.camera import CameraConfig
from worldsim.coding import depths, encoded
from worldsim.data.frames import Pixels
from worldsim.memory.daylight import Daylight, Light, skies_of
from worldsim.memory.expected import Expected
from worldsim.memory.odometry import walked
from worldsim.memory.panorama import Panorama
from worldsim.memory.panoramas import begun, dreamed, each, expected, pooled
from worldsim.memory.tilt import tilted
from worldsim.memory.vistas import Vistas
from worldsim.models.body import MEASURED, Body
from worldsim.models.company import in_company
from worldsim.models.depth import Depth
from worldsim.models.draft import Drafted
from worldsim.models.dynamics import Dynamics
from worldsim.models.grid import Grid
from worldsim.models.packed import pack
from worldsim.models.tokenizer import Tokenizer
from worldsim.noise import lucks_of
from worldsim.state import State
from worldsim.trained import played


class Ahead(NamedTuple):
    """What is known of `b` games' next frames.

    motions: (b, 3), in blocks forward, right and up, that will lead there. views: one a game.
    """

    motions: Tensor
    views: list[Expected]


class Given(NamedTuple):
    """What actions of `b` games led to, where that is known and not dreamed.

    motions: (b, 3), blocks forward, right and up. events: (b, 1, k), 0 or 1.
    """

    motions: NDArray[np.float64] | None = None
    events: Tensor | None = None


class Told(NamedTuple):
    """What is known of frames before they are drawn.

    led: (b, f, a), the actions. events: (b, f, k), what they bring about, if that is told apart.
    ahead: what is known of the first frame's view, where there is a camera; drafted: what its
    events make of it, as the dynamics is told.
    """

    led: Tensor
    events: Tensor | None
    ahead: Ahead | None = None
    drafted: Drafted | None = None


class Surroundings:
    """Makes priors of panoramas, and panoramas of what was dreamed.

    depth: None lets everything seen count as far away, so that only turns are known beforehand.
    body: tells where cameras point and how players move; grid: how they stand in the grid of
    blocks, if there is one. Both float32. vistas: what is supposed where nothing was seen; the last
    view, turned, by default. daylight: how days pass, if they do.
    """

    def __init__(
        self,
        camera: CameraConfig,
        tokenizer: Tokenizer,
        depth: Depth | None,
        dtype: torch.dtype,
        body: Body,
        grid: Grid | None = None,
        vistas: Vistas | None = None,
        daylight: Daylight | None = None,
    ) -> None:
        self._grid, self._vistas, self._daylight = grid, vistas, daylight
        self._camera, self._tokenizer, self._depth = camera, tokenizer, depth
        self._dtype, self._body = dtype, body

    @classmethod
    def of(
        cls,
        dynamics: Dynamics,
        tokenizer: Tokenizer,
        depth: Depth | None,
        dtype: torch.dtype,
        vistas: Vistas | None = None,
        daylight: Daylight | None = None,
    ) -> "Surroundings | None":
        """Those of a dynamics model of a game with a camera; else None. See `Surroundings`."""
        if dynamics.body is None:
            return None
        away = None if depth is None else played(depth)
        if away is not None:
            pack(away, dtype)
        body, grid = played(dynamics.body), None
        if dynamics.grid is not None:
            grid = played(dynamics.grid)
            pack(grid)
        return cls(dynamics.config.camera, tokenizer, away, dtype, body, grid, vistas, daylight)

    def begun(
        self, latents: Tensor, pictures: Pixels, led: Tensor, pitches: Sequence[float] | None = None
    ) -> tuple[tuple[Panorama, ...], Tensor]:
        """The panoramas and bodies (b, ...) of games that have seen frames (b, t, ...).

        led: (b, t, a), the actions that led to each, zeros for the first. pitches: (b,) degrees of
        the last frames; what the frames tell by default. What several saw alike is looked at once.
        """
        known = [] if pitches is None else [np.asarray(pitches)]
        first = _firsts(pictures, latents.cpu().numpy(), led.cpu().numpy(), *known)
        own = sorted(set(first))
        told = None if pitches is None else [pitches[i] for i in own]
        games, bodies = self._begun(latents[own], pictures[own], led[own], told)
        at = [own.index(i) for i in first]
        seen = (games[j] if own[j] == i else games[j].copy() for i, j in enumerate(at))
        return tuple(seen), bodies[at]

    def _begun(
        self, latents: Tensor, pictures: Pixels, led: Tensor, pitches: Sequence[float] | None
    ) -> tuple[tuple[Panorama, ...], Tensor]:
        acts, start = led[:, 1:].cpu().numpy(), self._body.start(len(latents))
        turns = acts[..., self._camera.pitch]
        since = np.cumsum(np.pad(turns, ((0, 0), (1, 0))), 1)  # degrees down, (b, t+1)
        if pitches is None:
            told = in_company(self._body.level, latents.flatten(0, 1).float())
            now, doubt = (part.double().cpu().numpy().reshape(since.shape) for part in told)
            told = now - since + since[:, -1:], doubt
            pitches = each(partial(tilted, self._camera), pictures, acts, *told)
        firsts = np.clip(pitches - since[:, -1], -90, 90).tolist()
        tilts = _tilts(firsts, turns)
        away = self._away(latents, pictures.shape[2:4], tilts)
        told = self._measured(pictures, acts, tilts, np.abs(away[:, 1:]))
        measured = F.pad(told, (0, 0, 1, 0), value=torch.nan)
        tracks = in_company(self._body, latents, led, start, None, measured)
        motions = tracks.felt[:, 1:].double().cpu().numpy()
        read = self._grid_of(latents, tilts)
        seen = begun(self._camera, acts, motions, pictures, away, firsts, read)
        if self._daylight is not None:
            yaws = np.cumsum(np.pad(acts[..., self._camera.yaw], ((0, 0), (1, 0))), 1)
            skies = each(partial(skies_of, camera=self._camera), pictures, away, tilts, yaws)
            seen = _timed(seen, map(self._daylight.began, skies))
        return seen, tracks.bodies[:, -1]

    def ahead(self, state: State, actions: Tensor, motions: NDArray[np.float64]) -> Ahead:
        """What is known of the frames that actions (b, a) lead to by motions (b, 3)."""
        led, lucks = actions.cpu().numpy(), lucks_of(state)
        games = state.panoramas
        if self._daylight is not None:
            games = _timed(games, (self._daylight.later(game.hours) for game in games))
        views = expected(games, led, motions, lucks, self._vistas)
        return Ahead(torch.from_numpy(motions).float(), views)

    def motions(self, state: State, actions: Tensor) -> NDArray[np.float64]:
        """The motions (b, 3) that bodies expect, stopped by what is known to be solid."""
        assert state.body is not None
        near = torch.from_numpy(np.stack([game.nearby().ravel() for game in state.panoramas]))
        seen = state.body, actions, near.to(state.body.device)
        moves = in_company(self._body.coming, *seen).double().cpu().numpy()
        return np.stack(each(Panorama.stopped, state.panoramas, moves))

    def prior(self, state: State, ahead: Ahead, f: int) -> Tensor:
        """What the dynamics is told (b, f, z + 3, y, x) of frames: zeros after the first."""
        pictures = np.stack([view.lit for view in ahead.views])
        recents = np.stack(each(Expected.recent, ahead.views))
        latents = encoded(self._tokenizer, pictures, state.latents.device, self._dtype)
        known = torch.from_numpy(pooled(recents, (latents.shape[-2], latents.shape[-1])))
        prior = torch.cat([latents, known.to(latents)], 1)[:, None]
        return F.pad(prior, (0, 0, 0, 0, 0, 0, 0, f - 1))

    def distances(self, state: State, actions: Tensor, latents: Tensor) -> NDArray[np.float32]:
        """Blocks ahead (b, f, h, w) to what frames (b, f, z, y, x) that actions led to show.

        As `coding.depths` has them.
        """
        games = state.panoramas
        turns = actions[..., self._camera.pitch].cpu().numpy()
        tilts = _tilts([game.pitch for game in games], turns)[:, 1:]
        return self._away(latents, games[0].frame.shape[:2], tilts)

    def gone_on(
        self,
        state: State,
        told: Told,
        away: NDArray[np.float32],
        pictures: Pixels,
        spend: bool = False,
    ) -> tuple[State, Tensor, Pixels]:
        """The state with panoramas and bodies after what was told of led to dreamed frames.

        And the motions (b, f, 5) that did, as `models.heads.body_motion`; and what the frames show
        (b, f, h, w, 3): of known things that look alike, what is kept of them. away: (b, f, h, w),
        their `distances`; pictures: (b, f, ...). Players move as their bodies expect: a dream is
        no evidence of a motion, and seems to move too little. spend: the state is not used again.
        """
        assert told.ahead is not None
        assert told.drafted is not None
        actions, ahead, motions, shown = told.led, told.ahead, [], []
        fresh = (told.drafted.share[:, :, 0] > 0).cpu().numpy()
        for i in range(actions.shape[1]):
            if i:
                went = self.motions(state, actions[:, i])
                ahead = self.ahead(state, actions[:, i], went)
            assert state.body is not None
            tilts = np.array([[view.panorama.pitch] for view in ahead.views])
            before = np.array([[game.pitch] for game in state.panoramas])
            turns = actions[:, i, [self._camera.yaw]], torch.from_numpy(tilts - before)
            motions.append(torch.cat([part.cpu().float() for part in (ahead.motions, *turns)], -1))
            led = actions[:, i], state.body, ahead.motions.to(state.body)
            body = in_company(self._body.dreamed, *led)
            seen = pictures[:, i], away[:, i], fresh[:, i]
            after = dreamed(ahead.views, *seen, spend or i > 0)
            state = replace(state, panoramas=after, body=body)
            shown.append(np.stack([game.shown for game in after]))
        return state, torch.stack(motions, 1).to(actions.device), np.stack(shown, 1)

    def _grid_of(
        self, latents: Tensor, pitches: NDArray[np.floating]
    ) -> NDArray[np.floating] | None:
        """What frames (b, t, ...) tell of the grid of blocks, where there is one: (b, t, 4, 2)."""
        if self._grid is None:
            return None
        tilts = torch.from_numpy(pitches.ravel()).to(latents)
        told: Tensor = in_company(self._grid, latents.flatten(0, 1).float(), tilts)
        return told.double().cpu().numpy().reshape(*latents.shape[:2], *told.shape[1:])

    def _away(
        self, latents: Tensor, size: tuple[int, ...], pitches: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        rows, (height, width) = (latents.flatten(0, 1), pitches.ravel()), size
        away = depths(self._depth, *rows, (height, width), self._dtype)
        return away.reshape(*latents.shape[:2], height, width)

    def _measured(self, *rows: NDArray[Any]) -> Tensor:
        """The motions (b, f, 7) between frames (b, f+1, h, w, 3); NaN where depth is not known.

        rows: of each game what `odometry.walked` takes.
        """
        if self._depth is None:
            told = np.full((*rows[1].shape[:2], MEASURED), np.nan, np.float32)
        else:
            told = np.stack(each(partial(walked, self._camera), *rows))
        return torch.from_numpy(told).to(self._body.angles.device)


def _firsts(*rows: NDArray[Any]) -> list[int]:
    """For each row the number of the first that is equal in all parts."""
    seen: dict[tuple[bytes, ...], int] = {}
    keys = (tuple(part.tobytes() for part in row) for row in zip(*rows, strict=True))
    return [seen.setdefault(key, i) for i, key in enumerate(keys)]


def _timed(
    games: Sequence[Panorama], times: Iterable[tuple[NDArray[np.float64], Light]]
) -> tuple[Panorama, ...]:
    """Games at other hours, in their light."""
    both = zip(games, times, strict=True)
    return tuple(replace(game, hours=hours, light=light) for game, (hours, light) in both)


def _tilts(pitches: Sequence[float], turns: NDArray[np.floating]) -> NDArray[np.float64]:
    """The camera's pitch (b, t+1): as given (b,), then after each of the turns (b, t)."""
    tilts = [np.asarray(pitches, np.float64)]
    for turn in turns.T:
        tilts.append(np.clip(tilts[-1] + turn, -90, 90))
    return np.stack(tilts, 1)
