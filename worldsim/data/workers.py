"""Work spread over processes, stopped cleanly by an interrupt or by the death of the parent."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from multiprocessing.util import Finalize
from typing import Any, Protocol, TypeVar

from worldsim.errors import UserError

T = TypeVar("T")
R = TypeVar("R")
In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Task(Protocol[In, Out]):
    """Work on one item after the other, with something open that is closed at the end."""

    def __call__(self, item: In, /) -> Out:
        """The result for one item."""

    def close(self) -> None:
        """Let go of what is open."""


_task: Task[Any, Any]
_stop: Event | None = None


class Stopped(Exception):
    """The work was interrupted from outside."""


def check_stop() -> None:
    """Raise Stopped when the parent process wants its workers to end; free in the parent."""
    if _stop is not None and _stop.is_set():
        raise Stopped


def spread(make_task: Callable[[], Task[T, R]], items: Iterable[T], workers: int) -> Iterator[R]:
    """The task's results, as they come; each process makes its own task once.

    `make_task` and what goes in and out are pickled. One worker means this very process.

    Raises:
        UserError: a worker process died.
    """
    items = list(items)
    if min(workers, len(items)) <= 1:
        if items:
            with closing(make_task()) as task:
                yield from map(task, items)
        return
    context = multiprocessing.get_context("spawn")  # fork is unsafe beside threads
    stop = context.Event()
    pool = ProcessPoolExecutor(min(workers, len(items)), context, _begin, (make_task, stop))
    try:
        waiting: set[Future[R]] = {pool.submit(_work, item) for item in items}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, perhaps for lack of memory; what was finished is kept: "
            "run the same command again with fewer workers"
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _begin(make_task: Callable[[], Task[Any, Any]], stop: Event) -> None:
    global _task, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which sets `stop`
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    _stop = stop
    _task = make_task()
    Finalize(_task, _task.close, exitpriority=10)


def end_with_parent() -> None:
    """Let this process end when the one that started it does, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _work(item: Any) -> Any:
    check_stop()
    return _task(item)
