"""What is told of long work."""

import io
import time

import pytest

from worldsim import progress
from worldsim.progress import FIRST_START


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(progress, "LATE_SECONDS", 0.05)


def told(before_first: float, late: str = FIRST_START) -> list[str]:
    stream = io.StringIO()
    with progress.progress("playing", 2, stream, late) as shown:
        time.sleep(before_first)
        shown.advance()
        time.sleep(0.2)
        shown.advance()
    return stream.getvalue().splitlines()


def test_it_is_said_what_a_first_item_waits_for_and_not_where_none_does():
    assert told(0.4)[:2] == ["playing 0/2", FIRST_START]
    assert told(0.0) == ["playing 0/2", "playing 2/2, 0 s left"]
    assert FIRST_START not in told(0.4, late="")


def test_work_that_is_gone_on_with_begins_where_it_was(monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    stream, now = io.StringIO(), iter((0.0, 5.0, 10.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with progress.progress("probes", 20, stream, done=17) as shown:
        shown.advance()
        shown.advance()
    lines = stream.getvalue().splitlines()
    assert lines == ["probes 17/20", "probes 18/20, 10 s left", "probes 19/20, 5 s left"]


def test_nothing_is_said_after_work_was_given_up():
    stream = io.StringIO()
    with (
        pytest.raises(ValueError, match="given up"),
        progress.progress("playing", 2, stream, FIRST_START),
    ):
        raise ValueError("given up")
    time.sleep(0.2)
    assert FIRST_START not in stream.getvalue()
