"""How the camera of a game moves and what it sees, where a game has one that is told to turn."""

import math
from dataclasses import dataclass, field

CHANNELS = 3
"""Of what `Panorama.ahead` says beside the colours: seen, how recent in steps taken, in time."""

EYE = 1.62
"""Blocks from what a player stands on to the eye."""

CUBE = 6
"""Numbers that say where a block is; see `worldsim.cubes`."""

FAR = 1000.0
"""Blocks from which on nothing seems to move when one walks; the sky is there."""


@dataclass
class CameraConfig:
    """How the camera moves and what it sees; a game without a free camera has none."""

    field_of_view: float = 0.0
    """Vertical, in degrees; 0: there is no camera to follow."""
    pitch: int = -2
    """Action column of the camera's turn downwards, in degrees."""
    yaw: int = -1
    """Action column of its turn to the right, in degrees."""
    walking: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    """Action columns that move the player when they are not 0."""
    crouching: int = 5
    """Action column that lowers the camera while it is not 0."""
    crouched: float = 0.0
    """Blocks by which it does; 0: it stays where it is."""
    overlay: float = 0.1875
    """Share of the frame's height, at the bottom, that does not belong to the view."""
    crosshair: float = 0.03
    """Share of the frame's height that the arms of a cross in its middle reach; 0: it has none."""
    resolution: float = 2.0
    """Pixels a degree of what is kept."""

    @property
    def tangent(self) -> float:
        """Of half the vertical field of view."""
        return math.tan(math.radians(self.field_of_view / 2))

    def arm(self, height: int) -> int:
        """Pixels from the middle of a frame of that height to where its cross ends."""
        return round(height * self.crosshair)

    def visible(self, height: int) -> int:
        """Rows of a frame of that height that belong to the view."""
        return round(height * (1 - self.overlay))
