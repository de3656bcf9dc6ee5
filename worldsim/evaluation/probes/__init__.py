"""The probes: one module a family; `PROBES` is all of them, in the order of the report."""

from worldsim.evaluation.probes import (
    controls,
    decisions,
    diffusion,
    engineering,
    frames,
    horizon,
    hud,
    persistence,
    physics,
)

PROBES = (
    *controls.PROBES,
    *physics.PROBES,
    *persistence.PROBES,
    *hud.PROBES,
    *horizon.PROBES,
    *frames.PROBES,
    *diffusion.PROBES,
    *engineering.PROBES,
    *decisions.PROBES,
)

SMOKE = (
    *("turn", "walk", "onset", "wall", "fall", "place_watch", "look_away_8", "slot", "collect"),
    *("free_walk", "late_controls", "frames_explorer", "noise", "repeats", "snapshot"),
)
"""Those of the smoke tier: a few of most families."""
