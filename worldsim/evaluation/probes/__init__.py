"""The probes: one module a family; `PROBES` is all of them, in the order of the report."""

from worldsim.evaluation.probes import controls, frames, hud, persistence, physics

PROBES = (
    *controls.PROBES,
    *physics.PROBES,
    *persistence.PROBES,
    *hud.PROBES,
    *frames.PROBES,
)
