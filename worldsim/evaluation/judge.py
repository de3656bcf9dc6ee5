"""The judge: the nearest of the exact pictures, or none.

No network judges. A frame shows the hypothesis that it is nearest to, in mean absolute difference
of slightly blurred pixels, over the pixels in which the hypotheses differ. It shows none (which
counts as wrong) when two are about as near, or when all are far off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from worldsim.evaluation.instances import Question
from worldsim.evaluation.stage import Frame

UNDECIDED = -1
_CLOSE_CALL = 0.05  # least lead over the second, as a share of the hypotheses' distance
_FAR_OFF = 0.75  # of the hypotheses' distance


@dataclass(frozen=True)
class Decision:
    """What the judge saw: index of the answer (-1: none), whether right, and by what margin.

    margin: how much nearer the right hypothesis is than the nearest wrong one, as a share of the
    distance between hypotheses; 1 for the truth itself, negative when wrong.
    """

    answer: int
    right: bool
    margin: float


@dataclass(frozen=True)
class Scale:
    """Distances of a frame from each of k hypotheses, and among them.

    to: (k,) mean absolute differences. apart: the smallest distance between two hypotheses.
    """

    to: NDArray[np.float64]
    apart: float

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The hypotheses, nearest first."""
        return np.argsort(self.to, kind="stable")


def decide(frame: Frame, question: Question) -> Decision:
    """The answer that a frame (h, w, 3) gives."""
    scale = measure(frame, question.images, question.where)
    first, second = scale.order[:2]
    lead = (scale.to[second] - scale.to[first]) / scale.apart
    wrong = np.delete(scale.to, question.right).min()
    margin = float((wrong - scale.to[question.right]) / scale.apart)
    clear = lead >= _CLOSE_CALL and scale.to[first] <= _FAR_OFF * _typical(question)
    answer = int(first) if clear else UNDECIDED
    return Decision(answer, answer == question.right, margin)


def measure(frame: Frame, images: Frame, where: NDArray[np.bool_]) -> Scale:
    """How far a frame is from each image (k, h, w, 3), over the pixels of `where`."""
    soft = softened(np.concatenate([frame[None], images]))[:, where]
    to = np.abs(soft[1:] - soft[0]).mean((1, 2))
    apart = min(_pairs(soft[1:]), default=1.0)
    return Scale(to, max(apart, 1e-6))


def softened(images: Frame) -> NDArray[np.float64]:
    """Images (n, h, w, 3) with every pixel the mean of a square of 2 x 2."""
    padded = np.pad(images.astype(np.float64), ((0, 0), (0, 1), (0, 1), (0, 0)), "edge")
    rows = padded[:, :-1] + padded[:, 1:]
    mean: NDArray[np.float64] = (rows[:, :, :-1] + rows[:, :, 1:]) / 4
    return mean


def _typical(question: Question) -> float:
    soft = softened(question.images)[:, question.where]
    return max(float(np.mean(_pairs(soft))), 1e-6)


def _pairs(soft: NDArray[np.float64]) -> Sequence[float]:
    k = len(soft)
    return [float(np.abs(soft[i] - soft[j]).mean()) for i in range(k) for j in range(i)]
