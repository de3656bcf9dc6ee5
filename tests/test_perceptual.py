"""Distances by networks of others: their sums by hand, and their order where they are installed."""

import numpy as np
import pytest

from worldsim.errors import UserError
from worldsim.evaluation import perceptual
from worldsim.evaluation.images import blur


def test_frechet_distance_of_known_gaussians():
    x = np.random.default_rng(0).normal(size=(4000, 3))
    assert perceptual.frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert perceptual.frechet(x, x + np.array([3, 0, 4])) == pytest.approx(25)
    wide = x * [3, 1, 1]  # variances 9 and 1: 9 + 1 - 2 * 3
    assert perceptual.frechet(x, wide) == pytest.approx(4, rel=0.1)
    assert perceptual.frechet(x, wide) == pytest.approx(perceptual.frechet(wide, x))


def test_weights_of_another_content_are_refused(monkeypatch, tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not installed \(pip install worldsim"):
        perceptual._checked("nowhere", perceptual._ALEX)
    package = tmp_path / "impostor"
    (package / "weights" / "vST0.0").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / perceptual._ALEX).write_bytes(b"else")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="has SHA-256"):
        perceptual._checked("impostor", perceptual._ALEX)


@pytest.mark.skipif(not perceptual.available(), reason="needs the extra perceptual")
def test_nearer_pictures_are_nearer():
    frame = (
        np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    )
    shown = np.stack([frame, np.roll(frame, 1, 1), blur(frame), 255 - frame])
    same, shifted, soft, other = perceptual.st_lpips(shown, np.stack(4 * [frame]))
    assert same == 0
    assert shifted < 0.25 * soft
    assert soft < other
    assert perceptual.fd_efflite0(shown[:2], shown[:2]) == pytest.approx(0, abs=1e-6)
