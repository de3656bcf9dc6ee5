"""A hole that was dug stays one, whatever pictures of it look like."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from envs.voxel.blocks import ID
from worldsim import actions
from worldsim.camera import CameraConfig
from worldsim.memory import hollow
from worldsim.memory.expected import Expected
from worldsim.memory.painted import painted
from worldsim.memory.panorama import Panorama
from worldsim.memory.panoramas import as_arrays, begun, blank, from_arrays
from worldsim.models.faces import Faces

SIZE, GREY = 64, 90
CAMERA = CameraConfig(field_of_view=70.0)
VISIBLE = CAMERA.visible(SIZE)
STRAIGHT = np.array([0.0, 0.5, 0.5, 0.0, 1.0])
PLANKS = torch.tensor([-0.5, -0.5, 2.0, 0.0, 0.0, 1.0])


def standing(cube: np.ndarray, pitch: float) -> Panorama:
    """A game that looks straight ahead and down by so much, in whose grid a cube is."""
    lattice = np.array([0.0, *(-np.asarray(cube[:3], np.float64) % 1), 1.0])
    return replace(blank(CAMERA, (SIZE, SIZE, 3), pitch), lattice=lattice)


def test_what_was_seen_of_a_wall_is_as_far_as_the_exact_world_shows_it_when_it_is_dug():
    env = gym.make("envs:WorldSim/Voxel-v0", size=SIZE).unwrapped
    env.reset(seed=11)
    x, y, z = (int(np.floor(part)) for part in env.pose()[:3])
    for dx in range(-4, 5):
        for up in range(-1, 5):
            for dz in range(8):
                solid = up < 0 or dz > 1
                env.set_block(x + dx, y + up, z + dz, ID["stone"] if solid else 0)
    env.place(np.array([x + 0.6, y, z + 0.4, 0.0, 10.0]))
    before = env.depth()
    game, told = None, None
    for _ in range(2):  # one behind the other
        _, _, info = env.apart(actions.make(attack=1), at_once=True, outlined=False)
        assert info["events"]["block_broken"]
        game = standing(info["cube"], 10.0) if game is None else game
        game = hollow.dug(game, info["cube"])
        told, now = hollow.beyond(game, before, VISIBLE), env.depth()
        off = np.abs(told / now - 1)[:VISIBLE]
        assert (off < 0.02).mean() > 0.99
        assert off.max() < 0.05  # where a ray leaves the hole by its edge
        assert (told[VISIBLE:] == before[VISIBLE:]).all()
    changed = told != before
    assert 0.02 < changed.mean() < 0.5
    liquid = hollow.beyond(game, -before, VISIBLE)
    assert liquid == pytest.approx(-told)
    env.close()


def test_a_hole_that_is_filled_is_none_and_the_oldest_are_forgotten():
    cube = PLANKS.numpy()
    game = hollow.dug(standing(cube, 0.0), cube)
    near = np.full((SIZE, SIZE), 2.2, np.float32)
    assert hollow.beyond(game, near, VISIBLE)[SIZE // 2, SIZE // 2] == pytest.approx(3.0)
    assert hollow.beyond(hollow.filled(game, cube), near, VISIBLE) is near
    for _ in range(len(game.holes)):
        game = hollow.dug(game, cube + np.array([30.0, 0, 0, 0, 0, 0], np.float32))
    assert hollow.beyond(game, near, VISIBLE) is near


@pytest.fixture(scope="module")
def wall() -> Panorama:
    """A game before a grey wall two blocks ahead."""
    frames = np.full((1, 1, SIZE, SIZE, 3), GREY, np.uint8)
    away = np.full((1, 1, SIZE, SIZE), 2.0, np.float32)
    none = np.zeros((1, 0, actions.SIZE), np.float32)
    (game,) = begun(CAMERA, none, np.zeros((1, 0, 3)), frames, away, [0.0])
    return replace(game, lattice=STRAIGHT)


def ahead(game: Panorama) -> Expected:
    return Expected.of(game, np.zeros(actions.SIZE, np.float32), np.zeros(3), 0.5)


def test_a_hole_in_a_dream_is_not_read_to_be_a_block_and_what_is_put_there_is(wall):
    torch.manual_seed(0)
    faces, latents = Faces(8, parts=4, width=16).eval(), torch.randn(1, 8, 8, 8)
    changed, read = np.ones((8, 8), np.bool_), np.full((SIZE, SIZE), 2.0, np.float32)
    game, middle = wall, (SIZE // 2, SIZE // 2)
    for gone, far in ((True, 3.0), (False, 2.0)):
        parts = PLANKS[None], [ahead(game)], torch.tensor([gone])
        (view,) = painted(faces, latents, *parts)
        game = view.dreamed(view.picture, read, changed)
        for _ in range(20):  # a network that sees the wall as it was, and takes it for new
            game = ahead(game).dreamed(np.roll(game.frame, 99), read, changed)
        assert game.distance[middle] == pytest.approx(far, abs=0.1)
    (same,) = from_arrays(CAMERA, as_arrays([game]))
    assert np.array_equal(same.holes, game.holes)
    arrays = {name: part for name, part in as_arrays([game]).items() if name != "holes"}
    assert len(from_arrays(CAMERA, arrays)[0].holes) == len(game.holes)
