"""What happens in dreams: drawn by seed, told to the dream, followed by hands."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_simulator import context, moves, run, simulator
from toys import tiny_dynamics

from worldsim.camera import CameraConfig
from worldsim.simulator import Simulator
from worldsim.surroundings import Given

NAMES = ["broken", "placed"]
CAMERAS = [CameraConfig(), CameraConfig(field_of_view=70.0, pitch=1, yaw=2, walking=[0])]


@pytest.fixture(params=CAMERAS, ids=["plain", "camera"])
def sim(request) -> Simulator:
    return simulator(tiny_dynamics(events=NAMES, camera=request.param))


def biased(sim: Simulator, *logits: float) -> None:
    """Let events be as likely as logits say, whatever is seen."""
    last = sim._happenings._hands.out[-1]
    last.weight.data.zero_()
    last.bias.data = torch.tensor(logits)


def test_what_is_certain_happens_and_what_is_impossible_does_not(sim):
    biased(sim, 30.0, -30.0)
    _, step = sim.step(sim.reset(*context([0, 1]), [0, 1]), torch.zeros(2, 3, 3))
    assert step.events.tolist() == [[[1.0, 0.0]] * 3] * 2


def test_events_come_as_often_as_hands_say_and_by_seed_alone(sim):
    biased(sim, 0.0, -1.5)
    rows = 300
    latents, actions = (part.expand(rows, *part.shape[1:]) for part in context([0]))
    state = sim.reset(latents, actions, range(rows))
    events = sim._happenings.drawn(state, torch.zeros(rows, 2, 3))
    shares = events.mean((0, 1))
    assert shares.tolist() == pytest.approx([0.5, 0.047], abs=0.07)
    again = sim._happenings.drawn(state.rows([7, 3]), torch.zeros(2, 2, 3))
    assert torch.equal(again, events[[7, 3]])


def test_the_dream_is_told_and_hands_remember(sim):
    state = sim.reset(*context([0]), [0])
    biased(sim, 30.0, 30.0)
    one, happened = sim.step(state, moves([0], 0))
    biased(sim, -30.0, -30.0)
    other, nothing = sim.step(state, moves([0], 0))
    assert not torch.allclose(happened.latents, nothing.latents, atol=1e-3)
    assert not torch.allclose(one.hands, other.hands, atol=1e-3)


def test_a_state_with_hands_goes_on_with_the_same_bits(sim):
    state, _ = run(sim, sim.reset(*context([0, 1]), [5, 6]), [0, 1], range(2))
    saved = {name: tensor.clone() for name, tensor in state.tensors().items()}
    _, expected = run(sim, state, [0, 1], range(2, 6))
    _, again = run(sim, sim.restore(saved), [0, 1], range(2, 6))
    assert torch.equal(again, expected)
    state, kept = state.kept()
    moved, _ = run(sim, state, [0, 1], range(2, 4))
    _, kept = moved.kept()
    _, recalled = run(sim, sim.recall(kept), [0, 1], range(4, 6))
    assert torch.equal(recalled, expected[:, 2:])


def test_what_came_only_with_falls_comes_only_with_falls():
    sim = simulator(tiny_dynamics(events=NAMES, camera=CAMERAS[1]))
    biased(sim, 30.0, 30.0)
    fell = torch.tensor([[-0.75, -0.25]])
    sim._happenings._hands.spans.widen(torch.tensor([[1.0, 0.0]]), fell)
    state = sim.reset(*context([0]), [0])
    for before, coming, happens in ((-0.8, -0.2, 1.0), (0.0, -0.2, 0.0), (-0.8, 0.0, 0.0)):
        body = state.body.clone()
        body[:, -1] = before
        state = replace(state, body=body)
        given = Given(np.array([[0.5, 0.5, coming]]))
        _, step = sim.step(state, moves([0], 0), given=given)
        assert step.events[0, 0].tolist() == [happens, 1.0]
