"""Days that pass in dreams, and how they are learnt from recordings."""

from dataclasses import replace
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from pipeline import SIZE as SMALL
from pipeline import export_config
from simulated import camera_simulator, same, started
from test_panorama import CAMERA, SIZE, VISIBLE, act
from toys import tiny_dynamics

from agents.watcher import Watcher
from worldsim import actions, checkpoint, export
from worldsim.camera import FAR
from worldsim.data import hours, record
from worldsim.data.episode import Episode
from worldsim.errors import UserError
from worldsim.memory.daylight import HEIGHTS, NO_HOURS, Daylight, relit, skies_of
from worldsim.memory.expected import Expected
from worldsim.memory.panoramas import as_arrays, blank, from_arrays
from worldsim.memory.vistas import Vistas
from worldsim.world import load_world

HERE = np.zeros(3)
NOON, NIGHT = 0.25, 0.75


def days(pace=0.0, n=48):
    """A day in which the sky and the land grow light and dark, with a long noon."""
    up = np.clip(1.5 * np.sin(2 * np.pi * np.arange(n) / n), -1, 1)[:, None] / 2 + 0.5
    level, high = 60 + up * np.array([180, 160, 150]), 20 + up * np.array([60, 110, 220])
    share = np.linspace(0, 1, HEIGHTS)[:, None, None]
    skies = (1 - share) * level + share * high
    land = 0.3 + 0.7 * up * np.ones(3)
    return Daylight(np.concatenate([skies, land[None]]).transpose(1, 0, 2), pace)


def scene(daylight, hour, pitch=-10.0):
    """A frame whose upper half is sky in the light of an hour, and its distances."""
    away = np.full((SIZE, SIZE), 5.0, np.float32)
    away[: SIZE // 2] = FAR
    frame = np.full((SIZE, SIZE, 3), 120, np.uint8)
    change = np.stack([np.zeros((HEIGHTS + 1, 3)), daylight.light(hour)])
    change[0, -1] = 1.0
    frame[: SIZE // 2] = 0
    return relit(frame, away, CAMERA, pitch, change), away


def test_what_is_no_light_of_days_is_refused():
    table = days().table
    for wrong, pace in ((table[0], 0.1), (table[:, 1:], 0.1), (table, 1.5), (table * 0, 0.1)):
        with pytest.raises(ValueError, match="light is"):
            Daylight(wrong, pace)


def looked(frames, away, yaws=None):
    """The skies of frames that look ten degrees up."""
    turned = np.zeros(len(frames)) if yaws is None else yaws
    return skies_of(frames, away, np.full(len(frames), -10.0), turned, CAMERA)


def change(daylight, early, late):
    return np.stack([daylight.light(early), daylight.light(late)])


def lights(daylight, early, late):
    return np.stack([daylight.light(hour) for hour in (early, late, NOON)])


def test_the_same_view_is_seen_in_the_light_of_another_hour():
    daylight = days()
    noon, away = scene(daylight, NOON)
    night, _ = scene(daylight, NIGHT)
    noon[5:9, 10:20] = 250  # a cloud
    later = relit(noon, away, CAMERA, -10.0, change(daylight, NOON, NIGHT))
    clear = np.ones((SIZE, SIZE), bool)
    clear[5:9, 10:20] = False
    apart = np.abs(later.astype(int) - night)[:VISIBLE]
    assert apart[clear[:VISIBLE]].max() <= 1
    assert (later[5:9, 10:20] > night[5:9, 10:20]).all()
    assert np.array_equal(later[VISIBLE:], noon[VISIBLE:])
    back = relit(later, away, CAMERA, -10.0, change(daylight, NIGHT, NOON))
    assert np.abs(back.astype(int) - noon).max() <= 3  # a third of the light has a third of tones
    assert relit(noon, away, CAMERA, -10.0, change(daylight, NOON, NOON)) is noon


def test_what_is_of_unknown_distance_is_sky_where_it_looks_like_it():
    daylight = days()
    noon, away = scene(daylight, NOON)
    wall = np.zeros_like(away)
    unknown = relit(noon, wall, CAMERA, -10.0, change(daylight, NOON, NIGHT))
    known = relit(noon, away, CAMERA, -10.0, change(daylight, NOON, NIGHT))
    assert np.abs(unknown.astype(int) - known)[:VISIBLE].max() <= 1
    noon[: SIZE // 2] = 20
    unknown = relit(noon, wall, CAMERA, -10.0, change(daylight, NOON, NIGHT))
    assert np.abs(unknown[:VISIBLE] - 0.3 * noon[:VISIBLE]).max() <= 1


@pytest.mark.parametrize("hour", [0.02, 0.48, 0.55, 0.97])
def test_the_sky_tells_the_hour_and_its_change_mornings_from_evenings(hour):
    daylight = days(pace=1 / 3000)
    shown = [scene(daylight, (hour + (i - 15) / 3000) % 1) for i in range(16)]
    frames, away = (np.stack(part) for part in zip(*shown, strict=True))
    skies = looked(frames, away)
    assert daylight.hour(skies) == pytest.approx(hour, abs=0.006)
    now, light = daylight.began(skies)
    assert now[0] == now[1]
    assert np.array_equal(light[0], light[1])
    for tick in range(150):
        now, light = daylight.later(now)
        assert now[1] == pytest.approx((now[0] + (tick + 1) / 3000) % 1)
    brighter = light[1, -1, 0] > light[0, -1, 0]
    assert brighter == (hour < 0.25 or hour > 0.75)


def test_a_sky_that_may_be_of_morning_or_evening_tells_no_hour():
    daylight = days(pace=1 / 3000)
    shown = [scene(daylight, 0.03 + i / 3000) for i in range(16)]
    frames, away = (np.stack(part) for part in zip(*shown, strict=True))
    table = daylight.table.copy()
    table[:12, :-1] += 2.0  # so that it looks more like an evening
    for told in (daylight, Daylight(table, daylight.pace)):
        assert np.isnan(told.hour(looked(frames[-1:], away[-1:])))
        assert told.hour(looked(frames, away)) == pytest.approx(0.035, abs=0.006)
    there_and_back = np.where(np.arange(16) % 8 < 4, 0.0, 120.0)
    assert daylight.hour(looked(frames, away, there_and_back)) == pytest.approx(0.035, abs=0.006)


def test_of_hours_that_look_alike_it_is_the_middle_and_no_sky_tells_none():
    daylight = days(pace=1 / 3000)
    frame, away = scene(daylight, 0.2)
    skies = looked(np.stack([frame] * 4), np.stack([away] * 4))
    assert daylight.hour(skies) == pytest.approx(NOON, abs=0.02)
    now, light = daylight.later(daylight.began(skies)[0])
    assert np.array_equal(light[0], light[1])  # so that nothing is drawn anew at noon
    hidden = looked(frame[None], np.full((1, SIZE, SIZE), 3.0, np.float32))
    assert np.isnan(daylight.hour(hidden))
    strange = np.full_like(frame, (200, 20, 20))
    assert np.isnan(daylight.hour(looked(strange[None], away[None])))
    now, light = daylight.later(daylight.began(hidden)[0])
    assert np.array_equal(now, NO_HOURS)
    assert relit(frame, away, CAMERA, -10.0, light[:2]) is frame
    assert relit(frame, away, CAMERA, -10.0, light[::2]) is frame


def test_what_is_remembered_stays_in_the_light_it_was_seen_in():
    daylight = days()
    noon, away = scene(daylight, NOON, 0.0)
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(noon, away)
    game = replace(game, hours=np.array([NOON, NIGHT]), light=lights(daylight, NOON, NIGHT))
    view = Expected.of(game, act(), HERE, 0.5)
    night = view.lit
    assert night[:VISIBLE].mean() < 0.5 * view.picture[:VISIBLE].mean()
    after = view.dreamed(night, away)
    assert np.abs(after.frame.astype(int) - view.picture)[:VISIBLE].max() <= 3
    assert np.abs(after.shown.astype(int) - night)[:VISIBLE].mean() < 1
    (again,) = from_arrays(CAMERA, {k: v[:1] for k, v in as_arrays([after]).items()})
    assert np.array_equal(again.shown, after.shown)
    old = {k: v for k, v in as_arrays([after]).items() if k not in ("hours", "light")}
    assert np.array_equal(from_arrays(CAMERA, old)[0].hours, NO_HOURS)


def test_by_night_what_was_never_seen_is_a_real_place_by_night():
    daylight = days(pace=1 / 3000)
    picture = np.full((72, 144, 3), 90, np.uint8)
    picture[:36] = daylight.light(NOON)[HEIGHTS // 2]
    vistas = Vistas.of(picture[None])
    night, away = scene(daylight, NIGHT, 0.0)
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(night, away)
    seen = []
    for first in (NIGHT, NOON):
        hours, light = daylight.later(np.array([first, first]))
        there = replace(game, hours=hours, light=light)
        seen.append(Expected.of(there, act(yaw=90.0), HERE, 0.5, vistas).picture[:VISIBLE])
    assert seen[0].mean() < 0.6 * seen[1].mean()
    assert seen[0][VISIBLE - 4 :].mean() == pytest.approx(0.3 * 90, abs=2)
    again = vistas.lit(0, lights(daylight, NIGHT, NIGHT)[::-2])
    assert again is vistas.lit(0, lights(daylight, NIGHT, NIGHT)[::-2])
    by_day = vistas.lit(0, lights(daylight, NOON, NOON)[::-2])
    assert np.array_equal(by_day, picture)


def walked_on(sim, state, ticks):
    for _ in range(ticks):
        state, _ = sim.step(state, torch.zeros(2, 1, 3))
    return state


def test_a_dream_grows_dark_and_goes_on_saved_with_the_same_bits():
    daylight = Daylight(days().table, 1 / 40)
    sim, again = (camera_simulator(daylight=daylight) for _ in range(2))
    state = started(sim, [0, 1])
    assert all(np.array_equal(game.hours, NO_HOURS) for game in state.panoramas)  # noise is no sky
    noon, light = np.full(2, NOON), lights(daylight, NOON, NOON)
    first, second = state.panoramas
    games = replace(first, hours=noon, light=light), second
    state = walked_on(sim, replace(state, panoramas=games), 10)
    assert np.array_equal(state.panoramas[1].hours, NO_HOURS)
    assert state.panoramas[0].hours == pytest.approx([NOON, 0.5])
    saved = {name: tensor.clone() for name, tensor in state.tensors().items()}
    one, other = walked_on(sim, state, 4), walked_on(again, again.restore(saved), 4)
    assert same(one, other)
    game = one.panoramas[0]
    assert game.shown.mean() < game.frame.mean()


def watch(daylight, first, shade, ticks=40):
    """An episode of one who watches a scene from an hour on, a hundredth of a day a tick."""
    when = (first + 0.01 * np.arange(ticks)) % 1
    frames = np.stack([scene(daylight, hour)[0] for hour in when])
    frames[:, SIZE // 2 :] = (frames[:, SIZE // 2 :] * shade).astype(np.uint8)
    still = {
        "position": np.ones((ticks, 3)),
        "yaw": np.zeros(ticks),
        "pitch": np.full(ticks, -10.0),
    }
    nothing = np.zeros(ticks, np.float32), np.zeros(ticks, bool), np.zeros(ticks, bool)
    keys = np.zeros((ticks, actions.SIZE), np.float32)
    return Episode(frames, keys, *nothing, {**still, "time_of_day": when}, 0)


def data_of(episodes, monkeypatch):
    monkeypatch.setattr(hours, "read", episodes.__getitem__)
    entries = [SimpleNamespace(path=i) for i in range(len(episodes))]
    return SimpleNamespace(entries=entries, folders=["there"])


def test_days_are_learnt_from_those_who_watch(monkeypatch):
    true = days()
    _, far = scene(true, 0.0)
    seen = [watch(true, i / 12, 0.5 + i / 24) for i in range(12)]
    seen[3].info["yaw"][:9] = 5.0  # turns first
    learnt = hours.watched(data_of(seen, monkeypatch), CAMERA, lambda *_: far[None])
    assert learnt.pace == pytest.approx(0.01)
    top = np.unique(looked(seen[0].frames[:1], far[None])[:, 2].astype(int))
    for hour in (0.02, NOON, 0.48, 0.6, NIGHT, 0.95):
        told, there = learnt.light(hour), true.light(hour)
        assert np.abs(told - there)[top].max() < 6, hour
        assert told[-1] == pytest.approx(there[-1], abs=0.03), hour


def test_who_saw_nothing_of_days_is_told_what_is_missing(monkeypatch):
    _, far = scene(days(), 0.0)
    few = data_of([watch(days(), 0.1, 1.0)], monkeypatch)
    with pytest.raises(UserError, match="has no hours from"):
        hours.watched(few, CAMERA, lambda *_: far[None])
    with pytest.raises(UserError, match="stands still under a sky"):
        hours.watched(few, CAMERA, lambda *_: np.full((1, SIZE, SIZE), 2.0))
    walking = watch(days(), 0.1, 1.0)
    walking.info["position"][:, 0] = np.arange(40)
    with pytest.raises(UserError, match="stands still under a sky"):
        hours.watched(data_of([walking], monkeypatch), CAMERA, lambda *_: far[None])
    blind = replace(walking, info={"yaw": walking.info["yaw"]})
    with pytest.raises(UserError, match="time_of_day"):
        hours.watched(data_of([blind], monkeypatch), CAMERA, lambda *_: far[None])


def test_a_watcher_turns_somewhere_and_stands_still():
    env, policy = gym.make("envs:WorldSim/Voxel-v0", size=32), Watcher()
    views = []
    for seed in (1, 2):
        frame, info = env.reset(seed=seed)
        policy.reset(seed, env, info)
        for tick in range(30):
            frame, _, _, _, info = env.step(policy.act(frame, info))
            if tick > 16:
                views.append((seed, *info["position"], info["yaw"], info["pitch"]))
    assert len(set(views)) == 2
    assert all(-46 < view[-1] < 6 for view in views)


def test_a_world_file_has_its_days(runs, tmp_path, monkeypatch):
    world = {"env": "WorldSim/Voxel-v0", "env_options": {"size": SMALL}, "policy": "watcher"}
    out = record.Config(**world, episodes=1, steps=40, seed=5, out=str(tmp_path / "watch"))
    record.record(out)
    own = replace(export_config(runs), out=str(tmp_path / "world.safetensors"), hours=[out.out])
    with pytest.raises(UserError, match="record"):  # which hardly knows what is far away, and a sky
        export.run(own, tmp_path)
    with pytest.raises(UserError, match="depth network"):
        export._daylight(own, None, tiny_dynamics(), None)
    monkeypatch.setattr(export, "watched", lambda *_: days(0.001))
    export.run(own, tmp_path)
    there = load_world(own.out, "cpu", "float32").simulator._surroundings._daylight
    assert there.pace == 0.001
    assert np.abs(there.table - days().table).max() < 0.1
    before = load_world(runs / "world.safetensors", "cpu", "float32")
    assert before.simulator._surroundings._daylight is None
    export.run(replace(own, hours=[own.out], out=str(tmp_path / "again")), tmp_path)
    assert checkpoint.read_meta(tmp_path / "again") == checkpoint.read_meta(own.out)
    monkeypatch.setattr(Daylight, "__post_init__", lambda self: None)
    monkeypatch.setattr(export, "watched", lambda *_: Daylight(days().table[0], 0.001))
    export.run(own, tmp_path)
    monkeypatch.undo()
    with pytest.raises(UserError, match="how its days go"):
        load_world(own.out, "cpu", "float32")
