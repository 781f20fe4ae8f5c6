"""Slice by slice, which part of each device's joules was this notebook's work, and which part of its idling.

E is what a device used in a slice, P its idle power. What it used beyond idling, E - P t, is split by work: CPU and
memory by CPU time (this process and its descendants over all that the CPUs were busy), a GPU by the driver's account of
its processes. Idling, P t, is split by allocation: the CPUs that a process may use, and all who count on this host
share what there is. Both sums stay below the machine's, however many notebooks there are.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..meters.meter import Split
from ..meters.power_curve import PowerCurve, of_tdp
from ..ranges import Part, Range, product, total
from ..run import Share
from .peers import Peer, Peers, allocation, here
from .tree import Tree

if TYPE_CHECKING:
    from ..device import Device
    from ..meters.odometer import Mark, Odometer

BUDGET = 0.0001
"""The part of one core's time that looks between the edges may take: one every few seconds, more rarely with many
children. The split is as fine as that; the edges are always looked at."""
TICK_S = 0.01
"""The kernel counts busy time of each CPU in ticks this long."""
MISJUDGED = 2.0
"""Joules per CPU-second of this notebook's work and of the others' may differ by this factor either way (vector units,
memory, hyper-threads): Kepler's guide to power attribution admits a compute-bound process two to three times a
memory-bound one's power at equal CPU time (docs/developer/power-attribution-guide.md)."""


class Look(NamedTuple):
    """CPU time so far, at one moment (monotonic seconds)."""

    t_s: float
    own_s: float
    busy_s: float
    others: tuple[Peer, ...]


class Witness:
    """What is known of this process and of the others on the host; one for all runs of a process."""

    def __init__(self, busy_s: Callable[[], float], now: Callable[[], float], peers: Peers | None = None) -> None:
        self.online = os.cpu_count() or 1
        self.cpus = _allowed(self.online)
        self.tree = Tree()
        self.peers = peers or here(self.cpus)
        self._busy_s, self._now = busy_s, now
        self._next_s = 0.0

    def look(self, since: Look | None = None) -> Look | None:
        """A look now; None where the system does not tell. Others are told who have counted since the look before."""
        began = time.perf_counter()
        try:
            now_s = self._now()
            # Those that this process started share its CPUs, and are in its tree: they are no others.
            found_s = since.t_s if since is not None else now_s
            others = tuple(peer for peer in self.peers.others(found_s) if peer.pid not in self.tree.pids)
            found = Look(now_s, self.tree.cpu_s(), self._busy_s(), others)
        except Exception:  # whatever the system answers, a share is not worth a run
            return None
        self._next_s = now_s + (time.perf_counter() - began) / BUDGET
        return found

    def due(self, now_s: float) -> bool:
        """Whether a look between the edges is cheap enough by now."""
        return now_s >= self._next_s


class _Split:
    """Sums over the slices of one device."""

    def __init__(self, odometer: Odometer) -> None:
        self.odometer = odometer
        self.joules = 0.0
        self.worked_j = 0.0
        self.seconds = self.worked_s = self.allotted_s = 0.0
        self.least_w: float | None = None
        self.idle_w: float | None = None
        self.unknown_j = 0.0

    def add(self, joules: float, seconds: float, work: float | None, allotted: float, load: float) -> None:
        """A slice: the parts, 0 to 1, of its work and of its idling; and how busy all CPUs were."""
        if work is None:
            self.unknown_j += joules
            work = 0.0
        self.joules += joules
        self.worked_j += joules * work
        self.seconds += seconds
        self.worked_s += seconds * work
        self.allotted_s += seconds * allotted
        if not self.odometer.slow or seconds > 4 * self.odometer.tick_s:
            watts = joules / seconds
            self.least_w = watts if self.least_w is None else min(self.least_w, watts)
            idle_w = watts * _idle_part(load) if self.odometer.meter.kind == "cpu" else watts
            self.idle_w = idle_w if self.idle_w is None else min(self.idle_w, idle_w)

    def part(self, idle_w: float, work: Callable[[float], float] = float, allotted: float = 1.0) -> float:
        """The part of the device's joules, 0 to 1, if it draws `idle_w` idle.

        `work` maps the part of the work to another that may be true as well; `allotted` is the part of the allotted
        idling that is granted.
        """
        if self.joules <= 0:
            return 0.0
        idle_w = min(idle_w, self.least_w if self.least_w is not None else 0.0)
        dynamic_j = self.joules - idle_w * self.seconds
        worked_j = self.worked_j - idle_w * self.worked_s
        share_j = dynamic_j * work(worked_j / dynamic_j) if dynamic_j > 0 else 0.0
        return min(1.0, max(0.0, (share_j + idle_w * self.allotted_s * allotted) / self.joules))


class Splitter:
    """One run's share in the making: begin() at its first edge, slice() now and then and at its last edge."""

    def __init__(self, witness: Witness, odometers: Sequence[Odometer]) -> None:
        self._witness = witness
        self._splits = [_Split(odometer) for odometer in odometers]
        self._since: list[object] = [None] * len(odometers)
        self._marks: list[tuple[float, float]] = []
        self._look: Look | None = None
        self._own_s = self._busy_s = 0.0
        self._peers: set[int] = set()
        self._told: tuple[Share | None, str] | None = None
        self._lock = threading.Lock()

    @property
    def last(self) -> Look | None:
        """The look at the end of the last slice."""
        return self._look

    def begin(self, look: Look | None, marks: Sequence[Mark]) -> None:
        """The run begins."""
        self._look = look
        self._marks = [(mark.t_s, mark.joules) for mark in marks]

    def slice(self, look: Look | None, marks: Sequence[Mark]) -> None:
        """What was used since the last slice is split by what happened since."""
        with self._lock:  # the watcher may still be at it when the run ends
            self._told = None
            self._slice(look, marks)

    def _slice(self, look: Look | None, marks: Sequence[Mark]) -> None:
        if look is not None and self._look is not None and look.t_s <= self._look.t_s:
            return  # the other one was faster
        if look is None or self._look is None:
            self._look = None
            return
        own_s = max(0.0, look.own_s - self._look.own_s)
        # The kernel's account of busy time comes in ticks; one's own time is known better, and is part of it.
        busy_s = max(look.busy_s - self._look.busy_s, own_s)
        self._own_s += own_s
        self._busy_s += busy_s
        work = own_s / busy_s if busy_s > 0 else 0.0
        self._peers |= {peer.pid for peer in look.others if peer.counts(self._look.t_s, look.t_s)}
        online = self._witness.online
        allotted = allocation(self._look.t_s, look.t_s, self._witness.cpus, online, look.others)
        load = busy_s / (online * (look.t_s - self._look.t_s))
        for i, (split, mark) in enumerate(zip(self._splits, marks, strict=True)):
            t_s, joules = self._marks[i]
            seconds = mark.t_s - t_s
            if not split.odometer.meter.counted or seconds <= 0:
                continue
            meter = split.odometer.meter
            found = Split(None, work, allotted)
            if meter.kind == "gpu":
                found = meter.split(self._since[i], self._witness.tree.pids, allotted)
                self._since[i] = found.since
            split.add(max(0.0, mark.joules - joules), seconds, found.work, found.idle, load)
        self._marks = [(mark.t_s, mark.joules) for mark in marks]
        self._look = look

    def share(self, devices: Sequence[Device], most_j: float) -> tuple[Share | None, str]:
        """The share of these devices' energy, or None and why it is not known; `most_j` is all they may have used."""
        with self._lock:
            if self._told is None:  # nothing is known anew between two slices
                self._told = self._share(devices, most_j)
            return self._told

    def _share(self, devices: Sequence[Device], most_j: float) -> tuple[Share | None, str]:
        if self._look is None:
            return None, "this system does not tell how much CPU time was used"
        if not devices:
            return None, "no device gave a reading"
        if not any(split.seconds for split in self._splits):
            return None, "it is too early to tell"
        others = 1 - self._own_s / self._busy_s if self._busy_s > 0 else 0.0
        blur = self._witness.online * TICK_S / self._busy_s if self._busy_s > 0 else 0.0
        by_name = {split.odometer.meter.name: split for split in self._splits}
        parts: list[Part] = []
        unknown: list[str] = []
        for device in devices:
            split = by_name[device.name]
            mid, (low, high) = _parts(split, blur)
            if split.unknown_j > 0:
                unknown.append(device.name)
            own: Range = (device.energy_j * low, device.energy_j * high)
            if device.energy_j > 0 and mid > 0:
                relative = (device.energy_j_range[0] / device.energy_j, device.energy_j_range[1] / device.energy_j)
                own = product((device.energy_j * mid, own), (1.0, relative))
            parts.append(Part(device.energy_j * mid, own[0], min(own[1], device.energy_j_range[1]), "share"))
        low, high = total(parts)
        how = _how(others, len(self._peers), unknown)
        return Share(sum(part.value for part in parts), (low, min(high, most_j)), how), ""


def _parts(split: _Split, blur: float) -> tuple[float, Range]:
    """The part of a device's joules, and where it may lie.

    Where the idle power is not known it lies between nothing and the least that was seen. A processor that was busy
    even then has the curve's part of that, so that what others keep it busy with is no idling of ours. The others' work
    may have taken half or twice as many joules per CPU-second, and may have a claim on the idling that nobody knows of.
    """
    known_w = split.odometer.meter.idle_w
    most_w = split.least_w or 0.0
    idle_w = known_w if known_w is not None else split.idle_w or most_w

    def less(work: float) -> float:
        return max(work / MISJUDGED, 1 - MISJUDGED * (1 - work) - blur, 0.0)

    def more(work: float) -> float:
        return min(work * MISJUDGED + blur, 1 - (1 - work) / MISJUDGED, 1.0)

    worked = split.worked_j / split.joules if split.joules > 0 else 0.0
    # Of the idling, what the others' use of the machine would give them may be theirs, whether they count or not.
    granted = min(1.0, max(0.0, worked)) if split.unknown_j == 0 else 0.0
    idles = (idle_w,) if known_w is not None else (0.0, most_w)
    lows = [split.part(w, less, granted) for w in idles]
    highs = [split.part(w, more) for w in idles]
    mid = split.part(idle_w)
    if split.unknown_j > 0 and split.joules > 0:  # nobody knows whose it was: all of it or nothing
        unknown = split.unknown_j / split.joules
        return min(1.0, mid + unknown / 2), (min(lows), min(1.0, max(highs) + unknown))
    return mid, (min(*lows, mid), max(*highs, mid))


@functools.cache
def _curve() -> PowerCurve:
    return of_tdp(1.0, (1.0, 1.0), "")


def _idle_part(load: float) -> float:
    """Idle power over that at a load, by the curve that models processors (data/cpu_load_curve.csv)."""
    return _curve().at(0.0)[0] / _curve().at(load)[0]


def _how(others: float, peers: int, unknown: Sequence[str]) -> str:
    busy = f"{100 * (1 - others):.0f} % of what was busy meanwhile (child processes included)"
    said = f"by CPU time, {busy}, and idling by allotment"
    if peers:
        said += f"; {peers} other tracked {'process' if peers == 1 else 'processes'} on this host"
    if unknown:
        said += f"; whose work ran on {', '.join(unknown)} is not known, so half of it is counted"
    return said


def _allowed(online: int) -> float:
    """CPUs that this process may use: its affinity, and the quota of its container."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else online
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read(64).split()
        return min(float(affinity), float(quota) / float(period))
    except (OSError, ValueError, ZeroDivisionError):
        return float(affinity)  # no quota ("max"), or another kind of system
