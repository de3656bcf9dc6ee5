"""Two agents' exams, compared world by world."""

import json

import pytest

from agents.exam import Exam, ExamConfig
from worldsim.errors import UserError
from worldsim.evaluation import compare


def exam(folder, returns, **config):
    seeds = range(800_000, 800_000 + len(returns))
    lengths = dict.fromkeys(seeds, 20)
    whole = Exam(dict(zip(seeds, returns, strict=True)), lengths)
    whole.write(folder / "exam.json", ExamConfig(**config))
    return str(folder)


def test_two_exams_are_paired_by_world(tmp_path, capsys):
    a = exam(tmp_path / "a", [1.0, 11.0, 21.0, 31.0])
    b = exam(tmp_path / "b", [0.0, 10.0, 20.0])
    compare.run(compare.Config(a=a, b=b), tmp_path / "c")
    told = json.loads((tmp_path / "c" / "compare.json").read_text())
    assert (told["a"], told["b"], told["worlds"]) == (11.0, 10.0, 3)
    assert told["difference"] == told["low"] == told["high"] == 1.0
    assert "a - b +1 (+1 to +1" in capsys.readouterr().out


def test_exams_that_do_not_compare_are_refused(tmp_path):
    a = exam(tmp_path / "a", [1.0])
    other = exam(tmp_path / "b", [1.0], ticks=7)
    with pytest.raises(UserError, match="differ in ticks"):
        compare.run(compare.Config(a=a, b=other), tmp_path / "c")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "exam.json").write_text("{}")
    with pytest.raises(UserError, match="no exam"):
        compare.run(compare.Config(a=a, b=str(tmp_path / "d")), tmp_path / "c")
