"""Blocks that players put down, painted into what is known before a frame is dreamed."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from envs.voxel.blocks import ID
from worldsim import actions, cubes
from worldsim.camera import CameraConfig
from worldsim.data.encode_events import colored
from worldsim.memory.expected import Expected
from worldsim.memory.origins import NONE
from worldsim.memory.painted import beside, painted
from worldsim.memory.panorama import NEVER, Panorama
from worldsim.memory.panoramas import begun
from worldsim.models.draft import Drafted
from worldsim.models.faces import TEXELS, Faces, Looks, colors, faces_loss

SIZE = 64
CAMERA = CameraConfig(field_of_view=70.0)


@pytest.fixture(scope="module")
def placed():
    """A frame in which planks have just been put down, the same without, and where they are."""
    env = gym.make("envs:WorldSim/Voxel-v0", size=SIZE).unwrapped
    env.reset(seed=11, options={"pitch": 50.0, "hotbar": [(ID["planks"], 7)]})
    env.step(actions.make(hotbar=1, camera=(-10.0, 20.0)))
    frame, idle, info = env.apart(actions.make(use=1), outlined=False)
    depth, planks = env.depth(), env.block_ids() == ID["planks"]
    env.close()
    return frame, idle, info["cube"], depth, planks


def test_a_block_is_where_the_exact_world_shows_it(placed):
    _, _, cube, depth, planks = placed
    front = cubes.front(torch.from_numpy(cube)[None], (SIZE, SIZE), CAMERA.tangent)[0].numpy()
    visible = CAMERA.visible(SIZE)
    there = front[..., 3] > 0
    assert planks.sum() > 100
    assert (planks == there).mean() > 0.999
    seen = (planks & there)[:visible]
    assert np.abs(front[:visible][seen][:, 3] - depth[:visible][seen]).max() < 1e-3
    assert {int(side) for side in front[:visible][seen][:, 0]} <= {
        0,
        1,
    }  # from above, none of its bottom


def test_colours_are_taken_off_the_block_alone(placed):
    frame, idle, cube, *_ = placed
    told = {"events": {"block_placed": 1.0}, "cube": cube}
    points = colored((NOTHING, frame, idle, told), CAMERA)
    assert (points[:, 6] == 1).all()
    assert points[:, 1:3].min() >= 0
    assert points[:, 1:3].max() <= 1
    browns = points[:, 3] > points[:, 5] + 0.1  # planks are browner than grass
    assert browns.mean() > 0.8
    assert not colored((NOTHING, idle, idle, told), CAMERA).any()
    assert not colored((NOTHING, frame, idle, {**told, "events": {}}), CAMERA).any()


@pytest.fixture(scope="module")
def broken():
    """A block of level ground that has just broken: frame, frame before, info; and the depths."""
    env = gym.make("envs:WorldSim/Voxel-v0", size=SIZE).unwrapped
    env.reset(seed=11, options={"pitch": 50.0})
    env.step(actions.make(camera=(10.0, 0.0)))
    frame, idle, info = env.apart(actions.make(attack=1), at_once=True, outlined=False)
    info["away"] = env.depth()
    env.close()
    return frame, idle, info


def test_a_hole_shows_the_sides_beyond_where_the_exact_world_does(broken):
    frame, idle, info = broken
    assert info["events"]["block_broken"]
    cube = torch.from_numpy(info["cube"])[None]
    inside = cubes.inside(cube, (SIZE, SIZE), CAMERA.tangent)[0].numpy()
    points = colored((NOTHING, frame, idle, info), CAMERA)
    assert (points[:, 0] >= len(cubes.SIDES)).all()
    exits = {cubes.EXITS[int(code) - len(cubes.SIDES)] for code in points[:, 0]}
    assert "down" in exits
    assert points[:, 7].mean() > 0.9  # there is ground beyond the ground
    floor = inside[..., 0] == cubes.EXITS.index("down")
    changed = np.abs(frame.astype(int) - idle).max(-1) > 0  # the edge nearby hides some of it
    floor = (floor & changed & (inside[..., 3] > 0))[: CAMERA.visible(SIZE)]
    off = np.abs(inside[..., 3] - info["away"])[: CAMERA.visible(SIZE)][floor]
    assert (off < 1e-3).mean() > 0.9
    del info["away"]
    assert not colored((NOTHING, frame, idle, info), CAMERA).any()


@pytest.mark.parametrize("shut", [False, True])
def test_a_hole_shows_the_block_beyond_or_what_is_beside(faces, shut):
    faces.beyond[-1].bias.data[-len(cubes.EXITS) :] = 9.0 if shut else -9.0
    latents, gone = torch.randn(1, 8, 8, 8), torch.tensor([True])
    ahead = view(2.0)  # of a wall
    (after,) = painted(faces, latents, BLOCK[None], [ahead], gone)
    middle = SIZE // 2, SIZE // 2
    assert after.painted is not None
    assert after.painted[middle]
    assert after.away[middle] == pytest.approx(3.0, abs=0.1)  # what is as near is not behind it
    assert (after.picture[middle] == 90).all() != shut
    away = ahead.away.copy()
    away[:, : SIZE // 4] = 9.0
    (past,) = painted(faces, latents, BLOCK[None], [replace(ahead, away=away)], gone)
    assert past.away[middle] == pytest.approx(3.0 if shut else 9.0, abs=0.1)
    assert (past.picture[middle] == 90).all() != shut
    (whole,) = painted(faces, latents, BLOCK[None], [view(1.0)], gone)
    assert not whole.painted.any()  # behind something else


NOTHING = np.zeros(actions.SIZE, np.float32)


def view(where: float = 9.0) -> Expected:
    """What is known of a grey frame, all of it so far away."""
    latents = np.full((1, 1, SIZE, SIZE, 3), 90, np.uint8)
    away = np.full((1, 1, SIZE, SIZE), where, np.float32)
    none = np.zeros((1, 0, actions.SIZE), np.float32)
    (game,) = begun(CAMERA, none, np.zeros((1, 0, 3)), latents, away, [0.0])
    return Expected.of(game, np.zeros(actions.SIZE, np.float32), np.zeros(3))


@pytest.fixture(scope="module")
def faces() -> Faces:
    torch.manual_seed(0)
    return Faces(8, parts=4, width=16).eval()


PUT = torch.tensor([False])
BLOCK = torch.tensor([-0.5, -0.5, 2.0, 0.0, 0.0, 1.0])


def test_a_block_is_painted_as_far_away_as_it_is_and_as_just_seen(faces):
    before = view()
    (after,) = painted(faces, torch.randn(1, 8, 8, 8), BLOCK[None], [before], PUT)
    there = after.painted
    assert there is not None
    assert 0.02 < there.mean() < 0.3
    assert np.array_equal(after.picture[~there], before.picture[~there])
    assert np.array_equal(after.away[~there], before.away[~there])
    assert after.away[there] == pytest.approx(2.0, abs=1e-5)  # seen from straight ahead
    assert (after.origins[there] == NONE).all()
    assert (after.recent()[there] == 1).all()
    assert (before.ages[there] != NEVER).any()


def test_what_is_nearer_hides_a_block_and_no_block_changes_nothing(faces):
    latents = torch.randn(2, 8, 8, 8)
    near, clear = view(1.0), view()
    blocks, puts = torch.stack([BLOCK, 0 * BLOCK]), PUT.expand(2)
    hidden, same = painted(faces, latents, blocks, [near, clear], puts)
    assert hidden.painted is not None
    assert not hidden.painted.any()
    assert same is clear
    assert painted(faces, latents, 0 * blocks, [near, clear], puts) == [near, clear]


def test_drafts_are_left_what_is_laid_over_the_view_where_a_block_is_painted(faces):
    blocks, puts = torch.stack([BLOCK, 0 * BLOCK]), PUT.expand(2)
    views = painted(faces, torch.randn(2, 8, 8, 8), blocks, [view()] * 2, puts)
    known, drafted = torch.zeros(2, 1, 5, 8, 8), torch.ones(2, 1, 5, 8, 8)
    kept = beside(Drafted(drafted, torch.full((2, 1, 1, 8, 8), 0.5)), known, views)
    rows = CAMERA.visible(SIZE) * 8 // SIZE
    assert not kept.prior[0, :, :, :rows].any()
    assert (kept.prior[0, :, :, rows:] == 1).all()
    assert kept.share[0, 0, 0, 3, 3] == 1  # all of that place is painted
    assert kept.share[0, 0, 0, 0, 0] == 0
    assert (kept.prior[1] == 1).all()
    assert (kept.share[1] == 0.5).all()


def test_a_painted_block_does_not_depend_on_how_many_play(faces):
    latents = torch.randn(5, 8, 8, 8)
    alone = painted(faces, latents[3:4], BLOCK[None], [view()], PUT)[0]
    among = painted(faces, latents, BLOCK.expand(5, 6), [view()] * 5, PUT.expand(5))[3]
    assert np.array_equal(alone.picture, among.picture)


def test_a_dreamed_block_is_brought_to_where_it_was_painted(faces):
    (after,) = painted(faces, torch.randn(1, 8, 8, 8), BLOCK[None], [view()], PUT)
    guessed = np.where(after.painted, 3.0, 9.0).astype(np.float32)
    fresh = np.ones((8, 8), np.bool_)
    seen: Panorama = after.dreamed(after.picture.copy(), guessed, fresh)
    unsure: Panorama = replace(after, painted=None).dreamed(after.picture.copy(), guessed, fresh)
    middle = SIZE // 2, SIZE // 2
    assert seen.distance[middle] == pytest.approx(2.0, abs=0.4)
    assert unsure.distance[middle] == pytest.approx(3.0, abs=0.1)


def test_faces_learn_what_is_in_hand_and_on_which_side():
    torch.manual_seed(0)
    faces = Faces(2, parts=4, width=16)
    kinds = torch.arange(64) % 2
    latents = torch.zeros(64, 2, 8, 8)
    latents[:, 0, 6:] = kinds[:, None, None].float() * 2 - 1
    points = torch.rand(64, 20, 8)
    points[..., 0], points[..., 6] = torch.randint(2, (64, 20)).float(), 1.0
    wanted = torch.stack([kinds[:, None].expand(64, 20).float(), points[..., 0]], -1)
    points[..., 3:6] = 0.2 + 0.5 * torch.stack([wanted[..., 0], wanted[..., 1], wanted[..., 0]], -1)
    optimizer = torch.optim.Adam(faces.parameters(), 5e-3)
    for _ in range(120):
        loss = faces_loss(faces, latents, points)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    wrong = (colors(faces.looks(latents), points) - points[..., 3:6]).abs().mean()
    assert wrong < 0.05


def test_light_falls_off_across_a_side():
    pictures = torch.full((1, len(cubes.SIDES), TEXELS, TEXELS, 3), 0.5)
    light = torch.ones(1, len(cubes.SIDES), 2, 2, 3)
    light[0, 0, :, 1] = 0.0
    points = torch.tensor([[[0.0, 0.0, 0.5], [0.0, 0.5, 0.5], [0.0, 1.0, 0.5], [1.0, 1.0, 0.5]]])
    shown = colors(Looks(pictures, light, torch.zeros(1, len(cubes.EXITS))), points)[0, :, 0]
    assert shown.tolist() == pytest.approx([0.5, 0.25, 0.0, 0.5])
