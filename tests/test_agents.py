"""Agents that learn: the adapter to Stable-Baselines3, returns, training, resume, playing."""

import json

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from learners import small

from agents.actor_critic import ActorCritic, ActorCriticConfig
from agents.exam import ExamConfig, curve_of, draw_curves, examine
from agents.moves import MOVES
from agents.network import Network, NetworkConfig
from agents.planner import Planner
from agents.returns import Range, lambda_returns
from agents.sight import Pixels
from agents.train import train_agent
from agents.trained import TrainedAgent, load_agent, save_agent
from worldsim import checkpoint
from worldsim.data.record import RandomPolicy
from worldsim.errors import UserError


def weights(folder):
    return checkpoint.load(folder / "checkpoint.safetensors")[0]


def test_lambda_returns_of_a_play_worked_by_hand():
    rewards = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    after = torch.tensor([[4.0, 8.0], [2.0, 6.0], [8.0, 4.0]])
    terminated = torch.tensor([[False, False], [False, True], [False, False]])
    ended = torch.tensor([[False, False], [True, True], [False, False]])
    got = lambda_returns(rewards, after, terminated, ended, 0.5, 0.5)
    assert got[:, 0].tolist() == [0.5 * (0.5 * 4 + 0.5 * 2), 1 + 0.5 * 2, 0.5 * 8]
    assert got[:, 1].tolist() == [1 + 0.5 * (0.5 * 8 + 0.5 * 0), 0.0, 0.5 * 4]


def test_the_range_of_returns_never_blows_sparse_rewards_up():
    scale = Range(decay=0.5)
    assert scale.update(torch.zeros(10)) == 1.0
    assert scale.update(torch.linspace(0, 100, 101)) == pytest.approx(45.0)


class Clock(gym.Env):
    """Observes the tick; truncated at 3 or terminated at 2, as its kind says."""

    observation_space = gym.spaces.Box(0, 100, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, kind):
        self.kind, self.last = kind, 3 if kind == "cut" else 2

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.tick = 0
        return np.array([0], np.float32), {}

    def step(self, action):
        self.tick += 1
        over = self.tick == self.last
        cut = self.kind == "cut"
        return np.array([self.tick], np.float32), 1.0, over and not cut, over and cut, {"t": 1.0}


def test_the_adapter_tells_cut_off_episodes_from_those_that_are_over():
    sb3 = pytest.importorskip("agents.sb3")
    both = [lambda: Clock("cut"), lambda: Clock("over")]
    env = sb3.Sb3VecEnv(SyncVectorEnv(both, autoreset_mode=AutoresetMode.SAME_STEP))
    assert env.reset().tolist() == [[0], [0]]
    told = [env.step(np.array([0, 0])) for _ in range(3)]
    assert [done.tolist() for _, _, done, _ in told] == [[0, 0], [0, 1], [1, 0]]
    over, cut = told[1][3][1], told[2][3][0]
    assert (over["terminal_observation"].tolist(), over["TimeLimit.truncated"]) == ([2], False)
    assert (cut["terminal_observation"].tolist(), cut["TimeLimit.truncated"]) == ([3], True)
    assert told[1][0].tolist() == [[2], [0]]
    assert told[0][3] == [{"t": 1.0}, {"t": 1.0}]
    with pytest.raises(UserError, match="SAME_STEP"):
        sb3.Sb3VecEnv(SyncVectorEnv(both))


def test_truncation_is_worth_what_was_last_seen_and_an_end_is_worth_nothing():
    env = SyncVectorEnv([lambda: Clock("cut")], autoreset_mode=AutoresetMode.SAME_STEP)
    network = Network(NetworkConfig([1, 1, 1], 1.0, 2, 4))
    learner = ActorCritic(env, network, 1, ActorCriticConfig(horizon=3), 0)
    seen = []
    learner._values = lambda observed: (seen.append(observed.clone()), torch.zeros(1))[1]
    network.forward = lambda observed: (torch.zeros(len(observed), 2), torch.zeros(len(observed)))
    plays = learner.play(0, torch.Generator())
    assert [float(part) for part in seen] == [1, 2, 3]  # not 0, the next episode's first
    assert plays.ended[:, 0].tolist() == [False, False, True]
    assert not plays.terminated.any()


@pytest.mark.slow
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_agent(small(), whole)
    train_agent(small(ticks=32), parts)
    assert checkpoint.read_meta(parts / "checkpoint.safetensors")["step"] == 1
    train_agent(small(), parts)
    a, b = weights(whole), weights(parts)
    assert sorted(a) == sorted(b)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert [point[0] for point in curve_of(whole)] == [0, 64]
    with pytest.raises(UserError, match="seed=0; this run has 1"):
        train_agent(small(seed=1), whole)


def test_an_agent_is_examined_again_on_other_seeds(tmp_path):
    train_agent(small(ticks=32), tmp_path / "first")
    again = small(algo="agent", init=str(tmp_path / "first"))
    again.exam.seed = 800_000
    figures = train_agent(again, tmp_path / "exam")
    assert figures["exam_length"] == 12
    assert json.loads((tmp_path / "exam" / "figures.json").read_text()) == figures
    exam = json.loads((tmp_path / "exam" / "exam.json").read_text())
    assert list(exam["returns"]) == ["800000"]
    assert exam["lengths"] == {"800000": 12}


def test_the_agent_that_ships_fells_trees_in_the_exact_world():
    exam = ExamConfig(seed=700_000, episodes=2, ticks=320)
    assert examine(TrainedAgent(), exam).figures["return"] >= 1


@pytest.mark.slow
def test_agents_learn_in_a_dream_and_play_in_the_exact_world(tmp_path, runs):
    world, size = str(runs / "world.safetensors"), {"size": 32}
    dream = {"env": "WorldSim/DreamChop-v0", "obs": "latent", "world": world}
    options = {"device": "cpu", "dtype": "float32", "horizon": 8}
    exam = ExamConfig(episodes=1, ticks=6, options=size)
    dreams = ExamConfig(dream["env"], episodes=1, ticks=4)
    config = small(**dream, env_options=options, exam=exam, dreams=dreams, ticks=32, videos=True)
    figures = train_agent(config, tmp_path / "run")
    assert (figures["exam_length"], figures["exam_dream_length"] <= 4) == (6, True)
    assert (tmp_path / "run" / "videos" / "truth_000000032.mp4").exists()
    agent = TrainedAgent(str(tmp_path / "run"), world)
    env = gym.make("envs:WorldSim/VoxelChop-v0", **size)
    frame, info = env.reset(seed=1)
    played = []
    for _ in range(2):
        agent.reset(1, env, info)
        played.append([agent.act(frame, info) for _ in range(8)])
    assert str(played[0]) == str(played[1])
    with pytest.raises(UserError, match="latents of tokenizer"):
        TrainedAgent(str(tmp_path / "run"))


@pytest.mark.slow
def test_ppo_of_stable_baselines_runs_resumes_and_pickles_nothing(tmp_path):
    pytest.importorskip("stable_baselines3")
    from agents.settings import PpoConfig

    ppo = PpoConfig(n_steps=4, batch_size=4, n_epochs=1)
    train_agent(small(algo="ppo", ppo=ppo, ticks=32), tmp_path)
    first = weights(tmp_path)["policy.action_net.weight"]
    train_agent(small(algo="ppo", ppo=ppo, ticks=64), tmp_path)
    network, meta = load_agent(tmp_path)
    assert meta["step"] == 64
    assert torch.equal(network.actor.weight, weights(tmp_path)["policy.action_net.weight"])
    assert not torch.equal(network.actor.weight, first)
    assert {path.suffix for path in tmp_path.iterdir() if path.is_file()} <= {
        *(".safetensors", ".json", ".jsonl", ".png", ".md", ".lock", "")
    }


def test_a_planner_plays_moves_and_the_same_ones_again(runs):
    env = gym.make("envs:WorldSim/VoxelChop-v0", size=32)
    planner = Planner(str(runs / "world.safetensors"), ahead=2, candidates=3, best=1, rounds=2)
    played = []
    for _ in range(2):
        frame, info = env.reset(seed=2)
        planner.reset(0, env, info)
        taken = []
        for _ in range(9):
            taken.append(planner.act(frame, info))
            frame, _, _, _, info = env.step(taken[-1])
        played.append(str(taken))
    assert played[0] == played[1]
    with pytest.raises(UserError, match="best=5"):
        Planner(candidates=4, best=5)


def test_small_pictures_are_means_of_what_they_cover():
    frames = np.zeros((1, 128, 64, 3), np.uint8)
    frames[0, :2, 0, 1] = 10, 20
    seen = Pixels()(frames)
    assert seen.shape == (1, 3, 64, 64)
    assert seen[0, :, 0, 0].tolist() == [0, 15, 0]
    with pytest.raises(UserError, match="32x32"):
        Pixels()(np.zeros((1, 32, 32, 3), np.uint8))


def test_an_agents_file_is_refused_where_it_does_not_fit(tmp_path):
    network = Network(NetworkConfig(width=8))
    save_agent(tmp_path / "agent.safetensors", network, Pixels(), 4, 0, {})
    again, _ = load_agent(tmp_path)
    seen = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    assert torch.equal(again(seen)[0], network(seen)[0])
    assert again.config.moves == len(MOVES)
    config = small(obs="latent", init=str(tmp_path), ticks=1)
    with pytest.raises(UserError, match=r"sees 1 pixels"):
        train_agent(config, tmp_path / "run")
    with pytest.raises(UserError, match="skill is 2"):
        TrainedAgent(str(tmp_path), skill=2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"algo": "ppp"}, "did you mean"),
        ({"obs": "sound"}, "obs=sound"),
        ({"games": 0}, "games=0"),
        ({"algo": "agent"}, "needs init"),
        ({"algo": "bc"}, "data="),
        ({"ticks": None}, "neither ticks nor minutes"),
        ({"env": "CartPole-v1", "env_options": {}}, "worldsim.actions|image"),
        ({"exam": ExamConfig(seed=5)}, "seeds 5 to 12"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        train_agent(small(**changes), tmp_path)


def test_exams_are_the_same_again_and_curves_become_pictures(tmp_path):
    config = ExamConfig(episodes=2, ticks=20, options={"size": 16})
    first, again = (examine(RandomPolicy(), config) for _ in range(2))
    assert first == again
    assert first.figures["length"] == 20
    assert list(first.returns) == [700_000, 700_001]
    draw_curves(tmp_path / "curve.png", {"a": [(0, 1.0, 0.1), (5, 2.0, 0.1)]})
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UserError, match="metrics"):
        curve_of(tmp_path / "nowhere")
