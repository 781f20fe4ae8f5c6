"""All odometers of this machine, read together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..clock import Clock
from . import queued
from .meter import Meter
from .odometer import DENSE_S, Mark, Odometer


class Machine:
    """Every meter with its odometer. All methods may be called from any thread."""

    def __init__(self, meters: Sequence[Meter], clock: Clock) -> None:
        self.odometers = [Odometer(meter, clock) for meter in meters]
        from .hardware import describe  # it knows the models, which are imported with the instruments

        self.hardware = describe(meters)
        """The machine in a few words."""
        self._lock = threading.Lock()
        self._clock = clock

    @property
    def polled(self) -> bool:
        """Whether some device of the total tells watts only, and only to our looks: what is between them is lost."""
        meters = [odometer.meter for odometer in self.odometers]
        return any(meter.method == "polled" and meter.counted and not meter.slow for meter in meters)

    def restart(self) -> None:
        """Begin to count, after a time in which nobody did."""
        with self._lock:
            for odometer in self.odometers:
                odometer.watch(True)
                odometer.restart()

    def rest(self) -> None:
        """No run is left: nobody needs to sample."""
        with self._lock:
            for odometer in self.odometers:
                odometer.watch(False)

    def finish_queued(self) -> None:
        """Before an edge: wait until the GPUs have done what this process gave them."""
        if any(odometer.meter.kind == "gpu" for odometer in self.odometers):
            queued.finish()

    def mark(self, edge: bool = False) -> list[Mark]:
        """Read every meter now. At an edge of a run, slow counters' marks wait for the ticks that settle them."""
        with self._lock:
            for odometer in self.odometers:
                odometer.update()
            return [odometer.mark(edge) for odometer in self.odometers]

    def awaits_tick(self) -> bool:
        """Whether some edge is not settled yet, or the tick of some counter not known."""
        now = self._clock.monotonic()
        with self._lock:
            return any(odometer.awaited(now) for odometer in self.odometers)

    def settle(self) -> bool:
        """Read the slow counters whose ticks are awaited; False when none is awaited for a mark."""
        with self._lock:
            now = self._clock.monotonic()
            awaited = [odometer for odometer in self.odometers if odometer.awaited(now)]
            for odometer in awaited:
                odometer.update()
            return any(odometer.unsettled(now) for odometer in awaited)

    def look_back(self, begin: Sequence[Mark], end: Sequence[Mark]) -> None:
        """After a short run: ask slow counters' devices what they themselves recorded of their watts meanwhile."""
        with self._lock:
            for odometer, first, last in zip(self.odometers, begin, end, strict=True):
                odometer.look_back(first, last)

    def next_tick(self, longest_s: float) -> None:
        """Wait until every slow counter has been seen to tick: 2.5 ticks, and `longest_s`, at most."""
        began_s = self._clock.monotonic()
        while True:
            with self._lock:
                now = self._clock.monotonic()
                awaited = [
                    odometer
                    for odometer in self.odometers
                    if odometer.slow
                    and odometer.answering
                    and (odometer.moved_s or 0.0) <= began_s
                    and now - began_s < min(longest_s, 2.5 * odometer.tick_s)
                ]
                for odometer in awaited:
                    odometer.update()
            if not awaited:
                return
            self._clock.sleep(DENSE_S / 4)

    def close(self) -> None:
        with self._lock:
            for odometer in self.odometers:
                odometer.meter.close()
