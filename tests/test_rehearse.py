"""Dreams along recorded ways, and what a transformer learns from them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pipeline import PLAIN, dynamics_config

from worldsim.camera import CHANNELS
from worldsim.data.growing import arrays, read_plan
from worldsim.data.latents import LatentDataset
from worldsim.data.rehearsals import PARTS, Rehearsals
from worldsim.errors import UserError
from worldsim.models.flow import FlowConfig
from worldsim.models.rehearsed import Rehearsed, rehearsal_loss
from worldsim.simulator import Simulator
from worldsim.surroundings import Given
from worldsim.trained import load_depth, load_dynamics, load_tokenizer
from worldsim.training import rehearse, train_dynamics
from worldsim.training.clips import as_clip
from worldsim.training.teaching import KEPT, Recalling


def config(runs, **changes):
    plain = rehearse.Config(
        latents=[str(runs / "latents-train")],
        init=str(runs / "dynamics" / "dynamics.safetensors"),
        tokenizer=str(runs / "tokenizer" / "tokenizer.safetensors"),
        depth=str(runs / "depth" / "depth.safetensors"),
        frames=16,
        length=4,
        context=6,
        batch=2,
        **PLAIN,
    )
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    place = tmp_path_factory.mktemp("rehearsals")
    rehearse.run(config(runs), place)
    return place


@pytest.fixture
def rows(folder):
    rehearsals = Rehearsals([str(folder)])
    return rehearsals.draw(np.random.default_rng(0), 3, KEPT + 4)


def test_dreams_lie_beside_what_was_truly_seen(runs, folder, rows):
    assert read_plan(folder)["done"] == Rehearsals([str(folder)]).clips == 4
    data = LatentDataset([str(runs / "latents-train")])
    clips = data.draw(np.random.default_rng((0, 0)), 2, 10, 0.3)
    kept = arrays(folder, PARTS)
    assert set(kept) == set(PARTS) - {"tried"}  # nobody was asked that
    assert np.array_equal(kept["truths"][:2], clips.latents[:, 2:].astype(np.float16))
    assert np.array_equal(kept["actions"][:2], clips.actions[:, 2:])
    assert np.array_equal(kept["latents"][:, :KEPT], kept["truths"][:, :KEPT])
    assert not np.array_equal(kept["latents"][:, KEPT:], kept["truths"][:, KEPT:])
    assert rows.priors.shape[2] == rows.latents.shape[2] + CHANNELS
    assert (rows.apart[:, KEPT:] > 0).any()
    assert np.array_equal(kept["aims"][:2, : KEPT - 1], clips.aims[:, 2:5].astype(np.float16))
    assert (kept["aims"][:, KEPT:] > 0).any()
    assert rows.actions.shape[1] == rows.latents.shape[1] - 1


def test_a_dream_goes_the_way_it_is_given(runs):
    world = runs / "world.safetensors"
    models = load_tokenizer(world)[0], load_dynamics(world)[0]
    simulator = Simulator(*models, depth=load_depth(world)[0])
    clips = LatentDataset([str(runs / "latents-train")]).clips([(0, 0)], 7)
    clip = as_clip(clips, torch.device("cpu"))
    state = simulator.reset(clip.latents[:, :6], clip.actions[:, :5], [0], pitches=[0.0])
    motions = np.array([[0.25, -0.125, 0.5]])
    happened = torch.ones_like(clip.events[:, 6:])
    given = Given(motions, happened)
    after, step = simulator.step(state, clip.actions[:, 5:], given=given)
    before = state.panoramas[0]
    moved = before._step(motions[0])
    assert after.panoramas[0].eye == pytest.approx(before.eye + moved)
    assert torch.equal(step.events, happened)


def test_interrupted_rehearsals_go_on_to_the_same_bits(runs, folder, tmp_path, monkeypatch):
    drawn, calls = LatentDataset.draw, []

    def breaks(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return drawn(*given)

    monkeypatch.setattr(LatentDataset, "draw", breaks)
    with pytest.raises(KeyboardInterrupt):
        rehearse.run(config(runs), tmp_path)
    assert read_plan(tmp_path)["done"] == 2
    assert Rehearsals([str(tmp_path)]).clips == 2  # what is there can be learnt from
    rehearse.run(config(runs), tmp_path)
    assert len(calls) == 3
    whole, rest = (arrays(place, PARTS) for place in (folder, tmp_path))
    assert whole.keys() == rest.keys()
    for name, part in whole.items():
        assert np.array_equal(part, rest[name]), name
    with pytest.raises(UserError, match="length=4, not 3"):
        rehearse.run(config(runs, length=3), tmp_path)


def test_errors_weigh_where_a_dream_means_the_same_as_the_truth():
    shape = 1, 1, 2, 2
    priors = torch.zeros(1, 1, 8 + CHANNELS, 2, 2)
    priors[:, :, -CHANNELS] = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    apart = torch.tensor([[10.0, 100.0], [10.0, 100.0]]).view(shape)
    shares = torch.tensor([[0.0, 0.0], [1.0, 0.0]]).view(shape)
    empty = torch.zeros(1, 1, 8, 2, 2)
    dreams = Rehearsed(empty, empty, priors, shares, apart, torch.zeros(1, 0, 3))
    assert dreams.weight(20.0, 60.0)[0, 0].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_the_loss_is_of_the_truth_and_sees_the_dream(runs, rows):
    torch.manual_seed(0)
    dynamics = load_dynamics(runs / "world.safetensors")[0]
    torch.nn.init.normal_(dynamics.unembed.weight)
    torch.nn.init.normal_(dynamics.modulations)

    def loss(dreams):
        generator = torch.Generator().manual_seed(0)
        return rehearsal_loss(dynamics, dreams, FlowConfig(), generator)[0]

    plain = loss(rows)
    assert plain.isfinite()
    assert loss(replace(rows, truths=rows.truths + 1)) > plain
    assert loss(replace(rows, latents=rows.latents + 1)) != plain
    nothing = replace(rows, shares=torch.ones_like(rows.shares))
    assert loss(nothing) == 0


def test_a_transformer_learns_from_both(runs, folder, tmp_path, monkeypatch):
    kinds = []
    loss = train_dynamics.DynamicsTask.loss

    def counted(task, batch, generator):
        kinds.append(isinstance(batch, Rehearsed))
        return loss(task, batch, generator)

    monkeypatch.setattr(train_dynamics.DynamicsTask, "loss", counted)
    settings = replace(
        dynamics_config(runs, steps=8),
        rehearsals=[str(folder)],
        rehearsed=0.5,
        init=str(runs / "dynamics" / "dynamics.safetensors"),
        part="trunk",
    )
    train_dynamics.run(settings, tmp_path)
    assert 0 < sum(kinds) < len(kinds)


def test_hands_learn_what_happened_as_dreams_show_it(runs, folder, tmp_path):
    init = str(runs / "dynamics" / "dynamics.safetensors")
    settings = replace(
        dynamics_config(runs), rehearsals=[str(folder)], rehearsed=1.0, init=init, part="hands"
    )
    train_dynamics.run(settings, tmp_path)
    before = load_dynamics(init)[0].state_dict()
    after = load_dynamics(tmp_path / "dynamics.safetensors")[0].state_dict()
    learnt = {name for name in before if not torch.equal(before[name], after[name])}
    assert learnt
    assert {name.split(".")[0] for name in learnt} == {"hands"}


def test_what_keys_would_have_led_to_stays_beside_its_frames(runs):
    world = runs / "world.safetensors"
    models = load_tokenizer(world)[0], load_dynamics(world)[0]
    simulator = Recalling(*models, depth=load_depth(world)[0])
    clips = LatentDataset([str(runs / "latents-train")]).clips([(0, 0), (1, 0)], 8)
    tried = np.random.default_rng(0).integers(2, size=(2, 7, 2, clips.events.shape[-1]))
    told = replace(clips, tried=tried.astype(np.uint8), keys=(7, 8))
    rows = rehearse.rehearsed(simulator, told, 6, np.random.default_rng(0))
    assert np.array_equal(rows["tried"], tried[:, 2:])
    dreams = Rehearsed(**{name: torch.from_numpy(part) for name, part in rows.items()}, keys=(7, 8))
    assert dreams.clip.tried.shape[:2] == dreams.clip.actions.shape[:2]
    assert dreams.clip.keys == (7, 8)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"part": "body"}, "part=body learns nothing from rehearsals"),
        ({"frames": 99}, "rehearsals are 8 frames long; needed frames=99 or more"),
        ({"rehearsals": ["nowhere"]}, "nowhere holds no rehearsals"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(runs, folder, tmp_path, changes, told):
    init = str(runs / "dynamics" / "dynamics.safetensors")
    settings = replace(dynamics_config(runs), rehearsals=[str(folder)], init=init, part="trunk")
    with pytest.raises(UserError, match=told):
        train_dynamics.run(replace(settings, **changes), tmp_path)


def test_ways_that_nobody_knows_are_refused(runs):
    world = runs / "world.safetensors"
    models = load_tokenizer(world)[0], load_dynamics(world)[0]
    clips = LatentDataset([str(runs / "latents-train")]).clips([(0, 0)], 7)
    lost = replace(clips, facts=np.full_like(clips.facts, np.nan))
    with pytest.raises(UserError, match="do not tell where players were"):
        rehearse.rehearsed(Recalling(*models), lost, 6, np.random.default_rng(0))


def test_another_tokenizer_than_the_latents_is_refused(runs, tmp_path):
    with pytest.raises(UserError, match="latents goes with tokenizer"):
        rehearse.run(config(runs, tokenizer=str(runs / "world.safetensors")), tmp_path)
