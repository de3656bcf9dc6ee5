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
