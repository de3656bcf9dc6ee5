"""Where the grid of blocks lies, and which block is aimed at: against the exact world."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from simulated import simulator, started
from toys import tiny_dynamics

from envs.voxel.blocks import ID
from envs.voxel.render import TANGENT
from worldsim import actions, cubes
from worldsim.camera import CHANNELS, EYE, CameraConfig
from worldsim.memory.expected import Expected
from worldsim.memory.lattice import LEVELS, UNKNOWN, aimed, inside, laid
from worldsim.models.draft import Draft
from worldsim.models.grid import Grid, grid_loss, seen_from, standing
from worldsim.models.parts import Clip, grid_losses

GRID = 16, 16
STRAIGHT = np.array([0.0, 0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def env():
    made = gym.make("envs:WorldSim/VoxelPlayground-v0", size=128).unwrapped
    yield made
    made.close()


def eye_of(pose):
    x, y, z = (float(part) for part in pose[:3])
    return np.array([-x, -(y + EYE), z])


def tries(env, count):
    """Poses from which something is in reach, and the info of using and of digging there."""
    rng, found = np.random.default_rng(2), 0
    for seed in range(40):
        env.reset(seed=seed, options={"hotbar": [(ID["bricks"], 60)]})
        env.step(actions.make(hotbar=1))
        x, y, z, *_ = env.pose()
        for _ in range(8):
            env.place(np.array([x, y, z, rng.uniform(-180, 180), rng.uniform(0, 70)]))
            *_, info = env.step(actions.make())
            if info["target_block"]:
                yield env, rng
                found += 1
        if found >= count:
            return


def test_a_block_that_is_placed_shows_where_its_faces_are(env):
    shares = []
    for world, _ in tries(env, 30):
        frame, idle, info = world.apart(actions.make(use=1))
        if idle is None:
            continue
        changed = (np.abs(frame.astype(int) - idle).max(-1) > 6)[::2, ::2]
        faces = cubes.faces(torch.from_numpy(info["cube"][None]), GRID, TANGENT)[0]
        rays = faces.view(10, 4, 4, *GRID).permute(0, 3, 1, 4, 2).reshape(10, 64, 64)
        front = (rays[:3].amax(0) > 0).numpy()
        front[50:] = False  # what is laid over the view
        shares.append((changed & front).sum() / front.sum())
    assert len(shares) > 10
    assert np.median(shares) > 0.9


def test_faces_are_the_same_in_a_grid_turned_by_right_angles():
    cube = torch.tensor([[1.2, 0.4, 2.3, 31.0, 20.0, 1.0]])
    # a quarter to the right: what was ahead is now to the right
    turned = torch.tensor([[2.3, 0.4, -1.2 - 1, 31.0 + 90, 20.0, 1.0]])
    assert torch.allclose(
        cubes.faces(cube, GRID, TANGENT), cubes.faces(turned, GRID, TANGENT), atol=1e-4
    )


def test_no_block_shows_nothing_and_one_behind_neither():
    none = torch.tensor([cubes.NONE, (-0.5, 0.0, -4.0, 0.0, 0.0, 1.0)])
    assert not cubes.faces(none, GRID, TANGENT).any()
    assert cubes.faces(none, GRID, TANGENT).shape == (2, cubes.FACES, *GRID)


def walked(rng, count=12):
    """Poses (t, 5) of a walk, and the same as a game that began there has them: yaws and eyes."""
    poses = np.column_stack(
        [rng.uniform(-9, 9, (count, 3)), rng.uniform(-180, 180, count), np.zeros(count)]
    )
    origin, turn = rng.uniform(-5, 5, 3), rng.uniform(-180, 180)
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    eyes = []
    for pose in poses:
        x, y, z = eye_of(pose) - origin
        eyes.append([x * cos - z * sin, y, z * cos + x * sin])
    return poses, poses[:, 3] - turn, np.array(eyes)


@pytest.mark.parametrize("seed", range(6))
def test_what_frames_tell_of_the_grid_is_put_together(seed):
    rng = np.random.default_rng(seed)
    poses, yaws, eyes = walked(rng)
    read = standing(torch.from_numpy(poses)).numpy()
    lattice = laid(read + rng.normal(0, 0.05, read.shape), yaws, eyes)
    turn = (lattice[0] - (poses[0, 3] - yaws[0]) + 45) % 90 - 45
    assert abs(turn) < 1
    for pose, eye in zip(poses, eyes, strict=True):
        gap = np.abs(inside(lattice, eye) - np.round(inside(lattice, eye)))
        true = np.abs(eye_of(pose) - np.round(eye_of(pose)))
        level = np.sort(gap[[0, 2]]) - np.sort(true[[0, 2]])  # axes may have changed places
        assert np.abs(np.append(level, gap[1] - true[1])).max() < 0.12


def test_a_way_that_is_not_known_well_hardly_moves_the_grid():
    poses, yaws, eyes = walked(np.random.default_rng(1))
    read = standing(torch.from_numpy(poses)).numpy()
    strayed = eyes.copy()
    strayed[:6, 2] += 0.4
    told = inside(laid(read, yaws, strayed), eyes[-1]) - inside(laid(read, yaws, eyes), eyes[-1])
    assert np.abs(told - np.round(told)).max() < 0.03


def test_a_grid_that_frames_hardly_tell_of_is_not_known():
    rng = np.random.default_rng(0)
    poses, yaws, eyes = walked(rng)
    read = standing(torch.from_numpy(poses)).numpy()
    whole = laid(read, yaws, eyes)
    assert whole[4] == 1
    read[:, 1:3] *= 0.1
    assert np.array_equal(laid(read, yaws, eyes), [whole[0], 0, whole[2], 0, LEVELS])
    read[:, 3] *= 0.1
    assert np.array_equal(laid(read, yaws, eyes), UNKNOWN)
    assert not aimed(UNKNOWN, np.full((64, 64), 3.0, np.float32), eyes[0], (0, 0), 0.7, True).any()


def test_the_block_aimed_at_is_found_though_distances_are_wrong(env):
    right = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for world, rng in tries(env, 60):
        pose = world.pose()
        away = (world.depth() * rng.uniform(0.93, 1.07)).astype(np.float32)
        lattice = STRAIGHT
        for use in (True, False):
            state = world.get_state()
            *_, info = world.apart(actions.make(use=1) if use else actions.make(attack=1), not use)
            world.set_state(state)
            if info["events"]["block_placed" if use else "block_broken"]:
                found = aimed(lattice, away, eye_of(pose), (pose[3], pose[4]), TANGENT, use)
                total[use] += 1
                right[use] += bool(np.abs(found[:3] - info["cube"][:3]).max() < 0.2)
    assert min(total.values()) > 20
    assert min(right[use] / total[use] for use in (True, False)) > 0.9


def test_a_pillar_is_found_by_its_sides_where_the_grid_is_known_by_heights_alone():
    eye, away = np.array([0.3, -1.62, 0.2]), np.full((64, 64), 50.0, np.float32)
    pillar = torch.tensor([[-0.4, -0.38, 2.6, 4.0, 0.0, 1.0]])
    front = cubes.front(pillar, (64, 64), TANGENT)[0, ..., 3].numpy()
    away[front > 0] = front[front > 0]
    lattice = np.array([3.0, 0.0, 0.0, 0.0, LEVELS])
    found = {use: aimed(lattice, away, eye, (1.0, 0.0), TANGENT, use) for use in (True, False)}
    assert found[False] == pytest.approx([-0.4, -0.38, 2.6, 4.0, 0.0, 1.0], abs=0.1)
    assert found[True] == pytest.approx([-0.4, -0.38, 1.6, 4.0, 0.0, 1.0], abs=0.1)


def test_a_cell_on_level_ground_is_put_around_what_is_aimed_at_if_nothing_tells_its_sides():
    pitch, away = 40.0, np.zeros((64, 64), np.float32)
    down = (np.arange(64) - 32) * 2 * TANGENT / 64
    drop = down * np.cos(np.radians(pitch)) + np.sin(np.radians(pitch))
    away[:] = np.where(drop > 0, 1.62 / np.maximum(drop, 1e-6), 1000.0)[:, None]
    lattice = np.array([0.0, 0.0, 0.0, 0.0, LEVELS])
    found = aimed(lattice, away, np.array([0.0, -1.62, 0.0]), (0.0, pitch), TANGENT, True)
    ahead = 1.62 / np.tan(np.radians(pitch))
    assert found[:3] == pytest.approx([-0.5, 0.62, ahead - 0.5], abs=0.05)


def test_a_block_that_breaks_is_found_though_distances_contradict_each_other():
    eye, angles = np.array([0.5, -1.62, 0.5]), (0.0, -75.0)
    away = np.full((64, 64), 1.2, np.float32)
    away[::2] = 0.5  # in the dark
    told = {
        sure: aimed(STRAIGHT, away, eye, angles, TANGENT, False, sure) for sure in (True, False)
    }
    assert told[True][-1] == 1
    assert not told[False].any()
    sky = np.full((64, 64), 20.0, np.float32)
    assert not aimed(STRAIGHT, sky, eye, angles, TANGENT, False, True).any()


def test_nothing_is_aimed_at_in_the_sky_or_where_nothing_is_known():
    eye = np.array([0.5, -1.62, 0.5])
    for far in (1000.0, 0.0, np.inf):
        away = np.full((64, 64), far, np.float32)
        assert not aimed(STRAIGHT, away, eye, (10.0, 20.0), TANGENT, False).any()


def test_a_block_tells_how_the_camera_stands_in_its_grid(env):
    world, _ = next(iter(tries(env, 1)))
    *_, info = world.apart(actions.make(use=1))
    pose = torch.tensor([[*map(float, world.pose())]])
    cube = torch.from_numpy(info["cube"][None])
    assert torch.allclose(standing(pose), standing(seen_from(cube)), atol=1e-3)


@pytest.mark.parametrize("attention", [False, True])
def test_the_grid_is_learnt_from_poses_and_from_blocks(attention):
    torch.manual_seed(0)
    grid, latents = Grid(4, attention), torch.randn(8, 2, 4, 16, 16)
    poses = torch.rand(8, 2, 5)
    clip = Clip(latents, torch.zeros(8, 1, 3), poses=poses)
    optimizer = torch.optim.Adam(grid.parameters(), 2e-3)
    first = grid_losses(grid, latents, clip)["grid"].item()
    for _ in range(60):
        loss = grid_losses(grid, latents, clip)["grid"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3 * first
    told = grid(latents.flatten(0, 1), poses.flatten(0, 1)[:, -1])
    assert grid_loss(told, poses.flatten(0, 1)) < 0.3 * first
    # a moment of `encode_events`: only its later frame says where the camera is
    clip.poses = torch.full_like(poses, torch.nan)
    assert grid_losses(grid, latents[:0], Clip(latents[:0], torch.zeros(0, 1, 3))) == {}
    clip.cubes = torch.zeros(8, 2, 6)
    clip.cubes[:, 1] = torch.tensor([0.3, 0.2, 1.4, 20.0, 10.0, 1.0])
    assert torch.isfinite(grid_losses(grid, latents, clip)["grid"])


def test_a_draft_is_told_where_the_block_is_and_does_without_that():
    torch.manual_seed(0)
    made = Draft(2, 2, [], [1], 1, TANGENT, width=16, blocks=2).requires_grad_(False)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    prior, noise = torch.rand(1, 1, 2 + CHANNELS, 8, 8), torch.randn(1, 1, 2, 8, 8)
    rows = prior, torch.zeros(1, 1, 2), torch.ones(1, 1, 1), noise
    none = torch.tensor(cubes.NONE)[None, None]
    there = torch.tensor([-0.5, -0.5, 2.0, 0.0, 0.0, 1.0])[None, None]
    plain = made.drafted(*rows).prior
    assert torch.equal(made.drafted(*rows, none).prior, plain)
    assert not torch.allclose(made.drafted(*rows, there).prior, plain)


def test_a_dream_knows_its_grid_and_drafts_the_block_before_the_one_aimed_at(monkeypatch):
    given: list[torch.Tensor] = []
    draw = Draft.drafted

    def drafted(self, *rows):
        given.append(rows[-2])
        return draw(self, *rows)

    monkeypatch.setattr(Draft, "drafted", drafted)
    lattice = np.array([10.0, 0.2, 0.4, 0.1, 1.0])
    monkeypatch.setattr("worldsim.memory.panoramas.laid", lambda *told: lattice)
    asked: list[tuple[bool, bool]] = []

    def block(view, before, sure):
        asked.append((before, sure))
        return [2.0] * 6

    monkeypatch.setattr(Expected, "block", block)
    camera = CameraConfig(field_of_view=70.0, pitch=1, yaw=2, walking=[0])
    events = ["block_broken", "block_placed"]
    sim = simulator(tiny_dynamics(camera=camera, events=events, grid=True))
    state = started(sim, [0, 1])
    assert all(np.array_equal(game.lattice, lattice) for game in state.panoramas)
    again = sim.restore(state.tensors())
    assert np.array_equal(again.panoramas[1].lattice, lattice)
    happened = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    monkeypatch.setattr(sim._happenings, "drawn", lambda *told: happened)
    pressed = torch.zeros(2, 1, 3)
    sim.step(state, pressed)
    assert asked == [(False, True), (True, False)]  # what breaks is there
    assert torch.equal(given[0], torch.full((2, 1, 6), 2.0))
