"""The pose from which a frame was taken, and what a frame answers from there."""

from dataclasses import replace

import numpy as np
import pytest

from worldsim.evaluation.images import blur
from worldsim.evaluation.instances import ask
from worldsim.evaluation.judge import UNDECIDED, decide
from worldsim.evaluation.probes.edits import placing, planned
from worldsim.evaluation.reached import decide_at_reached, fit_pose
from worldsim.evaluation.stage import Stage, script

SEED = 700_101


class Scene:
    """A place with a block and the same without, and the pose from which both are looked at."""

    def __init__(self):
        self.stage = Stage()
        edit = placing(self.stage, SEED, planned(np.random.default_rng(1)), "bricks")
        acts = [*edit.scripts[0], *script((2, {}))]
        takes = [self.stage.play(acts, context.state) for context in edit.contexts]
        self.pose = takes[0].poses[-1]
        self.states = {"present": takes[0].state, "absent": takes[1].state}
        self.frames = {"present": takes[0].frames[-1], "absent": takes[1].frames[-1]}

    def beside(self, ahead, right, yaw, pitch):
        x, y, z, old_yaw, old_pitch = self.pose
        sin, cos = np.sin(np.deg2rad(old_yaw)), np.cos(np.deg2rad(old_yaw))
        x, z = x - ahead * sin - right * cos, z + ahead * cos - right * sin
        return x, y, z, old_yaw + yaw, old_pitch + pitch

    def look(self, name, pose):
        self.stage.twin.set_state(self.states[name])
        return self.stage.look(pose)

    def question(self, right):
        stage = self.stage
        return ask(0, self.frames, right, stage.bare, pose=self.pose, states=self.states)


@pytest.fixture(scope="module")
def scene():
    return Scene()


def off(pose, other):
    return np.hypot(pose[0] - other[0], pose[2] - other[2]), *np.abs(np.subtract(pose, other)[3:])


@pytest.mark.parametrize("name", ["present", "absent"])
@pytest.mark.parametrize(
    "offsets", [(0, 0, 0, 0), (0.2, -0.3, 6, -3), (-0.5, 0.1, -11, 4), (0.0, 0.0, 24, 0)]
)
def test_the_pose_of_a_true_frame_is_found(scene, name, offsets):
    wanted = scene.beside(*offsets)
    frame = scene.look(name, wanted)
    pose, distance = fit_pose(scene.stage, frame, [*scene.states.values()], scene.pose)
    blocks, yaw, pitch = off(pose, wanted)
    assert blocks < 0.1
    assert max(yaw, pitch) < 1
    assert distance < 3


def test_the_pose_of_a_blurred_frame_is_about_right(scene):
    wanted = scene.beside(0.1, 0.2, -5, 2)
    frame = blur(scene.look("present", wanted))
    pose, _ = fit_pose(scene.stage, frame, [*scene.states.values()], scene.pose)
    blocks, yaw, pitch = off(pose, wanted)
    assert blocks < 0.25
    assert max(yaw, pitch) < 2


def test_the_search_is_short_and_leaves_the_world_alone(scene, monkeypatch):
    frame = scene.look("absent", scene.beside(0.7, -0.7, 13, 8))
    before, looks, look = scene.stage.twin.state_hash(), [], scene.stage.look
    monkeypatch.setattr(scene.stage, "look", lambda *a, **k: looks.append(1) or look(*a, **k))
    fit_pose(scene.stage, frame, [*scene.states.values()], scene.pose)
    assert len(looks) <= 200
    assert scene.stage.twin.state_hash() == before


@pytest.mark.parametrize("name", ["present", "absent"])
def test_a_frame_is_judged_from_where_it_was_taken(scene, name):
    question, wanted = scene.question(name), scene.beside(0.2, -0.4, 9, 4)
    frame = scene.look(name, wanted)
    decision, supported, pose = decide_at_reached(scene.stage, frame, question)
    assert decision.right
    assert decision.margin > 0.8
    assert supported
    assert off(pose, wanted)[0] < 0.1
    assert decide(frame, question).margin < 0.8


def test_too_far_from_the_commanded_pose_there_is_no_support(scene):
    frame = scene.look("present", scene.beside(0, 0, 22, 0))
    _, supported, _ = decide_at_reached(scene.stage, frame, scene.question("present"))
    assert not supported


def test_hypotheses_that_look_the_same_have_no_support(scene):
    question = scene.question("present")
    question = replace(question, states=question.states[:1] * 2)
    decision, supported, _ = decide_at_reached(scene.stage, scene.frames["present"], question)
    assert decision.answer == UNDECIDED
    assert not decision.right
    assert not supported


def test_a_question_without_states_cannot_be_asked_elsewhere(scene):
    question = replace(scene.question("present"), states=())
    with pytest.raises(ValueError, match="no pose or no states"):
        decide_at_reached(scene.stage, scene.frames["present"], question)
