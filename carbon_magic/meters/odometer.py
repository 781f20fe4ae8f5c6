"""A meter watched: joules that only ever grow, whatever its counter does, and exact at a cell's two edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..clock import Clock
from ..device import Device
from .counter import Reading, difference
from .meter import Meter

SLOW_S = 0.005
"""Counters that tick less often than this are read densely around an edge, to see when they tick."""
DENSE_S = 0.004
"""How often they are then read."""
STUCK_S = 2.0
"""A counter that has not moved for this long (and for 20 of its ticks) is not believed to be alive."""


@dataclass(slots=True)
class Mark:
    """The odometer at one edge of a run. A slow counter's mark is settled by the first ticks that follow it."""

    t_s: float
    joules: float
    slack_low_j: float
    slack_high_j: float
    events: int
    edge_j: float = 0.0
    """How far off `joules` may be because the counter ticks; 0 until settled, then what remains."""
    settled: bool = True


class Event(NamedTuple):
    """Something a reader of the figures should know, and when (monotonic seconds)."""

    t_s: float
    text: str
    until_s: float | None = None


class Odometer:
    """Joules of one device since it was first read; the difference of two marks is what a run used."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self.meter = meter
        self.joules = 0.0
        self.events: list[Event] = []
        self.tick_s = meter.tick_s
        self._intervals: list[float] = []
        self._clock = clock
        self._slack_low_j = self._slack_high_j = 0.0
        self._last: Reading | None = None
        self._moved_s: float | None = None
        self._tick_at_s: float | None = None  # a tick seen so closely that its moment is known
        self._missing_s: float | None = None
        self._mean_w: float | None = None
        self._open: list[Mark] = []
        self._ticks: list[tuple[float, float, float]] = []
        """Ticks since the first open mark: moment, how closely it was seen, joules."""
        self._stuck = False

    @property
    def known(self) -> bool:
        """Whether it has given a reading since the counting began."""
        return self._last is not None

    @property
    def answering(self) -> bool:
        """Whether the last attempt to read it gave a reading."""
        return self._last is not None and self._missing_s is None

    @property
    def slow(self) -> bool:
        return self.meter.method == "counter" and self.meter.tick_s >= SLOW_S

    def restart(self) -> None:
        """Forget the time since the last reading: nobody was counting."""
        self._last = self._moved_s = self._tick_at_s = self._missing_s = None
        self._open.clear()
        self.events.clear()
        self._stuck = False
        self.update()

    def update(self) -> None:
        """Read the meter and add what it counted. Never raises."""
        before = self._clock.monotonic()
        joules = self._read()
        after = self._clock.monotonic()
        if joules is None:
            if self._missing_s is None:
                self._missing_s = before
            return
        new = Reading(joules, (before + after) / 2)
        if self._missing_s is not None:
            gap = (
                "its counter went on, so the energy is complete" if self._last else "energy before that is not counted"
            )
            self._say(self._missing_s, f"gave no reading; {gap}", until_s=new.t_s)
        self._missing_s = None
        old, self._last = self._last, new
        if old is None:
            self._moved_s = new.t_s
            return
        # It stood still since it last moved, so what it gains now may have been used since then.
        moved = Reading(old.joules, min(old.t_s, self._moved_s if self._moved_s is not None else old.t_s))
        step = difference(
            moved,
            new,
            max_w=self.meter.max_w,
            tick_s=self.tick_s,
            wraps_at_j=self.meter.wraps_at_j,
            mean_w=self._mean_w,
        )
        self.joules += step.joules
        self._slack_low_j += step.joules - step.low
        self._slack_high_j += step.high - step.joules
        if step.fault == "reset":
            self._say(new.t_s, "its counter was reset; the energy around that moment is filled in at the mean power")
        elif step.fault == "implausible":
            self._say(
                new.t_s, "its counter jumped impossibly; the energy around that moment is filled in at the mean power"
            )
        if new.joules != old.joules:
            self._moved(old, new, step.joules)
        else:
            self._watch_stuck(new)

    def _read(self) -> float | None:
        try:
            joules = self.meter.read()
            return joules if joules is not None and 0.0 <= joules < float("inf") else None
        except Exception:  # whatever an instrument does, it must never reach the user's code
            return None

    def _moved(self, old: Reading, new: Reading, joules: float) -> None:
        seen_s, gap_s = (old.t_s + new.t_s) / 2, new.t_s - old.t_s
        if self.slow and self._moved_s is not None and old.t_s - self._moved_s > self.tick_s:
            self.tick_s, self._intervals = new.t_s - self._moved_s, []  # it ticks more slowly than was thought
        closely = gap_s <= max(3 * DENSE_S, self.tick_s / 4)
        if self.slow and closely:
            if self._tick_at_s is not None and 0.5 * SLOW_S < seen_s - self._tick_at_s < 4 * self.tick_s:
                self._intervals = [*self._intervals[-8:], seen_s - self._tick_at_s]
                self.tick_s = sorted(self._intervals)[len(self._intervals) // 2]
            self._tick_at_s = seen_s
            self._ticks.append((seen_s, gap_s, joules))
            if self._intervals:
                self._settle(*self._ticks[0])
        else:
            self._tick_at_s = None
        if self._moved_s is not None and new.t_s > self._moved_s:
            watts, weight = joules / (new.t_s - self._moved_s), min(1.0, (new.t_s - self._moved_s) / 1.0)
            self._mean_w = watts if self._mean_w is None else self._mean_w + weight * (watts - self._mean_w)
        if self._stuck:
            self._say(new.t_s, "its counter moves again, and shows what was used meanwhile")
        self._moved_s, self._stuck = new.t_s, False

    def _watch_stuck(self, new: Reading) -> None:
        if self._moved_s is None or self.meter.method != "counter" or self._stuck or self.meter.asleep():
            return
        still_s = new.t_s - self._moved_s
        if still_s > max(STUCK_S, 20 * self.tick_s):
            self._stuck = True
            self._say(self._moved_s, "its counter stands still: what is used meanwhile is not seen")

    def _say(self, t_s: float, text: str, until_s: float | None = None) -> None:
        self.events.append(Event(t_s, text, until_s))

    def mark(self, edge: bool) -> Mark:
        """The odometer now. Call update() just before."""
        t_s = self._last.t_s if self._last is not None and self.answering else self._clock.monotonic()
        low_j, high_j = self.meter.slack_j()
        mark = Mark(t_s, self.joules, self._slack_low_j + low_j, self._slack_high_j + high_j, len(self.events))
        if edge and self.slow and self.answering:
            mark.settled = False
            if self._open and self._ticks:  # an edge between two ticks of another edge: each needs its own first tick
                self._settle(*self._ticks[0])
            self._open.append(mark)
        return mark

    def unsettled(self, now_s: float) -> bool:
        """Whether a tick is still awaited for some mark; gives up after two and a half ticks."""
        horizon = 2.5 * max(self.tick_s, self.meter.tick_s)
        self._open = [m for m in self._open if not m.settled and now_s - m.t_s < horizon]
        if not self._open:
            self._ticks.clear()
        return bool(self._open)

    def _settle(self, tick_s: float, gap_s: float, joules: float) -> None:
        """A tick at `tick_s` brought `joules`: they were used evenly since the tick before, as far as anyone knows."""
        for mark in self._open:
            ahead = min(1.0, max(0.0, (tick_s - mark.t_s) / self.tick_s))
            mark.joules += joules * (1 - ahead)
            # Uneven use within the tick moves at most this much across the edge, short of all or nothing.
            mark.edge_j = joules * (2 * ahead * (1 - ahead) + gap_s / (2 * self.tick_s))
            mark.settled = True
        self._open.clear()
        self._ticks.clear()

    def device(self, begin: Mark, end: Mark, *, t0_s: float, now_s: float) -> Device:
        """What the device used between two marks, with its range and its notes; `t0_s` is what notes count from."""
        seconds = max(end.t_s - begin.t_s, 1e-9)
        joules = max(0.0, end.joules - begin.joules)
        mean_w = max(joules / seconds, self._mean_w or 0.0 if joules == 0 else 0.0)
        # Two unsettled edges, each uniform over one tick: 90 % of their difference lies within 0.68 tick.
        plain_j = 0.68 * mean_w * self.tick_s if self.meter.method == "counter" else 0.0
        edge_j = sum(m.edge_j if m.settled and self.slow else plain_j / 2**0.5 for m in (begin, end))
        # The readings lie a little outside the cell: what was used while the meters were read is not the cell's.
        inside = min(1.0, max(0.0, (now_s - t0_s) / seconds))
        joules *= inside
        low_j = joules - (end.slack_low_j - begin.slack_low_j) - edge_j
        high_j = joules + (end.slack_high_j - begin.slack_high_j) + edge_j
        notes = list(self.meter.notes)
        notes += [_sentence(event, t0_s) for event in self.events[begin.events : end.events]]
        lost = self._missing_s is not None and self._last is not None
        silent_s = self._last.t_s if lost and self._last else self._moved_s if self._stuck else None
        if silent_s is not None:
            high_j += (self._mean_w or 0.0) * max(0.0, now_s - max(silent_s, begin.t_s))
        if lost and silent_s is not None:
            notes.append(f"lost after {max(0.0, silent_s - t0_s):.1f} s: energy after that is not counted")
        elif self.meter.method == "counter" and joules <= edge_j:
            high_j = max(high_j, joules)
            low_j, joules = 0.0, high_j / 2
            notes.append("below the counter's resolution: the middle of what is possible is shown")
        low_gain, high_gain = self.meter.gain
        return Device(
            name=self.meter.name,
            kind=self.meter.kind,
            energy_j=joules,
            energy_j_range=(max(0.0, low_j) * low_gain, high_j * high_gain),
            source=self.meter.source,
            method=self.meter.method,
            notes=tuple(notes),
            limit_w=self.meter.limit_w,
            idle_w=self.meter.idle_w,
            scope=self.meter.scope,
        )


def _sentence(event: Event, t0_s: float) -> str:
    at = f"at {max(0.0, event.t_s - t0_s):.1f} s"
    if event.until_s is not None:
        at = f"from {max(0.0, event.t_s - t0_s):.1f} s to {event.until_s - t0_s:.1f} s"
    return f"{at} {event.text}"
