"""When the grid will be cleanest: points of a forecast, and the best hours among them.

What is known of forecasts' errors: the best published ones for the hours to come err by 9.6 % of the figure in the mean
over 13 grids, and by 16.5 % in the worst of them (Maji et al., CarbonX, 2025). A normal error has a 90 % range of 2.06
times its mean size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Range = tuple[float, float]

SPREAD = 0.20
"""90 % range of a forecast of average intensity, either way."""
MARGINAL_SPREAD = 0.34
"""Marginal figures jump from one power plant to the next: taken as the worst grid's."""
_TOGETHER_S = 60.0
"""Points closer than this follow each other without a gap."""


class Point(NamedTuple):
    """A grid's intensity in one stretch of time; `start_s` and `end_s` are seconds since 1970."""

    start_s: float
    end_s: float
    g_per_kwh: float
    estimated: bool = False
    """Of a past hour: by the service's own model, as the measurement is not in yet."""
    marginal: bool = False
    """What one more kWh would emit. It says when to run, and never enters an account."""

    @property
    def g_range(self) -> Range:
        """The 90 % range, as a forecast."""
        spread = MARGINAL_SPREAD if self.marginal else SPREAD
        return self.g_per_kwh * (1 - spread), self.g_per_kwh * (1 + spread)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The hours to come, as a service expects them."""

    points: tuple[Point, ...]
    service: str
    zone: str
    basis: str
    """"lifecycle", "direct", "marginal"."""
    source: str


@dataclass(frozen=True, slots=True)
class Window:
    """The best hours, beside beginning at once."""

    start_s: float
    end_s: float
    g_per_kwh: float
    g_range: Range
    now_g_per_kwh: float
    """The same length of time from the forecast's beginning."""
    saves: float
    """The part of the grams, 0 to 1, that waiting would save."""
    saves_range: Range
    marginal: bool

    @property
    def sure(self) -> bool:
        """Whether the 90 % range excludes "no difference": only then it is worth a word."""
        return self.saves_range[0] > 0


def best_window(points: Sequence[Point], hours: float) -> Window | None:
    """The cleanest stretch of so many hours; None where the forecast does not cover any.

    The errors of now and then are taken as independent. They are not wholly so: the range is rather too wide.
    """
    ordered = sorted(points)
    if not ordered or hours <= 0:
        return None
    length_s = 3600.0 * hours
    # A mean over a window that moves along a staircase is least where the window begins or ends with a step.
    edges = sorted({p.start_s for p in ordered} | {p.end_s - length_s for p in ordered})
    means = [(_mean(ordered, begin, begin + length_s), begin) for begin in edges if begin >= ordered[0].start_s]
    known = [(mean, begin) for mean, begin in means if mean is not None]
    now = _mean(ordered, ordered[0].start_s, ordered[0].start_s + length_s)
    if not known or now is None or now <= 0:
        return None
    best, begin = min(known)
    spread = MARGINAL_SPREAD if any(p.marginal for p in ordered) else SPREAD
    off = spread * 2**0.5
    ratio = best / now
    saved = (1 - ratio * (1 + off), 1 - ratio * (1 - off)) if begin > ordered[0].start_s else (0.0, 0.0)
    ends = (best * (1 - spread), best * (1 + spread))
    return Window(begin, begin + length_s, best, ends, now, 1 - ratio, saved, spread == MARGINAL_SPREAD)


def _mean(points: Sequence[Point], begin: float, end: float) -> float | None:
    """Over the whole of a stretch of time; None where a part of it has no point."""
    grams, at = 0.0, begin
    for point in points:
        if point.end_s <= at:
            continue
        if point.start_s > at + _TOGETHER_S:
            return None
        until = min(point.end_s, end)
        grams += point.g_per_kwh * (until - at)
        at = until
        if at >= end:
            return grams / (end - begin)
    return None
