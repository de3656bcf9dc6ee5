"""A fixed tick in real time that never runs after lost time."""

import time
from collections import deque
from collections.abc import Callable


class Clock:
    """Waits for the next of `fps` ticks a second and measures how many steps there really are."""

    def __init__(
        self,
        fps: float,
        now: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.period = 1 / fps
        self.now, self._sleep = now, sleep
        self._due = now()
        self._steps: deque[float] = deque(maxlen=max(2, round(2 * fps)))

    def wait(self) -> None:
        """Sleep until the next tick is due; more than one tick late is never made up for."""
        now = self.now()
        if now < self._due:
            self._sleep(self._due - now)
        self._due = max(self._due, now - self.period) + self.period

    def step(self) -> None:
        """Count one step of the world."""
        self._steps.append(self.now())

    def pause(self) -> None:
        """Forget the steps counted: the pause after them is not slowness."""
        self._steps.clear()

    @property
    def rate(self) -> float:
        """Steps a second over the last two seconds' worth; 0 before the second one."""
        if len(self._steps) < 2:
            return 0.0
        return (len(self._steps) - 1) / max(self._steps[-1] - self._steps[0], 1e-9)
