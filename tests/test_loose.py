"""Blocks that fall after they were put down: nothing of them stays where they were."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from simulated import context, moves, run, same, simulator
from toys import tiny_dynamics

from worldsim import actions
from worldsim.camera import CameraConfig
from worldsim.memory import loose
from worldsim.memory.expected import Expected
from worldsim.memory.painted import fallen, painted
from worldsim.memory.panorama import NEVER, Panorama
from worldsim.memory.panoramas import as_arrays, begun, from_arrays
from worldsim.models.faces import Faces
from worldsim.models.parts import Clip, faces_losses
from worldsim.simulator import Simulator

SIZE, GREY, FAR = 64, 90, 6.0
CAMERA = CameraConfig(field_of_view=70.0)
LATTICE = np.array([0.0, 0.5, 0.5, 0.0, 1.0])
BLOCK = torch.tensor([-0.5, -0.5, 2.0, 0.0, 0.0, 1.0])
PUT = torch.tensor([False])


def act(yaw: float = 0.0) -> np.ndarray:
    vector = actions.to_vector(actions.make())
    vector[actions.CAMERA] = 0.0, yaw
    return vector


@pytest.fixture(scope="module")
def faces() -> Faces:
    torch.manual_seed(0)
    return Faces(8, parts=4, width=16).eval()


@pytest.fixture
def bare() -> Panorama:
    """A game before a grey wall, in a known grid."""
    frames = np.full((1, 3, SIZE, SIZE, 3), GREY, np.uint8)
    away = np.full((1, 3, SIZE, SIZE), FAR, np.float32)
    (game,) = begun(CAMERA, act()[None, None].repeat(2, 1), np.zeros((1, 2, 3)), frames, away, [0])
    return replace(game, lattice=LATTICE)


def ahead(game: Panorama, yaw: float = 0.0) -> Expected:
    return Expected.of(game, act(yaw), np.zeros(3), 0.5)


def shown(view: Expected) -> Panorama:
    """The game once a view is dreamed as it is expected, by a network that misjudges distances."""
    drawn = np.zeros((8, 8), np.bool_)
    return view.dreamed(view.picture, np.full((SIZE, SIZE), FAR, np.float32), drawn)


@pytest.fixture
def placed(bare, faces) -> Panorama:
    (view,) = painted(faces, torch.randn(1, 8, 8, 8), BLOCK[None], [ahead(bare)], PUT)
    return shown(view)


def of_block(game: Panorama, down: float = 0.0) -> int:
    """How many directions remember something in a cell so far below the block's."""
    known = game.when[..., 0] > NEVER
    places = game.places[known] - game.eye - BLOCK[:3].numpy() - (0.0, down, 0.0)
    return int(((places > -0.01) & (places < 0.95)).all(-1).sum())


def test_a_block_that_falls_leaves_nothing_in_the_air(placed):
    assert of_block(placed) > 100
    view = fallen(ahead(placed), placed, 0.5)
    after = shown(view)
    assert of_block(after, 1.0) > 100
    assert of_block(after) == 0
    coming = ahead(after)
    cell = loose._shown(replace(placed, loose=placed.loose), None)
    now = loose._shown(after, None)
    left = cell & ~now
    assert left.sum() > 30
    assert (coming.picture[left] == GREY).mean() > 0.98
    assert (coming.picture[now] != GREY).any()
    back = ahead(shown(ahead(after, 90.0)), -90.0)  # turned away from, and looked at again
    assert (back.picture[left] == GREY).mean() > 0.95


def test_it_falls_by_one_and_again(placed):
    corner = placed.loose[:3]
    once = shown(fallen(ahead(placed), placed, 0.5))
    twice = shown(fallen(ahead(once), once, 0.5))
    assert twice.loose[:3] - corner == pytest.approx([0.0, 2.0, 0.0])
    assert np.array_equal(twice.coat, placed.coat)
    assert of_block(twice) == of_block(twice, 1.0) == 0


def test_a_block_is_remembered_whole_though_a_view_shows_a_part_of_it(bare, faces):
    low = BLOCK + torch.tensor([0.0, 1.5, 0.0, 0.0, 0.0, 0.0])
    (view,) = painted(faces, torch.randn(1, 8, 8, 8), low[None], [ahead(bare)], PUT)
    game = shown(view)
    down = np.array(act())
    down[actions.CAMERA] = 20.0, 0.0
    later = Expected.of(game, down, np.zeros(3), 0.5)
    seen = loose._shown(later.panorama, None) & later.sure
    assert seen.sum() > 1.3 * view.painted.sum()
    assert (later.picture[seen] == GREY).mean() < 0.2


def test_what_is_known_to_be_below_holds_a_block(bare):
    cube = BLOCK.numpy()
    assert loose.support(bare, cube) == -1  # seen through
    points = bare.points.copy()
    near = bare.stood[:, 0] < 1e8
    points[near, :40] = np.array([0.0, 0.55, 2.5, 0.0])  # the top of what is below
    full = replace(bare, points=np.where(near[:, None, None], points, 1e9))
    assert loose.support(full, cube) == 1
    blind = replace(bare, stood=np.full_like(bare.stood, 1e9))
    assert loose.support(blind, cube) == 0


def test_a_block_waits_a_while_and_then_is_firm(placed, bare):
    assert not loose.waits(bare)
    for _ in range(loose.WAIT):
        placed = ahead(placed).panorama
        assert loose.waits(placed)
    assert not loose.waits(ahead(placed).panorama)


def test_games_that_were_kept_before_blocks_fell_go_on(bare):
    arrays = as_arrays([bare])
    del arrays["loose"], arrays["coat"]
    (game,) = from_arrays(CAMERA, arrays)
    assert not loose.waits(game)
    assert np.array_equal(game.places, bare.places)


NAMES = ["block_placed", "block_fell"]


def dreams() -> Simulator:
    """A tiny world of blocks, whose grid is set by `begin`."""
    camera = CameraConfig(field_of_view=70.0, pitch=1, yaw=2, walking=[0])
    return simulator(tiny_dynamics(camera=camera, events=NAMES, grid=True))


def begin(sim: Simulator, rows: list[int]):
    """Games before a wall three blocks ahead, in a known grid."""
    state = sim.reset(*context(rows), [7 + row for row in rows])
    games = [
        replace(
            g,
            lattice=LATTICE,
            distance=np.full_like(g.distance, 3.0),
            pitch=0.0,
            points=np.broadcast_to(
                np.linspace([-2, -1, 9, 0], [2, 9, 9, 0], g.points.shape[1]), g.points.shape
            ).astype(np.float32),
            stood=np.tile([0.0, 0, 0, 1, 0, 1, 0], (len(g.stood), 1)),
        )
        for g in state.panoramas
    ]
    return replace(state, panoramas=tuple(games))


def biased(sim: Simulator, *logits: float) -> None:
    last = sim._happenings._hands.out[-1]
    last.weight.data.zero_()
    last.bias.data = torch.tensor(logits)


def falling(sim: Simulator, rows: list[int]):
    """Games in which a block has just been put down, and in which it is falling now."""
    biased(sim, 30.0, -30.0)
    state, _ = sim.step(begin(sim, rows), 0 * moves(rows, 0))
    biased(sim, -30.0, 30.0)
    return state


def test_a_dream_goes_on_with_the_same_bits_while_a_block_falls():
    sim, rows = dreams(), [0, 1]
    state = falling(sim, rows)
    assert all(loose.waits(game) for game in state.panoramas)
    saved = {name: tensor.clone() for name, tensor in state.tensors().items()}
    state, kept = state.kept()
    later, expected = run(sim, state, rows, range(3))
    assert any(
        game.loose[1] > before.loose[1]
        for game, before in zip(later.panoramas, state.panoramas, strict=True)
    )
    again, frames = run(sim, sim.restore(saved), rows, range(3))
    assert torch.equal(frames, expected)
    assert same(again, later)
    _, kept = later.kept()
    assert same(sim.recall(kept), later)
    alone, frames = run(sim, sim.restore(saved).rows([1]), [1], range(3))
    assert torch.allclose(frames, expected[1:], atol=1e-3)
    assert np.array_equal(alone.panoramas[0].loose, later.panoramas[1].loose)


def test_a_firm_block_stays_where_it_was_put():
    sim = dreams()
    state = falling(sim, [0])
    biased(sim, -30.0, -30.0)
    later, _ = run(sim, state, [0], range(3))
    assert np.array_equal(later.panoramas[0].loose, state.panoramas[0].loose)


def held_in_hand(sim: Simulator, falls: bool) -> None:
    """Let what is in hand be of a kind that falls, for sure, or of one that does not."""
    head = torch.nn.Linear(1, 1)
    head.forward = lambda seen: torch.full((len(seen), 1), 99.0 if falls else -99.0)
    sim._happenings._faces.loose = head


@pytest.mark.parametrize("falls", [True, False])
def test_what_falls_does_so_in_time_and_what_does_not_never_whatever_hands_say(falls):
    sim = dreams()
    held_in_hand(sim, falls)
    biased(sim, 30.0, -30.0)
    state, _ = sim.step(begin(sim, [0]), torch.zeros(1, 1, 3))
    (game,) = state.panoramas
    assert game.loose[4] == falls
    assert loose.support(game, loose.cube_of(game)) == -1
    biased(sim, -30.0, -30.0 if falls else 30.0)
    told = []
    for _ in range(loose.WAIT):
        state, step = sim.step(state, torch.zeros(1, 1, 3))
        told.append(int(step.events[0, 0, 1]))
    down = state.panoramas[0].loose[1] - game.loose[1]
    if falls:
        assert (told, round(down, 3)) == ([0, 1], 1.0)
    else:
        assert (told, down) == ([0, 0], 0.0)


def test_what_falls_is_learnt_from_what_fell_and_teaches_nothing_else():
    torch.manual_seed(0)
    faces = Faces(4, events=["block_fell", "block_placed"])
    kinds = torch.arange(16) % 2
    latents = torch.randn(16, 5, 4, 8, 8) * 0.1 + (kinds * 2.0 - 1)[:, None, None, None, None]
    events = torch.zeros(16, 5, 2)
    events[:, 2, 1] = 1
    events[:, 3, 0] = kinds.float()  # falls in the tick after
    optimizer = torch.optim.Adam(faces.parameters(), 0.03)
    before = faces.kind[-1].weight.clone()
    for _ in range(60):
        loss = faces_losses(faces, latents, Clip(latents, torch.zeros(16, 4, 3), events=events))
        optimizer.zero_grad()
        sum(loss.values()).backward()
        optimizer.step()
    told = faces.falls(latents[:, 1])
    assert told[kinds == 1].min() > 0.8
    assert told[kinds == 0].max() < 0.2
    assert torch.equal(faces.kind[-1].weight, before)
    assert faces.falls_loss(latents, 0 * events) is None
    assert faces.falls_loss(latents[:, :2], events[:, :2]) is None
