"""What a probe asks: contexts to begin from, scripts to play, and questions with right answers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.stage import Frame, Mask, Pose, Take
from worldsim.evaluation.stage import UnsuitedError as UnsuitedError

_DIFFERS = 8  # of 255, in any colour
_LEAST = 0.004  # share of the frame in which hypotheses have to differ


@dataclass(frozen=True)
class Question:
    """Which of several exact pictures does a frame show?

    at: index of the frame among those that the script leads to. names: of the hypotheses.
    images: (k, h, w, 3), theirs. right: index of the true one. where: pixels (h, w) that count.
    pose: from which the pictures are taken. states: of the exact world in each hypothesis, by which
    they can be drawn from the pose that a model really reached; empty: only as commanded.
    """

    at: int
    names: tuple[str, ...]
    images: Frame
    right: int
    where: Mask
    pose: Pose | None = None
    states: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Instance:
    """One trial: a context of the exact world, and a script whose outcome is asked about.

    seed: the world's, the unit of all intervals. case: the parameter of the trial, such as "left".
    split: "in" or "out" of what the recordings held. frames: (t+1, h, w, 3) and actions (t, a): the
    context. state: the exact world's at its end. script: (n, a). mirrored: all but `state` is as in
    a mirror.
    """

    seed: int
    case: str
    split: str
    frames: Frame
    actions: Vector
    state: bytes
    script: Vector
    questions: tuple[Question, ...] = ()
    mirrored: bool = False

    @property
    def noise(self) -> int:
        """The seed of the model's noise, different for each trial of a world."""
        digest = hashlib.sha256(f"{self.seed} {self.case} {self.split}".encode()).digest()
        return int.from_bytes(digest[:4], "little")


def ask(
    at: int,
    images: Mapping[str, Frame],
    right: str,
    where: Mask,
    *,
    pose: Pose | None = None,
    states: Mapping[str, bytes] | None = None,
    least: float = _LEAST,
) -> Question:
    """A question about the pixels of `where` in which the hypotheses differ.

    Raises:
        UnsuitedError: they hardly do.
    """
    names = tuple(images)
    stack = np.stack([images[name] for name in names])
    spread = stack.max(0).astype(int) - stack.min(0)
    counted = where & (spread > _DIFFERS).any(-1)
    if counted.mean() < least:
        raise UnsuitedError(f"{' / '.join(names)} look the same")
    kept = () if states is None else tuple(states[name] for name in names)
    return Question(at, names, stack, names.index(right), counted, pose, kept)


def begin(
    seed: int,
    case: str,
    split: str,
    context: Take,
    script: Sequence[Vector] | Vector,
    questions: Sequence[Question] = (),
) -> Instance:
    """The trial that goes on from the end of a context."""
    table = np.array(script, np.float32)
    frames, actions, state = context.frames, context.actions, context.state
    return Instance(seed, case, split, frames, actions, state, table, tuple(questions))


def list_hash(instances: Sequence[Instance]) -> str:
    """A SHA-256, in hex, of everything that models are shown and asked in these trials."""
    digest = hashlib.sha256()
    for trial in instances:
        digest.update(f"{trial.seed} {trial.case} {trial.split};".encode())
        for array in (trial.frames, trial.actions, trial.script):
            digest.update(np.ascontiguousarray(array).tobytes())
        for q in trial.questions:
            digest.update(f"{q.at} {q.names} {q.right};".encode())
            digest.update(q.images.tobytes())
            digest.update(q.where.tobytes())
    return digest.hexdigest()
