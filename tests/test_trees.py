"""Which trees a player can see; yaw 0 looks along z, yaw 90 against x."""

import numpy as np
import pytest

from agents.chopper import Chopper
from agents.skills import Senses
from agents.trees import nearest_trunk, pit_ahead, seen_trunk, turn_to
from worldsim import actions

LOG, STONE = 6, 1
GROUND = 20


class Meadow:
    """Flat ground with trunks of five logs and whatever else is put there."""

    def __init__(self, *trunks, **blocks):
        self.blocks = {(x, GROUND + up, z): LOG for x, z in trunks for up in range(5)}
        self.blocks |= blocks.get("more", {})

    @property
    def unwrapped(self):
        return self

    def block_at(self, x, y, z):
        return self.blocks.get((x, y, z), STONE if y < GROUND else 0)


def senses(world, yaw=0.0, pitch=0.0):
    info = {"position": np.array([0.5, GROUND, 0.5]), "yaw": yaw, "pitch": pitch, "tick": 0}
    return Senses(np.random.default_rng(0), info, world)


def test_a_tree_is_seen_before_one_and_not_behind():
    world = Meadow((0, 6))
    assert seen_trunk(senses(world), set()) == (0, 6)
    for yaw in (60, 180, -60):
        assert seen_trunk(senses(world, yaw), set()) is None
        assert nearest_trunk(senses(world, yaw), set()) == (0, 6)


def test_a_tree_under_the_hotbar_or_above_the_picture_is_not_seen():
    world = Meadow((0, 6))
    assert seen_trunk(senses(world, pitch=-70), set()) is None
    assert seen_trunk(senses(world, pitch=70), set()) is None


def test_a_tree_behind_a_wall_is_not_seen():
    wall = {(x, GROUND + up, 3): STONE for x in range(-9, 10) for up in range(9)}
    assert seen_trunk(senses(Meadow((0, 6), more=wall)), set()) is None
    low = {cell: kind for cell, kind in wall.items() if cell[1] < GROUND + 2}
    assert seen_trunk(senses(Meadow((0, 6), more=low)), set()) == (0, 6)


def test_of_two_trees_the_nearer_counts_and_those_left_do_not():
    world = Meadow((0, 9), (2, 6))
    assert seen_trunk(senses(world), set()) == (2, 6)
    assert seen_trunk(senses(world), {(2, 6)}) == (0, 9)
    assert seen_trunk(senses(Meadow((0, 40))), set()) is None


def test_the_turn_to_a_point_leads_there():
    s = senses(Meadow(), yaw=30)
    pitch, yaw = turn_to(s, np.array([-5 + 0.5, GROUND + 1.62, 0.5]))
    assert (pitch, yaw) == pytest.approx((0, 60))


@pytest.mark.parametrize("sighted", [False, True])
def test_who_does_not_see_the_tree_looks_about_to_the_right_or_walks_on(sighted):
    """The privileged turns left, where the tree is; the sighted cannot know."""
    world = Meadow((5, 0))  # 90 degrees to the left
    info = senses(world).info
    policy = Chopper(moves=True, sighted=sighted)
    done = []
    for seed in range(20):
        policy.reset(seed, world, info)
        done.append(actions.to_vector(policy.act(None, info)))
    turned = np.array(done)[:, actions.CAMERA][:, 1]
    if not sighted:
        assert (turned < 0).all()
        return
    walked = np.array(done)[:, actions.INDEX["forward"]] > 0
    assert np.array_equal(turned > 0, ~walked)
    assert 0 < walked.sum() < 10


class Ravine(Meadow):
    """A meadow that from z = 2 on is so many blocks lower."""

    def __init__(self, depth, **blocks):
        super().__init__(**blocks)
        self.depth = depth

    def block_at(self, x, y, z):
        return super().block_at(x, y + (self.depth if z >= 2 else 0), z)


@pytest.mark.parametrize(("depth", "falls"), [(0, False), (3, False), (4, True), (15, True)])
def test_a_pit_is_where_one_would_fall_deep(depth, falls):
    world = Ravine(depth)
    assert pit_ahead(senses(world)) is falls
    assert not pit_ahead(senses(world, yaw=180))
    assert not pit_ahead(senses(world), aside=90)
    assert pit_ahead(senses(world, yaw=180), aside=180) is falls


def test_behind_a_wall_there_is_no_falling():
    wall = {(0, GROUND, 1): STONE}
    assert not pit_ahead(senses(Ravine(15, more=wall)))


class Asks:
    """A script that walks on and on."""

    def __iter__(self):
        return self

    def __next__(self):
        return {"forward": 1}


def test_who_sees_turns_aside_before_a_pit_and_walks_on_from_there():
    policy = Chopper(moves=True, sighted=True)
    world = Ravine(15)
    info = {"position": np.array([0.5, GROUND, 0.5]), "yaw": 0.0, "pitch": 0.0, "tick": 0}
    policy.reset(0, world, info)
    policy._script = Asks()
    turned = []
    for _ in range(6):
        for _ in range(4):
            action = policy.act(None, info)
        turned.append(float(action["camera"][1]))
        info = {**info, "yaw": info["yaw"] + 4 * turned[-1]}
    assert all(turn > 0 for turn in turned[:2])  # 0 and 48 degrees look down it, 96 do not
    assert turned[2:] == [0, 0, 0, 0]
