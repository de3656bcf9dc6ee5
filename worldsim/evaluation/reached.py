"""From where a frame shows the world, found by rendering, and answers given from there.

A model that turns away and back may end beside where it was led. A question about what it shows
there is asked again of pictures drawn from the pose that it reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.evaluation.instances import Question, UnsuitedError, ask
from worldsim.evaluation.judge import UNDECIDED, Decision, decide
from worldsim.evaluation.stage import Frame, Mask, Pose, Stage

Offsets = NDArray[np.float64]
"""Blocks forward and to the right of an expected pose, degrees of yaw and of pitch; (..., 4)."""

_GRID = 16  # pixels a side of what is compared
_COARSE, _FINE, _FINEST = 32, 64, 128  # pixels a side of renders, shrunk by the mean of areas
_BOUNDS = np.array([2.0, 2.0, 30.0, 15.0])
_YAWS, _PITCHES = (-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0), (-12.0, 0.0, 12.0)
_SHIFTS = tuple((f, s) for f in (-1.2, 0.0, 1.2) for s in (-1.2, 0.0, 1.2) if f or s)
_APART = np.array([0.12, 0.12, 1.5, 1.5])  # of the renders that slopes are taken from
_STRETCH = {_FINE: 1.6, _FINEST: 1.0}  # of steps, which noise in the slopes makes too short
_LONGEST = np.array([0.7, 0.7, 8.0, 8.0])  # step of a refinement
_STARTS = 3  # offsets that are refined
_TRUSTED = 12.0  # of 255; larger differences weigh less
_CLIPPED = 64.0  # of 255; larger differences count as this
_MET = 3.0  # of 255; a distance at which nothing better is looked for
_DEGREES, _BLOCKS = 15.0, 1.0  # within which of the commanded pose a question can be asked


def fit_pose(
    stage: Stage, frame: Frame, states: Sequence[bytes], guess: Pose
) -> tuple[Pose, float]:
    """The pose from which the world looks most like a frame, and the distance that is left.

    Searched are 2 blocks forward and sideways, 30 degrees of yaw and 15 of pitch around the guess;
    the distance is a mean absolute difference of 0..255. The world stays as it is.

    Args:
        stage: of the exact world.
        frame: (h, w, 3).
        states: of the exact world, any of which the frame may show; the nearest counts.
        guess: the pose expected.
    """
    with stage.aside():
        search = _search(stage, frame, states, guess)
        turned = np.array([(0.0, 0.0, yaw, pitch) for yaw in _YAWS for pitch in _PITCHES])
        starts, _ = search.best(turned, _STARTS, _COARSE)
        shifted = np.array([(*shift, *starts[0][2:]) for shift in _SHIFTS])
        starts, _ = search.best(np.concatenate([starts, shifted]), _STARTS, _COARSE)
        near, far = search.settled(starts)
        near = search.refined(near, 3 if far < _MET else 7, _FINE)
        found, distances = search.best(search.refined(near, 2, _FINEST)[None], 1, _FINEST)
        return search.pose(found[0]), float(distances[0])


def decide_at_reached(
    stage: Stage, frame: Frame, question: Question
) -> tuple[Decision, bool, Pose]:
    """The answer of a frame (h, w, 3) by pictures drawn from where it was taken.

    Gives the decision, whether it has support (the pose found is within 15 degrees and 1 block of
    the question's, and the hypotheses look different from there), and the pose found.

    Raises:
        ValueError: the question came without pose and states.
    """
    if question.pose is None or not question.states:
        raise ValueError("the question has no pose or no states; give both to ask()")
    pose, _ = fit_pose(stage, frame, question.states, question.pose)
    names = question.names
    with stage.aside():
        images = {}
        for name, state in zip(names, question.states, strict=True):
            stage.twin.set_state(state)
            images[name] = stage.look(pose, hud=False)
    try:
        there = ask(question.at, images, names[question.right], stage.bare)
    except UnsuitedError:
        return Decision(UNDECIDED, False, 0.0), False, pose
    return decide(frame, there), _near(pose, question.pose), pose


def _near(pose: Pose, wanted: Pose) -> bool:
    """Whether a pose is about the one that was wanted."""
    blocks = float(np.linalg.norm(np.subtract(pose[:3], wanted[:3])))
    yaw = abs((pose[3] - wanted[3] + 180) % 360 - 180)
    return blocks <= _BLOCKS and max(yaw, abs(pose[4] - wanted[4])) <= _DEGREES


@dataclass(frozen=True)
class _Search:
    """What is searched: the frame, small, where it counts (n, 3), and around which pose."""

    stage: Stage
    target: NDArray[np.float64]
    kept: Mask
    states: tuple[bytes, ...]
    guess: Pose

    def pose(self, offsets: Offsets) -> Pose:
        """The pose at offsets (4,) from the guess."""
        x, y, z, yaw, pitch = self.guess
        ahead, aside, turned, tilted = (float(v) for v in offsets)
        sin, cos = np.sin(np.deg2rad(yaw)), np.cos(np.deg2rad(yaw))
        x, z = x - ahead * sin - aside * cos, z + ahead * cos - aside * sin
        return float(x), y, float(z), yaw + turned, pitch + tilted

    def images(self, many: Offsets, state: bytes, size: int) -> NDArray[np.float64]:
        """What a state shows at each of many offsets (m, 4), by renders of a size: (m, n, 3)."""
        self.stage.twin.set_state(state)
        looks = [self.stage.look(self.pose(offsets), size, hud=False) for offsets in many]
        return _small(np.stack(looks))[:, self.kept]

    def best(self, many: Offsets, count: int, size: int) -> tuple[Offsets, NDArray[np.float64]]:
        """Those of many offsets (m, 4) that look most like the frame, best first, and distances.

        The distance to the nearest of the states counts.
        """
        by_state = [self._far(self.images(many, state, size)) for state in self.states]
        distances = np.min(by_state, axis=0)
        order = np.argsort(distances, kind="stable")[:count]
        return many[order], distances[order]

    def settled(self, starts: Offsets) -> tuple[Offsets, float]:
        """The best, or first good, offsets (4,) that starts (m, 4) lead to, and their distance."""
        found, far = starts[0], float(np.inf)
        for start in starts:
            near, distances = self.best(self.refined(start, 4, _FINE)[None], 1, _FINE)
            if distances[0] < far:
                found, far = near[0], float(distances[0])
            if far < _MET:
                break
        return found, far

    def refined(self, offsets: Offsets, steps: int, size: int) -> Offsets:
        """Better offsets (4,), by Gauss-Newton steps with Huber's weights on the nearest state."""
        for _ in range(steps):
            here, state = self._nearest(offsets, size)
            around = self.images(offsets + np.diag(_APART), state, size)
            slopes = ((around - here) / _APART[:, None, None]).reshape(4, -1)
            error = (self.target - here).ravel()
            weighted = slopes / np.maximum(1.0, np.abs(error) / _TRUSTED)
            prior = np.diag((_TRUSTED / _BOUNDS) ** 2)
            step = np.linalg.solve(weighted @ slopes.T + prior, weighted @ error - prior @ offsets)
            step *= _STRETCH[size]
            step /= max(1.0, float((np.abs(step) / _LONGEST).max()))
            offsets = (offsets + step).clip(-_BOUNDS, _BOUNDS)
        return offsets

    def _nearest(self, offsets: Offsets, size: int) -> tuple[NDArray[np.float64], bytes]:
        """What the nearest state shows at offsets (4,), and which it is."""
        shown = [self.images(offsets[None], state, size)[0] for state in self.states]
        i = int(self._far(np.stack(shown)).argmin())
        return shown[i], self.states[i]

    def _far(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """Robust distances of the frame from images (m, n, 3): (m,)."""
        distances: NDArray[np.float64] = np.minimum(np.abs(images - self.target), _CLIPPED).mean(
            (1, 2)
        )
        return distances


def _search(stage: Stage, frame: Frame, states: Sequence[bytes], guess: Pose) -> _Search:
    kept = _shrunk(stage.bare[None, ..., None])[0, ..., 0] > 0.999
    return _Search(stage, _small(frame[None])[0][kept], kept, tuple(states), guess)


def _small(images: Frame) -> NDArray[np.float64]:
    """Images (m, h, w, 3) shrunk to the grid and blurred by (1, 2, 1) both ways."""
    small = _shrunk(images)
    for axis in (1, 2):
        edges = [(1, 1) if i == axis else (0, 0) for i in range(4)]
        padded = np.moveaxis(np.pad(small, edges, "edge"), axis, 0)
        small = np.moveaxis((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4, 0, axis)
    return small


def _shrunk(images: NDArray[Any]) -> NDArray[np.float64]:
    """Images (m, h, w, c) shrunk to the grid by the mean of areas."""
    m, h, w, c = images.shape
    parts = images.reshape(m, _GRID, h // _GRID, _GRID, w // _GRID, c)
    mean: NDArray[np.float64] = parts.mean((2, 4), dtype=np.float64)
    return mean
