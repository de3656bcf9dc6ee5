"""Slow work beside the window's loop: a thread that keeps its result or its error."""

import time
from collections.abc import Callable
from threading import Thread
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class Job(Generic[Result]):
    """Work begun at once in a thread of its own; `message` says what it is."""

    def __init__(self, message: str, work: Callable[[], Result]) -> None:
        self.message = message
        self.begun = time.perf_counter()
        self._work = work
        self._outcome: list[Any] = []
        self._error: BaseException | None = None
        # A daemon, so that closing the window does not wait for a model to load.
        self._thread = Thread(target=self._run, name=message, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether `result` would return at once."""
        return not self._thread.is_alive()

    def result(self) -> Result:
        """What the work returned, waiting for it; raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        result: Result = self._outcome[0]
        return result

    def _run(self) -> None:
        try:
            self._outcome.append(self._work())
        except BaseException as error:
            self._error = error
