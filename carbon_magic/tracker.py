"""Begin, end, and the thread that looks in between. Knows no view and no store: they subscribe."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import threads
from .clock import Clock
from .config import Settings
from .grid import Annual, Intensity
from .labels import Label
from .meters import choice, cpu_time
from .meters.machine import Machine
from .meters.meter import Meter
from .meters.odometer import DENSE_S, Mark
from .run import Run, State
from .share import Witness
from .tracking import SLEPT_S, Tracking

if TYPE_CHECKING:
    from .budget import Watch
    from .cost import Price

FindMeters = Callable[[Mapping[str, str], Callable[[], float]], Sequence[Meter]]
Subscriber = Callable[[Run], None]

DRAIN_S = 0.25
DRAIN_BELOW_TICKS = 500
"""After a run shorter than this many ticks of a slow counter its next tick is awaited, DRAIN_S at most."""

CHANGED = (
    "which GPUs this process uses (CUDA_VISIBLE_DEVICES and the like) was changed during the run: they are counted as "
    "it was set before, and in the next run as it is now"
)
PRECISE_S = 2.5
"""So long at most a run that asked to be precise waits for a tick before it begins."""


class Tracker:
    """All runs of this process that are in progress, and the one thread that watches them.

    Subscribers are called with a Run soon after it begins, each second while it goes on (from the watcher's thread),
    and when it ended; what they raise is dropped.
    """

    def __init__(
        self, find_meters: FindMeters, clock: Clock, environ: Mapping[str, str] = os.environ, threaded: bool = True
    ) -> None:
        self.clock = clock
        self.subscribers: list[Subscriber] = []
        self._find_meters = find_meters
        self._environ = environ
        self._machine: Machine | None = None
        self._chosen: tuple[str | None, ...] = ()
        self._witness: Witness | None = None
        self._active: list[Tracking] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._threaded = threaded
        self._wall_ahead_s = self._boot_ahead_s = 0.0

    @property
    def active(self) -> list[Tracking]:
        return list(self._active)

    def begin(
        self,
        label: Label,
        settings: Settings,
        place: Intensity,
        prices: tuple[Price, ...] = (),
        budget: Watch | None = None,
        stop: Callable[[str, float], None] | None = None,
        during: Annual | None = None,
    ) -> Tracking:
        """Start a run; the first reading is the last thing done. `stop` is called once its budget is used up."""
        with self._wake:
            self._closed = False
            chosen = choice(self._environ)
            if self._machine is not None and not self._active and chosen != self._chosen:
                self._machine.close()
                self._machine = None
            if self._machine is None:
                self._chosen = chosen
                self._machine = Machine(self._find_meters(self._environ, self.clock.monotonic), self.clock)
            if self._witness is None:
                self._witness = Witness(cpu_time.busy_s, self.clock.monotonic)
            if not self._active:
                self._machine.restart()
                self._wall_ahead_s = self.clock.wall() - self.clock.monotonic()
                self._boot_ahead_s = self.clock.boottime() - self.clock.monotonic()
            # Runs that overlap share one offset, to the last digit: a wall clock that jumps between them shifts none
            # against the other, and an inner run never sticks out of an outer one.
            slept_s = self.clock.boottime() - self.clock.monotonic() - self._boot_ahead_s
            wall_ahead_s = self._wall_ahead_s + (slept_s if slept_s > SLEPT_S else 0.0)
            watched = self._machine, self._witness, self.clock, wall_ahead_s
            tracking = Tracking(label, settings, place, *watched, self._nudge, prices, budget, stop, during)
            self._active.append(tracking)
            self._watch()
        try:
            tracking.machine.finish_queued()
            if settings.precise:
                tracking.machine.next_tick(PRECISE_S)
            tracking.start()
        except BaseException:  # interrupted while it waited: no run has begun
            with self._wake:
                self._active.remove(tracking)
            raise
        if tracking.machine.awaits_tick():
            self._nudge()  # the watcher looked before there was anything to await
        return tracking

    def end(self, tracking: Tracking, state: State) -> Run:
        """End a run; its time ends before the last reading, whose own cost is not the run's.

        Ending twice, or in a forked child, changes nothing.
        """
        if tracking.final is not None or tracking.inherited:
            return tracking.run()
        try:
            tracking.machine.finish_queued()
            now_s = self.clock.monotonic()
            marks = tracking.machine.mark(edge=True)
            look = tracking.look_around()
            tracking.ending = True
            if choice(self._environ) != self._chosen and any(o.meter.kind == "gpu" for o in tracking.machine.odometers):
                tracking.remarks.append(CHANGED)
            self._drain(tracking, marks, now_s)
            tracking.during.settle(tracking.started_at, now_s - tracking.t0_s)
            with self._wake:
                if tracking.final is None:
                    tracking.close(state, marks, look, now_s)
        finally:
            with self._wake:
                if tracking in self._active:
                    self._active.remove(tracking)
                    if not self._active:
                        tracking.machine.rest()
        run = tracking.run()
        self._publish(run)
        return run

    def _drain(self, tracking: Tracking, marks: Sequence[Mark], end_s: float) -> None:
        """Wait for the next tick of slow counters, where it matters: it tells what was used up to the end."""
        slowest_s = max((o.tick_s for o in tracking.machine.odometers if o.slow), default=0.0)
        if end_s - tracking.t0_s > DRAIN_BELOW_TICKS * slowest_s:
            return
        try:
            while self.clock.monotonic() - end_s < DRAIN_S and tracking.machine.settle():
                self.clock.sleep(DENSE_S / 4)  # nobody else's time is taken: the cell has ended
            tracking.machine.look_back(tracking.begin, marks)
        except KeyboardInterrupt:
            return  # whoever is in a hurry gets the wider range

    def _watch(self) -> None:
        if not self._threaded:
            return
        if self._thread is None or not self._thread.is_alive():
            self._thread = threads.start(
                self._loop
            )  # without it there is no curve, and the edges are read all the same
        else:
            self._wake.notify()

    def _nudge(self) -> None:
        with self._wake:
            self._wake.notify()

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self._active and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                now_s = self.clock.monotonic()
                due_s = min(tracking.next_s() for tracking in self._active)
                machine = self._active[0].machine
                if machine.awaits_tick():
                    due_s = min(due_s, now_s + DENSE_S)
                self._wake.wait(max(0.0, due_s - now_s))
                active = list(self._active)
            try:
                machine.settle()
                self.look(active)
            except Exception:  # noqa: S112 - whatever went wrong once, the next look may be right
                continue

    def look(self, active: Sequence[Tracking]) -> None:
        """What the watcher does each time it wakes."""
        now_s = self.clock.monotonic()
        due = [tracking for tracking in active if tracking.due(now_s)]
        if not due:
            return
        marks = due[0].machine.mark()
        for tracking in due:
            tracking.check(marks, now_s)
            tracking.look(marks, now_s)
            run = tracking.save(marks, now_s)
            if run is not None and not tracking.ending:
                self._publish(run)

    def _publish(self, run: Run) -> None:
        for subscriber in list(self.subscribers):
            try:
                subscriber(run)
            except Exception:  # noqa: S112 - a store or view in trouble is no trouble of the user's code
                continue

    def close(self) -> None:
        """End the thread and let go of the devices, until the next run begins."""
        with self._wake:
            self._closed = True
            self._wake.notify()
            if self._machine is not None and not self._active:
                self._machine.close()
                self._machine = None
