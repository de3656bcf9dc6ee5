"""How far the heads of a world can be believed: the figures, and the command."""

import numpy as np
import pytest
from pipeline import PLAIN

from worldsim.errors import UserError
from worldsim.evaluation.heads import Config, auroc, calibration, check_heads


def test_the_area_under_the_curve_counts_pairs_in_order():
    told = np.array([0.1, 0.4, 0.4, 0.9])
    assert auroc(told, np.array([False, False, True, True])) == 3.5 / 4
    assert auroc(told, np.array([True, False, False, False])) == 0
    assert np.isnan(auroc(told, np.zeros(4, bool)))


def test_calibration_is_zero_where_shares_are_as_told():
    told = np.repeat(np.arange(10) / 10, 10)
    true = np.concatenate([np.arange(10) < k for k in range(10)]).astype(float)
    assert calibration(told, true) == pytest.approx(0)
    assert calibration(told + 0.2, true) == pytest.approx(0.2)


def test_heads_are_asked_on_true_and_on_dreamed_frames(runs):
    place = {"checkpoint": str(runs / "world.safetensors"), **PLAIN}
    config = Config(latents=[str(runs / "latents-validation")], **place, clips=2, frames=3)
    figures = check_heads(config)
    assert figures["seen/reward/clips"] == 2
    assert figures["dreamed/end/events"] == 0
    assert figures["seen/reward/told"] != figures["dreamed/reward/told"]
    assert check_heads(config)["dreamed/reward/told"] == figures["dreamed/reward/told"]
    with pytest.raises(UserError, match="no latents were given"):
        check_heads(Config())
