"""From an action of the controller to the keys of one tick."""

from collections.abc import Mapping
from typing import Any

from envs.voxel.game import Controls
from worldsim import actions


def controls(action: Mapping[str, Any]) -> Controls:
    """The keys of one tick from an action of `worldsim.actions.space()`; opposite keys cancel."""
    flat = actions.to_vector(action)
    key = {name: bool(flat[i]) for name, i in actions.INDEX.items() if i < actions.CAMERA.start}
    slots = [i for i, name in enumerate(actions.HOTBAR) if key[name]]
    pitch, yaw = (float(v) for v in flat[actions.CAMERA])
    return Controls(
        ahead=key["forward"] - key["back"],
        right=key["right"] - key["left"],
        jump=key["jump"],
        sneak=key["sneak"],
        sprint=key["sprint"],
        attack=key["attack"],
        use=key["use"],
        drop=key["drop"],
        slot=slots[0] if slots else -1,
        pitch=pitch,
        yaw=yaw,
    )
