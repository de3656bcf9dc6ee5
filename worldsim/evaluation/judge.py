"""The judge: the nearest of the exact pictures, or none.

No network judges. A frame shows the hypothesis that it is nearest to, in mean absolute difference
of slightly blurred pixels, over the pixels in which the hypotheses differ. It shows none (which
counts as wrong) when two are about as near, or when all are far off.
"""

from dataclasses import dataclass

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
class Ruler:
    """The hypotheses of a question, made ready once for all frames that are asked it.

    soft: (k, n, 3), softened, in the pixels `where` (h, w) they differ. right: index of the true
    one. apart, typical: the smallest and the mean distance between two.
    """

    soft: NDArray[np.float64]
    where: NDArray[np.bool_]
    right: int
    apart: float
    typical: float

    @classmethod
    def of(cls, question: Question) -> "Ruler":
        """That of a question."""
        soft = softened(question.images)[:, question.where]
        k = len(soft)
        pairs = [float(np.abs(soft[i] - soft[j]).mean()) for i in range(k) for j in range(i)]
        apart, typical = min(pairs, default=1.0), float(np.mean(pairs))
        return cls(soft, question.where, question.right, max(apart, 1e-6), max(typical, 1e-6))

    def decide(self, frame: Frame) -> Decision:
        """The answer that a frame (h, w, 3) gives."""
        shown = softened(frame[None])[:, self.where]
        to = np.abs(self.soft - shown).mean((1, 2))
        first, second = np.argsort(to, kind="stable")[:2]
        lead = (to[second] - to[first]) / self.apart
        margin = float((np.delete(to, self.right).min() - to[self.right]) / self.apart)
        clear = lead >= _CLOSE_CALL and to[first] <= _FAR_OFF * self.typical
        answer = int(first) if clear else UNDECIDED
        return Decision(answer, answer == self.right, margin)


def decide(frame: Frame, question: Question) -> Decision:
    """The answer that a frame (h, w, 3) gives."""
    return Ruler.of(question).decide(frame)


def softened(images: Frame) -> NDArray[np.float64]:
    """Images (n, h, w, 3) with every pixel the mean of a square of 2 x 2."""
    padded = np.pad(images.astype(np.float64), ((0, 0), (0, 1), (0, 1), (0, 0)), "edge")
    rows = padded[:, :-1] + padded[:, 1:]
    mean: NDArray[np.float64] = (rows[:, :, :-1] + rows[:, :, 1:]) / 4
    return mean
