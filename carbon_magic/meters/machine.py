"""All odometers of this machine, read together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..clock import Clock
from .hardware import describe
from .meter import Meter
from .odometer import Mark, Odometer


class Machine:
    """Every meter with its odometer. All methods may be called from any thread."""

    def __init__(self, meters: Sequence[Meter], clock: Clock) -> None:
        self.odometers = [Odometer(meter, clock) for meter in meters]
        self.polled = any(meter.method == "polled" and meter.counted for meter in meters)
        """Whether some device of the total tells watts only, so that what is between two looks is lost."""
        self.hardware = describe(meters)
        """The machine in a few words."""
        self._lock = threading.Lock()
        self._clock = clock

    def restart(self) -> None:
        """Begin to count, after a time in which nobody did."""
        with self._lock:
            for odometer in self.odometers:
                odometer.restart()

    def mark(self, edge: bool = False) -> list[Mark]:
        """Read every meter now. At an edge of a run, slow counters' marks wait for the ticks that settle them."""
        with self._lock:
            for odometer in self.odometers:
                odometer.update()
            return [odometer.mark(edge) for odometer in self.odometers]

    def awaits_tick(self) -> bool:
        """Whether some edge is not settled yet."""
        now = self._clock.monotonic()
        with self._lock:
            return any(odometer.unsettled(now) for odometer in self.odometers)

    def settle(self) -> bool:
        """Read the slow counters whose ticks are awaited for some mark; False when none is."""
        with self._lock:
            now = self._clock.monotonic()
            awaited = [odometer for odometer in self.odometers if odometer.unsettled(now)]
            for odometer in awaited:
                odometer.update()
            return bool(awaited)

    def close(self) -> None:
        with self._lock:
            for odometer in self.odometers:
                odometer.meter.close()
