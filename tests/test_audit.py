"""The suite tested on worlds with planted faults: what is expected, and that it is compared."""

from dataclasses import replace

import pytest

from worldsim.errors import UserError
from worldsim.evaluation import audit
from worldsim.evaluation.audit import CLEAR, EXPECTED, FOUND
from worldsim.evaluation.oracle import FAULTS
from worldsim.evaluation.probe import FAMILIES

CONFIG = audit.Config(faults=["deaf to noise"], families=["diffusion"], worlds=1, seed=790_000)


def test_every_fault_has_to_be_found_by_some_family_and_not_by_another():
    assert set(EXPECTED) == {"", *FAULTS}
    for fault, row in EXPECTED.items():
        assert set(row) <= set(FAMILIES)
        assert (FOUND in row.values()) == bool(fault)
        assert CLEAR in row.values()
    found = {family for row in EXPECTED.values() for family, said in row.items() if said == FOUND}
    assert found >= {"controls", "physics", "persistence", "hud", "horizon", "diffusion"}


def test_results_that_are_not_those_expected_are_named():
    good = {"doubles counts": {"hud": {"slot": 1.0, "collect": 0.4}, "controls": {"turn": 1.0}}}
    assert audit.surprises(good) == []
    bad = {"doubles counts": {"hud": {"slot": 0.9}, "controls": {"turn": 1.0, "walk": 0.7}}}
    first, second = audit.surprises(bad)
    assert "hud should be found; its lowest probe, slot, has 0.90" in first
    assert "controls should be clear; its lowest probe, walk, has 0.70" in second
    assert "**0.40 collect**" in audit.as_text(good)


def test_a_fault_is_measured_once_and_kept(tmp_path, monkeypatch, capsys):
    audit.run(CONFIG, tmp_path)
    assert "**0.00 noise**" in (tmp_path / "matrix.md").read_text()
    monkeypatch.setattr(audit, "score", lambda *_: pytest.fail("measured again"))
    audit.run(CONFIG, tmp_path)
    assert "as expected" in capsys.readouterr().out
    with pytest.raises(UserError, match="has other worlds"):
        audit.run(replace(CONFIG, worlds=2), tmp_path)
    monkeypatch.setitem(EXPECTED["deaf to noise"], "diffusion", CLEAR)
    with pytest.raises(UserError, match="deaf to noise: diffusion should be clear"):
        audit.run(CONFIG, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"faults": ["drift"]}, "no fault is called drift; did you mean drifts"),
        ({"families": ["frames"]}, "no family is called frames"),
        ({"seed": 5}, "train split"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        audit.run(replace(CONFIG, **change), tmp_path)
