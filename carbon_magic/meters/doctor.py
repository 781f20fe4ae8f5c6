"""What %carbon meters knows: every instrument of this machine tried out for a moment, and what is missing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from ..clock import Clock
from ..ranges import Range
from . import survey
from .meter import Meter
from .site import Missing, Site

State = Literal["answers", "asleep", "no reading"]

READS = 5
"""For the cost of one read; the first, which may find cold caches, does not count."""
BRIEF_S = 0.03
"""A counter that moves every millisecond has shown it in this time."""
LONG_S = 0.6
"""What the slower ones are given: six ticks of a GPU's counter."""
MODEL_S = 0.1
"""Ten of the kernel's ticks of CPU time."""
REMOTE_S = 5.0
"""What a meter on the network is given to answer."""
TICKS = 9
"""Seen so often, a period is known."""
BETWEEN_S = (0.0002, 0.002)
"""Between two looks, at fast and at slow counters: the cell of a run in progress keeps the processor meanwhile."""


@dataclass
class Tried:
    """One instrument as it was found."""

    meter: Meter
    state: State = "answers"
    read_s: float | None = None
    """What one read took (median)."""
    tick_s: float | None = None
    """Median time between two moves of a counter, as measured; None where none or one was seen."""
    range: Range = (1.0, 1.0)
    """90 % of truth ÷ figure: the instrument's accuracy, and a model's while this was tried."""
    why: str = ""
    """Why there is no reading, where the meter tells."""
    _value: float | None = None
    _moves_s: list[float] = field(default_factory=list)

    def look(self, now_s: float) -> None:
        """Read it once, and note when it moved."""
        value = _read(self.meter)
        if value is not None and value != self._value:
            if self._value is not None:
                self._moves_s.append(now_s)
            self._value = value
        if len(self._moves_s) > 2:
            # What had passed before the first look is not known: only whole periods count.
            gaps = [b - a for a, b in zip(self._moves_s, self._moves_s[1:], strict=False)]
            self.tick_s = median(gaps)

    @property
    def done(self) -> bool:
        """Whether its period is known, or there is none to know."""
        return (
            self.state != "answers" or self.meter.remote or self.meter.method != "counter" or len(self._moves_s) > TICKS
        )


@dataclass(frozen=True)
class Diagnosis:
    """All of it: `tried` in the order of a run's devices, `missing` as the instruments tell it."""

    tried: Sequence[Tried]
    missing: Sequence[Missing]


def examine(site: Site, clock: Clock) -> Diagnosis:
    """Try every instrument for less than a second. The meters are its own: a run in progress keeps those it has.

    A suspended device is not read, which would wake it.
    """
    found = survey(site)
    tried = [Tried(meter) for meter in found.meters]
    try:
        started = [_cost(one) for one in tried]
        for one in tried:
            _watch([one], clock, BRIEF_S, BETWEEN_S[0])
        _watch(tried, clock, LONG_S, BETWEEN_S[1])
        for one, start in zip(tried, started, strict=True):
            one.range = _range(one.meter, start, clock)
        for one in tried:
            if one.meter.remote:
                _hear(one, clock)
    finally:
        for meter in found.meters:
            meter.close()
    return Diagnosis(tried, found.missing)


def _cost(one: Tried) -> float | None:
    """Tell what a read costs; returns the last reading."""
    if one.meter.asleep():
        one.state = "asleep"
        return None
    took = []
    for _ in range(READS):
        before = time.perf_counter()
        value = _read(one.meter)
        took.append(time.perf_counter() - before)
        if value is None:
            one.state = "no reading"
            one.why = one.meter.unheard() or ""
            return None
    one.read_s = median(took[1:])
    return value


def _range(meter: Meter, start_j: float | None, clock: Clock) -> Range:
    """Some models know how far off they are only for what they have seen: a moment is looked at."""
    low, high = meter.gain
    if start_j is None or meter.method != "modelled":
        return low, high
    below, above = meter.slack_j()
    clock.sleep(MODEL_S)
    joules = (_read(meter) or start_j) - start_j
    below, above = (now - then for now, then in zip(meter.slack_j(), (below, above), strict=True))
    if joules <= 0:
        return low, high
    return low * max(0.0, 1 - below / joules), high * (1 + above / joules)


def _hear(one: Tried, clock: Clock) -> None:
    """Wait for the first answer of a meter on the network, or for why there is none."""
    until_s = clock.monotonic() + REMOTE_S
    while one.meter.unheard() == "" and clock.monotonic() < until_s:
        _read(one.meter)
        clock.sleep(BETWEEN_S[1])
    one.tick_s = one.meter.tick_s
    one.why = one.meter.unheard() or ""
    if one.meter.unheard() is not None:
        one.state = "no reading"


def _watch(tried: Sequence[Tried], clock: Clock, seconds: float, between_s: float) -> None:
    until_s = clock.monotonic() + seconds
    while clock.monotonic() < until_s:
        waiting = [one for one in tried if not one.done]
        if not waiting:
            return
        for one in waiting:
            one.look(clock.monotonic())
        clock.sleep(between_s)


def _read(meter: Meter) -> float | None:
    try:
        return meter.read()
    except Exception:  # whatever an instrument does, the list of the others is shown
        return None
