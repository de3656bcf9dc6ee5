"""Does the hotbar follow the rules, and does the world follow the hotbar?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from worldsim.evaluation.instances import Instance, Question, UnsuitedError, ask, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.probes.edits import (
    KINDS,
    begun,
    breaking,
    placing,
    planned,
    trials_of,
)
from worldsim.evaluation.probes.hud_clock import CLOCK
from worldsim.evaluation.probes.persistence_blocks import MOST, row
from worldsim.evaluation.stage import LAST, NONE, Stage, Take, script

_SLOTS = range(1, 10)
_SELECTED = 3  # slots of a split that are selected, one a trial
_SETTLED = 3  # frames after the last action, as it is asked
_DIGIT = 0.0003  # share of the frame in which numbers differ at least
_FULL = 64  # blocks in a stack

Stacks = Sequence[tuple[int, int]]
"""Number of the kind, and count, of the first slots."""


def holding(stage: Stage, take: Take, hotbars: Mapping[str, Stacks], right: str) -> Question:
    """Which of some hotbars is shown at the end of a take? The world stays there."""
    images = {}
    for name, stacks in hotbars.items():
        stage.twin.set_state(take.state)
        stage.twin.set_hotbar(stacks)
        images[name] = stage.twin.observe()
    stage.twin.set_state(take.state)
    return ask(len(take.actions) - 1, images, right, ~stage.bare, least=_DIGIT)


def _slot(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split, keys in (("in", {}), ("out", {"forward": 1})):
        kinds = [str(kind) for kind in rng.choice(KINDS["in"], 4, replace=False)]
        first, *others = (int(slot) for slot in rng.permutation(_SLOTS))
        stacks = [(kind, int(rng.integers(1, _FULL + 1))) for kind in kinds]
        context = begun(stage, seed, planned(rng), stacks, slot=first)
        scripts = {
            slot: script((2, keys), (1, {**keys, "hotbar": slot}), (_SETTLED, keys))
            for slot in _SLOTS
        }
        takes = {slot: stage.play(acts, context.state, LAST) for slot, acts in scripts.items()}
        images = {str(slot): take.frames[-1] for slot, take in takes.items()}
        for slot in others[:_SELECTED]:
            question = ask(len(scripts[slot]) - 1, images, str(slot), ~stage.bare)
            found.append(begin(seed, str(slot), split, context, scripts[slot], [question]))
    return found


def _stack_count(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split in ("in", "out"):
        name, before = str(rng.choice(KINDS[split])), int(rng.integers(MOST + 2, _FULL + 1))
        plan, order = planned(rng, straight=True), [int(i) for i in rng.permutation(MOST)]
        context = begun(stage, seed, plan, [(name, before)])
        for placed in range(1, MOST + 1):
            acts = [*row(plan, order, placed), *script((_SETTLED, {}))]
            take, left = stage.play(acts, context.state, NONE), before - placed
            if stage.twin.hotbar()[0][1] != left:
                raise UnsuitedError("the row has no room")
            counts = dict.fromkeys((left - 1, left, left + 1, before))
            hotbars = {str(count): [(stage.kind(name), count)] for count in counts}
            question = holding(stage, take, hotbars, str(left))
            found.append(begin(seed, f"place {placed}", split, context, acts, [question]))
    return found


def _collect(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split in ("in", "out"):
        plan = planned(rng)
        edit = breaking(stage, seed, plan)
        stage.play(edit.scripts[0], edit.contexts[0].state, NONE)
        kind = stage.twin.hotbar()[0][0]
        count = int(rng.integers(1, _FULL - 2)) if split == "in" else _FULL
        stacks = [(stage.twin.block_names[kind], count)]
        edit = breaking(stage, seed, plan, hotbar=stacks)
        names = ("none", "one", "two")
        hotbars = {name: _with(kind, count, gained) for gained, name in enumerate(names)}
        for i, (case, right) in enumerate(zip(edit.cases, ("one", "none"), strict=True)):
            acts = [*edit.scripts[i], *script((_SETTLED, {}))]
            take = stage.play(acts, edit.contexts[i].state, NONE)
            question = holding(stage, take, hotbars, right)
            found.append(begin(seed, case, split, edit.contexts[i], acts, [question]))
    return found


def _with(kind: int, count: int, gained: int) -> Stacks:
    """A stack after blocks of its kind were gained; what it cannot hold is in the next slot."""
    first = min(_FULL, count + gained)
    rest = count + gained - first
    return [(kind, first), (kind, rest)] if rest else [(kind, first)]


def _conservation(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split in ("in", "out"):
        name, count = str(rng.choice(KINDS[split])), int(rng.integers(4, _FULL + 1))
        edit, after = placing(stage, seed, planned(rng), name, count), script((_SETTLED, {}))
        hotbars = {str(n): [(stage.kind(name), n)] for n in (count, count - 1, count - 2)}
        pair = trials_of(stage, seed, split, edit, after, (_SETTLED,))
        for trial, left in zip(pair, (count - 1, count), strict=True):
            take = stage.play(trial.script, trial.state, NONE)
            question = holding(stage, take, hotbars, str(left))
            found.append(replace(trial, questions=(*trial.questions, question)))
    return found


def _empty_stack(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    """In: one block or none, use pressed once. Out: two or one, pressed at two places."""
    found = []
    for split, uses in (("in", 1), ("out", 2)):
        plan, name = planned(rng, straight=True), str(rng.choice(KINDS["in"]))
        order = [1, int(rng.choice((0, 2)))][:uses]
        contexts = {
            answer: begun(stage, seed, plan, [(name, count)] if count else [])
            for answer, count in (("placed", uses), ("not placed", uses - 1))
        }
        acts, still = ([*row(plan, order, n), *script((_SETTLED, {}))] for n in (uses, 0))
        takes = {answer: stage.play(acts, own.state, LAST) for answer, own in contexts.items()}
        empty = stage.play(still, contexts["placed"].state, LAST)
        where = stage.seen(empty.views[-1], contexts["placed"].views)
        images = {answer: take.frames[-1] for answer, take in takes.items()}
        for answer, context in contexts.items():
            question = ask(len(acts) - 1, images, answer, where)
            found.append(begin(seed, answer, split, context, acts, [question]))
    return found


SLOT = Probe(
    "slot",
    "hud",
    "A number key is pressed, standing or walking. Which of the nine slots is selected?",
    _slot,
)

STACK_COUNT = Probe(
    "stack_count",
    "hud",
    "One, two or three blocks are placed. Which number does the stack show?",
    _stack_count,
)

COLLECT = Probe(
    "collect",
    "hud",
    "A block is dug until it breaks, or let go half way. Has the hotbar gained none, one or two?",
    _collect,
)

CONSERVATION = Probe(
    "conservation",
    "hud",
    "The use key is pressed with a stack in hand, or with nothing. Is there a block more in the "
    "world and one less in the stack, or neither?",
    _conservation,
    paired=True,
)

EMPTY_STACK = Probe(
    "empty_stack",
    "hud",
    "The use key is pressed once more than there are blocks, or as often. Is the last one placed?",
    _empty_stack,
    paired=True,
)

PROBES = (SLOT, STACK_COUNT, COLLECT, CONSERVATION, EMPTY_STACK, CLOCK)
