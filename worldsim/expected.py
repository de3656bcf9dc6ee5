"""What is known of a camera's next frame, and what is kept of that once it was dreamed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worldsim import crosshair, loose, tinted
from worldsim.camera import FAR
from worldsim.lattice import aimed
from worldsim.levelled import levelled
from worldsim.origins import NONE
from worldsim.panorama import NEVER, Panorama
from worldsim.rays import Ages, Pixels, Places
from worldsim.settled import settled


@dataclass(frozen=True)
class Expected:
    """What is known of a frame before it is there.

    panorama: how the camera will stand. picture, ages, origins, away: as `Panorama.known` tells.
    painted: (h, w), where a block has been painted over that; see `worldsim.painted`. put: whether
    it is one that was put there, which hides what was.
    """

    panorama: Panorama
    picture: Pixels
    ages: Ages
    origins: Places
    away: Places
    painted: NDArray[np.bool_] | None = None
    put: bool = False

    @classmethod
    def of(
        cls,
        before: Panorama,
        action: NDArray[np.floating],
        motion: NDArray[np.floating],
        luck: float | None = None,
    ) -> "Expected":
        """What is known of the next frame, if an action (a,) leads to it by a motion (3,).

        luck: of a dream; see `Panorama.known`.
        """
        turned = before.turned(action, motion)
        return cls(turned, *turned.known(before, luck))

    def recent(self) -> NDArray[np.float32]:
        """How recent (h, w, 3) it is; see `Panorama.ahead`."""
        return self.panorama.recent(self.ages)

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Where (h, w) anything is known."""
        sure: NDArray[np.bool_] = self.ages[..., 0] > NEVER
        return sure

    def block(self, before: bool) -> NDArray[np.float32]:
        """The block aimed at (6,), as `worldsim.cubes` has it; or the cell before it."""
        there = self.panorama
        angles = there.yaw, there.pitch
        return aimed(there.lattice, self.away, there.lens, angles, there.camera.tangent, before)

    def dreamed(
        self,
        frame: Pixels,
        distance: Places,
        fresh: NDArray[np.bool_] | None = None,
        spend: bool = False,
    ) -> Panorama:
        """The panorama with what was dreamed instead, (h, w, 3), and how far away it is, (h, w).

        Of things that were known, and look as they did, the older picture is kept; but not where it
        is `fresh`, (y, x), a grid over the frame: nowhere by default. spend: the panorama before is
        not used again.
        """
        camera, height = self.panorama.camera, len(frame)
        visible, arm = camera.visible(height), camera.arm(height)
        new = np.zeros((1, 1), np.bool_) if fresh is None else self._unpainted(fresh)
        seen, mixed = tinted.apart(frame, self.picture, self.sure, visible)
        settling = seen, self.picture, self.ages, self.origins
        kept, origins = settled(*settling, new, visible, NEVER, arm)
        stays = origins[..., 0] != NONE
        if self.painted is None:
            distance = levelled(distance, self.away, stays, visible)
        elif self.put:  # how far away that is, is no guess, and tells nothing of what is beside it
            distance = levelled(distance, self.away, stays & ~self.painted, visible)
            distance = np.where(self.painted & (self.away < FAR), self.away, distance)
        else:
            distance = levelled(distance, self.away, stays | self.painted, visible)
        cross = crosshair.kept(self.panorama.cross, crosshair.cut(frame, arm))
        own = self.panorama if spend else self.panorama.copy()
        if self.put:
            loose.remember(own)
        return replace(own.painted(kept, distance, cross, origins), tint=mixed)

    def _unpainted(self, fresh: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of a grid (y, x) over the frame the places where nothing is painted."""
        if self.painted is None:
            return fresh
        out, at = fresh.copy(), np.argwhere(self.painted)
        out[tuple((at * fresh.shape // np.array(self.painted.shape)).T)] = False
        return out
