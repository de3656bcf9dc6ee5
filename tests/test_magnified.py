"""What is drawn larger than it was seen is older."""

import numpy as np
import pytest

from worldsim.memory.magnified import grow_old
from worldsim.memory.origins import NONE

SIZE, VISIBLE = 32, 24


def picture(scale: float, number: float = 0.0) -> np.ndarray:
    """Origins (h, w, 3) of a picture that shows a frame so many times as large."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / scale
    return np.stack([np.full((SIZE, SIZE), number), rows, columns], -1).astype(np.float32)


def aged(origins: np.ndarray) -> np.ndarray:
    """How many ticks older (h, w) that makes pixels."""
    ages = np.full((SIZE, SIZE, 2), 100, np.int32)
    grow_old(ages, origins, VISIBLE, 64.0)
    assert (ages[..., 0] == 100).all()
    return 100 - ages[..., 1]


@pytest.mark.parametrize(("scale", "ticks"), [(0.5, 0), (1.0, 0), (np.e, 64), (100.0, 218)])
def test_what_is_larger_counts_for_less(scale, ticks):
    older = aged(picture(scale))
    assert (abs(older[:VISIBLE] - ticks) <= 1).all()
    assert (older[VISIBLE:] == 0).all()


def test_edges_between_surfaces_and_what_has_no_origin_tell_nothing():
    origins = picture(1.0)
    origins[:, 16:] = picture(1.0, 1.0)[:, :16]
    origins[:, 24:] += 7
    assert (aged(origins) == 0).all()
    origins = picture(4.0)
    origins[4:8, 4:8] = NONE
    older = aged(origins)
    assert (older[4:8, 4:8] == 0).all()
    assert (older[9:VISIBLE, 9:] > 0).all()
