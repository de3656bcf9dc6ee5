"""The simulator of a game with a camera: panoramas travel with their games."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from simulated import CONTEXT, camera_simulator, context, moves, run, started
from torch import Tensor

from worldsim.memory.panoramas import as_arrays
from worldsim.models.heads import moved
from worldsim.surroundings import Surroundings


def test_a_panorama_travels_with_its_game() -> None:
    sim = camera_simulator()
    state, _ = run(sim, started(sim, [0, 1]), [0, 1], range(3))
    assert [panorama.ticks for panorama in state.panoramas] == [CONTEXT + 2] * 2
    _, expected = run(sim, state, [0, 1], range(3, 9))
    again = camera_simulator()
    saved = {name: tensor.clone() for name, tensor in state.tensors().items()}
    _, restored = run(again, again.restore(saved), [0, 1], range(3, 9))
    assert torch.equal(restored, expected)
    swapped = state.rows([1, 0])
    _, rows = run(sim, swapped, [1, 0], range(3, 9))
    assert torch.allclose(rows, expected[[1, 0]], atol=1e-4)
    mixed = sim.reset_rows(state, [1], *context([2]), seeds=[102])
    assert [panorama.ticks for panorama in mixed.panoramas] == [CONTEXT + 2, CONTEXT - 1]
    assert mixed.panoramas[0] is state.panoramas[0]


def test_what_the_panorama_knows_reaches_the_dream() -> None:
    sim = camera_simulator()
    state = started(sim, [0])
    (panorama,) = state.panoramas
    other = replace(state, panoramas=(replace(panorama, frame=255 - panorama.frame),))
    _, seen = sim.step(state, moves([0], 0))
    _, changed = sim.step(other, moves([0], 0))
    assert not torch.allclose(seen.latents, changed.latents, atol=1e-3)


def test_a_camera_points_where_it_is_said_to() -> None:
    sim = camera_simulator()
    latents, actions = context([0, 1])
    state = sim.reset(latents, actions, [0, 1], pitches=[30.0, -80.0])
    assert [panorama.pitch for panorama in state.panoramas] == pytest.approx([30.0, -80.0])


def test_chunks_follow_the_camera_too() -> None:
    sim = camera_simulator()
    state, step = sim.step(started(sim, [0]), torch.cat([moves([0], i) for i in range(3)], 1))
    assert step.frames.shape[1] == 3
    assert np.array_equal(sim.render(state)[0], step.frames[0, -1])  # what is kept is shown
    assert state.panoramas[0].ticks == CONTEXT + 2
    one = started(sim, [0])
    for i in range(3):
        one, _ = sim.step(one, moves([0], i))
    assert np.allclose(state.panoramas[0].eye, one.panoramas[0].eye)


def test_a_state_that_is_spent_goes_on_with_the_same_bits() -> None:
    sim = camera_simulator()
    own, spent = started(sim, [0, 1]), started(sim, [0, 1])
    for i in range(4):
        before = own.panoramas[0].colors.copy()
        after, step = sim.step(own, moves([0, 1], i))
        assert np.array_equal(own.panoramas[0].colors, before)
        memory = spent.panoramas[0].colors
        spent, other = sim.step(spent, moves([0, 1], i), spend=True)
        assert spent.panoramas[0].colors is memory
        assert np.array_equal(other.frames, step.frames)
        own = after
    for name, part in own.tensors().items():
        assert torch.equal(spent.tensors()[name], part), name


def test_motions_are_those_of_the_camera() -> None:
    sim = camera_simulator()
    state = started(sim, [0, 1])
    poses = torch.tensor([[0.0, 0, 0, game.yaw, game.pitch] for game in state.panoramas])
    begun = [game.eye for game in state.panoramas]
    for i in range(3):
        state, step = sim.step(state, moves([0, 1], i))
        poses = moved(poses.double(), step.motion[:, 0])
    for pose, game, eye in zip(poses.tolist(), state.panoramas, begun, strict=True):
        x, down, z = game.eye - eye
        assert pose[:3] == pytest.approx([-x, -down, z], abs=1e-6)
        assert (pose[3] - game.yaw) % 360 == pytest.approx(0, abs=1e-4)
        assert pose[4] == pytest.approx(game.pitch, abs=1e-4)


def test_games_that_saw_the_same_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    look = Surroundings._begun

    def counted(self: Surroundings, latents: Tensor, *rest: Any) -> Any:
        asked.append(len(latents))
        return look(self, latents, *rest)

    monkeypatch.setattr(Surroundings, "_begun", counted)
    sim = camera_simulator()
    state, alone = started(sim, [0, 1, 0]), started(sim, [0])
    assert asked == [2, 1]
    first, _, third = state.panoramas
    for name, array in as_arrays([third]).items():
        assert np.array_equal(array, as_arrays(alone.panoramas)[name]), name
    assert state.body is not None
    assert alone.body is not None
    assert torch.equal(state.body[2], alone.body[0])
    assert first.colors is not third.colors
    keys = torch.tensor([[[1.0, 0.0, 60.0]], [[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]])
    after, _ = sim.step(state, keys, spend=True)
    only, _ = sim.step(alone, keys[2:])
    assert np.array_equal(after.panoramas[2].colors, only.panoramas[0].colors)
