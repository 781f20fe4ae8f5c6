"""The two clocks of a simulated machine: the real one, and one that a test moves by hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RealClock:
    """The machine's own clocks; CLOCK_MONOTONIC is the same in every process."""

    def monotonic(self) -> float:
        """Seconds awake since some time in the past."""
        return time.monotonic()

    def boottime(self) -> float:
        """The same, sleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """A real pause."""
        time.sleep(seconds)


class InjectedClock:
    """Stands still until told otherwise, and tells its listeners when it moves."""

    def __init__(self, monotonic: float = 1_000.0, wall: float = 1_750_000_000.0) -> None:
        self._monotonic = monotonic
        self._asleep = 0.0
        self._wall_offset = wall - monotonic
        self.listeners: list[Callable[[float], None]] = []

    def monotonic(self) -> float:
        """Seconds awake since some time in the past."""
        return self._monotonic

    def boottime(self) -> float:
        """The same, sleep included."""
        return self._monotonic + self._asleep

    def wall(self) -> float:
        """Seconds since 1970."""
        return self._monotonic + self._asleep + self._wall_offset

    def advance(self, seconds: float) -> None:
        """Let time pass, and bring every counter of the machine up to date."""
        if seconds < 0:
            raise ValueError("a monotonic clock does not go back")
        self._monotonic += seconds
        for listener in self.listeners:
            listener(self._monotonic)

    sleep = advance
    """What waits, waits by moving the clock."""

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: boottime and wall go on, monotonic and the counters stand still."""
        self._asleep += seconds

    def step_wall(self, seconds: float) -> None:
        """Someone, NTP for one, sets the wall clock."""
        self._wall_offset += seconds
