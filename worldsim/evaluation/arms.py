"""The arms of a trial: what a model shows, what needs no model, and what no model can beat.

truth           the exact world's frames: 1.0, or the judge is broken
reconstruction  these through the model's own tokenizer: the ceiling
copy            the last frame of the context, for ever; blur: the same, blurred
shuffled        the model, led by the actions of another trial; no-op: by none
teacher-forced  the model, one step from true history; free: running on its own frames: the score

Three dreamed arms that only stand beside the score take every fourth world where there are many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.actions import Vector
from worldsim.data.workers import check_stop
from worldsim.evaluation.images import blur
from worldsim.evaluation.instances import Instance
from worldsim.evaluation.model import WorldModel, advance_of
from worldsim.evaluation.stage import MIRROR, NOOP, Frame, Stage, mirrored_actions

_MANY, _SHARE = 8, 4
"""Worlds from which on the arms that only stand beside the score take one world of so many."""

ARMS = (
    *("truth", "reconstruction", "copy", "blur", "shuffled", "no-op", "teacher-forced", "free"),
)

Shown = list[dict[int, Frame]]
"""For each trial, the frames (h, w, 3) asked about, by their index."""


@dataclass
class Arms:
    """Runs the arms of trials on one model.

    batch: games side by side. frames: counts what the model was asked for.
    """

    model: WorldModel
    stage: Stage
    batch: int = 16
    frames: int = 0

    def run(self, trials: Sequence[Instance]) -> dict[str, Shown]:
        """What each arm shows of each trial, at the frames asked about."""
        asked, few = [sorted({q.at for q in trial.questions}) for trial in trials], _few(trials)
        truths = [
            self.truth(trial, None if i in few else at)
            for i, (trial, at) in enumerate(zip(trials, asked, strict=True))
        ]
        shown: dict[str, Shown] = {
            "truth": [{i: f[i] for i in at} for f, at in zip(truths, asked, strict=True)]
        }
        shown["reconstruction"] = [
            dict(zip(kept, self.model.reconstruct(np.stack(list(kept.values()))), strict=True))
            for kept in shown["truth"]
        ]
        for name, made in (("copy", lambda f: f), ("blur", blur)):
            still = [made(trial.frames[-1]) for trial in trials]
            shown[name] = [dict.fromkeys(at, f) for f, at in zip(still, asked, strict=True)]
        own = [trial.script for trial in trials]
        shown["free"] = self.play(trials, own, asked)
        part, at = [trials[i] for i in few], [asked[i] for i in few]
        others = shuffled(own)
        led = {
            "shuffled": [others[i] for i in few],
            "no-op": [np.tile(NOOP, (len(own[i]), 1)) for i in few],
        }
        dreamed = self.plays(part, led, at)
        dreamed["teacher-forced"] = self.forced(part, [truths[i] for i in few], at)
        for name, theirs in dreamed.items():
            of = dict(zip(few, theirs, strict=True))
            shown[name] = [of.get(i, {}) for i in range(len(trials))]
        return shown

    def truth(self, trial: Instance, asked: Sequence[int] | None = None) -> Frame:
        """The exact frames (n, h, w, 3) that a trial's script leads to.

        asked: those that are drawn; all by default.
        """
        drawn = None if asked is None else [at + 1 for at in asked]
        if trial.mirrored:
            script = mirrored_actions(trial.script)
            return self.stage.mirrored(self.stage.play(script, trial.state, drawn).frames[1:])
        return self.stage.play(trial.script, trial.state, drawn).frames[1:]

    def play(
        self, trials: Sequence[Instance], scripts: Sequence[Vector], asked: Sequence[Sequence[int]]
    ) -> Shown:
        """What the model, running on its own frames, shows of each trial at the frames asked."""
        return self.plays(trials, {"": scripts}, asked)[""]

    def plays(
        self,
        trials: Sequence[Instance],
        led: Mapping[str, Sequence[Vector]],
        asked: Sequence[Sequence[int]],
    ) -> dict[str, Shown]:
        """The same for several scripts of each trial, by name; all from one beginning."""
        shown: dict[str, Shown] = {name: [{} for _ in trials] for name in led}
        lengths = [max(at, default=-1) + 1 for at in asked]
        advance = advance_of(self.model)
        for rows in _batches(trials, lengths, self.batch):
            self._begin([trials[i] for i in rows])
            begun = self.model.snapshot() if len(led) > 1 else None
            for name, scripts in led.items():
                if begun is not None:
                    self.model.restore(begun)
                for t in range(max(lengths[i] for i in rows)):
                    check_stop()
                    keys = [scripts[i][t] if t < len(scripts[i]) else NOOP for i in rows]
                    self.frames += len(rows)
                    if not any(t in asked[i] for i in rows):
                        advance(np.stack(keys))
                        continue
                    frames = self.model.step(np.stack(keys))
                    for frame, i in zip(frames, rows, strict=True):
                        if t in asked[i]:
                            shown[name][i][t] = frame.copy()
        return shown

    def forced(
        self, trials: Sequence[Instance], truths: Sequence[Frame], asked: Sequence[Sequence[int]]
    ) -> Shown:
        """What the model shows one step after the true frames up to there."""
        shown: Shown = [{} for _ in trials]
        pairs = [(i, at) for i, ats in enumerate(asked) for at in ats]
        for k in range(0, len(pairs), self.batch):
            check_stop()
            part = pairs[k : k + self.batch]
            contexts = [_history(trials[i], truths[i], at) for i, at in part]
            states = [self._state(trials[i], at) for i, at in part]
            self.model.reset(
                np.stack([frames for frames, _ in contexts]),
                np.stack([actions for _, actions in contexts]),
                [trials[i].noise for i, _ in part],
                states,
            )
            frames = self.model.step(np.stack([trials[i].script[at] for i, at in part]))
            for frame, (i, at) in zip(frames, part, strict=True):
                shown[i][at] = frame.copy()
            self.frames += len(part)
        return shown

    def _state(self, trial: Instance, at: int) -> bytes:
        done = trial.script[:at]
        done = mirrored_actions(done) if trial.mirrored else done
        return _marked(trial, self.stage.led_to(done, trial.state))

    def _begin(self, trials: Sequence[Instance]) -> None:
        self.model.reset(
            np.stack([trial.frames for trial in trials]),
            np.stack([trial.actions for trial in trials]),
            [trial.noise for trial in trials],
            [_marked(trial, trial.state) for trial in trials],
        )


def shuffled(scripts: Sequence[Vector]) -> list[Vector]:
    """Each script replaced by another one, drawn at random, repeated or cut to the same length."""
    order = np.random.default_rng(0).permutation(len(scripts))
    others = {int(a): int(b) for a, b in zip(order, np.roll(order, 1), strict=True)}
    return [
        np.resize(scripts[others[i]], (len(script), script.shape[1]))
        for i, script in enumerate(scripts)
    ]


def _few(trials: Sequence[Instance]) -> list[int]:
    """The trials in whose worlds all arms are asked."""
    worlds = sorted({trial.seed for trial in trials})
    some = set(worlds[::_SHARE] if len(worlds) >= _MANY else worlds)
    return [i for i, trial in enumerate(trials) if trial.seed in some]


def _marked(trial: Instance, state: bytes) -> bytes:
    return MIRROR + state if trial.mirrored else state


def _history(trial: Instance, truth: Frame, at: int) -> tuple[Frame, Vector]:
    """True frames and actions before the frame asked about, as many as the context has."""
    frames = np.concatenate([trial.frames, truth[:at]])
    actions = np.concatenate([trial.actions, trial.script[:at]])
    return frames[-len(trial.frames) :], actions[len(actions) - len(trial.actions) :]


def _batches(
    trials: Sequence[Instance], lengths: Sequence[int], size: int
) -> Sequence[Sequence[int]]:
    """Rows of trials with contexts of one length that run about equally long."""
    order = sorted(range(len(trials)), key=lambda i: (len(trials[i].frames), lengths[i]))
    groups: list[list[int]] = []
    for i in order:
        fits = groups and len(trials[groups[-1][0]].frames) == len(trials[i].frames)
        if not fits or len(groups[-1]) == size:
            groups.append([])
        groups[-1].append(i)
    return groups
