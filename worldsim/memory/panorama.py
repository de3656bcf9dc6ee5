"""What has been seen from where the player stands, as a picture of all directions.

A first-person camera turns exactly as it is told, so what a turn brings back into view is known,
and so is where each pixel of the last frame goes. Where it is known besides how far away pixels
are and how the player moves, the same is true of walking. A `Panorama` keeps the last frame and,
for every direction, the colour last seen there and its place; `ahead` shows these as the camera
will see them next. The dynamics is conditioned on that picture: it has to invent only what was
never seen, and to correct what time and wrong guesses have changed, for which it is told how old
each pixel is.

Directions: yaw in degrees, positive to the right; pitch positive down, within 90 of level.
Places: blocks right, down and ahead of where the game began, as it looked then.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import FAR, CameraConfig
from worldsim.memory import crosshair, tinted
from worldsim.memory.cleaned import cleaned
from worldsim.memory.daylight import NO_HOURS, NO_LIGHT, Light, relit
from worldsim.memory.footing import afloat, landed
from worldsim.memory.lattice import Lattice, inside, side
from worldsim.memory.magnified import grow_old
from worldsim.memory.nearby import across, holds, occupied, rested, scan, seen_through, undug
from worldsim.memory.origins import FRAMES, NONE, rooted
from worldsim.memory.projection import guess, look, moved, paint
from worldsim.memory.rays import Ages, Pixels, Places, facing
from worldsim.memory.splatted import remembered
from worldsim.memory.supposed import suppose, uncover
from worldsim.memory.tinted import PLAIN, Tint
from worldsim.memory.vistas import NONE as NO_VISTA
from worldsim.memory.vistas import Vistas, shown_of

STEPS, TICKS = 8.0, 64.0
"""Steps walked, and ticks, after which what was seen counts for 1/e."""
NEVER = -1_000_000
"""When what was never seen was seen."""

_HIDDEN = 1.2
"""Times as far away as what a dream showed before, from which on something was hidden by that."""

_FIRM = np.array([0.0, 0.0, 0.0, NEVER, 0.0])
_BARE = np.zeros((3, 16, 16, 3), np.uint8)


@dataclass(frozen=True)
class Panorama:
    """What one game has seen; a value.

    frame, distance: (h, w, 3) last seen, without its cross, and (h, w) how far ahead that is.
    cross: the square that holds that, as it was seen. past, origins: the last frames, and in which
    of these and where (h, w, 3) each pixel was first drawn; see `memory.origins`. colors, places:
    (2, rows, columns, 3) by direction, what was seen last and what that hides. when: (2, rows,
    columns, 2) at which step walked and which tick each was seen. points: (frames, n, 4), some
    places of each recent frame, as `nearby.scan` has them, and stood, (frames, 7), how the camera
    stood at each. rests: (n, 3), where the eye was at rest. eye: (3,) place, yaw, pitch: degrees,
    of the last frame. low: blocks by which the camera was below that, as its player crouched. even:
    ticks that the eye has been at rest. walked, ticks: so far. lattice: (5,), the grid of blocks;
    see `memory.lattice`. tint: what was mixed into the frame, which is kept without it. loose:
    (5,), the corner in the grid of the block that was put down last, the tick since which it is
    there, and whether it falls, 0 to 1; coat: (3, 16, 16, 3), what it looks like; see
    `memory.loose`. holes: (n, 3), as corners, of blocks dug away; see `memory.hollow`. vista:
    (3,), which what was never seen looks like; see `memory.vistas`. litter: share of what is
    known that is out of place, in the mean of the last ticks. hours: (2,), as the dream began,
    and now; light: (3, k + 1, 3), of both and day; all is kept in the first.
    """

    camera: CameraConfig
    frame: Pixels
    distance: Places
    cross: Pixels
    past: tuple[Pixels, ...]
    origins: Places
    colors: Pixels
    places: Places
    when: Ages
    points: Places
    stood: NDArray[np.float64]
    rests: Places
    eye: NDArray[np.float64]
    yaw: float
    pitch: float
    lattice: Lattice
    low: float = 0.0
    even: int = 0
    fell: float = 0.0
    walked: int = 0
    ticks: int = 0
    tint: Tint = field(default_factory=PLAIN.copy)
    loose: NDArray[np.float64] = field(default_factory=_FIRM.copy)
    coat: Pixels = field(default_factory=_BARE.copy)
    holes: NDArray[np.float64] = field(default_factory=undug)
    vista: NDArray[np.float64] = field(default_factory=NO_VISTA.copy)
    litter: float = 0.0
    hours: NDArray[np.float64] = field(default_factory=NO_HOURS.copy)
    light: Light = field(default_factory=NO_LIGHT.copy)

    def turned(
        self, action: NDArray[np.floating], motion: NDArray[np.floating] | None = None
    ) -> "Panorama":
        """The camera after an action (a,), before the frame it led to is known.

        motion: blocks forward, right and up, as felt before the action; not at all by default.
        """
        camera = self.camera
        walks = any(action[column] != 0 for column in camera.walking)
        crouches = camera.crouched > 0 and action[camera.crouching] != 0
        there = self if motion is None else self.standing(self.eye + self._step(motion))
        return replace(
            there,
            yaw=(self.yaw + float(action[camera.yaw])) % 360,
            pitch=float(np.clip(self.pitch + float(action[camera.pitch]), -90, 90)),
            low=camera.crouched if crouches else 0.0,
            walked=self.walked + walks,
            ticks=self.ticks + 1,
        )

    def standing(self, eye: NDArray[np.float64]) -> "Panorama":
        """With the eye elsewhere (3,) a tick later, before anything is seen from there.

        It is not at rest in a liquid, nor on what was seen to be empty, wherever a dream keeps it.
        """
        rests, even = rested(self.rests, eye, self.eye, self.even)
        if rests is not self.rests:
            held = not afloat(self.points, eye) and holds(*self._scanned(), eye)
            rests = rests if held else self.rests
        return replace(self, eye=eye, rests=rests, even=even, fell=float(eye[1] - self.eye[1]))

    def stopped(self, motion: NDArray[np.floating]) -> NDArray[np.float64]:
        """A motion (3,), as felt here, but no sinking into the ground or hanging in the air."""
        eye = self.eye + self._step(motion)
        held = holds(*self._scanned(), eye)
        columns = across(self.frame.shape[1])
        low = landed(self.points, columns, self.rests, eye, self.eye, self.fell, held)
        return np.array([motion[0], motion[1], motion[2] + eye[1] - low])

    def aim(self) -> float:
        """Blocks to what the last frame shows in its middle, by the grid where that is known."""
        angles = self.yaw, self.pitch
        met = side(self.lattice, self.distance, self.lens, angles, self.camera.tangent)
        return met.away if met and met.known else float(crosshair.aimed(self.distance))

    def corner(self, cube: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where (3,) in the grid a cube (6,) begins, as it is seen from here."""
        return inside(self.lattice, self.lens) + cube[:3]

    @property
    def lens(self) -> NDArray[np.float64]:
        """The camera's place (3,)."""
        lens: NDArray[np.float64] = self.eye + np.array([0.0, self.low, 0.0])
        return lens

    @property
    def shown(self) -> Pixels:
        """The last frame (h, w, 3) with its cross, and what is mixed into it."""
        visible = self.camera.visible(len(self.frame))
        seen = tinted.put(self.lit(self.frame, self.distance), self.tint, visible)
        return crosshair.put(seen, self.cross)

    def lit(self, frame: Pixels, away: Places, back: bool = False) -> Pixels:
        """A frame (h, w, 3), of what is so far away (h, w), in the light of the hour; or `back`."""
        change = self.light[1::-1] if back else self.light[:2]
        return relit(frame, away, self.camera, self.pitch, change)

    def seen(
        self,
        frame: Pixels,
        distance: Places | None = None,
        cross: Pixels | None = None,
        origins: Places | None = None,
    ) -> "Panorama":
        """With a new last frame (h, w, 3), as the camera stands.

        distance: (h, w) blocks along the view axis, times -1 where that is a liquid; far away by
        default. cross: the square with the cross, of a frame that is without; its own by default.
        origins: (h, w, 3), of pixels that older frames showed first.
        """
        return self.copy().painted(frame, distance, cross, origins)

    def copy(self) -> "Panorama":
        """With arrays of its own."""
        parts = ("colors", "places", "when", "points", "stood")
        return replace(self, **{name: getattr(self, name).copy() for name in parts})

    def nearby(self) -> NDArray[np.float32]:
        """What the cells around the player are, (3, 5, 5, 13): full, surely empty, full of liquids.

        As `nearby.occupied` and `nearby.seen_through` count them.
        """
        yaw = float(np.radians(self.yaw))
        empty = seen_through(*self._scanned(), self.eye, yaw)
        full, liquid = occupied(self.points, self.rests, empty, self.eye, yaw)
        return np.stack([full, empty, liquid])

    def painted(
        self,
        frame: Pixels,
        distance: Places | None,
        cross: Pixels | None = None,
        origins: Places | None = None,
    ) -> "Panorama":
        """As `seen`, in the arrays of this one, which is not to be used again.

        origins: (h, w, 3), of pixels that older frames showed first.
        """
        if cross is None:
            arm = self.camera.arm(len(frame))
            frame, cross = crosshair.without(frame, arm), crosshair.cut(frame, arm)
        if distance is None:
            distance = np.full(frame.shape[:2], FAR, np.float32)
        visible = self.camera.visible(len(frame))
        slot = self.points[self.ticks % len(self.points)]
        scan(slot, distance, visible, *self._stand(), self.camera.tangent)
        distance = np.abs(distance)
        paint(
            self.colors, self.places, self.when, frame, distance, visible, *self._stand(),
            self.camera.tangent, self.walked, self.ticks, NEVER,
        )  # fmt: skip
        eye, *angles = self._stand()
        self.stood[self.ticks % len(self.points)] = *eye, *facing(*angles)
        number = self.ticks % FRAMES
        past = (*self.past[:number], frame, *self.past[number + 1 :])
        origins = rooted(origins, number, (len(frame), frame.shape[1]))
        return replace(
            self, frame=frame, distance=distance, cross=cross, past=past, origins=origins
        )

    def ahead(self, before: "Panorama") -> tuple[Pixels, NDArray[np.float32]]:
        """What is known of the next frame, given how the camera stood at the last one.

        Colours (h, w, 3), where nothing is known those of the frame's edges, and (h, w, 3) in
        [0, 1]: whether it is known, how recent in steps walked, and in ticks.
        """
        out, ages, *_ = self.known(before)
        return out, self.recent(ages)

    def recent(self, ages: Ages) -> NDArray[np.float32]:
        """How recent (h, w, 3) what was seen at times (h, w, 2) is; see `ahead`."""
        recent = np.empty((*ages.shape[:2], 3), np.float32)
        recent[..., 0] = ages[..., 0] > NEVER  # what was never seen is so old that e**-age is 0
        np.exp((ages[..., 0] - self.walked) * np.float32(1 / STEPS), out=recent[..., 1])
        np.exp((ages[..., 1] - self.ticks) * np.float32(1 / TICKS), out=recent[..., 2])
        return recent

    def known(
        self, before: "Panorama", luck: float | None = None, vistas: Vistas | None = None
    ) -> tuple[Pixels, Ages, Places, Places, float]:
        """The colours (h, w, 3) of which `ahead` tells, and when (h, w, 2) each was seen.

        And their origins (h, w, 3), how far ahead (h, w) they are, and which share of them was out
        of place. luck: in [0, 1), of a dream,
        in which what was never seen is `supposed`, and what was seen from afar is old; see
        `magnified`. A dream's distances may be wrong: what is beside an edge is not believed.
        vistas: of which one is supposed there.
        """
        frame, visible = self.frame, self.camera.visible(len(self.frame))
        place, stood = self._stand(), before._stand()
        out, ages = np.empty_like(frame), np.empty((*frame.shape[:2], 2), np.int32)
        origins, tangent = np.full(frame.shape, NONE, np.float32), self.camera.tangent
        kept = self.colors, self.places, self.when
        dreamt = luck is not None
        nearest, doubtful = moved(self.distance, visible, *place, *stood, tangent, dreamt)
        look(
            out, ages, origins, frame, self.past, self.origins, self.distance, nearest, visible,
            *place, *stood, tangent, before.walked, before.ticks,
        )  # fmt: skip
        shown = self.distance, doubtful, _HIDDEN if dreamt else 0.0
        there = remembered(
            out, ages, origins, *kept, visible, *place, *shown, *stood, tangent, NEVER
        )
        away = np.where(origins[..., 0] == NONE, there, nearest).astype(np.float32)
        new, litter = (out, ages, frame, visible, *place, *stood, tangent, NEVER), 0.0
        if luck is None:
            guess(*new)
        else:
            old = before.walked - int(STEPS), before.ticks - int(TICKS)
            uncover(out, ages, away, visible, NEVER, *old)
            litter = cleaned(out, ages, origins, away, visible) / (visible * frame.shape[1])
            vista = shown_of(vistas, self.vista, self.light[::-2])
            suppose(*new, *old, luck, vista, float(self.vista[1]), away)
            grow_old(ages, origins, visible, TICKS)
        return out, ages, origins, away, litter

    def _scanned(self) -> tuple[Places, NDArray[np.float64], tuple[int, int], float]:
        height, width = self.frame.shape[:2]
        return self.points, self.stood, (height, width), self.camera.tangent

    def _step(self, motion: NDArray[np.floating]) -> NDArray[np.float64]:
        forward, right, up = (float(part) for part in motion[:3])
        sine, cosine = np.sin(np.radians(self.yaw)), np.cos(np.radians(self.yaw))
        return np.array([right * cosine + forward * sine, -up, forward * cosine - right * sine])

    def _stand(self) -> tuple[NDArray[np.float64], float, float]:
        return self.lens, float(np.radians(self.yaw)), float(np.radians(self.pitch))
