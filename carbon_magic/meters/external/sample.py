"""One answer of a meter, and how answers become joules at any moment."""

from __future__ import annotations

from typing import NamedTuple

from ..counter import Fault, Reading, difference

HORIZON_TICKS = 3.0
"""So many periods after an answer the power is still taken to be what it was."""
MAY_CHANGE = 2.0
"""Since an answer the power may have become nothing, or three times as much: a judgement, from machines at rest that
draw a third to a half of what they do at work."""


class Sample(NamedTuple):
    """What a meter told: watts now, joules so far, or both; None where it does not tell."""

    watts: float | None = None
    joules: float | None = None


class Follower:
    """Joules at any moment, from answers that come every second or more rarely.

    The meter's own counter is right from tick to tick, and what its differences mean `counter` says, as for every
    instrument. Between the ticks, which a plug's counter of whole Wh has every half minute, what is added is the power
    it told. Without a counter the power is summed (trapezoids).
    """

    def __init__(self, period_s: float, max_w: float) -> None:
        self._period_s, self._max_w = period_s, max_w
        self.slack_low_j = self.slack_high_j = 0.0
        self.faults: list[Fault] = []
        """What happened to the counter since somebody took this list."""
        self._horizon_s = HORIZON_TICKS * period_s
        self._joules = 0.0
        self._shown = 0.0
        self._t_s: float | None = None
        self._watts: float | None = None
        self._count: Reading | None = None  # as it was when it last moved
        self._anchored_j: float | None = None  # our joules then, where that tick was seen
        self._tick_s: float | None = None  # and when: the power of a meter that tells joules only comes of two ticks
        self._first: Reading | None = None
        self._unfilled_s = 0.0  # such a meter's time before its first tick, whose power its next one tells
        self._since_s = 0.0

    @property
    def known(self) -> bool:
        """Whether the answers since the last pause tell a power: of a counter alone it takes two ticks."""
        return self._watts is not None

    def pause(self, t_s: float) -> None:
        """Nobody listened until now: what was used since the last answer is not ours, and where we are is kept."""
        self._joules = self._shown = self.at(t_s)
        self._t_s, self._watts, self._count, self._anchored_j, self._tick_s = t_s, None, None, None, None
        self._since_s, self._unfilled_s = t_s, 0.0
        self.faults.clear()

    def add(self, t_s: float, sample: Sample) -> None:
        """An answer that was true at this moment."""
        before_s = self._t_s if self._t_s is not None else t_s
        seconds = max(0.0, t_s - before_s)
        watts = self._watts if sample.watts is None else sample.watts
        mean_w = watts if self._watts is None else (self._watts + (watts or 0.0)) / 2
        joules = self._joules + (mean_w or 0.0) * seconds
        if sample.joules is None and self._watts is not None and watts is not None:
            # Between two answers the power may have changed at any moment.
            unsure_j = abs(watts - self._watts) * seconds / 2
            self.slack_low_j += unsure_j
            self.slack_high_j += unsure_j
        elif sample.joules is not None:
            joules, watts = self._counted(t_s, sample, joules, watts)
        self._t_s, self._joules, self._watts = t_s, joules, watts

    def _counted(self, t_s: float, sample: Sample, joules: float, watts: float | None) -> tuple[float, float | None]:
        """Joules and watts with what the counter says; `joules` is what the power says."""
        now = Reading(sample.joules or 0.0, t_s)
        before = self._count
        if before is not None and now.joules == before.joules:
            return joules, watts
        self._count = now
        if before is None:
            self._first = now
            return joules, watts
        step = difference(before, now, max_w=self._max_w, tick_s=self._period_s, mean_w=watts)
        if step.fault is not None:
            # Reset or jumped: what the power says stands, and what is not sure of it is said.
            unsure_j = max(0.0, joules - (self._anchored_j or 0.0) - step.low) if self._anchored_j is not None else 0.0
            self.faults.append(step.fault)
            self.slack_low_j += unsure_j
            self.slack_high_j += unsure_j
            self._anchored_j = self._tick_s = None
            return joules, watts
        if self._anchored_j is not None:
            joules = self._anchored_j + step.joules
        if sample.watts is None:
            if self._tick_s is not None and t_s > self._tick_s:
                watts = step.joules / (t_s - self._tick_s)
                # Of the time before the first tick: what all that was seen makes at most.
                mean_w = (now.joules - self._first.joules) / (t_s - self._first.t_s) if self._first else watts
                joules, self._unfilled_s = joules + min(watts, mean_w) * self._unfilled_s, 0.0
            elif watts is None:
                self._unfilled_s = t_s - self._since_s
        self._tick_s, self._anchored_j = t_s, joules
        return joules, watts

    def unsure_j(self, t_s: float) -> float:
        """± how much of what is said to be used by now nobody has told yet."""
        if self._t_s is None or self._watts is None:
            return 0.0
        return MAY_CHANGE * self._watts * max(0.0, t_s - self._t_s)

    def at(self, t_s: float) -> float:
        """Joules so far at this moment; never less than before."""
        if self._t_s is not None and self._watts is not None:
            ahead_s = min(max(0.0, t_s - self._t_s), self._horizon_s)
            self._shown = max(self._shown, self._joules + self._watts * ahead_s)
        else:
            self._shown = max(self._shown, self._joules)
        return self._shown
