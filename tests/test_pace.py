"""What a machine gives up for its frames a second, in the stated order, and that it is played."""

import threading
from collections.abc import Iterator

import gymnasium as gym
import numpy as np
import pytest
import torch
from playable import Playable
from windows import begun, tap

from worldsim import actions, pace
from worldsim.pace import Cost, Pace, Way, choose, kept
from worldsim.viewer import Config, run
from worldsim.world import load_world

USUAL, FEWER = Way("float32", 4), Way("float32", 2)
SHORT = Way("bfloat16", 4)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def cost(fps: float, steps: int = 4, rest: float = 0.2) -> Cost:
    """What allows that many frames a second of so many steps; `rest` is the share of all else."""
    seconds = (1 - pace.SPARE) / fps
    return Cost((1 - rest) * seconds / steps, rest * seconds)


def test_nothing_is_given_up_where_nothing_has_to_be() -> None:
    costs = {USUAL: cost(21), FEWER: cost(90), SHORT: cost(90)}
    assert choose(20, costs, USUAL, 4) == Pace(USUAL, 4, 20, 20)


def test_threads_go_before_precision_and_precision_before_steps() -> None:
    slow, fast = cost(15), cost(25)
    assert choose(20, {USUAL: slow, FEWER: fast, SHORT: fast}, USUAL, 4).way == FEWER
    assert choose(20, {USUAL: slow, FEWER: slow, SHORT: fast}, USUAL, 4) == Pace(SHORT, 4, 20, 20)
    picked = choose(20, {USUAL: slow, FEWER: cost(17), SHORT: cost(14)}, USUAL, 4)
    assert (picked.way, picked.steps) == (FEWER, 3)


def test_no_more_steps_go_than_needed() -> None:
    # One step of four is a fifth of the frame: 12 / 0.8 = 15, 12 / 0.6 = 20, 12 / 0.4 = 30.
    costs = {USUAL: cost(12)}
    assert [choose(fps, costs, USUAL, 4).steps for fps in (12, 14, 19, 29)] == [4, 3, 2, 1]


def test_the_pace_itself_goes_last_and_says_so() -> None:
    picked = choose(20, {USUAL: cost(4), FEWER: cost(4.8)}, USUAL, 4)
    assert (picked.way, picked.steps) == (FEWER, 1)
    assert picked.fps == pytest.approx(4.8 / 0.4)
    assert str(picked) == "float32, 2 threads, 1 step: 12 of 20 fps"


def test_steps_that_were_asked_for_stay() -> None:
    picked = choose(20, {USUAL: cost(10)}, USUAL, 4, least=4)
    assert (picked.steps, picked.fps) == (4, pytest.approx(10))
    assert choose(20, {USUAL: cost(10)}, USUAL, 1, least=4).steps == 1


def slowed(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Lets every pass of a frame, and all else together, take that long."""
    monkeypatch.setattr(pace, "_seconds", lambda sim, games: seconds * (1 + sim.config.steps))


def test_a_fast_machine_plays_the_world_as_it_is(runs, monkeypatch) -> None:
    slowed(monkeypatch, 0.001)
    world = load_world(runs / "world.safetensors", "cpu", "float32", steps=3)
    played, picked = kept(world, 20)
    assert played.simulator.config == world.simulator.config
    assert picked == Pace(Way("float32", torch.get_num_threads()), 3, 20, 20)


def test_a_slow_machine_takes_fewer_steps_of_the_same_weights(runs, monkeypatch) -> None:
    slowed(monkeypatch, 0.02)
    world = load_world(runs / "world.safetensors", "cpu", "float32", steps=3)
    played, picked = kept(world, 20)
    assert picked.steps == played.simulator.config.steps == 1
    assert played.simulator.dynamics is world.simulator.dynamics
    assert world.simulator.config.steps == 3


def test_another_precision_is_loaded_only_where_products_are_faster(runs, monkeypatch) -> None:
    slowed(monkeypatch, 1.0)
    path = runs / "world.safetensors"
    asked = []

    def reload(dtype: str):
        asked.append(dtype)
        return load_world(path, "cpu", dtype)

    for seconds in (2.0, 0.5):
        table = {torch.float32: 1.0, torch.bfloat16: seconds}
        monkeypatch.setattr(pace, "matmul_seconds", lambda _, dtype, table=table: table[dtype])
        kept(load_world(path, "cpu", "float32"), 20, reload=reload)
    assert asked == ["bfloat16"]


def test_the_environment_keeps_its_pace_in_the_thread_that_plays(runs, monkeypatch) -> None:
    slowed(monkeypatch, 0.02)
    path = str(runs / "world.safetensors")
    env = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, device="cpu").unwrapped
    assert env.sampling_steps == 2
    job = threading.Thread(target=env.keep_pace, args=(20,))
    job.start()
    job.join()
    assert env.sampling_steps == env.pace.steps == 1
    env.reset(seed=0)
    torch.set_num_threads(env.pace.way.threads + 1)
    frame = env.step(actions.make(forward=1))[0]
    assert torch.get_num_threads() == env.pace.way.threads
    alone = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, device="cpu", steps=1)
    alone.reset(seed=0)
    assert np.array_equal(frame, alone.step(actions.make(forward=1))[0])
    assert alone.unwrapped.keep_pace(1e9).steps == 1


def test_the_window_settles_the_pace_and_the_overlay_shows_it(launch, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(Playable, "keep_pace", lambda env, fps: asked.append(fps), raising=False)
    monkeypatch.setattr(Playable, "pace", Pace(USUAL, 2, 31.0, 20.0), raising=False)
    app = begun(launch, pace=True)
    assert asked == [app.config.fps]
    assert ("pace", "float32, 4 threads, 2 steps: holds 20 fps") in tap(app, "F3").overlay


def test_videos_are_played_as_exported(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Playable, "keep_pace", lambda env, fps: 1 / 0, raising=False)
    run(Config(env="Playable-v0", headless=True, frames=2, out=str(tmp_path / "a.gif")), tmp_path)


def test_the_real_measurement_runs(runs) -> None:
    world = load_world(runs / "world.safetensors", "cpu", "float32")
    _, picked = kept(world, 1e9, reload=lambda dtype: load_world(runs / "world.safetensors"))
    assert 0 < picked.fps < 1e9
    assert 1 <= picked.steps <= world.simulator.config.steps
