"""A meter of a sensor that tells watts only: they are summed."""

from __future__ import annotations

from collections.abc import Callable

from ..ranges import Range
from .integral import Integral
from .meter import Meter


class Watts(Meter):
    """Watts asked for and summed over the time that really passed.

    With `every_s` the sensor is asked that often at most, and its last answer holds meanwhile: for sensors that are
    slow to answer, or that have nothing new to say. An `ask` that gives None says that there is nothing to measure
    now; one that raises leaves a gap, which is filled in between what was drawn before and after.
    """

    method = "polled"

    def __init__(
        self,
        ask: Callable[[], float | None],
        now: Callable[[], float],
        *,
        name: str,
        kind: str,
        source: str,
        gain: Range,
        every_s: float = 0.0,
    ) -> None:
        self.name = self.group = name
        self.kind = kind
        self.source = source
        self.gain = gain
        self._ask, self._now, self._every_s = ask, now, every_s
        self._integral = Integral(now)
        self._watts: float | None = None
        self._asked_s: float | None = None

    def read(self) -> float | None:
        now = self._now()
        if self._watts is None or self._asked_s is None or now - self._asked_s >= self._every_s:
            self._watts = None  # a sensor that fails has no last answer
            self._watts, self._asked_s = self._ask(), now
        if self._watts is None:
            self._integral.pause()
            return None
        return self._integral.look(self._watts)

    def shown_w(self) -> float | None:
        return self._watts
