"""Two parts of one step of few games: side by side, where more threads for each are of no use."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

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


def _alone(call: Callable[[], T]) -> T:
    with torch.inference_mode():
        return call()


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "beside", lambda: torch.set_num_threads(1))
