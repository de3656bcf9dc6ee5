"""Does it do what the keys say: the right way, at once, and by as much?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, Question, ask, begin
from worldsim.evaluation.probe import Make, Probe, Row
from worldsim.evaluation.stage import Stage, Take, mirrored_actions, script
from worldsim.evaluation.statistics import macro_f1

GLANCE: tuple[tuple[int, dict[str, Any]], ...] = (
    (2, {}),
    (3, {"camera": (0.0, 3.0)}),
    (5, {"camera": (0.0, -3.6)}),
    (3, {"camera": (0.0, 3.0)}),
    (2, {}),
)
"""A look to both sides and back, 15 actions: the context of most trials."""

_HELD = 6  # ticks that the keys in question are held

Ways = Mapping[str, Mapping[str, Any]]
"""The answers, and the controls that each stands for."""

_SIX: Ways = {
    "forward": {"forward": 1},
    "back": {"back": 1},
    "strafe left": {"left": 1},
    "strafe right": {"right": 1},
    "turn left": {"camera": (0.0, -2.0)},
    "turn right": {"camera": (0.0, 2.0)},
}
_ALL: Ways = {
    "none": {},
    "forward": {"forward": 1},
    "back": {"back": 1},
    "left": {"left": 1},
    "right": {"right": 1},
    "turn left": {"camera": (0.0, -3.0)},
    "turn right": {"camera": (0.0, 3.0)},
    "up": {"camera": (-3.0, 0.0)},
    "down": {"camera": (3.0, 0.0)},
}
_GAINS = (0.4, 0.7, 1.0, 1.4, 1.9)
_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "forward": "back"}
_OPPOSITE |= {"back": "forward"}


def branches(
    stage: Stage, context: Take, scripts: Mapping[str, Sequence[Vector]], asked: Sequence[int]
) -> dict[str, Take]:
    """What each script leads to from the end of a context; the world stays there.

    asked: what `which` is to be asked at.
    """
    drawn = [at + 1 for at in asked]
    taken = {name: stage.play(acts, context.state, drawn) for name, acts in scripts.items()}
    stage.twin.set_state(context.state)
    return taken


def which(stage: Stage, context: Take, taken: Mapping[str, Take], right: str, at: int) -> Question:
    """Which of the branches frame `at` shows, by what the context had shown of all their views."""
    where = np.logical_and.reduce(
        [stage.seen(take.views[at + 1], context.views) for take in taken.values()]
    )
    return ask(at, {name: take.frames[at + 1] for name, take in taken.items()}, right, where)


def opening(stage: Stage, seed: int, rng: np.random.Generator) -> Take:
    """The context of most trials: on level ground, looking some way, a glance to both sides."""
    stage.arena(seed, yaw=float(rng.uniform(-180, 180)), pitch=float(rng.uniform(5, 20)))
    return stage.play(script(*GLANCE))


def _futures(ticks: int, asked: Sequence[int], **splits: Ways) -> Make:
    """Trials of one moment from which each of a split's ways is taken once, for some ticks."""

    def make(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
        context, found = opening(stage, seed, rng), []
        for split, ways in splits.items():
            scripts = {name: script((ticks, dict(held))) for name, held in ways.items()}
            taken = branches(stage, context, scripts, asked)
            for name in ways:
                questions = [which(stage, context, taken, name, at) for at in asked]
                found.append(begin(seed, name, split, context, scripts[name], questions))
        return found

    return make


_choice = partial(_futures, _HELD, (_HELD - 1,))


def _gain(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    context, found = opening(stage, seed, rng), []
    for split, speed in (("in", 2.0), ("out", 0.9)):
        for side, sign in (("left", -1), ("right", 1)):
            scripts = {
                f"{gain:g}": script((_HELD, {"camera": (0.0, sign * gain * speed)}))
                for gain in _GAINS
            }
            taken = branches(stage, context, scripts, (_HELD - 1,))
            question = which(stage, context, taken, "1", _HELD - 1)
            found.append(begin(seed, side, split, context, scripts["1"], [question]))
    return found


def _onset(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    context, found = opening(stage, seed, rng), []
    delays = {"two early": 1, "one early": 2, "at once": 3, "one late": 4, "two late": 5}
    for split, name, held in (
        ("in", "left", {"camera": (0.0, -4.0)}),
        ("in", "right", {"camera": (0.0, 4.0)}),
        ("out", "down", {"camera": (4.0, 0.0)}),
    ):
        scripts = {word: script((wait, {}), (6, held)) for word, wait in delays.items()}
        taken = branches(stage, context, scripts, (5,))
        question = which(stage, context, taken, "at once", 5)
        found.append(begin(seed, name, split, context, scripts["at once"], [question]))
    return found


def _mirror(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    ways: Ways = {"left": {"camera": (0.0, -2.0)}, "right": {"camera": (0.0, 2.0)}}
    context = opening(stage, seed, rng)
    scripts = {name: script((_HELD, dict(held))) for name, held in ways.items()}
    taken = branches(stage, context, scripts, (_HELD - 1,))
    found = []
    for name, other in (("left", "right"), ("right", "left")):
        question = which(stage, context, taken, name, _HELD - 1)
        plain = begin(seed, other, "in", context, scripts[name], [question])
        found.append(reflected(stage, plain, {name: other, other: name}))
    return found


def reflected(stage: Stage, trial: Instance, renamed: Mapping[str, str]) -> Instance:
    """The trial as in a mirror: frames, keys and questions; answers are renamed."""
    questions = tuple(
        replace(
            q,
            names=tuple(renamed.get(name, name) for name in q.names),
            images=stage.mirrored(q.images),
            where=q.where[:, ::-1] & stage.bare,
        )
        for q in trial.questions
    )
    return replace(
        trial,
        frames=stage.mirrored(trial.frames),
        actions=mirrored_actions(trial.actions),
        script=mirrored_actions(trial.script),
        questions=questions,
        mirrored=True,
    )


def swap_rate(rows: Sequence[Row]) -> dict[str, float]:
    """Of the model's trials that commanded a side: the share that shows the opposite side."""
    sided = [row for row in rows if row.arm == "free" and row.wanted in _OPPOSITE]
    swapped = [row.answer == _OPPOSITE[row.wanted] for row in sided]
    return {"swap rate": float(np.mean(swapped)), "swap trials": float(len(swapped))}


def inverse_f1(rows: Sequence[Row]) -> dict[str, float]:
    """Macro-F1 of the controls told from the frames, beside that of frames led by no action."""
    return {
        f"macro F1, {arm}": macro_f1([r.wanted for r in own], [r.answer for r in own])
        for arm in ("reconstruction", "free", "no-op", "copy")
        for own in [[row for row in rows if row.arm == arm]]
    }


def mean_gain(rows: Sequence[Row]) -> dict[str, float]:
    """The mean of the gains that the model showed; 1 is right."""
    gains = [float(row.answer) for row in rows if row.arm == "free" and row.answer]
    return {"mean gain": float(np.mean(gains)) if gains else float("nan")}


def _camera(pitch: float, yaw: float) -> Mapping[str, Any]:
    return {"camera": (pitch, yaw)}


PROBES = (
    Probe(
        "turn",
        "controls",
        "The camera is turned left, right or not at all. Which way does the view go?",
        _choice(
            **{
                "in": {"left": _camera(0, -3.0), "none": {}, "right": _camera(0, 3.0)},
                "out": {"left": _camera(0, -0.8), "none": {}, "right": _camera(0, 0.8)},
            }
        ),
        extra=swap_rate,
    ),
    Probe(
        "tilt",
        "controls",
        "The camera is tilted up, down or not at all. Which way does the view go?",
        _choice(
            **{
                "in": {"up": _camera(-2.0, 0), "none": {}, "down": _camera(2.0, 0)},
                "out": {"up": _camera(-0.7, 0), "none": {}, "down": _camera(0.7, 0)},
            }
        ),
        extra=swap_rate,
    ),
    Probe(
        "walk",
        "controls",
        "Forward, backward or neither is held for six ticks. Where is the player then?",
        _choice(
            **{
                "in": {"forward": {"forward": 1}, "none": {}, "back": {"back": 1}},
                "out": {
                    "forward": {"forward": 1, "sneak": 1},
                    "none": {"sneak": 1},
                    "back": {"back": 1, "sneak": 1},
                },
            }
        ),
        extra=swap_rate,
    ),
    Probe(
        "strafe",
        "controls",
        "Left, right or neither is held for six ticks. Where is the player then?",
        _choice(
            **{
                "in": {"left": {"left": 1}, "none": {}, "right": {"right": 1}},
                "out": {
                    "left": {"left": 1, "sneak": 1},
                    "none": {"sneak": 1},
                    "right": {"right": 1, "sneak": 1},
                },
            }
        ),
        extra=swap_rate,
    ),
    Probe(
        "counterfactual",
        "controls",
        "Six futures of one moment: walking, strafing and turning either way. Which one is shown?",
        _futures(8, (3, 7), **{"in": _SIX}),
    ),
    Probe(
        "inverse",
        "controls",
        "Three ticks of one of nine controls, all as frequent. Which one does the frame tell of?",
        _futures(3, (2,), **{"in": _ALL}),
        extra=inverse_f1,
    ),
    Probe(
        "gain",
        "controls",
        "The camera turns by a given angle. Is it that angle, or 0.4, 0.7, 1.4, 1.9 times it?",
        _gain,
        extra=mean_gain,
    ),
    Probe(
        "onset",
        "controls",
        "After three ticks at rest the camera turns. In which tick does the view begin to move?",
        _onset,
    ),
    Probe(
        "mirror",
        "controls",
        "The world as in a mirror, with left and right exchanged. Which way does the view turn?",
        _mirror,
        extra=swap_rate,
    ),
)
