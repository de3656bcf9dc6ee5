"""The panorama: what a turn brings back is known, and how old it is."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.memory import crosshair
from worldsim.memory.displaced import closed
from worldsim.memory.panorama import NEVER, Panorama
from worldsim.memory.panoramas import as_arrays, begun, blank, from_arrays, recorded

CAMERA = CameraConfig(field_of_view=70.0)
SIZE = 64
VISIBLE = 52  # rows that are not overlay


def act(yaw=0.0, pitch=0.0, **buttons):
    vector = actions.to_vector(actions.make(**buttons))
    vector[actions.CAMERA] = pitch, yaw
    return vector


def picture(seed=0):
    """Large soft patches, so that a pixel's fraction matters little."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3)).astype(float)
    at = np.linspace(0, 8, SIZE)
    low, part = np.minimum(at.astype(int), 7), at - np.minimum(at.astype(int), 7)
    rows = coarse[low] + part[:, None, None] * (coarse[low + 1] - coarse[low])
    both = rows[:, low] + part[None, :, None] * (rows[:, low + 1] - rows[:, low])
    return both.astype(np.uint8)


@pytest.fixture
def seen() -> Panorama:
    return blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(picture())


def test_a_still_camera_sees_the_last_frame(seen):
    shown, recent = seen.turned(act()).ahead(seen)
    assert np.array_equal(shown, crosshair.without(picture(), CAMERA.arm(SIZE)))
    assert (recent[..., 0] == 1).all()
    assert (recent[..., 1] == 1).all()
    assert recent[0, 0, 2] == pytest.approx(np.exp(-1 / 64))


@pytest.mark.parametrize("pitch", [0.0, 20.0])
@pytest.mark.parametrize("yaw", [120.0, -200.0])
def test_what_was_turned_away_from_is_there_when_the_camera_is_back(pitch, yaw):
    first = blank(CAMERA, (SIZE, SIZE, 3), pitch).seen(picture())
    away = first.turned(act(yaw)).seen(picture(1))
    shown, recent = away.turned(act(-yaw)).ahead(away)
    known = recent[:VISIBLE, :, 0] > 0
    assert known.mean() > 0.97
    error = np.abs(shown[:VISIBLE].astype(float) - picture()[:VISIBLE])
    assert error[known].mean() < 3
    assert recent[VISIBLE // 2, SIZE // 2, 2] == pytest.approx(np.exp(-2 / 64))


def test_a_turn_shows_the_exact_world_where_it_was_seen():
    env = gym.make("envs:WorldSim/Voxel-v0", size=SIZE)
    frame, info = env.reset(seed=3)
    panorama = blank(CAMERA, frame.shape, float(info["pitch"])).seen(frame)
    for yaw, pitch in ((8.0, 0.0), (5.0, 12.0), (-15.0, 5.0), (-3.0, -20.0)):
        after, before = panorama.turned(act(yaw, pitch)), frame
        shown, recent = after.ahead(panorama)
        frame, _, _, _, info = env.step(actions.make(camera=(pitch, yaw)))
        known = recent[:VISIBLE, :, 0] > 0
        miss, copy = (
            np.abs(guess[:VISIBLE].astype(float) - frame[:VISIBLE])[known].mean()
            for guess in (shown, before)
        )
        assert known.mean() > 0.6
        assert miss < 0.6 * copy
        assert after.pitch == pytest.approx(float(info["pitch"]))
        panorama = after.seen(frame)
    env.close()


def test_what_was_never_seen_is_said_to_be_unknown_and_goes_on_as_the_edge_does(seen):
    shown, recent = seen.turned(act(20.0)).turned(act(20.0)).turned(act(20.0)).ahead(seen)
    unknown = recent[:VISIBLE, :, 0] == 0
    assert 0.6 < unknown.mean() < 0.95
    assert unknown[:, -1].all()
    assert not unknown[:, 0].any()
    edge, beyond = picture()[:VISIBLE, -1], shown[:VISIBLE][unknown]
    assert (beyond >= edge.min(0)).all()
    assert (beyond <= edge.max(0)).all()
    assert (recent[:VISIBLE][unknown] == 0).all()
    assert np.array_equal(shown[VISIBLE:], picture()[VISIBLE:])


def test_walking_makes_it_older(seen):
    once = seen.turned(act(forward=1)).seen(picture())
    assert once.walked == 1
    away = once.turned(act(20.0)).seen(picture(1))
    for _ in range(3):
        away = away.turned(act(20.0, jump=1)).seen(picture(1))
    _, recent = away.turned(act(-80.0)).ahead(away)
    assert recent[VISIBLE // 2, SIZE // 2 - 4, 1] == pytest.approx(np.exp(-3 / 8))


def test_a_panorama_is_a_value_and_survives_as_arrays(seen):
    before = {name: array.copy() for name, array in as_arrays([seen]).items()}
    after = seen.turned(act(13.0, 95.0)).seen(picture(1))
    assert after.pitch == 90
    for name, array in as_arrays([seen]).items():
        assert np.array_equal(array, before[name])
    (again,) = from_arrays(CAMERA, as_arrays([after]))
    expected = after.turned(act(-30.0, -40.0)).ahead(after)
    for a, b in zip(again.turned(act(-30.0, -40.0)).ahead(again), expected, strict=True):
        assert np.array_equal(a, b)


def test_games_begin_from_what_they_saw():
    frames = np.stack([picture(0), picture(1)])[None]
    away, motion = np.full((1, 2, SIZE, SIZE), 3.0, np.float32), np.array([[[1.0, 2.0, 3.0]]])
    (game,) = begun(CAMERA, act(10.0)[None, None], motion, frames, away, [5.0])
    assert (game.yaw, game.pitch, game.ticks) == (10, 5, 1)
    assert np.array_equal(game.eye, [2, -3, 1])
    assert np.array_equal(game.shown, picture(1))


def test_games_that_saw_the_same_begin_alike_and_go_on_apart():
    frames = np.stack([[picture(k), picture(1)] for k in (0, 2, 0)])
    away, motion = np.full((3, 2, SIZE, SIZE), 3.0, np.float32), np.zeros((3, 1, 3))
    motion[:, 0] = 1.0, 2.0, 3.0
    rows = np.stack([act(10.0)] * 3)[:, None], motion, frames, away, [5.0] * 3
    games = begun(CAMERA, *rows)
    alone = [begun(CAMERA, *(part[i : i + 1] for part in rows))[0] for i in range(3)]
    for name, array in as_arrays(games).items():
        assert np.array_equal(array, as_arrays(alone)[name]), name
    games[0].turned(act(50.0)).painted(picture(3), away[0, 0])  # spends what it has
    assert np.array_equal(games[2].colors, alone[2].colors)


def walked(*held):
    """Frames, actions, depths and poses of an exact world, seen from above, as keys are held."""
    env = gym.make("envs:WorldSim/Voxel-v0", size=128)
    env.reset(seed=3)
    down = actions.make(camera=(20.0, 0.0))
    played = [down, *(actions.make(**keys) for keys in held)]
    frames, depths, poses = [], [], []
    env.step(down)
    for action in played:
        frame, _, _, _, info = env.step(action)
        frames.append(frame)
        depths.append(env.unwrapped.depth())
        poses.append([*info["position"], info["yaw"], info["pitch"]])
    env.close()
    vectors = np.stack([actions.to_vector(action) for action in played[1:]])
    return np.stack(frames), vectors, np.stack(depths), np.array(poses, np.float64)


def misses(shown, frames):
    """Mean absolute difference (n,) of two series of views (n, 128, 128, 3)."""
    return np.abs(shown[:, :104].astype(float) - frames[:, :104]).mean((1, 2, 3))


@pytest.mark.parametrize("keys", [{"forward": 1}, {"left": 1, "camera": (0, 6)}, {"back": 1}])
def test_a_walk_shows_the_exact_world_where_it_was_seen(keys):
    frames, held, depths, poses = walked(*[keys] * 12)
    shown, recent, _ = recorded(CAMERA, frames, held, poses, depths)
    flat, *_ = recorded(CAMERA, frames, held, poses, np.full_like(depths, FAR))
    assert recent[4:, :104, :, 0].mean() > 0.85
    assert misses(shown, frames)[4:].mean() < 0.6 * misses(flat, frames)[4:].mean()
    assert misses(shown, frames)[4:].mean() < 0.5 * misses(frames[3:-1], frames[4:]).mean()


def test_who_crouches_sees_from_lower_until_the_key_is_let_go():
    frames, held, depths, poses = walked(*[{}, {"sneak": 1}, {"sneak": 1}, {}] * 3)
    lower, *_ = recorded(replace(CAMERA, crouched=0.08), frames, held, poses, depths)
    level, *_ = recorded(CAMERA, frames, held, poses, depths)
    changes = [2, 4, 6, 8, 10, 12]
    assert (misses(lower, frames)[changes] < 0.5 * misses(level, frames)[changes]).all()


def test_what_was_turned_away_from_is_found_again_from_another_place():
    turn, back = [{"camera": (0, 20)}] * 5, [{"camera": (0, -20)}] * 5
    frames, held, depths, poses = walked(*turn, *[{"forward": 1}] * 6, *back)
    shown, recent, _ = recorded(CAMERA, frames, held, poses, depths)
    flat, *_ = recorded(CAMERA, frames, held, poses, np.full_like(depths, FAR))
    left = np.s_[-3:, :104, :32]  # what the last turns bring back
    assert np.median(recent[left][..., 1]) < np.exp(-4 / 8)  # seen before the walk
    assert (recent[left][..., 0] > 0).mean() > 0.5
    near, far = (np.abs(s[left].astype(float) - frames[left]).mean() for s in (shown, flat))
    assert near < 0.7 * far


def pillar(seen: bool) -> tuple[np.ndarray, np.ndarray]:
    """A far wall with a stripe in the middle, and how far away: behind a pillar, or seen."""
    frame, away = picture(), np.full((SIZE, SIZE), 8.0, np.float32)
    frame[:, SIZE // 2 - 2 : SIZE // 2 + 2] = 200, 30, 30
    if not seen:
        frame[:, SIZE // 2 - 8 : SIZE // 2 + 8], away[:, SIZE // 2 - 8 : SIZE // 2 + 8] = 10, 1.5
    return frame, away


def test_what_something_near_hides_is_there_again_when_it_has_passed():
    aside = np.array([0.0, 2.0, 0.0])  # to the right
    wall, behind = pillar(True), pillar(False)
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(*wall)
    hidden = game.turned(act()).seen(*behind)
    passed = hidden.turned(act(), aside)
    shown, recent = passed.ahead(hidden)
    place = round(SIZE / 2 - 2 / 8 / CAMERA.tangent * SIZE / 2)  # of the stripe, from there
    assert np.abs(shown[VISIBLE // 2, place].astype(int) - (200, 30, 30)).max() < 20
    assert (recent[VISIBLE // 2, place - 1 : place + 2, 0] > 0).all()


def test_what_would_hide_what_is_seen_is_given_up():
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(*pillar(True))
    hidden = game.turned(act()).seen(*pillar(False))
    assert (hidden.when[1, ..., 0] != NEVER).any()
    far = np.full((SIZE, SIZE), 40.0, np.float32)
    assert (hidden.turned(act()).seen(picture(1), far).when[1, ..., 0] == NEVER).all()


def test_gaps_that_come_of_going_nearer_are_closed():
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(picture(), np.full((SIZE, SIZE), 2.0))
    _, recent = game.turned(act(), np.array([1.2, 0.0, 0.0])).ahead(game)
    assert (recent[:VISIBLE, :, 0] > 0).all()


def wall(aside: float) -> np.ndarray:
    """A wall three blocks ahead, coloured by how far to the right of the start each part is."""
    right = np.tan(np.radians(35)) * 3 * ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) + aside
    waves = np.stack([np.sin(right), np.cos(right), np.sin(right / 2)], -1)
    return np.broadcast_to((128 + 100 * waves).astype(np.uint8), (SIZE, SIZE, 3)).copy()


def test_a_wall_that_was_walked_along_is_known_from_end_to_end():
    away, panorama = np.full((SIZE, SIZE), 3.0, np.float32), blank(CAMERA, (SIZE, SIZE, 3), 0.0)
    for tick in range(21):
        step = np.array([0.0, 0.2 if tick else 0.0, 0.0])
        panorama = panorama.turned(act(), step).seen(wall(0.2 * tick), away)
    back = panorama.turned(act(), np.array([0.0, -4.0, 0.0]))
    shown, recent = back.ahead(panorama)
    assert (recent[:VISIBLE, :, 0] > 0).mean() > 0.95
    assert np.abs(shown[:VISIBLE].astype(float) - wall(0.0)[:VISIBLE]).mean() < 10


def test_small_gaps_in_what_is_near_are_closed_and_wide_ones_are_not():
    nearest = np.full((8, 12), 2.0)
    nearest[:, 3:5], nearest[:, 7:10], nearest[:, 11] = 9.0, 9.0, 1.0
    shown = np.where(nearest > 2, 7, 1)
    whole, drawn = closed(nearest, shown, 8)
    assert (whole[:, 3:5] == 2.0).all()
    assert (drawn[:, 3:5] == 1).all()
    assert (drawn[:, 7:10] == 7).all()
    assert (whole[:, 11] == 1.0).all()
