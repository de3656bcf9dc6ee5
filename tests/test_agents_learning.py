"""Agents that learn: what they see and remember, clones, what holds them near, ranks."""

import json
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from learners import FOREST, small

from agents import rank
from agents.actor_critic import ActorCritic, ActorCriticConfig
from agents.cloning import Cloning, CloningConfig
from agents.decisions import Decisions, decisions
from agents.games import make_games
from agents.moves import MOVES, VECTORS
from agents.network import Block, Network, NetworkConfig
from agents.rank import spearman
from agents.sight import Pixels, down_of, sight
from agents.train import train_agent
from agents.trained import Player, load_agent, save_agent
from worldsim import actions
from worldsim.data import encode, episode, record
from worldsim.data.latents import FACTS
from worldsim.errors import UserError


def test_training_from_an_agent_teaches_its_critic_first(tmp_path):
    torch.manual_seed(0)
    network = Network(NetworkConfig([3, 64, 64], width=16))
    torch.nn.init.normal_(network.critic.weight)
    save_agent(tmp_path / "agent.safetensors", network, Pixels(), 4, 0, {})
    learning = ActorCriticConfig(horizon=4, passes=2, batch=8, warm=9)
    changes = {"init": str(tmp_path), "history": 1, "tilt": False, "dream_ac": learning}
    train_agent(small(**changes), tmp_path / "warm")
    before, after = network.state_dict(), load_agent(tmp_path / "warm")[0].state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"critic.weight", "critic.bias"}


def test_an_agent_is_held_near_what_it_began_from():
    seen = torch.randint(256, (16, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    odds = {}
    for anchor in (0.0, 3.0, 30.0):
        torch.manual_seed(0)
        network = Network(NetworkConfig([3, 16, 16], width=32, channels=8))
        learning = ActorCriticConfig(anchor=anchor, rate=3e-3, clip=1e9)
        learner = ActorCritic(None, network, 4, learning, 0, trained=True)
        before = network(seen)[0].log_softmax(-1).detach()
        moves, ones = torch.zeros(16, dtype=torch.int64), torch.ones(16)
        for _ in range(60):
            learner._update(seen, moves, before[:, 0], ones, ones)
        odds[anchor] = network(seen)[0].softmax(-1)[:, 0].mean().item()
    assert odds[0.0] > 0.95
    assert 0.95 > odds[3.0] > odds[30.0] > float(before.exp()[:, 0].mean())


def test_blocks_of_a_network_add_nothing_at_first_and_learn():
    torch.manual_seed(0)
    network = Network(NetworkConfig([3, 16, 16], width=32, channels=8, blocks=1))
    plain = Network(NetworkConfig([3, 16, 16], width=32, channels=8))
    own = iter([layer for layer in network.eyes.convolutions if not isinstance(layer, Block)])
    for layer, theirs in zip(plain.eyes.convolutions, own, strict=True):
        layer.load_state_dict(theirs.state_dict())
    maps = torch.rand(2, 3, 16, 16)
    assert torch.allclose(network.eyes.convolutions(maps), plain.eyes.convolutions(maps))
    network.eyes.convolutions(maps).square().sum().backward()
    blocks = [layer for layer in network.eyes.convolutions if isinstance(layer, Block)]
    assert len(blocks) == 2
    assert all(block.second.weight.grad.abs().sum() > 0 for block in blocks)


def test_recorded_decisions_are_the_moves_that_were_intended(tmp_path):
    options = {"moves": True, "skill": 0.5}
    chopper = {"policy": "chopper", "policy_options": options, "env": "WorldSim/VoxelChop-v0"}
    recording = record.Config(
        **chopper, env_options=FOREST, episodes=2, steps=42, out=str(tmp_path)
    )
    record.record(recording)
    found = decisions([str(tmp_path)], Pixels(), 4, 0.5, [1, 1])
    played = episode.read(tmp_path / "episode_000001.h5")
    meant = played.info[episode.INTENDED][1:]
    assert np.array_equal(VECTORS[found.moves], meant[:40:4])
    same = (meant == played.actions).all(-1)
    assert same.any()
    assert not same.all()
    assert np.array_equal(found.seen, Pixels()(played.frames[:40:4]))
    both = found.observed(np.array([2, 0]), 2)
    assert np.array_equal(both[0], np.concatenate([found.seen[2], found.seen[1]]))
    assert np.array_equal(both[1], np.concatenate([found.seen[0], found.seen[0]]))
    begun = found.observed(np.array([2]), 2, np.array([True]))
    assert np.array_equal(begun[0], np.concatenate([found.seen[2], found.seen[2]]))
    rewards = played.rewards[:40].reshape(10, 4).sum(1)
    assert found.returns[0] == pytest.approx((rewards * 0.5 ** np.arange(10)).sum())
    mirrored = decisions([str(tmp_path)], Pixels(), 4, 0.5, [1, 1], mirror=True)
    sides = VECTORS[mirrored.moves].reshape(2, 10, -1)
    yaw = actions.CAMERA.start + 1
    assert np.array_equal(np.delete(sides[0], yaw, 1), np.delete(sides[1], yaw, 1))
    assert np.array_equal(sides[0, :, yaw], -sides[1, :, yaw])
    assert np.array_equal(mirrored.seen[10:, :, :52], mirrored.seen[:10, :, :52, ::-1])
    assert np.array_equal(mirrored.seen[10:, :, 52:], mirrored.seen[:10, :, 52:])
    assert mirrored.first.tolist() == [0] * 10 + [10] * 10
    for seeds, said in (([5, 9], "of these seeds"), ([5], "the first and the last")):
        with pytest.raises(UserError, match=said):
            decisions([str(tmp_path)], Pixels(), 4, 0.5, seeds)


@pytest.mark.slow
def test_cloning_learns_decisions_by_heart():
    rng = np.random.default_rng(0)
    seen = rng.integers(0, 256, (24, 3, 16, 16), dtype=np.uint8)
    moves = rng.integers(len(MOVES), size=24)
    torch.manual_seed(0)
    network = Network(NetworkConfig([3, 16, 16], width=32, channels=8))
    data = Decisions(seen, moves, np.zeros(24, np.float32), np.zeros(24, np.int64))
    config = CloningConfig(batch=24, steps=60, rate=3e-3, dropout=0, shift=0)
    learner = Cloning(data, network, 4, config, 0)
    first, *_, last = (learner.round(number)[1]["agreement"] for number in range(3))
    assert first < last
    assert last > 0.95


def test_latents_tell_what_was_intended_too(tmp_path, runs):
    """A clone learns the same from recordings and from their latents."""
    chopper = {"policy": "chopper", "policy_options": {"moves": True, "skill": 0.5}}
    data, out, world = str(tmp_path / "data"), str(tmp_path / "latents"), runs / "world.safetensors"
    recorded = {"env": "WorldSim/VoxelChop-v0", "env_options": {"size": 32}, "out": data}
    record.record(record.Config(**chopper, **recorded, episodes=2, steps=18))
    encode.run(encode.Config([data], str(world), out, dtype="float32"), tmp_path)
    seen = sight("latent", str(world), tilt=True)
    ours, theirs = (decisions([folder], seen, 4, 0.5) for folder in (data, out))
    for name in ("moves", "returns", "first"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert ours.seen == pytest.approx(theirs.seen, abs=0.02)
    assert ours.seen.shape[1] == 1 + seen.bare.shape[0]
    facts = np.memmap(tmp_path / "latents" / "facts.f32", np.float32, "r+").reshape(-1, len(FACTS))
    facts[:, FACTS.index("pitch")] = np.nan  # of a game that does not tell it
    untold = decisions([out], seen, 4, 0.5).seen
    assert not untold[:, -1].any()
    assert np.array_equal(untold[:, :-1], theirs.seen[:, :-1])


def test_games_show_what_the_sight_sees_and_hold_moves():
    games = make_games("WorldSim/VoxelChop-v0", 2, sight("pixels"), 3, FOREST)
    seen, infos = games.reset(seed=[1, 2])
    assert seen.shape == (2, 3, 64, 64)
    *_, infos = games.step(np.array([1, 0]))
    assert infos["tick"].tolist() == [3, 3]


def test_games_remember_what_was_seen_until_they_end():
    options = {**FOREST, "max_episode_steps": 6}
    games = make_games("WorldSim/VoxelChop-v0", 2, sight("pixels"), 3, options, history=3)
    first, _ = games.reset(seed=[1, 2])
    assert games.single_observation_space.contains(first[0])
    assert np.array_equal(first[:, :3], first[:, 6:])
    turned = np.array([8, 7])
    second, *_ = games.step(turned)
    assert np.array_equal(second[:, 3:6], first[:, :3])
    assert not np.array_equal(second[:, :3], first[:, :3])
    third, _, _, truncated, infos = games.step(turned)
    assert truncated.all()
    last = np.stack(infos["final_obs"])
    assert np.array_equal(last[:, 3:], second[:, :6])
    assert np.array_equal(third[:, :3], third[:, 6:])


@pytest.mark.parametrize("tilt", [False, True])
def test_how_far_down_one_looks_is_seen_where_it_is_wanted(tilt):
    options = {**FOREST, "max_episode_steps": 6}
    seen = sight("pixels", tilt=tilt)
    games = make_games("WorldSim/VoxelChop-v0", 2, seen, 3, options, history=2)
    shown, infos = games.reset(seed=[1, 2])
    assert games.single_observation_space.contains(shown[0])
    assert shown.shape[1] == 2 * (3 + tilt)
    shown, *_, infos = games.step(np.array([12, 0]))  # 4 degrees a tick down, and rest
    if not tilt:
        return
    planes = (infos["pitch"] + 90) * 255 / 180
    assert np.ptp(shown[:, 3], (1, 2)).max() == 0
    assert shown[:, 3, 0, 0] == pytest.approx(planes, abs=0.5)
    assert shown[0, 3, 0, 0] - shown[0, 7, 0, 0] == pytest.approx(12 * 255 / 180, abs=1)
    again, *_, infos = games.step(np.array([12, 0]))
    last = np.stack(infos["final_obs"])
    assert last[0, 3, 0, 0] - last[0, 7, 0, 0] == pytest.approx(12 * 255 / 180, abs=1)
    begun = (infos["pitch"] + 90) * 255 / 180
    assert again[:, 3, 0, 0] == pytest.approx(begun, abs=0.5)
    assert np.array_equal(again[:, 3], again[:, 7])


def test_games_that_do_not_tell_how_far_down_one_looks_show_none():
    assert down_of({}, 2).tolist() == [0, 0]
    assert down_of({"pitch": 7.0}, 1).tolist() == [7]
    assert down_of({"pose": np.arange(10.0).reshape(2, 5)}, 2).tolist() == [4, 9]


def test_a_player_sees_what_the_games_of_its_training_show():
    torch.manual_seed(1)
    network = Network(NetworkConfig([8, 64, 64], width=8)).eval()
    player = Player(network, sight("pixels", tilt=True), 3, greedy=True)
    env = gym.make("envs:WorldSim/VoxelChop-v0", **FOREST)
    frame, info = env.reset(seed=1)
    player.reset(1, env, info)
    for _ in range(9):
        frame, *_, info = env.step(player.act(frame, info))
    tilted = sight("pixels", tilt=True)
    games = make_games("WorldSim/VoxelChop-v0", 1, tilted, 3, FOREST, history=2)
    seen, _ = games.reset(seed=[1])
    for _ in range(3):
        with torch.no_grad():
            logits, _ = network(torch.from_numpy(seen))
        seen, *_ = games.step(logits.argmax(1).numpy())
    assert np.array_equal(seen[0, :3], sight("pixels")(frame[None])[0])


def test_ranks_of_equal_and_opposite_order_and_with_ties():
    a = np.array([1.0, 2.0, 3.0, 4.0])
    assert spearman(a, a**2) == 1
    assert spearman(a, -a) == -1
    assert spearman(a, np.array([1.0, 1.0, 3.0, 4.0])) == pytest.approx(0.9486833)
    assert np.isnan(spearman(a, np.ones(4)))


@pytest.mark.slow
def test_policies_of_graded_skill_are_ranked_in_dream_and_truth(tmp_path, runs):
    world = str(runs / "world.safetensors")
    seen = sight("latent", world)
    network = Network(NetworkConfig(list(seen.space.shape), 1.0, width=8))
    save_agent(tmp_path / "agent.safetensors", network, seen, 4, 0, {})
    places = {"dream_options": {"device": "cpu"}, "exact_options": {"size": 32}, "world": world}
    config = rank.Config(str(tmp_path), 3, **places, games=2, moves=2)
    result = rank.rank(config, tmp_path)
    kept = json.loads((tmp_path / "played.json").read_text())
    del kept["measured"]["truth 2"]
    (tmp_path / "played.json").write_text(json.dumps(kept))
    for again in (rank.rank(config, tmp_path), rank.rank(config)):
        assert all(again[place] == result[place] for place in ("dream", "truth"))
    with pytest.raises(UserError, match="games=2; this run has 3"):
        rank.rank(replace(config, games=3), tmp_path)
    assert result["skills"] == [0, 0.5, 1]
    assert result["gap"] == pytest.approx(np.mean(result["dream"]) - np.mean(result["truth"]))
    assert result["gap_interval"][0] <= result["gap"] <= result["gap_interval"][1]
    assert len(result["dream"]) == len(result["truth"]) == 3
    with pytest.raises(UserError, match="agent=nothing"):
        rank.rank(rank.Config())
