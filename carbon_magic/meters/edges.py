"""The edges of a run on a counter that moves in ticks: when it ticks, and how a tick is shared across an edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from .cut import Cut, share

DENSE_S = 0.004
"""How often a slow counter is read around an edge."""
LATE = 1.1
"""A tick that comes later than this after an edge, in ticks, is not the first one."""
SHORTEST_TICK_S = 0.0025
LEARNT = 0.02
"""A tick is known well enough when it is off by no more than this part of it."""
WINDOWED_S = 0.05
"""Watts are of a window of 10 to 25 ms (Yang et al., SC24): they tell of a tick's ends only if it is twice as long."""
_known_s: dict[str, float] = {}
"""Ticks measured in this process, by the device's own name: a second look at a device knows at once."""


@dataclass(slots=True, repr=False, eq=False)  # nobody prints or compares one, and the first cell waits for each
class Mark:
    """The odometer at one edge of a run. A slow counter's mark is settled by the first tick that follows it."""

    t_s: float
    joules: float
    slack_low_j: float
    slack_high_j: float
    events: int
    edge_j: float = 0.0
    """How far off `joules` may be because the counter ticks, or gave no reading just then."""
    settled: bool = True
    watts: float | None = None
    """What the device drew just before, where it tells."""
    cut: Cut | None = None
    """The tick that settled it."""
    shown_w: float | None = None
    """What its sensor shows, where that is late: see lag.py."""
    past: Sequence[tuple[float, float]] = ()
    """At the end of a short run: what the device recorded of its watts, where it does."""


class _Tick(NamedTuple):
    """A tick seen closely: its moment, how closely, what it brought, and the watts just before it where known."""

    t_s: float
    gap_s: float
    joules: float
    watts: float | None


class Edges:
    """When one slow counter ticks, and the marks that wait for its next tick."""

    def __init__(self, told_s: float, key: str | None) -> None:
        self.told_s = told_s
        self.tick_s = _known_s.get(key or "", told_s)
        self._key = key
        self._measured = key in _known_s
        self._intervals: list[float] = []
        self._at_s: float | None = None  # the last tick, if its moment is known
        self._first_s, self._count = 0.0, 0  # where counting of ticks began, to measure many at once, and how many
        self._error_s = inf  # also of a known one, which is looked at again: drivers are updated
        self._open: list[Mark] = []
        self._ticks: list[_Tick] = []
        self._doubted: list[Mark] = []  # settled; but only the tick after tells whether the power rose for good

    def forget(self) -> None:
        """Nobody was looking: what is known of the moment of the last tick is worth nothing; its length is."""
        self._at_s = None
        self._open.clear()
        self._ticks.clear()
        self._doubted.clear()

    def moved(
        self, from_s: float, to_s: float, stood_s: float, joules: float, watts: Callable[[], float | None]
    ) -> None:
        """The counter moved between two reads, by so many joules, having stood for `stood_s` at the first of them."""
        at_s, gap_s = (from_s + to_s) / 2, to_s - from_s
        if stood_s > 1.1 * self.tick_s:
            self.tick_s, self._intervals, self._measured = stood_s + gap_s, [], False  # slower than was thought
            self._error_s = inf
        if gap_s > max(3 * DENSE_S, self.tick_s / 4):
            self._at_s = None
            self._doubted.clear()
            return
        self._measure(at_s, gap_s)
        for mark in self._doubted:
            mark.cut = mark.cut and mark.cut._replace(then_w=joules / self.tick_s)
        self._doubted.clear()
        self._at_s = at_s
        if self._open:
            self._ticks.append(_Tick(at_s, gap_s, joules, watts() if self.tick_s >= WINDOWED_S else None))
            if self._measured:
                self._settle(self._ticks[0])

    def _measure(self, at_s: float, gap_s: float) -> None:
        """The length of a tick: roughly from two neighbours, then finer the more ticks can be counted in a row."""
        last_s, since_s = self._at_s, at_s - (self._at_s or at_s)
        if last_s is not None and SHORTEST_TICK_S < since_s < 4 * self.tick_s:
            self._intervals = [*self._intervals[-8:], since_s]
            rough_s = sorted(self._intervals)[len(self._intervals) // 2]
            if not self._measured or not 0.7 < rough_s / self.tick_s < 1.4:
                self._measured, self.tick_s = True, rough_s
                self._first_s, self._count, self._error_s = last_s, 0, gap_s
        if not self._measured:
            return
        ticks = round(since_s / self.tick_s)
        # Counting goes on only where the number of ticks since the last one seen is beyond doubt.
        if last_s is None or ticks < 1 or (ticks > 1 and ticks * self._error_s > 0.4 * self.tick_s):
            self._first_s, self._count = at_s, 0
            return
        self._count += ticks
        if gap_s / self._count <= self._error_s:
            self.tick_s = (at_s - self._first_s) / self._count
            self._error_s = gap_s / self._count
        if self._key is not None:
            _known_s[self._key] = self.tick_s

    @property
    def learning(self) -> bool:
        """Whether its tick is not known well yet."""
        return self._error_s > LEARNT * self.tick_s

    def open(self, mark: Mark) -> None:
        """Let a mark wait for the tick that settles it."""
        mark.settled = False
        if self._open and self._ticks:  # between two ticks of another edge: each needs its own first tick
            self._settle(self._ticks[0])
        self._open.append(mark)

    def unsettled(self, now_s: float) -> bool:
        """Whether a tick is still awaited for some mark; gives up after two and a half ticks."""
        if not self._open:  # nearly always
            self._ticks.clear()
            return False
        horizon = 2.5 * max(self.tick_s, self.told_s)
        self._open = [m for m in self._open if not m.settled and now_s - m.t_s < horizon]
        if not self._open:
            self._ticks.clear()
        self._doubted = [m for m in self._doubted if now_s - m.t_s < horizon]
        return bool(self._open or self._doubted)

    def _settle(self, tick: _Tick) -> None:
        gap_j = tick.joules * min(0.5, tick.gap_s / (2 * self.tick_s))
        for mark in self._open:
            ahead = max(0.0, (tick.t_s - mark.t_s) / self.tick_s)
            if ahead > LATE:  # nobody looked in time: the tick around the edge was an earlier one, much like this
                before_j, mark.edge_j = share(tick.joules, 1 - ahead % 1, self.tick_s, None, None)
                mark.edge_j += tick.joules / 2
            else:
                seen = tick.joules, max(0.0, 1 - ahead), self.tick_s, mark.watts, tick.watts
                before_j, mark.edge_j = share(*seen)
                mark.cut = Cut(tick.t_s, *seen, before_j, gap_j)
                if mark.cut.rose():
                    self._doubted.append(mark)
            mark.joules += before_j
            mark.edge_j += gap_j
            mark.settled = True
        self._open.clear()
        self._ticks.clear()
