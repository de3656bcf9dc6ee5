"""Two parts of one step of few games: side by side, where more threads for each are of no use."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Generic, TypeVar

import torch

FEW = 2
"""Frames of a step up to which two parts of it run side by side."""

S = TypeVar("S")
T = TypeVar("T")


def both(first: Callable[[], S], second: Callable[[], T], frames: int) -> tuple[S, T]:
    """What two calls give that do not depend on one another.

    frames: of the step that they are parts of. Of few they run side by side in one thread each, if
    torch has more than one; else in turns.
    """
    threads = torch.get_num_threads()
    if frames > FEW or min(threads, os.cpu_count() or 1) < 2:
        return first(), second()
    torch.set_num_threads(1)
    try:
        other = _worker().submit(_alone, first)
        try:
            result = second()
        finally:
            done = other.exception()
        if done is not None:
            raise done
        return other.result(), result
    finally:
        torch.set_num_threads(threads)


class Handed(Generic[T]):
    """What the first of two calls of `both` hands on to the second before it goes on itself."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._made = make, Future[T]()

    def make(self) -> None:
        """Make it; the first call's part."""
        try:
            self._made.set_result(self._make())
        except BaseException as error:
            self._made.set_exception(error)
            raise

    def take(self) -> T:
        """It, once it is made; the second call's part.

        Raises:
            Exception: what kept it from being made.
        """
        return self._made.result()


def _alone(call: Callable[[], T]) -> T:
    with torch.inference_mode():
        return call()


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "beside", lambda: torch.set_num_threads(1))
