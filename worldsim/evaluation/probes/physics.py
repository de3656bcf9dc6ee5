"""Does the world keep its laws: walls, gravity, reach, what hides what?"""

from worldsim.evaluation.probes.physics_falls import FALL, JUMP, WATER
from worldsim.evaluation.probes.physics_reach import FALLING_SAND, REACH_BREAK, REACH_PLACE
from worldsim.evaluation.probes.physics_sight import OCCLUSION, PARALLAX
from worldsim.evaluation.probes.physics_walls import STEP_UP, WALL

PROBES = (
    WALL,
    STEP_UP,
    FALL,
    JUMP,
    WATER,
    REACH_PLACE,
    REACH_BREAK,
    FALLING_SAND,
    OCCLUSION,
    PARALLAX,
)
