"""Watts now: how fast a device's joules grow."""

from __future__ import annotations

from .odometer import Mark, Odometer

SMOOTH_TICKS = 10
"""Watts of a slow counter are its slope over this many ticks: a shorter look sees one tick too few or too many."""


class Slope:
    """Watts of one device since the last look; of a slow counter, since enough of its ticks."""

    def __init__(self, odometer: Odometer) -> None:
        self.odometer = odometer
        self._seen: list[tuple[float, Mark]] = []

    def watts(self, begin: Mark, now: Mark) -> float | None:
        """None where the device is not answering, or too slow to say yet."""
        if not self._seen:
            self._seen.append((begin.t_s, begin))
        if not self.odometer.answering:
            return None
        window_s = SMOOTH_TICKS * self.odometer.tick_s if self.odometer.slow else 0.0
        while len(self._seen) > 1 and self._seen[1][0] <= now.t_s - window_s:
            self._seen.pop(0)
        t_s, then = self._seen[0]
        self._seen.append((now.t_s, now))
        if now.t_s - t_s < (2 * self.odometer.tick_s if self.odometer.slow else 1e-6):
            return None
        return max(0.0, now.joules - then.joules) / (now.t_s - t_s)
