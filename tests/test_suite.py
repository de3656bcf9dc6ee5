"""From a world file to a report, and what is refused on the way."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from pipeline import PLAIN

from worldsim.data import workers
from worldsim.errors import UserError
from worldsim.evaluation import compare, suite, summary
from worldsim.evaluation.arms import ARMS, Arms
from worldsim.evaluation.instances import Question, begin
from worldsim.evaluation.model import Dreamer
from worldsim.evaluation.oracle import Oracle
from worldsim.evaluation.stage import script
from worldsim.world import load_world

ID = "small:Small/Voxel-v0"


@pytest.fixture
def config(runs):
    return suite.Config(
        checkpoint=str(runs / "world.safetensors"),
        exact=ID,
        tier="smoke",
        probes=["turn", "frames_replay"],
        seed=790_000,
        workers=1,
        **PLAIN,
    )


def test_evaluation_writes_every_decision_and_a_page(config, tmp_path, capsys):
    suite.run(config, tmp_path)
    result = json.loads((tmp_path / "consistency.json").read_text())
    controls = result["families"]["controls"]
    assert controls["truth"] == 1
    assert 0 <= controls["copy"] <= 0.5
    assert {"score", "raw", "copy", "ceiling", "ci"} <= set(controls)
    turn = result["probes"]["turn"]
    assert len(turn["trials"]) == 8 * 6  # arms, and trials of a world
    assert {row["arm"] for row in turn["trials"]} == set(ARMS)
    assert result["headline"]["families"] == ["controls"]
    page = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64" in page
    assert "http" not in page
    assert "frame 16" in (tmp_path / "frames.md").read_text()
    assert "consistency" in capsys.readouterr().out


def test_a_frame_that_was_seen_before_is_not_encoded_again(config, monkeypatch):
    world = load_world(config.checkpoint, **PLAIN)
    model, encoded, encode = Dreamer(world), [], world.simulator.encode
    monkeypatch.setattr(
        world.simulator, "encode", lambda frames: encoded.append(len(frames)) or encode(frames)
    )
    frames = np.random.default_rng(0).integers(0, 256, (5, *world.frame_shape, 3), np.uint8)
    first = model.reconstruct(frames[[0, 1, 1, 2]])
    second = model.reconstruct(frames[[2, 0, 3, 4]])
    assert encoded == [3, 2]
    assert np.array_equal(first[[1, 3, 0]], [first[2], second[0], second[1]])


def test_frames_alone_have_no_headline_and_no_nan(config, tmp_path, capsys):
    suite.run(replace(config, probes=["frames_replay"]), tmp_path)
    assert "nan" not in capsys.readouterr().out

    def refuse(name):
        raise AssertionError(f"{name} in JSON")

    result = json.loads((tmp_path / "consistency.json").read_text(), parse_constant=refuse)
    assert result["headline"] == {"score": None, "ci": [None, None], "families": []}
    assert "class=headline" not in (tmp_path / "report.html").read_text()
    assert "nan" not in (tmp_path / "results.md").read_text()


def test_trials_that_are_not_the_published_ones_are_named(config, tmp_path, monkeypatch, capsys):
    published = tmp_path / "trials.json"
    published.write_text(json.dumps({"smoke": {"turn": "another"}}))
    monkeypatch.setattr(summary, "_PUBLISHED", published)
    suite.run(config, tmp_path)
    assert "not the published ones: turn\n" in capsys.readouterr().out


def test_two_processes_find_what_one_finds(config, tmp_path):
    config = replace(config, probes=["turn", "jump"])
    results = []
    for count in (1, 2):
        out = tmp_path / str(count)
        suite.run(replace(config, workers=count, out=str(out)), tmp_path)
        results.append(json.loads((out / "consistency.json").read_text())["probes"])
    assert results[0] == results[1]
    assert list(results[0]) == ["turn", "jump"]


def test_evaluation_continues_where_it_was(config, tmp_path, monkeypatch):
    config = replace(config, probes=["turn"])
    suite.run(config, tmp_path)
    before = (tmp_path / "consistency.json").read_text()
    monkeypatch.setattr(suite, "measure", lambda *_: pytest.fail("measured again"))
    suite.run(config, tmp_path)
    assert (tmp_path / "consistency.json").read_text() == before
    with pytest.raises(UserError, match="tier=smoke; this evaluation has standard"):
        suite.run(replace(config, tier="standard"), tmp_path)


def test_arms_that_only_stand_beside_the_score_take_some_of_many_worlds(stage):
    stage.arena(700_100)
    take = stage.play(script((3, {})))
    pictures = np.stack([take.frames[0], 255 - take.frames[0]])
    question = Question(1, ("there", "not"), pictures, 0, stage.bare)
    one = begin(700_100, "rest", "in", take, script((2, {})), [question])
    for worlds, some in ((5, 5), (9, 3)):
        asked = [replace(one, seed=one.seed + i) for i in range(worlds)]
        shown = Arms(Oracle(), stage).run(asked)
        assert set(shown) == set(ARMS)
        assert all(shown["free"])
        rows = suite.answers(stage, asked, shown)
        for arm in ("shuffled", "no-op", "teacher-forced"):
            assert sum(map(bool, shown[arm])) == some
            assert sum(row.arm == arm for row in rows) == some


def test_an_interrupt_does_not_wait_for_the_end_of_a_trial(stage, monkeypatch):
    stage.arena(700_100)
    trial = begin(700_100, "rest", "in", stage.play(script((3, {}))), script((9, {})))
    asked = iter(range(100))
    parent = SimpleNamespace(is_set=lambda: next(asked) == 4)
    monkeypatch.setattr(workers, "_stop", parent)
    arms = Arms(Oracle(), stage)
    with pytest.raises(workers.Stopped):
        arms.play([trial], [trial.script], [[8]])
    assert arms.frames == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tier": "smok"}, "no tier is called smok.*smoke"),
        ({"families": ["control"]}, "did you mean"),
        ({"probes": ["fly"]}, "no probe is called fly"),
        ({"seed": 900_000}, "reserved split"),
        ({"seed": 0}, "train split"),
    ],
)
def test_settings_that_make_no_sense_are_refused(config, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        suite.run(replace(config, **change), tmp_path)


def test_two_evaluations_are_compared_world_by_world(config, tmp_path, capsys):
    config = replace(config, probes=["turn"])
    suite.run(config, tmp_path / "a")
    suite.run(config, tmp_path / "b")
    compare.run(compare.Config(a=str(tmp_path / "a"), b=str(tmp_path / "b")), tmp_path / "c")
    table = json.loads((tmp_path / "c" / "compare.json").read_text())
    assert table["turn"]["difference"] == 0
    assert table["turn"]["p"] == 1
    assert "| turn |" in capsys.readouterr().out
    other = json.loads((tmp_path / "b" / "consistency.json").read_text())
    (tmp_path / "b" / "consistency.json").write_text(json.dumps({**other, "seed": 1}))
    with pytest.raises(UserError, match="differ in seed"):
        compare.run(compare.Config(a=str(tmp_path / "a"), b=str(tmp_path / "b")), tmp_path / "c")
    with pytest.raises(UserError, match="needed a folder of"):
        compare.run(compare.Config(a=str(tmp_path / "none"), b=""), tmp_path)
