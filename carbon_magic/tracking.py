"""One run in progress: from its first marks and the watcher's looks to a Run."""

from __future__ import annotations

import contextvars
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .clock import Clock
from .config import Settings
from .curve import Curve, Recorder
from .device import Device
from .grid import Annual, Intensity, pue
from .labels import Label
from .meters.machine import Machine
from .meters.odometer import Mark
from .meters.slope import Slope
from .ranges import Part, total
from .run import Run, State
from .share import Splitter, Witness
from .share.split import Look

if TYPE_CHECKING:
    from .budget import Watch
    from .cost import Price
    from .embodied import Embodied
    from .tick import Budget, Tick

Listener = Callable[["Tick"], None]

SEEN_HZ = 8.0
"""The curve's rate while somebody looks: lively, and drawn in a fraction of a frame."""
UNSEEN_HZ = 1 / 0.9
"""Without a view: next to nothing. The energy is read at the edges, so it does not depend on this."""
POLLED_HZ = 5.0
"""Where a device tells watts only: between two looks nobody knows what it draws."""
SAVE_S = 1 / UNSEEN_HZ
"""Counters are read and the run is kept at least this often: what kill -9 can lose."""
FIRST_SAVE_S = 0.1
"""Not at once: a thread that wakes at the very beginning takes the interpreter from the cell that is measured."""
CURVE_S = 5.0
POINTS_PER_S = 25
"""A curve is kept again after CURVE_S, or a second for each so many points: next to nothing, however long it gets."""
CHECK_S = 0.25
"""A budget is looked at so often: a cell that has used it up is stopped well within a second."""
EARLY_S = 0.002
SLEPT_S = 1.0


def state_after(error: BaseException | None) -> State:
    """How a run ended, by what left it: leaving on purpose (SystemExit, a closed generator) is done."""
    if error is None or isinstance(error, SystemExit | GeneratorExit):
        return "done"
    # An interrupt during `await` arrives as asyncio's CancelledError; without asyncio loaded there is none.
    cancelled = getattr(sys.modules.get("asyncio"), "CancelledError", KeyboardInterrupt)
    return "interrupted" if isinstance(error, KeyboardInterrupt | cancelled) else "failed"


def _embodied(settings: Settings) -> Embodied | None:
    if not settings.embodied_kg:
        return None
    from .embodied import Embodied

    return Embodied(settings.embodied_kg, settings.embodied_years, settings.embodied_share)


class Tracking:
    """A run in progress. Made by Tracker.begin, ended by Tracker.end."""

    def __init__(
        self,
        label: Label,
        settings: Settings,
        place: Intensity,
        machine: Machine,
        witness: Witness,
        clock: Clock,
        wall_ahead_s: float,
        wake: Callable[[], None],
        prices: tuple[Price, ...] = (),
        budget: Watch | None = None,
        stop: Callable[[str, float], None] | None = None,
        during: Annual | None = None,
    ) -> None:
        self.id = os.urandom(16).hex()
        self.label = label
        self.settings = settings
        self.place = place
        self.prices = prices
        self.budget, self._stop = budget, stop
        self._spent: Budget | None = None
        self.during = during or Annual(place)
        self.machine = machine
        self.witness = witness
        self._pue = pue(settings.pue, place.place, settings.said.get("pue", ""))
        self._embodied = _embodied(settings)
        self.pid = os.getpid()
        self.listeners: list[Listener] = []
        self.final: Run | None = None
        self.ending = False
        self.remarks: list[str] = []
        """What there is to note beside what the instruments say."""
        self._context = contextvars.copy_context()
        self._clock = clock
        self._wake = wake
        self._wall_ahead_s = wall_ahead_s
        self._recorder = Recorder()
        self._ticks = 0
        self._watts: dict[str, float | None] = {}
        self._slopes = [Slope(odometer) for odometer in machine.odometers if odometer.meter.counted]
        self._splitter = Splitter(witness, machine.odometers)
        self._boot_s = clock.boottime()
        self.begin: list[Mark] = []
        self.t0_s = self._due_s = self._save_s = self._curve_s = clock.monotonic()
        self._check_s = math.inf if budget is None else self.t0_s

    def start(self) -> None:
        """Read the meters: from here on it counts, and nothing may come between this and the user's work."""
        self.witness.peers.begin(self.id, self._clock.monotonic())
        look = self.witness.look()
        marks = self.machine.mark(edge=True)
        self.t0_s = self._curve_s = self._clock.monotonic()
        self._due_s, self._save_s = self.t0_s + 1 / self.rate_hz(), self.t0_s + FIRST_SAVE_S
        self._splitter.begin(look, marks)
        self.begin = marks

    def listen(self, listener: Listener) -> None:
        """Tell each tick to `listener`, from the watcher's thread and from now on."""
        self.listeners.append(listener)
        self._due_s = self._clock.monotonic()
        self._wake()

    def run(self) -> Run:
        """Figures so far while it goes on, the final ones after."""
        if self.final is not None:
            return self.final
        if self.inherited:
            return self.at("running", self.begin, self.t0_s)
        marks = self.machine.mark()
        self._splitter.slice(self.look_around(), marks)
        return self.at("running", marks, self._clock.monotonic())

    @property
    def started_at(self) -> float:
        """In seconds since 1970."""
        return self.t0_s + self._wall_ahead_s

    @property
    def inherited(self) -> bool:
        """Whether this is a forked child's copy: the run is the parent's, and its locks may be held for ever here."""
        return self.pid != os.getpid()

    def at(self, state: State, marks: Sequence[Mark], now_s: float, curve: bool = True, share: bool = True) -> Run:
        """The run as these marks see it; making its curve takes longer than all the rest."""
        devices: list[Device] = []
        others: list[Device] = []
        parts: list[Part] = []
        notes: list[str] = []
        for odometer, begin, end in zip(self.machine.odometers, self.begin, marks, strict=True):
            meter = odometer.meter
            if not odometer.known:
                why = meter.unheard()  # "": a run may be over before a meter on the network answers
                if why or (why is None and meter.counted):
                    notes.append(f"{meter.name}: {why or 'no reading at all, so it is not in the total'}")
                continue
            device = odometer.device(begin, end, t0_s=self.t0_s, now_s=now_s)
            (devices if meter.counted else others).append(device)
            notes += [f"{meter.name}: {note}" for note in device.notes]
            if meter.counted:
                parts.append(Part(device.energy_j, *device.energy_j_range, meter.group))
        notes += (*(self.budget.notes if self.budget is not None else ()), *self.remarks)
        slept_s = self._clock.boottime() - self._boot_s - (self._clock.monotonic() - self.t0_s)
        if slept_s > SLEPT_S:
            notes.append(f"the machine slept for {slept_s:.0f} s, which the duration leaves out")
        when = self.started_at, now_s - self.t0_s
        grid, said = self.during.figure(*when, self._recorder.curve, slept_s, state != "running")
        notes += [said] if said else []
        energy_range = total(parts)
        own, reason = self._splitter.share(devices, energy_range[1]) if share else (None, "")
        return Run(
            id=self.id,
            name=self.label.name,
            state=state,
            started_at=self.started_at,
            duration_s=now_s - self.t0_s,
            energy_j_range=energy_range,
            grid=grid,
            devices=tuple(devices),
            others=tuple(others),
            stage=self.label.stage,
            tags=self.label.tags,
            pue=self._pue.value,
            pue_range=self._pue.range,
            pue_source=self._pue.source,
            embodied=self._embodied,
            notes=tuple(notes),
            project=self.label.project,
            host=self.label.host,
            seed=self.label.seed,
            notebook=self.label.notebook,
            cell_hash=self.label.cell_hash,
            git_commit=self.label.git_commit,
            hardware=self.machine.hardware,
            prices=self.prices,
            contract_g_per_kwh=self.settings.contract_g_per_kwh,
            contract_source=self.settings.contract_source or "",
            share=own,
            share_reason=reason,
            curve=self._recorder.curve() if curve else Curve(),
        )

    def rate_hz(self) -> float:
        """Points of the curve per second."""
        if self.settings.hz is not None:
            return self.settings.hz
        if self.listeners:
            return SEEN_HZ
        return POLLED_HZ if self.machine.polled else UNSEEN_HZ

    def next_s(self) -> float:
        """When the watcher is wanted next: for a point of the curve, or to save the run."""
        return min(self._due_s, self._save_s, self._check_s) if self.begin else self._clock.monotonic() + FIRST_SAVE_S

    def due(self, now_s: float) -> bool:
        """Whether the watcher is wanted now."""
        return bool(self.begin) and not self.ending and now_s >= self.next_s() - EARLY_S

    def check(self, marks: Sequence[Mark], now_s: float) -> None:
        """Where there is a budget, and it is time: what is used of it; the run is stopped once it is used up."""
        if self.budget is None or now_s < self._check_s - EARLY_S:
            return
        self._check_s = now_s + CHECK_S
        self._spent = self.budget.look(self.at("running", marks, now_s, curve=False, share=False))
        if self.budget.exceeded is not None and self._stop is not None:
            self._stop(self.budget.exceeded, self.budget.part)  # again and again: it knows when it is time to

    def look_around(self) -> Look | None:
        """At this process and the others on the host, since the last slice of the share."""
        return self.witness.look(self._splitter.last)

    def save(self, marks: Sequence[Mark], now_s: float) -> Run | None:
        """The run so far, if it is time to keep it; a long curve comes more rarely than the figures."""
        if now_s < self._save_s - EARLY_S:
            return None
        # Whole seconds from the beginning: together with a point of the curve, which is one wake instead of two.
        self._save_s = self.t0_s + SAVE_S * (1 + (now_s + EARLY_S - self.t0_s) // SAVE_S)
        if self.witness.due(now_s):
            self._splitter.slice(self.look_around(), marks)
        self.during.refresh()
        curve = now_s - self._curve_s >= max(CURVE_S, len(self._recorder) / POINTS_PER_S)
        if curve:
            self._curve_s = now_s
        return self.at("running", marks, now_s, curve)

    def look(self, marks: Sequence[Mark], now_s: float) -> None:
        """A point of the curve, if one is due; listeners hear of it."""
        if now_s < self._due_s - EARLY_S:
            return
        period_s = 1 / self.rate_hz()
        # On the grid, so that the rate holds although each look is a little late; but never catching up in a burst.
        self._due_s = max(self._due_s + period_s, now_s + period_s / 2)
        self._watts = self._watts_at(marks)
        self._recorder.add(now_s - self.t0_s, self._watts)
        if self.listeners:
            self._tell(self.at("running", marks, now_s, curve=False, share=False))

    def close(self, state: State, marks: Sequence[Mark], look: Look | None, now_s: float) -> Run:
        """The last point of the curve, the last slice of the share, and the Run."""
        self._splitter.slice(look, marks)
        self.witness.peers.end(self.id, now_s)
        self._recorder.close(now_s - self.t0_s, self._watts_at(marks))
        if self.budget is not None:
            self.budget.end(self.at(state, marks, now_s, curve=False, share=False))
        self.final = self.at(state, marks, now_s)
        return self.final

    def _watts_at(self, marks: Sequence[Mark]) -> dict[str, float | None]:
        edges = zip(self.machine.odometers, self.begin, marks, strict=True)
        counted = [(begin, now) for odometer, begin, now in edges if odometer.meter.counted]
        return {s.odometer.meter.name: s.watts(*edge) for s, edge in zip(self._slopes, counted, strict=True)}

    def _tell(self, run: Run) -> None:
        from .tick import Tick  # which nobody needs until somebody looks

        self._ticks += 1
        figures = run.energy_j, run.energy_j_range, run.co2e_g, run.co2e_g_range
        tick = Tick(self._ticks, run.duration_s, self._watts, *figures, self._spent)
        for listener in list(self.listeners):
            try:
                # In the context of the run's own cell: the watcher's thread began in another, and messages to a page
                # would say they came from there.
                self._context.run(listener, tick)
            except Exception:  # a view that breaks is not told again, and the run goes on
                self.listeners.remove(listener)
