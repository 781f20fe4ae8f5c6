"""Time, behind one small face so that tests can inject their own."""

from __future__ import annotations

import sys
import time
from typing import Protocol


class Clock(Protocol):
    """Three clocks, in seconds, and a pause."""

    def monotonic(self) -> float:
        """Never goes back, stands still while the machine sleeps: the clock of every power figure."""
        ...

    def boottime(self) -> float:
        """Like monotonic, but goes on while the machine sleeps: the difference tells of a sleep."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, may jump: for people, and for looking up the grid."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    sleep = staticmethod(time.sleep)

    if sys.platform == "linux":

        @staticmethod
        def boottime() -> float:
            return time.clock_gettime(time.CLOCK_BOOTTIME)

    else:
        # Where there is no second clock, no sleep is noticed.
        boottime = staticmethod(time.monotonic)
