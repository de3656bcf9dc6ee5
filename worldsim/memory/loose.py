"""The block that was put down last, as long as it may yet fall: where it is, and what it hides.

A block is remembered whole, also what of it is out of view. It falls by one each time that an event
says so. What it had hidden is then seen again: so that is set aside where a block is put, and taken
back where it is no longer. Nothing of it stays in the air.
"""

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.lattice import inside
from worldsim.memory.nearby import NOWHERE
from worldsim.memory.panorama import NEVER, Panorama
from worldsim.memory.rays import Ages, Angles, Pixels, Places, crossed, far_from, place_of
from worldsim.memory.rays import facing as facing_of

WAIT = 2
"""Ticks after it was put down, or fell last, in which a block may fall."""

_GROWN = 0.1
"""Blocks to each side of a block in which what shows its edge is."""

_NEARER = 0.8
"""Share of how far away a block is up to which what is seen there hides it."""

_CORE = 0.25
"""Blocks from a cell's sides within which what passes is not of what fills it."""

_OVER = 0.2
"""Blocks above a cell within which what is seen is of its top."""

_FEW = 2.0
"""Places seen that make a cell count as full."""

_FRAMES = 8.0
"""Ticks after which a place seen counts for 1/e."""


def waits(game: Panorama) -> bool:
    """Whether a block was put down that may fall in the tick that led here."""
    return game.ticks - float(game.loose[3]) <= WAIT


def told(game: Panorama, falls: float) -> Panorama:
    """With what is known of whether the block that was put down last falls: 0 to 1."""
    return replace(game, loose=np.array([*game.loose[:4], falls], np.float64))


def free(game: Panorama) -> bool:
    """Whether the block that was put down last may fall: it is not firm, and nothing holds it."""
    return bool(game.loose[4] > 0) and support(game, cube_of(game)) <= 0


def due(game: Panorama) -> bool:
    """Whether it has to: it does fall, nothing is below it for sure, and it has waited."""
    waited = game.ticks - game.loose[3] >= WAIT and game.loose[4] == 1
    return bool(waited) and support(game, cube_of(game)) < 0


def cube_of(game: Panorama) -> NDArray[np.float32]:
    """The block (6,) that was put down last, as `worldsim.cubes` has it, seen from here."""
    corner = game.loose[:3] - inside(game.lattice, game.lens)
    return np.array([*corner, game.yaw + game.lattice[0], game.pitch, 1.0], np.float32)


def put(game: Panorama, cube: NDArray[np.floating], coat: Pixels) -> Panorama:
    """With a cube (6,), as seen from here, as the block that was put down last; see `Panorama`."""
    loose = np.array([*game.corner(cube), game.ticks, game.loose[4]], np.float64)
    return replace(game, loose=loose, coat=coat)


def support(game: Panorama, cube: NDArray[np.floating]) -> int:
    """Whether something is known to be right below a cube (6,), seen from here: 1, -1 if nothing.

    Which of these more was seen of; 0 where too little was.
    """
    there = game.stood[:, 0] < NOWHERE
    below = np.add(game.corner(cube), (0.0, 1.0, 0.0))
    eyes = inside(game.lattice, game.stood[there, :3].T)[..., None] - below[:, None, None]
    *places, liquid = np.moveaxis(game.points[there], -1, 0)
    ends = inside(game.lattice, np.stack(places)) - below[:, None, None]
    ages = (game.ticks - 1 - np.flatnonzero(there)) % len(game.stood)
    weights = np.exp(-ages / _FRAMES)
    level = (np.abs(ends[::2] - 0.5) < 0.5 - _CORE).all(0)
    full = level & (liquid != 1) & (ends[1] > -_OVER) & (ends[1] < 1 - _CORE)
    steps = ends - eyes
    steps = np.where(np.abs(steps) < 1e-6, 1e-6, steps)
    times = np.stack([(_CORE - eyes) / steps, (1 - _CORE - eyes) / steps])
    enters, leaves = times.min(0).max(0), times.max(0).min(0)
    through = (enters < leaves) & (enters > 0) & (leaves < 1)
    seen, past = float(weights @ full.sum(-1)), float(weights @ through.sum(-1))
    return int(np.sign(seen - past)) if max(seen, past) > _FEW else 0


def without(game: Panorama, before: Panorama) -> tuple[Panorama, NDArray[np.bool_]]:
    """Without the block that was put down last, which the last frame showed as it was `before`.

    And where (h, w) the camera sees that it is gone. What was seen since it was there counts as not
    seen where the block was, and not at all for what is near.
    """
    since, own = int(game.loose[3]), game.copy()
    _taken_back(own.colors, own.places, own.when, *_stands(before), before.lens, since, NEVER)
    shown = _shown(before, game.distance)
    slots = np.arange(since, game.ticks) % len(own.stood)
    own.points[slots], own.stood[slots] = NOWHERE, NOWHERE
    distance = np.where(shown, np.float32(np.nan), game.distance)
    return replace(own, distance=distance), _shown(game, None)


def remember(game: Panorama) -> None:
    """Keep the block that was put down last, and behind it what it hides: in place."""
    seen = game.walked, game.ticks, NEVER
    _remembered(game.colors, game.places, game.when, *_stands(game), game.coat, game.lens, *seen)


def _stands(game: Panorama) -> tuple[Angles, float]:
    """The corner (3,) of the block from the eye, and the turn, in a grid that is looked along."""
    quarter = np.pi / 2 * np.round((game.yaw + game.lattice[0]) / 90)
    x, y, z = game.loose[:3] - inside(game.lattice, game.lens) + 0.5
    cos, sin = np.cos(quarter), np.sin(quarter)
    corner = np.array([x * cos - z * sin, y, x * sin + z * cos]) - 0.5
    return corner, float(np.radians(game.lattice[0]) - quarter)


def _shown(game: Panorama, distance: Places | None) -> NDArray[np.bool_]:
    """Where (h, w) the camera sees the block, unless what is that far away hides it."""
    shape, angles = game.frame.shape[:2], np.radians([game.yaw, game.pitch])
    away = np.full(shape, NOWHERE, np.float32) if distance is None else distance
    shown = _met(away, *_stands(game), facing_of(*angles), game.camera.tangent)
    shown[game.camera.visible(shape[0]) :] = False
    return shown


@njit(cache=True, nogil=True, error_model="numpy")
def _met(
    away: Places, corner: Angles, turn: float, facing: Angles, tangent: float
) -> NDArray[np.bool_]:
    """Which pixels of a frame (h, w) meet a cell with what is not clearly nearer `away`."""
    out, cos, sin = np.zeros(away.shape, np.bool_), np.cos(turn), np.sin(turn)
    for row in range(away.shape[0]):
        for column in range(away.shape[1]):
            x, y, z = place_of(row, column, 1.0, away.shape, tangent, facing)
            enters, leaves, _ = crossed(x * cos + z * sin, y, z * cos - x * sin, corner, _GROWN)
            met = 0 < enters < leaves
            out[row, column] = met and away[row, column] > _NEARER * enters
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _waves(count: int, whole: float, begin: float) -> NDArray[np.float64]:
    """Sines and cosines (2, count) of the middles of parts of an angle, from its begin on."""
    angles = (np.arange(count) + 0.5) / count * whole + begin
    return np.stack((np.sin(angles), np.cos(angles)))


@njit(cache=True, nogil=True, error_model="numpy")
def _remembered(
    colors: Pixels,
    places: Places,
    when: Ages,
    corner: Angles,
    turn: float,
    coat: Pixels,
    eye: Angles,
    walked: int,
    ticks: int,
    never: int,
) -> None:
    """Put a block with such a coat before what is kept in its directions."""
    shape, fine = (colors.shape[1], colors.shape[2]), coat.shape[1]
    tilts, yaws = _waves(shape[0], np.pi, -np.pi / 2), _waves(shape[1], 2 * np.pi, turn)
    plain = _waves(shape[1], 2 * np.pi, 0.0)
    for row in range(shape[0]):
        y, level = tilts[0, row], tilts[1, row]
        for column in range(shape[1]):
            x, z = level * yaws[0, column], level * yaws[1, column]
            enters, leaves, _ = crossed(x, y, z, corner, _GROWN)
            if not 0 < enters < leaves:
                continue
            known = when[0, row, column, 0] != never
            if known and far_from(eye, places[0, row, column]) < _NEARER * enters:
                continue
            if known:
                colors[1, row, column] = colors[0, row, column]
                places[1, row, column] = places[0, row, column]
                when[1, row, column] = when[0, row, column]
            enters, leaves, by = crossed(x, y, z, corner, 0.0)
            if enters >= leaves:
                continue
            right, down, ahead = (
                enters * x - corner[0],
                enters * y - corner[1],
                enters * z - corner[2],
            )
            across, along = ahead if by == 0 else right, ahead if by == 1 else down
            side = 0 if by != 1 else (1 if y > 0 else 2)
            i = min(max(int(along * fine), 0), fine - 1)
            j = min(max(int(across * fine), 0), fine - 1)
            colors[0, row, column] = coat[side, i, j]
            places[0, row, column, 0] = eye[0] + enters * level * plain[0, column]
            places[0, row, column, 1] = eye[1] + enters * y
            places[0, row, column, 2] = eye[2] + enters * level * plain[1, column]
            when[0, row, column, 0], when[0, row, column, 1] = walked, ticks


@njit(cache=True, nogil=True, error_model="numpy")
def _taken_back(
    colors: Pixels,
    places: Places,
    when: Ages,
    corner: Angles,
    turn: float,
    eye: Angles,
    since: int,
    never: int,
) -> None:
    """Let what is behind be what was seen, where a cell's block was seen `since` a tick."""
    shape = colors.shape[1], colors.shape[2]
    tilts, yaws = _waves(shape[0], np.pi, -np.pi / 2), _waves(shape[1], 2 * np.pi, turn)
    for row in range(shape[0]):
        y, level = tilts[0, row], tilts[1, row]
        for column in range(shape[1]):
            if when[0, row, column, 0] == never or when[0, row, column, 1] < since:
                continue
            x, z = level * yaws[0, column], level * yaws[1, column]
            enters, leaves, _ = crossed(x, y, z, corner, _GROWN)
            far = far_from(eye, places[0, row, column])
            if 0 < enters < leaves and far > _NEARER * enters:
                colors[0, row, column] = colors[1, row, column]
                places[0, row, column] = places[1, row, column]
                when[0, row, column] = when[1, row, column]
                when[1, row, column] = never
