"""Two parts of a step side by side give what they give in turns."""

import threading

import pytest
import torch

from worldsim.both import FEW, Handed, both


@pytest.fixture
def two_threads(monkeypatch):
    """Torch with two threads, on a machine with two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    yield
    torch.set_num_threads(before)


def who():
    return threading.current_thread().name


def test_parts_of_few_frames_run_side_by_side_in_one_thread_each(two_threads):
    (aside, theirs), (here, ours) = both(
        lambda: (who(), torch.get_num_threads()), lambda: (who(), torch.get_num_threads()), FEW
    )
    assert (aside != who(), here == who(), theirs, ours) == (True, True, 1, 1)
    assert torch.get_num_threads() == 2


def test_parts_of_many_frames_and_parts_in_one_thread_run_in_turns(two_threads):
    assert both(who, who, FEW + 1) == (who(), who())
    torch.set_num_threads(1)
    assert both(who, who, 1) == (who(), who())


@pytest.mark.parametrize("first", [True, False])
def test_what_goes_wrong_in_either_is_told(two_threads, first):
    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        both(*((fails, who) if first else (who, fails)), 1)
    assert torch.get_num_threads() == 2


def test_no_gradients_are_kept_beside(two_threads):
    weight = torch.ones(1, requires_grad=True)
    with torch.inference_mode():
        beside, _ = both(lambda: weight * 2, who, 1)
    assert not beside.requires_grad


@pytest.mark.parametrize("frames", [1, FEW + 1])
def test_what_the_first_hands_on_reaches_the_second_before_it_ends(two_threads, frames):
    taken = threading.Event()
    handed = Handed(lambda: 3)

    def first():
        handed.make()
        return frames > FEW or taken.wait(10)

    def second():
        value = handed.take()
        taken.set()
        return value

    assert both(first, second, frames) == (True, 3)


@pytest.mark.parametrize("frames", [1, FEW + 1])
def test_what_cannot_be_handed_on_keeps_nobody_waiting(two_threads, frames):
    def fails():
        raise ValueError("no")

    handed = Handed(fails)
    with pytest.raises(ValueError, match="no"):
        both(handed.make, handed.take, frames)
