"""Power over time in closed form, so that the true energy between two instants is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Term = tuple[str | float, ...]
"""A kind and its numbers: ("steady", W), ("ramp", start s, end s, from W, to W), ("square", low W, high W, period s,
width s, phase s). nvml.c evaluates the same terms from the same numbers."""


@dataclass(frozen=True)
class Trace:
    """A sum of terms. Time is in seconds of the machine: 0 when it starts, and it may be asked for any time."""

    terms: tuple[Term, ...]

    def watts(self, t: float) -> float:
        """Power at time t."""
        return sum(_WATTS[str(kind)](t, *map(float, numbers)) for kind, *numbers in self.terms)

    def joules(self, t0: float, t1: float) -> float:
        """Exact energy between two times."""
        return self._integral(t1) - self._integral(t0)

    def _integral(self, t: float) -> float:
        return sum(_INTEGRAL[str(kind)](t, *map(float, numbers)) for kind, *numbers in self.terms)

    def __add__(self, other: Trace) -> Trace:
        return Trace(self.terms + other.terms)

    def __mul__(self, factor: float) -> Trace:
        """The same shape, so many times as high; what is a time stays as it is."""
        return Trace(tuple(_scaled(term, factor) for term in self.terms))

    __rmul__ = __mul__

    def to_json(self) -> list[list[str | float]]:
        """Plain lists, for another process."""
        return [list(term) for term in self.terms]

    @classmethod
    def from_json(cls, terms: Sequence[Sequence[str | float]]) -> Trace:
        """The reverse of to_json."""
        return cls(tuple(tuple(term) for term in terms))


def steady(watts: float) -> Trace:
    """The same power for ever."""
    return Trace((("steady", float(watts)),))


def ramp(start_s: float, end_s: float, from_w: float, to_w: float) -> Trace:
    """Linear between two times, steady before and after."""
    if end_s < start_s:
        raise ValueError(f"a ramp ends after it starts, not from {start_s} to {end_s}")
    return Trace((("ramp", float(start_s), float(end_s), float(from_w), float(to_w)),))


def step(at_s: float, before_w: float, after_w: float) -> Trace:
    """One power before, another from then on."""
    return ramp(at_s, at_s, before_w, after_w)


def square(low_w: float, high_w: float, period_s: float, *, duty: float = 0.5, phase_s: float = 0.0) -> Trace:
    """High for the first `duty` of each period, low for the rest; a period begins at `phase_s`."""
    if period_s <= 0 or not 0 <= duty <= 1:
        raise ValueError(f"a square wave has a period above 0 and a duty within 0 to 1, not {period_s} and {duty}")
    return Trace((("square", float(low_w), float(high_w), float(period_s), period_s * duty, float(phase_s)),))


def bursts(idle_w: float, burst_w: float, every_s: float, *, width_s: float = 0.020, phase_s: float = 0.0) -> Trace:
    """Short spikes on an idle floor: the load of a kernel that calls the GPU now and then."""
    return square(idle_w, burst_w, every_s, duty=width_s / every_s, phase_s=phase_s)


def _scaled(term: Term, factor: float) -> Term:
    kind, *numbers = term
    watts = {"steady": (0,), "ramp": (2, 3), "square": (0, 1)}[str(kind)]
    return (kind, *(float(x) * factor if i in watts else x for i, x in enumerate(numbers)))


def _ramp_watts(t: float, start: float, end: float, from_w: float, to_w: float) -> float:
    if t >= end:
        return to_w
    return from_w if t <= start else from_w + (to_w - from_w) * (t - start) / (end - start)


def _ramp_integral(t: float, start: float, end: float, from_w: float, to_w: float) -> float:
    risen = max(t - end, 0.0)
    if end > start:
        inside = min(max(t - start, 0.0), end - start)
        risen += inside * inside / (2 * (end - start))
    return from_w * t + (to_w - from_w) * risen


def _square_watts(t: float, low: float, high: float, period: float, width: float, phase: float) -> float:
    inside = (t - phase) - math.floor((t - phase) / period) * period
    return high if inside < width else low


def _square_integral(t: float, low: float, high: float, period: float, width: float, phase: float) -> float:
    periods = math.floor((t - phase) / period)
    inside = (t - phase) - periods * period
    return low * t + (high - low) * (periods * width + min(inside, width))


_WATTS: dict[str, Callable[..., float]] = {
    "steady": lambda t, watts: watts,
    "ramp": _ramp_watts,
    "square": _square_watts,
}
_INTEGRAL: dict[str, Callable[..., float]] = {
    "steady": lambda t, watts: watts * t,
    "ramp": _ramp_integral,
    "square": _square_integral,
}
