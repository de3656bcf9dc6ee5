"""Simulators of tiny models, and games played in them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from toys import PoolingTokenizer, tiny_dynamics

from worldsim.camera import CameraConfig
from worldsim.memory.daylight import Daylight
from worldsim.memory.vistas import Vistas
from worldsim.models.dynamics import Dynamics
from worldsim.simulator import Simulator, SimulatorConfig
from worldsim.state import State

CONTEXT = 4


def simulator(
    model: Dynamics | None = None,
    vistas: Vistas | None = None,
    daylight: Daylight | None = None,
    **settings: Any,
) -> Simulator:
    tokenizer: Any = PoolingTokenizer()
    own, places = SimulatorConfig(**settings), {"vistas": vistas, "daylight": daylight}
    return Simulator(tokenizer, model or tiny_dynamics(), own, **places)


def context(rows: Sequence[int], frames: int = CONTEXT) -> tuple[Tensor, Tensor]:
    """Latents (b, t+1, z, y, x) and actions (b, t, a); a row is a function of its number."""
    latents, actions = [], []
    for row in rows:
        g = torch.Generator().manual_seed(row)
        latents.append(torch.randn(frames, 2, 4, 4, generator=g))
        actions.append(torch.randn(frames - 1, 3, generator=g))
    return torch.stack(latents), torch.stack(actions)


def started(sim: Simulator, rows: Sequence[int], frames: int = CONTEXT) -> State:
    return sim.reset(*context(rows, frames), seeds=[100 + row for row in rows])


def moves(rows: Sequence[int], i: int) -> Tensor:
    return torch.stack([torch.sin(torch.arange(3.0) + row + i)[None] for row in rows])


def run(sim: Simulator, state: State, rows: Sequence[int], steps: range) -> tuple[State, Tensor]:
    seen = []
    for i in steps:
        state, step = sim.step(state, moves(rows, i))
        seen.append(step.latents)
    return state, torch.cat(seen, 1)


def same(a: State, b: State) -> bool:
    return all(torch.equal(x, b.tensors()[name]) for name, x in a.tensors().items())


def camera_simulator(events: Sequence[str] = (), **settings: Any) -> Simulator:
    """Pitch is column 1, yaw column 2, and column 0 walks."""
    camera = CameraConfig(field_of_view=70.0, pitch=1, yaw=2, walking=[0])
    return simulator(tiny_dynamics(camera=camera, events=list(events)), **settings)
