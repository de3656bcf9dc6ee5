"""Where in a picture a block is: which of its faces each place shows, before it is there.

What an event changes is a block: one that breaks, or one that is placed. Where its faces are drawn
follows from where the block is and how the camera stands; networks that know that have only its
colours left to find.

A cube (6,): the corner of its cell that is least right, down and ahead, counted from the eye in
blocks along the axes of the grid; yaw and pitch of the camera against that grid, in degrees,
positive to the right and down; and a sixth number that is 1 if there is one. A grid's axes can be
named in four ways, a quarter turn apart; a block's faces are the same in all of them.
"""

import math

import torch
from einops import rearrange
from torch import Tensor

from worldsim.camera import CUBE

_FINE = 4
"""Rays to a side of each place of a grid."""

_AXES, _PLACE = 3, 2
FACES = 2 * (_AXES + _PLACE) * _FINE**2
"""Channels of `faces`."""

_NEAREST = 0.05
"""Blocks before the eye at which what is seen begins."""

NONE = (0.0,) * CUBE

SIDES = "aside", "above", "below"
"""The sides of a block that look different."""

EXITS = "left", "right", "up", "down", "back", "ahead"
"""The sides by which one sees out of a block that is gone."""

SHOWN = tuple(SIDES.index({"up": "below", "down": "above"}.get(name, "aside")) for name in EXITS)
"""Which of a block's `SIDES` rays show that go to each of `EXITS`."""

GONE, PLACED = ("block_broken",), ("block_placed",)
"""Events that take the block aimed at away, and those that put one before it."""

FELL = ("block_fell",)
"""Those that let a block fall by one."""

DUG = *GONE, "block_cracked"
"""Events that change the block aimed at."""

HELD = "item_dropped", "log_collected"
"""Those that change what players hold, and nothing that is in the view."""

CRACKS = "block_cracked", "cracks_closed"
"""Those that change a block a little."""

HURT = "damage", "death"
"""Events that happen to players, whatever their hands do."""


def faces(cubes: Tensor, grid: tuple[int, int], tangent: float) -> Tensor:
    """What a frame shows of cubes (n, 6): (n, FACES, y, x) over a grid (y, x).

    Of `_FINE`**2 rays through each place: which side of the cube (right, level, ahead) the ray
    enters by and where on it, twice in [0, 1], then the same of the side by which it leaves. All is
    0 where the ray misses. tangent: of half the vertical field of view; pixels are square.
    """
    size = grid[0] * _FINE, grid[1] * _FINE
    rays, corner = _rays(cubes, size, tangent)
    enters, by, leaves, out = _times(rays, corner)
    met = (enters < leaves) & (leaves > _NEAREST) & (cubes[:, 5:] > 0)
    before = met & (enters > _NEAREST)
    parts = [
        _face(rays, corner, enters, by, before),
        _face(rays, corner, leaves, out, met),
    ]
    shown = torch.cat(parts, -1)
    layout = "n (y i x j) c -> n (c i j) y x"
    return rearrange(shown, layout, y=grid[0], i=_FINE, j=_FINE, x=grid[1])


def front(cubes: Tensor, size: tuple[int, int], tangent: float) -> Tensor:
    """What each pixel of frames of a size (h, w) shows of cubes (n, 6): (n, h, w, 4).

    Which side, an index of `SIDES`; where on it, twice in [0, 1]; and how many blocks ahead that
    is, 0 where it shows none. Of a cube that the eye is in it shows none.
    """
    met = _met(cubes, size, tangent, leaving=False)
    sides = torch.tensor(SHOWN, dtype=met.dtype, device=met.device)[met[..., 0].long()]
    return torch.cat([sides[..., None], met[..., 1:]], -1)


def inside(cubes: Tensor, size: tuple[int, int], tangent: float) -> Tensor:
    """What each pixel of frames of a size (h, w) shows of the cells of cubes (n, 6) from inside.

    (n, h, w, 4), as `front`, of the sides by which rays leave them, an index of `EXITS`.
    """
    return _met(cubes, size, tangent, leaving=True)


def entered(cubes: Tensor, size: tuple[int, int], tangent: float) -> Tensor:
    """The same of the sides by which rays enter them, an index of `EXITS`, too."""
    met = _met(cubes, size, tangent, leaving=False)
    ahead = met[..., :1]
    return torch.cat([ahead + 1 - 2 * (ahead % 2), met[..., 1:]], -1)


def moved(cubes: Tensor, blocks: float, degrees: float, generator: torch.Generator) -> Tensor:
    """Cubes (n, 6) as they are found by an eye that errs by about so much."""
    device = cubes.device
    place = torch.randn(len(cubes), 3, generator=generator, device=device) * blocks
    turn = torch.randn(len(cubes), 2, generator=generator, device=device) * degrees
    return torch.cat([cubes[:, :3] + place, cubes[:, 3:5] + turn, cubes[:, 5:]], 1)


def _met(cubes: Tensor, size: tuple[int, int], tangent: float, leaving: bool) -> Tensor:
    """Where (n, h, w, 4) rays enter or leave cubes (n, 6): as `inside`, of either side."""
    rays, corner = _rays(cubes, size, tangent)
    enters, by, leaves, out = _times(rays, corner)
    met = (enters < leaves) & (enters > _NEAREST) & (cubes[:, 5:] > 0)
    time, axis = (leaves, out) if leaving else (enters, by)
    face = _face(rays, corner, time, axis, met)
    exits = 2 * axis + (rays.gather(-1, axis[..., None])[..., 0] > 0)
    shown = torch.stack([exits.to(face), face[..., -2], face[..., -1], time * met], -1)
    return rearrange(shown, "n (h w) c -> n h w c", h=size[0])


def _rays(cubes: Tensor, size: tuple[int, int], tangent: float) -> tuple[Tensor, Tensor]:
    """The rays (n, h * w, 3) of frames of a size (h, w), and the corners (n, 3) of cubes.

    One block long along the view axis, in a grid whose last axis the camera looks most along.
    """
    rows, columns = size
    quarter = torch.round(cubes[:, 3] / 90)
    yaw, pitch = torch.deg2rad(cubes[:, 3] - 90 * quarter), torch.deg2rad(cubes[:, 4])
    down = ((torch.arange(rows, device=cubes.device) + 0.5) / rows * 2 - 1) * tangent
    right = (torch.arange(columns, device=cubes.device) + 0.5) / columns * 2 - 1
    right = right * tangent * columns / rows
    v, u = (part.flatten() for part in torch.meshgrid(down, right, indexing="ij"))
    cos, sin = pitch.cos()[:, None], pitch.sin()[:, None]
    y, level = v * cos + sin, cos - v * sin
    cos, sin = yaw.cos()[:, None], yaw.sin()[:, None]
    rays = torch.stack([u * cos + level * sin, y, level * cos - u * sin], -1)
    return torch.where(rays.abs() < 1e-6, 1e-6, rays), _turned(cubes[:, :3], quarter)


def _times(rays: Tensor, corner: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """When (n, p) rays (n, p, 3) enter cells (n, 3), by which axis, and the same of leaving."""
    times = torch.stack([corner[:, None] / rays, (corner[:, None] + 1) / rays])
    enters, by = times.amin(0).max(-1)
    leaves, out = times.amax(0).min(-1)
    return enters, by, leaves, out


def _turned(corner: Tensor, quarter: Tensor) -> Tensor:
    """The corners (n, 3) in a grid whose axes are turned right by so many right angles (n,)."""
    middle = corner + 0.5
    angle = quarter * (math.pi / 2)
    cos, sin = angle.cos(), angle.sin()
    x, z = middle[:, 0] * cos - middle[:, 2] * sin, middle[:, 0] * sin + middle[:, 2] * cos
    return torch.stack([x, middle[:, 1], z], 1) - 0.5


def _face(rays: Tensor, corner: Tensor, time: Tensor, side: Tensor, there: Tensor) -> Tensor:
    """Which side (n, p) rays (n, p, 3) meet at a time (n, p), and where on it: (n, p, 5)."""
    sides = torch.nn.functional.one_hot(side, _AXES).to(rays.dtype)
    point = (rays * time[..., None] - corner[:, None]).clamp(0, 1)
    across = torch.where(side == 0, point[..., 2], point[..., 0])
    along = torch.where(side == 1, point[..., 2], point[..., 1])
    found = torch.cat([sides, across[..., None], along[..., None]], -1)
    return found * there[..., None]
