"""The simulator: states are values, rows are strangers to one another."""

from typing import Any

import numpy as np
import pytest
import torch
from simulated import CONTEXT, context, moves, run, same, simulator, started
from torch import Tensor
from toys import PoolingTokenizer, tiny_dynamics

from worldsim.errors import UserError
from worldsim.simulator import Simulator


def test_a_step_brings_frames_and_figures() -> None:
    sim = simulator()
    state = started(sim, [0, 1])
    after, step = sim.step(state, torch.zeros(2, 3, 3))
    assert step.frames.shape == (2, 3, 16, 16, 3)
    assert step.frames.dtype == np.uint8
    assert step.reward.shape == step.p_end.shape == step.p_ground.shape == (2, 3)
    assert step.motion.shape == (2, 3, 5)
    assert bool(((step.p_end > 0) & (step.p_end < 1)).all())
    assert np.array_equal(sim.render(after), step.frames[:, -1])
    assert (after.clock - state.clock).tolist() == [3, 3]


def test_a_step_is_what_the_forward_pass_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_dynamics()
    sim = simulator(model, steps=1, commit_level=0.0)
    given: list[Tensor] = []
    denoise = sim.dynamics.denoise

    def listen(scene: Any, noisy: Tensor, level: Tensor, *size: Tensor | None) -> Tensor:
        given.append(noisy)
        return denoise(scene, noisy, level, *size)

    monkeypatch.setattr(sim.dynamics, "denoise", listen)
    latents, actions = context([0, 1])
    _, dreamed = run(sim, started(sim, [0, 1]), [0, 1], range(5))
    clip = torch.cat([latents, dreamed], 1)
    noisy = torch.cat([torch.zeros_like(latents), *given], 1)
    led = torch.cat([actions, *(moves([0, 1], i) for i in range(5))], 1)
    level = torch.ones(2, CONTEXT + 5)
    with torch.no_grad():
        expected = model(clip, noisy, 0 * level, level, led).latents
    assert torch.allclose(dreamed, expected[:, CONTEXT:], atol=1e-4)


def test_context_beyond_the_window_is_committed_in_parts_without_a_seam() -> None:
    sim = simulator(commit_level=0.0)
    latents, actions = context([0], 19)
    cache = sim.dynamics.empty_cache(1, (4, 4), torch.float32)
    led = torch.cat([torch.zeros(1, 1, 3), actions], 1)
    with torch.inference_mode():
        for i in range(19):
            part = slice(i, i + 1)
            scene = sim.dynamics.scene(cache, led[:, part], torch.tensor([[i > 0]]), latents)
            cache, _ = sim.dynamics.commit(scene, latents[:, part], torch.zeros(1, 1))
    state = started(sim, [0], 19)
    for name, tensor in state.cache.tensors().items():
        assert torch.allclose(tensor, cache.tensors()[name], atol=1e-5)


def test_uint8_frames_are_encoded_first() -> None:
    sim = simulator()
    frames = np.random.default_rng(0).integers(0, 256, (1, 3, 16, 16, 3), dtype=np.uint8)
    pixels = torch.from_numpy(frames).float().permute(0, 1, 4, 2, 3)[0] / 127.5 - 1
    latents = PoolingTokenizer().encode(pixels)[None]
    actions = np.zeros((1, 2, 3))
    assert same(sim.reset(frames, actions, [5]), sim.reset(latents, actions, [5]))


def test_equal_seeds_give_equal_bits_and_other_seeds_another_dream() -> None:
    sim = simulator()
    latents, actions = context([0])
    results = [run(sim, sim.reset(latents, actions, [s]), [0], range(3))[1] for s in (7, 7, 8)]
    assert torch.equal(results[0], results[1])
    assert not torch.allclose(results[0], results[2], atol=1e-2)


def test_noise_is_new_in_every_frame_and_every_game(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = simulator(steps=1)
    given: list[Tensor] = []
    denoise = sim.dynamics.denoise
    monkeypatch.setattr(
        sim.dynamics, "denoise", lambda s, x, *told: given.append(x) or denoise(s, x, *told)
    )
    run(sim, started(sim, [0, 1]), [0, 1], range(20))
    noise = torch.stack(given).flatten(2)[:, :, :8].flatten(0, 1)
    assert len(noise.unique(dim=0)) == 40
    assert float(torch.stack(given).std()) == pytest.approx(1, abs=0.1)


def test_old_states_stay_valid_while_others_go_on() -> None:
    sim = simulator()
    old, _ = run(sim, started(sim, [0]), [0], range(3))
    kept = {name: tensor.clone() for name, tensor in old.tensors().items()}
    _, first = run(sim, old, [0], range(3, 40))  # far enough for the past to move house
    assert all(torch.equal(tensor, kept[name]) for name, tensor in old.tensors().items())
    _, again = run(sim, old, [0], range(3, 40))
    assert torch.equal(first, again)


def test_a_restored_state_goes_on_with_the_same_bits() -> None:
    sim = simulator()
    state, _ = run(sim, started(sim, [0, 1]), [0, 1], range(11))
    saved = {name: tensor.clone() for name, tensor in state.tensors().items()}
    _, expected = run(sim, state, [0, 1], range(11, 20))
    _, resumed = run(simulator(), simulator().restore(saved), [0, 1], range(11, 20))
    assert torch.equal(resumed, expected)


def test_rows_fork_and_other_seeds_part_them() -> None:
    sim = simulator()
    state, _ = run(sim, started(sim, [0, 1]), [0, 1], range(2))
    forks = state.rows([1, 1, 1])
    _, twins = run(sim, forks, [1, 1, 1], range(2, 5))
    assert torch.allclose(twins[0], twins[2], atol=1e-5)
    _, parted = run(sim, forks.with_seeds([1, 2, 3]), [1, 1, 1], range(2, 5))
    assert not torch.allclose(parted[0], parted[2], atol=1e-2)


def test_a_row_does_not_depend_on_the_others() -> None:
    sim, rows = simulator(), [0, 1, 2]
    _, together = run(sim, started(sim, rows), rows, range(12))
    for row in rows:
        _, alone = run(sim, started(sim, [row]), [row], range(12))
        assert torch.allclose(together[row], alone[0], atol=1e-4)


def test_a_partial_reset_is_a_fresh_start_for_its_row_and_nothing_for_others() -> None:
    sim = simulator()
    state, _ = run(sim, started(sim, [0, 1]), [0, 1], range(10))
    mixed = sim.reset_rows(state, [1], *context([2]), seeds=[102])
    assert mixed.clock.tolist() == [CONTEXT + 10, CONTEXT]
    _, seen = run(sim, mixed, [0, 2], range(10, 25))
    _, untouched = run(sim, state, [0, 1], range(10, 25))
    _, fresh = run(sim, started(sim, [2]), [2], range(10, 25))
    assert torch.allclose(seen[0], untouched[0], atol=1e-5)
    assert torch.allclose(seen[1], fresh[0], atol=1e-4)


def test_memory_does_not_grow() -> None:
    sim = simulator()
    state = started(sim, [0])
    size = state.cache.log.far.numel()
    state, _ = run(sim, state, [0], range(60))
    assert state.cache.log.far.numel() == size
    assert state.latents.isfinite().all()


def test_text_travels_with_its_game() -> None:
    sim = simulator(tiny_dynamics(text_width=4))
    latents, actions = context([0, 0])
    text = torch.tensor([[1.0, 0, 0, 0], [0, 2.0, 0, 0]])
    state = sim.reset(latents, actions, [3, 3], text)
    _, seen = run(sim, state, [0, 0], range(2))
    assert not torch.allclose(seen[0], seen[1], atol=1e-2)
    _, swapped = run(sim, sim.restore(state.rows([1, 0]).tensors()), [0, 0], range(2))
    assert torch.allclose(swapped.flip(0), seen, atol=1e-5)


def test_bfloat16_stays_close_to_float32() -> None:
    model, tokenizer = tiny_dynamics(), PoolingTokenizer()
    sims: list[Any] = [
        Simulator(tokenizer, model, dtype=d) for d in (torch.float32, torch.bfloat16)
    ]
    exact, rough = (run(sim, started(sim, [0]), [0], range(1))[1] for sim in sims)
    assert float((exact - rough).square().mean() / exact.square().mean()) < 0.01
    assert next(model.parameters()).dtype == torch.float32


def test_what_does_not_fit_is_refused() -> None:
    sim = simulator()
    latents, actions = context([0])
    with pytest.raises(ValueError, match="4 frames of context came with 2 actions; needed 3"):
        sim.reset(latents, actions[:, 1:], [0])
    with pytest.raises(ValueError, match="2 seeds for 1 games"):
        sim.reset(latents, actions, [0, 1])
    with pytest.raises(ValueError, match="needed frames"):
        sim.reset(latents[0], actions, [0])
    state = sim.reset(latents, actions, [0])
    with pytest.raises(ValueError, match=r"needed \(1, t, 3\)"):
        sim.step(state, torch.zeros(1, 1, 4))
    with pytest.raises(ValueError, match="NaN"):
        sim.step(state, torch.full((1, 1, 3), torch.nan))
    with pytest.raises(UserError, match="sampler is 'ddim'; needed one of euler, heun, renoise"):
        simulator(sampler="ddim")
