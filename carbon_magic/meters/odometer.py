"""A meter watched: joules that only ever grow, whatever its counter does, and exact at a cell's two edges."""

from __future__ import annotations

from contextlib import suppress
from math import hypot, inf

from ..clock import Clock
from ..device import BELOW_RESOLUTION, Device
from .counter import GAP, Reading, Step, difference, gone_round_j
from .edges import DENSE_S, Edges, Mark
from .event import Event
from .meter import Meter
from .used import used

__all__ = ["DENSE_S", "Event", "Mark", "Odometer"]

FAULTY = ("reset", "implausible")
STUCK_S = 2.0
"""A counter that has not moved for this long (and for 20 of its ticks) is not believed to be alive."""
SLEPT_S = 0.1
"""BOOTTIME ahead of MONOTONIC by this much more than before: the machine slept."""
LEARN_S, LEARN_TIMES = 1.0, 5
"""For so long after the counting began, and so many times, a slow counter whose tick is not known is read densely."""
KEPT_S = 2.0
"""Drivers keep their last 120 samples or so: 2.4 s of them, of which some ticks are gone when a run has ended."""
FORGET_COST = 1.02
"""The cheapest read seen so far counts a little less with every read: a machine may become slower."""


class Odometer:
    """Joules of one device since it was first read; the difference of two marks is what a run used."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self.meter = meter
        self.joules = 0.0
        self.events: list[Event] = []
        self._edges = Edges(meter.tick_s, meter.key)
        self._clock = clock
        self._slack_low_j = self._slack_high_j = 0.0
        self._last: Reading | None = None
        self._doubted: list[Reading] = []
        """Readings that contradict the last good one: the next tells which was wrong."""
        self._moved_s: float | None = None
        self._missing_s: float | None = None
        self._mean_w: float | None = None
        self._stuck = False
        self._cost_s = inf
        self._began_s, self._begun = 0.0, 0
        self._asleep_s = 0.0

    @property
    def known(self) -> bool:
        """Whether it has given a reading since the counting began."""
        return self._last is not None and self.meter.unheard() is None

    @property
    def answering(self) -> bool:
        """Whether the last attempt to read it gave a reading that can be believed."""
        return self._last is not None and self._missing_s is None and not self._doubted

    @property
    def slow(self) -> bool:
        return self.meter.slow

    @property
    def tick_s(self) -> float:
        """How often its counter moves: as measured, until then as the meter says."""
        return self._edges.tick_s if self.slow else self.meter.tick_s

    def restart(self) -> None:
        """Forget the time since the last reading: nobody was counting."""
        self._last = self._moved_s = self._missing_s = None
        self._doubted.clear()
        self._edges.forget()
        self.events.clear()
        self._stuck = False
        self._began_s, self._begun = self._clock.monotonic(), self._begun + 1
        self.update()

    def watch(self, counting: bool) -> None:
        """Tell the meter that a run begins, or that none is left. Never raises."""
        with suppress(Exception):
            self.meter.watch(counting)

    def update(self) -> None:
        """Read the meter and add what it counted. Never raises."""
        before = self._clock.monotonic()
        joules = self._read()
        after = self._clock.monotonic()
        if joules is None:
            if self._missing_s is None:
                self._missing_s = before
            return
        # In a busy interpreter a reading comes back late, not as of late: another thread had its turn in between.
        self._cost_s = min(FORGET_COST * self._cost_s, after - before)
        new = Reading(joules, before + min(after - before, 2 * self._cost_s) / 2)
        slept_s, self._asleep_s = self._asleep_s, self._clock.boottime() - new.t_s
        for text in self.meter.news():
            self._say(new.t_s, text)
        missing_s, self._missing_s = self._missing_s, None
        if missing_s is not None:
            gap = GAP[self.meter.method] if self._last else "energy before that is not counted"
            self._say(missing_s, f"gave no reading; {gap}", until_s=new.t_s)
        if self._last is None:
            self._last, self._moved_s = new, new.t_s
            return
        before_j = self.joules
        self._count(self._last, new, slept=self._asleep_s - slept_s > SLEPT_S)
        if missing_s is not None and self.meter.method == "polled":
            self._slack_low_j += (self.joules - before_j) / 2
            self._slack_high_j += (self.joules - before_j) / 2

    def _count(self, last: Reading, new: Reading, slept: bool) -> None:
        step = self._step(last, new)
        doubted, self._doubted = self._doubted, []
        changed = [old for old in reversed(doubted) if self._follows(old, new)]
        # Below the last good one by a wrap, and above what contradicted it: the wrap would be one chance more.
        follows_last = step.fault not in FAULTY and not (changed and new.joules < last.joules)
        # Zeros say nothing: a driver in trouble shows them as well as one that was loaded anew.
        changed.sort(key=lambda old: old.joules == 0)
        if not follows_last and not slept and (not changed or new.joules == 0):
            self._doubted = [*doubted[-3:], new]  # the next reading tells whether the counter changed, or this is wrong
        elif not changed or changed[0].joules == 0:
            if not follows_last:
                step = step if step.fault in FAULTY else self._step(last, new, wraps=False)
                self._explain(step, doubted[0].t_s if doubted else new.t_s, slept)
            elif doubted:
                self._say(doubted[0].t_s, "gave an impossible reading, which is left out")
                if new.joules < last.joules:  # or was it reset twice, rather than gone round past that reading?
                    step = step._replace(low=min(step.low, new.joules))
            if changed:
                then = changed[0]
                most_j = self._step(last, then).high + self._step(then, new, since_s=then.t_s).high
                step = step._replace(high=max(step.high, most_j))
            self._take(step, last, new)
        else:
            before_j, then = self.joules, changed[0]
            fill = self._step(last, then, wraps=False)
            self._explain(fill, then.t_s, slept)
            self._take(fill, last, then)
            self._take(self._step(then, new, since_s=then.t_s), then, new)
            if follows_last:  # a small counter: it may as well have gone on, and the reading between been wrong
                self._slack_low_j += max(0.0, self.joules - before_j - step.low)

    def _follows(self, old: Reading, new: Reading) -> bool:
        return self._step(old, new, since_s=old.t_s).fault not in FAULTY

    def _step(self, old: Reading, new: Reading, since_s: float | None = None, wraps: bool = True) -> Step:
        # It stood still since it last moved, so what it gains now may have been used since then.
        moved_s = min(old.t_s, self._moved_s if self._moved_s is not None else old.t_s) if since_s is None else since_s
        return difference(
            Reading(old.joules, moved_s),
            new,
            max_w=self.meter.max_w,
            tick_s=self.tick_s,
            wraps_at_j=self.meter.wraps_at_j if wraps else None,
            mean_w=self._mean_w,
        )

    def _explain(self, step: Step, t_s: float, slept: bool) -> None:
        if step.fault == "reset":
            self._say(t_s, "its counter was reset; the energy around that moment is filled in at the mean power")
        elif slept:
            self._say(t_s, "what its counter gained while the machine slept is left out")
        elif step.fault == "implausible":
            self._say(
                t_s, "its counter jumped impossibly; the energy around that moment is filled in at the mean power"
            )

    def _take(self, step: Step, old: Reading, new: Reading) -> None:
        if step.fault == "several wraps" and step.joules > step.low:  # else the power speaks against it
            self._say(old.t_s, "its counter may have gone round more than once between two looks", until_s=new.t_s)
        self._last = new
        self.joules += step.joules
        self._slack_low_j += step.joules - step.low
        self._slack_high_j += step.high - step.joules
        if new.joules != old.joules or step.joules:  # gone round to the same figure is moved as well
            self._moved(old, new, step.joules)
        else:
            self._watch_stuck(new)

    def _read(self) -> float | None:
        try:
            joules = self.meter.read()
            return joules if joules is not None and 0.0 <= joules < inf else None
        except Exception:  # whatever an instrument does, it must never reach the user's code
            return None

    def _watts(self) -> float | None:
        """What the device says that it draws now."""
        try:
            watts = self.meter.watts()
            return watts if watts is not None and 0.0 <= watts <= 2 * self.meter.max_w else None
        except Exception:
            return None

    def _moved(self, old: Reading, new: Reading, joules: float) -> None:
        moved_s, self._moved_s = self._moved_s, new.t_s
        if self.slow:
            stood_s = 0.0 if moved_s is None or self._stuck else old.t_s - moved_s
            self._edges.moved(old.t_s, new.t_s, stood_s, joules, self._watts)
        if moved_s is not None and new.t_s > moved_s:
            watts, weight = joules / (new.t_s - moved_s), min(1.0, (new.t_s - moved_s) / 1.0)
            self._mean_w = watts if self._mean_w is None else self._mean_w + weight * (watts - self._mean_w)
        if self._stuck:
            self._say(new.t_s, "its counter moves again, and shows what was used meanwhile")
        self._stuck = False

    def _watch_stuck(self, new: Reading) -> None:
        if self._moved_s is None or self.meter.method != "counter" or self._stuck or self.meter.asleep():
            return
        still_s = new.t_s - self._moved_s
        if still_s > max(STUCK_S, 20 * self.tick_s):
            self._stuck = True
            self._say(self._moved_s, "its counter stands still: what is used meanwhile is not seen")

    def _say(self, t_s: float, text: str, until_s: float | None = None) -> None:
        last = self.events[-1] if self.events else None
        if last is not None and last.text == text and last.until_s == t_s:  # it goes on
            self.events[-1] = last._replace(until_s=until_s)
        else:
            self.events.append(Event(t_s, text, until_s))

    def mark(self, edge: bool) -> Mark:
        """The odometer now. Call update() just before."""
        if edge and self._last is not None and not self.answering:
            self.update()  # at an edge there is no later look: a read that failed once, or contradicts, is done again
        t_s = self._last.t_s if self._last is not None and self.answering else self._clock.monotonic()
        low_j, high_j = self.meter.slack_j()
        mark = Mark(t_s, self.joules, self._slack_low_j + low_j, self._slack_high_j + high_j, len(self.events))
        mark.shown_w, mark.edge_j = self.meter.shown_w(), self.meter.unsure_j()
        if self._last is not None and not self.answering:
            mark.edge_j = (self._mean_w or 0.0) * max(0.0, t_s - self._last.t_s)
        elif edge and self.slow and self.answering:
            mark.watts = self._watts()
            self._edges.open(mark)
        return mark

    def look_back(self, begin: Mark, end: Mark) -> None:
        """After a short run: what the device itself recorded of its watts tells more of the ticks at the two edges."""
        if begin.cut is not None and end.cut is not None and end.t_s - begin.t_s < KEPT_S:
            with suppress(Exception):
                end.past = self.meter.past_w(begin.t_s - 2 * self.tick_s)

    def unsettled(self, now_s: float) -> bool:
        """Whether a tick is still awaited for some mark; gives up after two and a half ticks."""
        return self._edges.unsettled(now_s)

    def awaited(self, now_s: float) -> bool:
        """Whether its next tick is wanted: for some mark, or to learn at first how often it ticks."""
        early = self._begun <= LEARN_TIMES and now_s - self._began_s < LEARN_S
        learning = early and self.slow and self._edges.learning
        return self.unsettled(now_s) or (learning and self.answering)

    @property
    def moved_s(self) -> float | None:
        """When it was last seen to move."""
        return self._moved_s

    def device(self, begin: Mark, end: Mark, *, t0_s: float, now_s: float) -> Device:
        """What the device used between two marks, with its range and its notes; `t0_s` is what notes count from."""
        seconds = max(end.t_s - begin.t_s, 1e-9)
        joules = max(0.0, end.joules - begin.joules)
        mean_w = max(joules / seconds, self._mean_w or 0.0 if joules == 0 else 0.0)
        # An edge that no tick settles is uniform over one: 90 % of it lies within 0.45 tick.
        plain_j = 0.45 * mean_w * self.tick_s if self.slow or self.meter.method == "counter" else 0.0
        edge_j = hypot(*(m.edge_j if m.settled and self.slow else plain_j + m.edge_j for m in (begin, end)))
        joules, below_j, above_j, edge_j = used(self.meter, begin, end, edge_j, now_s - t0_s)
        low_j = joules - (end.slack_low_j - begin.slack_low_j) - below_j
        high_j = joules + (end.slack_high_j - begin.slack_high_j) + above_j
        notes = list(self.meter.notes)
        notes += [event.sentence(t0_s) for event in self.events[begin.events : end.events]]
        lost = self._last is not None and not self.answering
        silent_s = self._last.t_s if lost and self._last else self._moved_s if self._stuck else None
        if silent_s is not None:
            drawn_j = (self._mean_w or 0.0) * max(0.0, now_s - max(silent_s, begin.t_s))
            round_j = gone_round_j(self._last, self._doubted, self.meter.wraps_at_j, self.meter.max_w)
            high_j += max(drawn_j, round_j)
        if lost and silent_s is not None:
            notes.append(f"lost after {max(0.0, silent_s - t0_s):.1f} s: energy after that is not counted")
        elif self.meter.method == "counter" and joules <= edge_j:
            # One that has not moved since it is known may have all of that time's energy ahead of it.
            unseen_j = self.meter.max_w * seconds if self._mean_w is None else 0.0
            high_j = max(high_j, joules, unseen_j)
            low_j, joules = 0.0, high_j / 2
            notes.append(BELOW_RESOLUTION)
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
