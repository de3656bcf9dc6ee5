"""What was never seen looks as a real place does that is like the last view."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from pipeline import SIZE as SMALL
from pipeline import export_config
from simulated import camera_simulator, same, started
from test_panorama import CAMERA, SIZE, VISIBLE, act

from agents.surveyor import Surveyor
from worldsim import actions, checkpoint, export
from worldsim.data import record
from worldsim.data.dataset import Dataset
from worldsim.data.episode import Episode
from worldsim.data.survey import looked_around, surveyed
from worldsim.errors import UserError
from worldsim.memory.expected import Expected
from worldsim.memory.panorama import NEVER
from worldsim.memory.panoramas import blank
from worldsim.memory.rays import facing
from worldsim.memory.vistas import NONE, Vistas, due, light, show, unpacked
from worldsim.world import load_world

HERE = np.zeros(3)


def all_around(seed):
    """A picture (72, 144, 3) of all directions with large soft patches, the same at both ends."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 19, 3)).astype(float)
    coarse[:, -1] = coarse[:, 0]
    down, right = np.linspace(0, 8, 72), np.linspace(0, 18, 144)
    rows = [
        np.stack([np.interp(down, range(9), coarse[:, j, c]) for c in range(3)], 1)
        for j in range(19)
    ]
    table = np.stack(rows, 1)
    columns = [[np.interp(right, range(19), table[i, :, c]) for c in range(3)] for i in range(72)]
    return np.array(columns).transpose(0, 2, 1).astype(np.uint8)


def view(picture, yaw, pitch=0.0, size=SIZE):
    """What a camera sees of a picture of all directions, in degrees."""
    out = np.zeros((size, size, 3), np.uint8)
    angles = facing(np.radians(yaw), np.radians(pitch))
    for row in range(size):
        for column in range(size):
            show(out[row, column], picture, row, column, (size, size), CAMERA.tangent, angles)
    return out


@pytest.fixture(scope="module")
def vistas():
    return Vistas.of(np.stack([all_around(seed) for seed in range(5)]))


def beside(vistas, number, turned, luck=0.5, **turn):
    """What is known after a turn from a view that looks as a vista does, so much turned."""
    seen = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(view(vistas.pictures[number], turned))
    return Expected.of(seen, act(**turn), HERE, luck, vistas), Expected.of(seen, act(**turn), HERE)


def test_what_comes_into_view_is_what_the_place_most_like_the_view_shows_there(vistas):
    there, plain = beside(vistas, 3, 100.0, yaw=25.0)
    assert there.panorama.vista[0] == 3
    assert np.degrees(there.panorama.vista[1]) % 360 == pytest.approx(100.0, abs=5.0)
    new = plain.ages[:VISIBLE, :, 0] == NEVER
    assert 0.2 < new.mean() < 0.4
    assert np.array_equal(there.picture[:VISIBLE][~new], plain.picture[:VISIBLE][~new])
    true = view(vistas.pictures[3], 125.0)[:VISIBLE]
    assert np.abs(there.picture[:VISIBLE].astype(int) - true)[new].mean() < 8
    assert (there.ages[:VISIBLE, :, 0] != NEVER).all()


def test_what_is_close_by_goes_on_and_no_other_place_begins_beside_it(vistas):
    flat = np.full((SIZE, SIZE, 3), (90, 60, 30), np.uint8)
    for away, close in ((2.0, True), (20.0, False)):
        distance = np.full((SIZE, SIZE), away, np.float32)
        seen = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(flat, distance)
        for turn in ({"yaw": 25.0}, {"pitch": -25.0}):
            plain = Expected.of(seen, act(**turn), HERE)
            new = plain.ages[:VISIBLE, :, 0] == NEVER
            assert 0.2 < new.mean() < 0.6
            there = Expected.of(seen, act(**turn), HERE, 0.5, vistas)
            goes_on = (there.picture[:VISIBLE] == flat[:VISIBLE]).all(-1)[new]
            assert (there.ages[:VISIBLE, :, 0] != NEVER).all()
            assert goes_on.all() if close else goes_on.mean() < 0.1


def test_it_is_of_the_same_place_until_enough_is_walked(vistas):
    own = VISIBLE, 0.0, 0.0, CAMERA.tangent
    first = vistas.chosen(view(vistas.pictures[1], 40.0), *own, 7, 200.0, 0.0)
    assert (first[0], first[2]) == (1, 7)
    assert [due(first, walked) for walked in (7, 40, 60)] == [False, False, True]
    assert due(NONE, 0)
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(view(vistas.pictures[4], -60.0))
    for walked, number in ((40, 1), (60, 4)):
        there = replace(game, vista=first, walked=walked)
        assert Expected.of(there, act(), HERE, 0.0, vistas).panorama.vista[0] == number


def test_luck_chooses_among_the_likely_ones():
    alike = np.stack([all_around(0), all_around(0), all_around(1)])
    vistas = Vistas.of(alike)
    own = view(alike[0], 15.0), VISIBLE, 0.0, 0.0, CAMERA.tangent, 0, 200.0
    chosen = [vistas.chosen(*own, luck) for luck in (0.0, 0.3, 0.6, 0.99)]
    assert {int(number) for number, _, _ in chosen} == {0, 1}
    assert len({round(turn, 3) for _, turn, _ in chosen}) == 4


def test_who_looks_at_a_dark_wall_by_day_is_not_shown_a_night():
    day = all_around(0) // 2 + 120
    wall = day.copy()
    wall[:, 60:90] = 25
    vistas = Vistas.of(np.stack([day // 5, wall]))
    own = view(day // 5, 0.0), VISIBLE, 0.0, 0.0, CAMERA.tangent, 0
    assert vistas.chosen(*own, light(day), 0.0)[0] == 1
    vistas = Vistas.of(np.stack([day // 5, day]))
    assert vistas.chosen(*own, light(day // 5), 0.0)[0] == 0  # by night one is


def test_a_dream_that_is_nothing_but_litter_goes_on_elsewhere(vistas):
    near = np.full((SIZE, SIZE), 3.0, np.float32)
    sane = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(view(vistas.pictures[2], 30.0), near)
    lost = replace(sane, litter=0.5)
    kept, there = (Expected.of(game, act(), HERE, 0.5, vistas) for game in (sane, lost))
    assert np.abs(kept.picture.astype(int) - sane.frame)[:VISIBLE].max() == 0
    assert (there.panorama.when == NEVER).all()
    assert (there.panorama.vista[0], there.panorama.litter) == (2, 0)
    turn = np.degrees(there.panorama.vista[1])
    true = view(vistas.pictures[2], turn)[:VISIBLE].astype(int)
    assert np.array_equal(there.picture[:VISIBLE], true)
    assert np.array_equal(there.picture[VISIBLE:], sane.frame[VISIBLE:])  # what is laid over stays
    after = there.dreamed(there.picture, near)
    assert after.nearby()[1].max() > 0  # what is seen through there is known anew
    assert (after.when[0] != NEVER).any()
    assert (sane.when[0] != NEVER).any()  # it is a value


def test_litter_is_what_is_out_of_place(vistas):
    rng, game = np.random.default_rng(0), blank(CAMERA, (SIZE, SIZE, 3), 0.0)
    away = np.full((SIZE, SIZE), 4.0, np.float32)
    strewn = np.where(rng.random((SIZE, SIZE)) < 0.1, 1.0, away).astype(np.float32)
    for distance, least, most in ((away, 0.0, 0.0), (strewn, 0.01, 0.2)):
        seen = game.seen(view(vistas.pictures[0], 0.0), distance)
        share = Expected.of(seen, act(), HERE, 0.5, vistas).litter
        assert least <= share <= most


def turned(sim, state, ticks):
    """The state of two games after turns of 60 degrees, and their latents."""
    keys, seen = torch.tensor([0.0, 0.0, 60.0]).expand(2, 1, 3), []
    for _ in range(ticks):
        state, step = sim.step(state, keys)
        seen.append(step.latents)
    return state, torch.cat(seen, 1)


def test_a_dream_saved_in_a_place_goes_on_with_the_same_bits(vistas):
    sim, again = (camera_simulator(vistas=vistas) for _ in range(2))
    state, _ = turned(sim, started(sim, [0, 1]), 2)
    assert all(game.vista[0] >= 0 for game in state.panoramas)
    saved = {name: tensor.clone() for name, tensor in state.tensors().items()}
    one, seen = turned(sim, state, 3)
    other, restored = turned(again, again.restore(saved), 3)
    assert torch.equal(seen, restored)
    assert same(one, other)
    plain = camera_simulator()
    assert not torch.equal(turned(plain, started(plain, [0, 1]), 5)[1][:, 2:], seen)


def test_pictures_are_kept_small_and_read_again(vistas):
    packed = vistas.packed()
    assert sum(map(len, packed)) < 0.1 * vistas.pictures.size
    again = unpacked(packed)
    assert np.abs(again.pictures.astype(int) - vistas.pictures).mean() < 6
    with pytest.raises(ValueError, match="needed"):
        unpacked(replace(vistas, pictures=vistas.pictures[:, :, :100]).packed())
    with pytest.raises(ValueError, match="damaged"):
        unpacked([packed[0][:20]])


def survey(ticks, size=SIZE):
    """An episode of the exact world of one who looks all around, and the environment."""
    env, policy = gym.make("envs:WorldSim/Voxel-v0", size=size), Surveyor()
    frame, info = env.reset(seed=4)
    policy.reset(4, env, info)
    frames, keys, infos = [frame], [], [info]
    for _ in range(ticks):
        action = policy.act(frame, info)
        frame, _, _, _, info = env.step(action)
        frames.append(frame)
        keys.append(actions.to_vector(action))
        infos.append(info)
    told = {name: np.array([info[name] for info in infos]) for name in ("yaw", "pitch")}
    nothing = np.zeros(ticks, np.float32), np.zeros(ticks, bool), np.zeros(ticks, bool)
    return Episode(np.stack(frames), np.stack(keys), *nothing, told, 4), env.unwrapped


def test_one_who_looks_all_around_has_seen_a_place():
    episode, twin = survey(137)
    (place,) = looked_around(episode, CAMERA)
    picture = place.picture
    assert picture.shape == (360, 720, 3)
    x, y, z, *_ = twin.pose()
    for yaw, pitch in ((10.0, 0.0), (130.0, 20.0), (250.0, -15.0)):
        true = twin.render_at(np.array([x, y, z]), yaw, pitch, hud=False)
        miss = np.abs(view(picture, yaw, pitch).astype(int) - true)[:VISIBLE]
        assert miss.mean() < 8, (yaw, pitch)
    marked = episode.frames.copy()
    marked[::3, 40:80, 40:80] = 0  # as the outline of what is aimed at: in few of many frames
    (clean,) = looked_around(replace(episode, frames=marked), CAMERA)
    assert np.abs(clean.picture.astype(int) - picture).mean() < 4
    assert not list(looked_around(replace(episode, actions=episode.actions + 1), CAMERA))
    with pytest.raises(UserError, match="pitch"):
        list(looked_around(replace(episode, info={}), CAMERA))


def test_a_world_file_has_the_places_that_were_surveyed(runs, tmp_path):
    out = record.Config(
        env="WorldSim/Voxel-v0",
        env_options={"size": SMALL},
        policy="surveyor",
        episodes=1,
        steps=340,
        seed=5,
        out=str(tmp_path / "survey"),
    )
    record.record(out)
    own = replace(export_config(runs), out=str(tmp_path / "world.safetensors"))
    export.run(replace(own, vistas=[out.out]), tmp_path)
    world = load_world(own.out, "cpu", "float32")
    assert world.meta["vistas"] == 2
    again = replace(own, vistas=[own.out], out=str(tmp_path / "again.safetensors"))
    export.run(again, tmp_path)
    assert checkpoint.read_meta(again.out)["hash"] == world.hash
    assert load_world(again.out, "cpu", "float32").meta["vistas"] == 2
    data, odds = Dataset([out.out]), iter((0.2, 0.7))
    (best,) = surveyed(data, CAMERA, 1, lambda *_: next(odds)).pictures
    assert np.array_equal(best, surveyed(data, CAMERA, 2).pictures[1])
    with pytest.raises(UserError, match="surveyor"):
        surveyed(Dataset([runs / "train"]), CAMERA, 4)
    before = load_world(runs / "world.safetensors", "cpu", "float32")
    assert before.simulator.tokenizer is not None
    assert "vistas" not in before.meta
