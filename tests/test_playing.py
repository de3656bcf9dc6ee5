"""Games that are played on and on: memory is copied only where somebody else may need it."""

import numpy as np
import pytest
import torch
from simulated import camera_simulator, moves, started

from worldsim.playing import Playing


def test_nobody_begins_without_a_game() -> None:
    assert not Playing().begun
    with pytest.raises(RuntimeError, match="no game has begun"):
        _ = Playing().state


def test_only_a_state_that_somebody_asked_for_is_copied() -> None:
    sim = camera_simulator()
    playing = Playing(started(sim, [0, 1]))
    playing.step(sim, moves([0, 1], 0))
    memory = playing.seen.panoramas[0].colors
    playing.step(sim, moves([0, 1], 1))
    assert playing.seen.panoramas[0].colors is memory
    kept, before = playing.state, memory.copy()
    playing.step(sim, moves([0, 1], 2))
    assert playing.seen.panoramas[0].colors is not memory
    assert np.array_equal(kept.panoramas[0].colors, before)
    playing.put(playing.seen.rows([0, 0]))  # two games with one memory
    assert playing.seen.panoramas[0].colors is playing.seen.panoramas[1].colors
    playing.step(sim, moves([0, 0], 3))
    assert playing.seen.panoramas[0].colors is not playing.seen.panoramas[1].colors


def test_games_go_on_as_by_the_simulator() -> None:
    sim = camera_simulator()
    playing, state = Playing(started(sim, [0, 1])), started(sim, [0, 1])
    for i in range(4):
        state, expected = sim.step(state, moves([0, 1], i))
        step = playing.step(sim, moves([0, 1], i))
        assert np.array_equal(step.frames, expected.frames)
    for name, part in state.tensors().items():
        assert torch.equal(playing.state.tensors()[name], part), name
