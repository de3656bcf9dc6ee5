"""Blocks that players put down, painted into what is known of a frame before it is dreamed.

Where the block is follows from the grid, what it looks like from `models.faces`; so it is there
from the first frame on, at its place and as far away as it is.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from worldsim import cubes
from worldsim.memory import bared, hollow, loose
from worldsim.memory.expected import Expected
from worldsim.memory.origins import NONE
from worldsim.memory.outlined import fitted, scaled, wider
from worldsim.memory.panorama import Panorama
from worldsim.memory.rays import Pixels, Places
from worldsim.models.company import in_company
from worldsim.models.draft import Drafted
from worldsim.models.faces import TEXELS, Faces, Looks, colors

_NEARER, _BEFORE = 1.05, 1.6
"""Times the distance to what is there up to which a block is not hidden by that; and up to which
what is there may be the block itself."""


def painted(
    faces: Faces, latents: Tensor, blocks: Tensor, views: Sequence[Expected], gone: Tensor
) -> list[Expected]:
    """Views of `b` games with blocks (b, 6) in them, 0 where there is none.

    latents: (b, z, y, x), of the frames before, which show what is in hand and aimed at, and in
    which light. gone: (b,), where it is a block that is no longer there: then what shows are the
    sides of those beyond it, and what is `bared` else.
    """
    if not (blocks[:, -1] > 0).any():
        return list(views)
    looks = in_company(faces.looks, latents)
    out = list(views)
    for i, (block, lost) in enumerate(zip(blocks, gone.tolist(), strict=True)):
        if block[-1] > 0:
            own = Looks(*(part[i : i + 1] for part in looks))
            out[i] = (_without if lost else _with)(out[i], block, own)
    return out


def fallen(view: Expected, before: Panorama, luck: float) -> Expected:
    """A view in which the block that was put down last has fallen by one; it was there `before`.

    luck: of the game; see `Panorama.known`. Where the block was is what was known of that before.
    """
    cube = torch.from_numpy(loose.cube_of(view.panorama))
    cube[1] += 1
    game, bare = loose.without(view.panorama, before)
    coat = torch.from_numpy(game.coat)[None] / 255
    looks = Looks(coat, torch.ones(1, len(coat[0]), 2, 2, 3), torch.zeros(1, 0))
    after = _with(Expected(game, *game.known(before, luck)), cube, looks)
    assert after.painted is not None
    return replace(after, painted=after.painted | (bare & after.sure))


def _coat(looks: Looks) -> Pixels:
    """What the sides (s, TEXELS, TEXELS, 3) of a block look like in their light."""
    middles = (torch.arange(TEXELS) + 0.5) / TEXELS
    parts = torch.meshgrid(torch.arange(float(len(cubes.SIDES))), middles, middles, indexing="ij")
    points = torch.stack([parts[0], parts[2], parts[1]], -1).flatten(0, -2)
    shown = colors(looks, points[None].to(looks.light))[0].clamp(0, 1) * 255
    coat: Pixels = shown.round().byte().cpu().numpy().reshape(*parts[0].shape, 3)
    return coat


def _with(view: Expected, block: Tensor, looks: Looks) -> Expected:
    """A view with a block (6,) in it."""
    camera, (height, width) = view.panorama.camera, view.away.shape
    front = cubes.front(block[None].float(), (height, width), camera.tangent)[0]
    far = front[..., 3].cpu().numpy()
    there = (far > 0) & ((view.away <= 0) | (far < _NEARER * view.away))
    there[camera.visible(height) :] = False
    cube = block.cpu().numpy()
    game = loose.put(hollow.filled(view.panorama, cube), cube, _coat(looks))
    after = _over(view, there, _shown(looks, front), far)
    return replace(after, panorama=game, put=True)


def _without(view: Expected, block: Tensor, looks: Looks) -> Expected:
    """A view without a block (6,) that was in it."""
    camera, (height, width) = view.panorama.camera, view.away.shape
    visible = camera.visible(height)
    block = fitted(block.cpu(), view.away, visible, camera.tangent)
    seen = scaled(block, view.away, camera.tangent)
    asked = block[None].float(), (height, width), camera.tangent
    by, *_, near = np.moveaxis(cubes.entered(*asked)[0].cpu().numpy(), -1, 0)
    full = bared.closed(block, seen, visible, camera.tangent, (looks.closed[0] > 0).cpu().numpy())
    gone = (near > 0) & (near < _BEFORE * seen) & ~full[by.astype(int)]
    gone[visible:] = False
    exits = cubes.inside(*asked)[0]
    exits[..., 0] += len(cubes.SIDES)
    wall, away = _shown(looks, exits), exits[..., 3].cpu().numpy()
    walled = gone & full[exits[..., 0].long().cpu().numpy() - len(cubes.SIDES)]
    edge = wider(wider(gone)) & ~gone
    edge[visible:] = False
    whole = gone | edge
    least = bared.least(block, height, camera.tangent)
    columns = bared.behind(seen, view.sure & ~whole, whole, least, visible)
    like = np.arange(height)[:, None], columns
    ground = (exits[..., 0] == len(cubes.SIDES) + cubes.EXITS.index("down")).cpu().numpy()
    supposed = (columns >= 0) & (~walled | (ground & bared.same(seen[like], away)))
    walled |= gone & (columns < 0)
    shown = np.where(supposed[..., None], view.picture[like], wall)
    far = np.where(supposed, np.maximum(view.away[like], away * gone), away)  # not in the hole
    after = _over(view, walled | supposed, shown, far)
    return replace(after, panorama=hollow.dug(view.panorama, block.numpy()))


def _shown(looks: Looks, points: Tensor) -> Pixels:
    """The colours (h, w, 3) of what pixels show of blocks, (h, w, 4) of `cubes`."""
    shown = colors(looks, points.flatten(0, 1)[None].to(looks.light))[0].clamp(0, 1)
    out: Pixels = (shown * 255).round().byte().cpu().numpy().reshape(*points.shape[:2], 3)
    return out


def _over(view: Expected, there: NDArray[np.bool_], picture: Pixels, away: Places) -> Expected:
    """A view with other colours and distances where (h, w) they are painted."""
    game = view.panorama
    now = np.array([game.walked, game.ticks], view.ages.dtype)
    return replace(
        view,
        picture=np.where(there[..., None], picture, view.picture),
        ages=np.where(there[..., None], now, view.ages),
        origins=np.where(there[..., None], NONE, view.origins).astype(view.origins.dtype),
        away=np.where(there, away, view.away).astype(view.away.dtype),
        painted=there,
    )


def beside(drafted: Drafted, known: Tensor, views: Sequence[Expected]) -> Drafted:
    """Drafts (b, 1, ...) of frames in some of which blocks are painted, as `known` says.

    Of these only what is laid over the view is left to the draft: it would draw another.
    """
    y, height = known.shape[-2], len(views[0].picture)
    rows = views[0].panorama.camera.visible(height) * y // height
    prior, share = drafted.prior.clone(), drafted.share.clone()
    for i, view in enumerate(views):
        if view.painted is not None:
            whole = torch.from_numpy(view.painted)[None].float()
            done = adaptive_avg_pool2d(whole, (y, known.shape[-1])).to(share)
            prior[i, 0, :, :rows] = known[i, 0, :, :rows]
            share[i, 0, :, :rows] = done[:, :rows]
    return Drafted(prior, share)
