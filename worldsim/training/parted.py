"""Parts of a dynamics model that can be trained alone."""

from worldsim.errors import UserError
from worldsim.models.dynamics import DynamicsConfig

PARTS = ("all", "trunk", "body", "level", "hands", "draft", "overlay", "grid", "faces")

TRUNK = "all", "trunk"
"""Those of which the transformer is one."""

REHEARSED = *TRUNK, "hands"
"""Those that learn from `worldsim rehearse`."""


def refuse_part(part: str, model: DynamicsConfig, begun: bool) -> None:
    """Refuse to train a part that is not there, or beside a trunk that was never trained.

    Raises:
        UserError: an unknown part; one that the game has no use for; one not `begun` with others.
    """
    if part not in PARTS:
        raise UserError(f"part is {part!r}; needed one of {', '.join(PARTS)}")
    if (
        part in ("body", "level", "draft", "overlay", "grid", "faces")
        and not model.camera.field_of_view
    ):
        raise UserError(f"part={part} of a game without a camera; needed latents that have one")
    if part in ("hands", "draft", "overlay", "faces") and not model.events:
        raise UserError(f"part={part} of a game that tells no events; needed latents with some")
    if part in ("grid", "faces") and not model.grid:
        raise UserError(f"part={part} of a world without one; needed model.grid=true, too")
    if part == "overlay" and not model.overlay:
        raise UserError("part=overlay of a model without one; needed model.overlay=true, too")
    if part != "all" and not begun:
        raise UserError(f"part={part} without init; needed a dynamics file to train it for")
