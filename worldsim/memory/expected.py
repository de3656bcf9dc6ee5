"""What is known of a camera's next frame, and what is kept of that once it was dreamed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import FAR
from worldsim.memory import crosshair, hollow, loose, tinted
from worldsim.memory.daylight import relit
from worldsim.memory.edged import edged
from worldsim.memory.lattice import UNKNOWN, aimed
from worldsim.memory.levelled import levelled
from worldsim.memory.nearby import NOWHERE, undug, unseen
from worldsim.memory.panorama import NEVER, Panorama
from worldsim.memory.rays import Ages, Pixels, Places
from worldsim.memory.settled import settled
from worldsim.memory.vistas import Vistas, due, light

_TRUST = 0.1
"""Share of the difference to what is read of a dream that known distances make up in a tick."""
_AGREE = 0.25
"""Logarithm of the ratio of two distances up to which they are of one thing."""
_KNOWN = 0.6, 0.85
"""Share in it of what was known of a true frame, where what is read agrees, and where not."""

_TICKS, _LOST = 16, 0.02
"""Ticks over which litter is taken, and share of a view from which on a dream is lost."""


@dataclass(frozen=True)
class Expected:
    """What is known of a frame before it is there.

    panorama: how the camera will stand. picture, ages, origins, away, litter: as `Panorama.known`
    tells. painted: (h, w), where a block has been painted over that; see `memory.painted`. put:
    whether it is one that was put there, which hides what was. vistas: of which one was supposed.
    """

    panorama: Panorama
    picture: Pixels
    ages: Ages
    origins: Places
    away: Places
    litter: float = 0.0
    painted: NDArray[np.bool_] | None = None
    put: bool = False
    vistas: Vistas | None = None

    @classmethod
    def of(
        cls,
        before: Panorama,
        action: NDArray[np.floating],
        motion: NDArray[np.floating],
        luck: float | None = None,
        vistas: Vistas | None = None,
    ) -> "Expected":
        """What is known of the next frame, if an action (a,) leads to it by a motion (3,).

        luck, vistas: of a dream; see `Panorama.known`.
        """
        there = before if luck is None or vistas is None else _supposing(before, vistas, luck)
        turned = there.turned(action, motion)
        return cls(turned, *turned.known(before, luck, vistas), vistas=vistas)

    def recent(self) -> NDArray[np.float32]:
        """How recent (h, w, 3) it is; see `Panorama.ahead`."""
        return self.panorama.recent(self.ages)

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Where (h, w) anything is known."""
        sure: NDArray[np.bool_] = self.ages[..., 0] > NEVER
        return sure

    @property
    def lit(self) -> Pixels:
        """The picture (h, w, 3) in the light of the hour."""
        return self.panorama.lit(self.picture, self.away)

    def block(self, before: bool, sure: bool = False) -> NDArray[np.float32]:
        """The block aimed at (6,), as `worldsim.cubes` has it; or the cell before it.

        sure: there is one, whatever distances say.
        """
        there = self.panorama
        stands = there.lens, (there.yaw, there.pitch), there.camera.tangent
        return aimed(there.lattice, self.away, *stands, before, sure)

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
        away = np.where(self.away > 0, self.away, distance)
        plain = self.panorama.lit(frame, away, back=True)
        seen, mixed = tinted.apart(plain, self.picture, self.sure, visible)
        settling = seen, self.picture, self.ages, self.origins
        kept, origins, alike = settled(*settling, new, visible, NEVER, arm)
        distance = self._distances(distance, kept, alike, visible)
        distance = hollow.beyond(self.panorama, distance, visible)
        cross = crosshair.kept(self.panorama.cross, crosshair.cut(frame, arm))
        own = self.panorama if spend else self.panorama.copy()
        if self.put:
            loose.remember(own)
        litter = own.litter + (self.litter - own.litter) / _TICKS
        return replace(own.painted(kept, distance, cross, origins), tint=mixed, litter=litter)

    def confirmed(self, frame: Pixels, distance: Places) -> Places:
        """How far away (h, w) is what a true frame (h, w, 3) shows, as read and as was known."""
        camera, height = self.panorama.camera, len(frame)
        visible, arm = camera.visible(height), camera.arm(height)
        plain, new = crosshair.without(frame, arm), np.zeros((1, 1), np.bool_)
        settling = plain, self.picture, self.ages, self.origins
        alike = settled(*settling, new, visible, NEVER, arm)[2] & self._reached
        read = edged(distance, plain, visible)
        ratio = np.log(np.where(alike, self.away / np.abs(read), 1.0))
        trust = np.where(np.abs(ratio) < _AGREE, *_KNOWN)
        out: Places = (read * np.exp(trust * ratio)).astype(np.float32)
        return out

    def _distances(
        self, distance: Places, kept: Pixels, alike: NDArray[np.bool_], visible: int
    ) -> Places:
        """How far away (h, w) is what a dream shows, of which this is `kept`, as read of it.

        Known things that look as they did are as far away as was known, with a little of what is
        read; the rest is brought to their level.
        """
        alike = alike & self._reached
        known = alike
        if self.painted is not None:  # how far away that is, is no guess
            known = alike & ~self.painted if self.put else alike | self.painted
            alike = alike | (self.painted & (self.away < FAR))
        carried = levelled(self.away, distance, known, visible, _TRUST, _AGREE)
        read = edged(levelled(distance, self.away, known, visible), kept, visible)
        return np.where(alike, np.copysign(carried, read), read)

    @property
    def _reached(self) -> NDArray[np.bool_]:
        """Where (h, w) it is known how far away that is."""
        reached: NDArray[np.bool_] = (self.away > 0) & (self.away < FAR)
        return reached

    def _unpainted(self, fresh: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of a grid (y, x) over the frame the places where nothing is painted."""
        if self.painted is None:
            return fresh
        out, at = fresh.copy(), np.argwhere(self.painted)
        out[tuple((at * fresh.shape // np.array(self.painted.shape)).T)] = False
        return out


def _supposing(game: Panorama, vistas: Vistas, luck: float) -> Panorama:
    """A game with the vista that is most like its last frame, if it is time to look for one.

    Where pixels go one here and one there, known places are wrong, and drawn into what will be
    known: it comes to nothing but litter. Then all is forgotten, and the dream goes on elsewhere.
    """
    lost = game.litter > _LOST
    if not lost and not due(game.vista, game.walked):
        return game
    lit = light(game.colors[game.when[..., 0] != NEVER])
    (yaw, pitch), visible = np.radians((game.yaw, game.pitch)), game.camera.visible(len(game.frame))
    day = relit(game.frame, game.distance, game.camera, game.pitch, game.light[::2])
    own = day, visible, float(yaw), float(pitch), game.camera.tangent, game.walked
    game = replace(game, vista=vistas.chosen(*own, lit, luck))
    if not lost:
        return game
    return replace(
        game,
        distance=np.zeros_like(game.distance),  # so that nothing of the frame is known
        when=np.full_like(game.when, NEVER),
        points=np.full_like(game.points, NOWHERE),
        stood=unseen(),
        lattice=UNKNOWN,
        holes=undug(),
        litter=0.0,
    )
