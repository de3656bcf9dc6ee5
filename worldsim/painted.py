"""Blocks that players put down, painted into what is known of a frame before it is dreamed.

Where the block is follows from the grid, what it looks like from `models.faces`; so it is there
from the first frame on, at its place and as far away as it is.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from worldsim import cubes, loose
from worldsim.expected import Expected
from worldsim.models.company import in_company
from worldsim.models.draft import Drafted
from worldsim.models.faces import TEXELS, Faces, Looks, colors
from worldsim.origins import NONE
from worldsim.panorama import Panorama
from worldsim.rays import Pixels

_MOST = 0.25
"""Share of a place from which on it is painted rather than drafted where a block is gone."""

_NEARER = 1.05
"""Times the distance to what was there up to which a block is not hidden by it."""


def painted(
    faces: Faces, latents: Tensor, blocks: Tensor, views: Sequence[Expected], gone: Tensor
) -> list[Expected]:
    """Views of `b` games with blocks (b, 6) in them, 0 where there is none.

    latents: (b, z, y, x), of the frames before, which show what is in hand and aimed at, and in
    which light. gone: (b,), where it is a block that is no longer there: then what shows are the
    sides of those beyond it, as far as there are any.
    """
    if not (blocks[:, -1] > 0).any():
        return list(views)
    looks = in_company(faces.looks, latents)
    told = zip(views, blocks, gone.tolist(), strict=True)
    return [
        _with(view, block, Looks(*(part[i : i + 1] for part in looks)), lost)
        if block[-1] > 0
        else view
        for i, (view, block, lost) in enumerate(told)
    ]


def fallen(view: Expected, before: Panorama, luck: float) -> Expected:
    """A view in which the block that was put down last has fallen by one; it was there `before`.

    luck: of the game; see `Panorama.known`. Where the block was is what was known of that before.
    """
    cube = torch.from_numpy(loose.cube_of(view.panorama))
    cube[1] += 1
    game, bare = loose.without(view.panorama, before)
    coat = torch.from_numpy(game.coat)[None] / 255
    looks = Looks(coat, torch.ones(1, len(coat[0]), 2, 2, 3), torch.zeros(1, 0))
    after = _with(Expected(game, *game.known(before, luck)), cube, looks, False)
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


def _with(view: Expected, block: Tensor, looks: Looks, gone: bool) -> Expected:
    camera, height = view.panorama.camera, len(view.picture)
    asked = block[None].float(), (height, view.picture.shape[1]), camera.tangent
    front = cubes.front(*asked)[0]
    near = front[..., 3].cpu().numpy()
    there = (near > 0) & ((view.away <= 0) | (near < _NEARER * view.away))
    if gone:
        front = cubes.inside(*asked)[0]
        closed = looks.closed[0] > 0
        there &= closed[front[..., 0].long()].cpu().numpy()
        front[..., 0] += len(cubes.SIDES)
    far = front[..., 3].cpu().numpy()
    there[camera.visible(height) :] = False
    shown = colors(looks, front.flatten(0, 1)[None].to(looks.light))[0]
    paint = (shown.clamp(0, 1) * 255).round().byte().cpu().numpy().reshape(view.picture.shape)
    game = view.panorama
    now = np.array([game.walked, game.ticks], view.ages.dtype)
    return replace(
        view,
        panorama=game if gone else loose.put(game, block.cpu().numpy(), _coat(looks)),
        put=not gone,
        picture=np.where(there[..., None], paint, view.picture),
        ages=np.where(there[..., None], now, view.ages),
        origins=np.where(there[..., None], NONE, view.origins).astype(view.origins.dtype),
        away=np.where(there, far, view.away).astype(view.away.dtype),
        painted=there,
    )


def beside(drafted: Drafted, known: Tensor, views: Sequence[Expected], gone: Tensor) -> Drafted:
    """Drafts (b, 1, ...) of frames in some of which blocks are painted, as `known` says.

    Of these only what is laid over the view is left to the draft: it would put another block there.
    Where one is `gone` (b,), so is what shows nothing of those beyond it.
    """
    y, height = known.shape[-2], len(views[0].picture)
    rows = views[0].panorama.camera.visible(height) * y // height
    prior, share = drafted.prior.clone(), drafted.share.clone()
    for i, view in enumerate(views):
        if view.painted is not None:
            whole = torch.from_numpy(view.painted)[None].float()
            done = adaptive_avg_pool2d(whole, (y, known.shape[-1])).to(share)
            ours = (done > _MOST) if gone[i] else torch.ones_like(done, dtype=torch.bool)
            ours[:, rows:] = False
            prior[i, 0] = torch.where(ours, known[i, 0], prior[i, 0])
            share[i, 0] = torch.where(ours, done, share[i, 0])
    return Drafted(prior, share)
