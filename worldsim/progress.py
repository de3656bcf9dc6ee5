"""A progress line: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Timer
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

PLAIN_SECONDS = 10.0
"""Least time between two lines where there is no terminal."""
LATE_SECONDS = 8.0
"""Time after which it is said what the first item waits for."""
FIRST_START = "a first start compiles the loops that draw, for a minute or two"


class Progress:
    """Counts what is done and shows it; made by `progress`."""

    def __init__(
        self, title: str, total: int, bar: Bar | None, stream: TextIO, late: str = "", done: int = 0
    ) -> None:
        self._title, self._total, self._bar, self._stream = title, total, bar, stream
        self._task = bar.add_task(title, total=total, completed=done, speed="") if bar else None
        self._start = self._shown = time.monotonic()
        self.done, self._before, self.frames = done, done, 0
        self._waiting = Timer(LATE_SECONDS, self._say, [late])
        self._waiting.daemon = True
        if late:
            self._waiting.start()

    def close(self) -> None:
        """Nothing is waited for any more."""
        self._waiting.cancel()

    def advance(self, frames: int = 0) -> None:
        """One more item is done, with that many frames; no speed is told without any."""
        self.close()
        self.done += 1
        self.frames += frames
        now = time.monotonic()
        speed = f"{self.frames / max(now - self._start, 1e-9):.0f} frames/s" if self.frames else ""
        if self._bar and self._task is not None:
            self._bar.update(self._task, advance=1, speed=speed)
        elif now - self._shown >= PLAIN_SECONDS or self.done == self._total:
            self._shown = now
            each = (now - self._start) / (self.done - self._before)
            left = each * (self._total - self.done)
            told = [f"{self._title} {self.done}/{self._total}", speed, f"{left:.0f} s left"]
            print(", ".join(filter(None, told)), file=self._stream, flush=True)

    def _say(self, what: str) -> None:
        if self._bar:
            self._bar.console.print(what)
        else:
            print(what, file=self._stream, flush=True)


@contextmanager
def progress(
    title: str, total: int, stream: TextIO | None = None, late: str = "", done: int = 0
) -> Iterator[Progress]:
    """Show progress over `total` items on the stream, standard error if none is given.

    Where there is no terminal the first line comes before the first item, which may take minutes.
    late: what is said if it takes long. done: items that an earlier run has done.
    """
    stream = stream or sys.stderr
    if not stream.isatty():
        print(f"{title} {done}/{total}", file=stream, flush=True)
        with closing(Progress(title, total, None, stream, late, done)) as shown:
            yield shown
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with (
        Bar(*columns, console=Console(file=stream)) as bar,
        closing(Progress(title, total, bar, stream, late, done)) as shown,
    ):
        yield shown
