"""Batches drawn ahead of the step that needs them, in threads, the same whoever draws them."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

import numpy as np


class Batches:
    """The batch of each step in turn; batch number i depends on the seed and on i alone.

    So a resumed run needs no state but the number of its step. Used as a context manager.
    """

    def __init__(
        self,
        draw: Callable[[np.random.Generator], Any],
        seed: int,
        step: int = 0,
        threads: int = 2,
        ahead: int = 4,
    ) -> None:
        self._draw, self._seed, self._next = draw, seed, step
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self._queue: deque[Future[Any]] = deque()
        for _ in range(ahead):
            self._order()

    def take(self) -> Any:
        """The next step's batch; an error in drawing it is raised here."""
        batch = self._queue.popleft().result()
        self._order()
        return batch

    def _order(self) -> None:
        generator = np.random.default_rng((self._seed, self._next))
        self._queue.append(self._pool.submit(self._draw, generator))
        self._next += 1

    def __enter__(self) -> "Batches":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
