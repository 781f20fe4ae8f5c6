"""Measuring a machine at rest, and at work, so that what has no meter is modelled by its own figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .calibration import Calibration, Host, Point, Watts
from .clock import Clock
from .device import Device
from .meters.meter import Meter
from .meters.odometer import Mark, Odometer
from .meters.power_curve import PowerCurve
from .ranges import Range, product

BUSY_CPUS = 0.5
BUSY_LOAD = 0.05
"""A machine rests where less than half a CPU works, or less than 5 % of them: a notebook and a browser take that."""
SLICE_S = 0.5
HEAR_S = 6.0
"""What meters on the network are given for their first answer."""
LOADS = (0.25, 0.5, 0.75, 1.0)
WARM_S = 1.0
"""After a change of load the clock speed has settled and a plug's mean has forgotten what was before."""
REST_RANGE: Range = (0.94, 1.06)
PART_RANGE: Range = (0.36, 1.55)
FULL_RANGE: Range = (0.9, 1.12)
"""Truth ÷ curve of a machine that was measured at these loads, with some cores busy and the others not, for loads of
another kind: they hold nine tenths of CodeCarbon's points (data/cpu_load_power.csv) with all cores partly busy."""
NEAR_END = 0.05
"""So near to rest and to full load the range between them begins."""
BEHIND_PLUG: tuple[float, float, float] = (0.8, 0.65, 0.95)
"""The processors' part of what work adds at the wall, and its range: a power supply passes on 80 to 94 % (80 PLUS
Bronze to Titanium), the board's converters 85 to 95 % of that, and fans take some."""
BEHIND_BATTERY: tuple[float, float, float] = (0.88, 0.75, 1.0)
"""The same behind a battery's gauge: there is no power supply."""
MOST_OF_REST = 0.9
"""At rest the processors draw less than this part of what the whole machine does."""


class BusyError(Exception):
    """The machine does not rest; the words say so to people."""


@dataclass(frozen=True)
class Measured:
    """What the instruments told: at rest, and at each load with the load that it really was."""

    rest: tuple[Device, ...]
    rest_s: float
    loads: tuple[tuple[float, float, tuple[Device, ...]], ...] = ()
    """Load, seconds, devices."""


class Bench:
    """The instruments of a machine, read by nobody else meanwhile, and the account of its CPUs."""

    def __init__(
        self, meters: Sequence[Meter], cpu_times: Callable[[], tuple[float, float]], cpus: int, clock: Clock
    ) -> None:
        measuring = [meter for meter in meters if meter.method != "modelled" and not meter.asleep()]
        self.odometers = [Odometer(meter, clock) for meter in measuring]
        self.cpus = cpus
        self._cpu_times, self._clock = cpu_times, clock

    def listen(self) -> None:
        """Begin to read; meters on the network get some time to answer."""
        for odometer in self.odometers:
            odometer.restart()
        until_s = self._clock.monotonic() + HEAR_S
        while any(o.meter.unheard() == "" for o in self.odometers) and self._clock.monotonic() < until_s:
            self._clock.sleep(SLICE_S)
            self._update()
        self.odometers = [odometer for odometer in self.odometers if odometer.known]

    def rest(self, seconds: float, progress: Callable[[float], None]) -> tuple[tuple[Device, ...], float]:
        """Every device's energy while nothing works. Raises BusyError as soon as something does."""
        devices, took_s, _ = self._measure(seconds, progress, quiet=True)
        return devices, took_s

    def load(self, seconds: float, progress: Callable[[float], None]) -> tuple[float, float, tuple[Device, ...]]:
        """The load as it really is, the seconds and every device's energy."""
        devices, took_s, load = self._measure(seconds, progress, quiet=False)
        return load, took_s, devices

    def _measure(
        self, seconds: float, progress: Callable[[float], None], quiet: bool
    ) -> tuple[tuple[Device, ...], float, float]:
        self._update()
        begin, t0_s = [odometer.mark(edge=False) for odometer in self.odometers], self._clock.monotonic()
        busy_0, total_0 = self._cpu_times()
        now_s = t0_s
        while now_s - t0_s < seconds:
            busy, total = self._cpu_times()
            self._clock.sleep(min(SLICE_S, seconds - (now_s - t0_s)))
            progress(self._clock.monotonic() - now_s)
            now_s = self._clock.monotonic()
            self._update()
            if quiet:
                self._refuse(busy, total)
        busy, total = self._cpu_times()
        devices = self._devices(begin, t0_s, now_s)
        return devices, now_s - t0_s, (busy - busy_0) / max(total - total_0, 1e-9)

    def _refuse(self, busy_0: float, total_0: float) -> None:
        busy, total = self._cpu_times()
        load = (busy - busy_0) / (total - total_0) if total > total_0 else 0.0
        if load > max(BUSY_LOAD, BUSY_CPUS / self.cpus):
            raise BusyError(f"{load:.0%} of its CPUs' time was in use")

    def _devices(self, begin: Sequence[Mark], t0_s: float, now_s: float) -> tuple[Device, ...]:
        edges = [(o, b, o.mark(edge=False)) for o, b in zip(self.odometers, begin, strict=True)]
        return tuple(o.device(b, e, t0_s=t0_s, now_s=now_s) for o, b, e in edges if o.known)

    def _update(self) -> None:
        for odometer in self.odometers:
            odometer.update()


class Work:
    """Processes that keep CPUs busy: as many as asked for, gone when this ends, however it does."""

    CODE = """
import os, time
parent, until = os.getppid(), time.monotonic() + 120
while os.getppid() == parent and time.monotonic() < until:
    x = 1.0
    for n in range(200_000):
        x = x * 1.0000001 + n
"""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []

    def spread(self, count: int) -> None:
        """Let so many run."""
        while len(self._processes) < count:
            self._processes.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", self.CODE]))

    def __enter__(self) -> Work:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


def calibration(host: Host, measured_at: float, measured: Measured, model: PowerCurve) -> Calibration:
    """What is kept of it. `model` is what the processors would be modelled by without it."""
    watts = {device.name: _watts(device, measured.rest_s) for device in measured.rest}
    points, source = _curve(measured, model)
    return Calibration(host, measured_at, measured.rest_s, watts, points, source)


def _watts(device: Device, seconds: float) -> Watts:
    low, high = device.energy_j_range
    return Watts(device.energy_j / seconds, low / seconds, high / seconds)


def _curve(measured: Measured, model: PowerCurve) -> tuple[tuple[Point, ...], str]:
    """By the processors' own counters, else by what work adds at a wall or a battery; none where neither is."""
    if any(_is_cpu(device) for device in measured.rest):
        return _within(_from_counters(measured, model), model), "its own counters"
    for scope, part, name in (
        ("wall", BEHIND_PLUG, "a meter at the wall"),
        ("whole machine", BEHIND_BATTERY, "its battery"),
    ):
        if any(device.scope == scope for device in measured.rest):
            return _within(_from_outside(measured, model, scope, part), model), name
    return (), ""


def _within(points: Sequence[Point], model: PowerCurve) -> tuple[Point, ...]:
    """Where the model's range ends before the measured one's, that is known too; what was measured stays inside."""
    found = []
    for point in points:
        _, low, high = model.at(point.load)
        low, high = max(point.low_w, min(low, point.watts)), min(point.high_w, max(high, point.watts))
        found.append(point._replace(low_w=low, high_w=high))
    return tuple(found)


def _is_cpu(device: Device) -> bool:
    return device.kind == "cpu" and device.scope == "device" and device.method != "modelled"


def _sum(devices: Sequence[Device], seconds: float, scope: str | None) -> Watts:
    """Of the processors together, or of one meter of a scope: two would see the same machine."""
    parts = [_watts(d, seconds) for d in devices if (_is_cpu(d) if scope is None else d.scope == scope)]
    parts = parts if scope is None else parts[:1]
    return Watts(*(sum(column) for column in zip(*parts, strict=True))) if parts else Watts(0.0, 0.0, 0.0)


def _from_counters(measured: Measured, model: PowerCurve) -> tuple[Point, ...]:
    rest = _sum(measured.rest, measured.rest_s, None)
    if not measured.loads:
        low, high = REST_RANGE
        return _above(Point(0.0, rest.watts, rest.low * low, rest.high * high), model)
    loads = [Point(load, *_sum(devices, seconds, None)) for load, seconds, devices in measured.loads]
    ranges = _with_ranges([Point(0.0, *rest), *loads])
    return _rising([p._replace(low_w=p.low_w * low, high_w=p.high_w * high) for p, (low, high) in ranges])


def _from_outside(
    measured: Measured, model: PowerCurve, scope: str, part: tuple[float, float, float]
) -> tuple[Point, ...]:
    """Of what stands still at rest nobody knows how much is the processors': the model's guess, within bounds."""
    outside = _sum(measured.rest, measured.rest_s, scope)
    most = MOST_OF_REST * outside.high
    rest = Point(0.0, *(min(watts, most) for watts in model.at(0.0)))
    if not measured.loads:
        return _above(rest, model)
    share, *ends = part
    # The meter's gain is in both: a few per cent of the difference, which `part` is wide enough for.
    more = [
        (load, max(0.0, _sum(devices, seconds, scope).watts - outside.watts) * share)
        for load, seconds, devices in measured.loads
    ]
    inside = (1.0, (ends[0] / share, ends[1] / share))
    added = [
        Point(point.load, point.watts, *(point.watts * end for end in product(inside, (1.0, by))))
        for point, by in _with_ranges([Point(0.0, 0.0, 0.0, 0.0), *(Point(load, w, w, w) for load, w in more)])
    ]
    return _rising([Point(p.load, *(a + b for a, b in zip(rest[1:], p[1:], strict=True))) for p in added])


def _with_ranges(points: Sequence[Point]) -> list[tuple[Point, Range]]:
    """The points, and the range that loads of another kind ask for: nearly at once from rest on, until nearly full."""
    told = _rising([point._replace(load=min(1.0, point.load)) for point in points])
    if not told:
        return []
    plain = PowerCurve("", *zip(*told, strict=True))
    last = told[-1].load
    inner = sorted({*(point.load for point in told[1:-1]), NEAR_END, last - NEAR_END})
    between = [(Point(load, *plain.at(load)), PART_RANGE) for load in inner if 0 < load < last]
    return [(told[0], REST_RANGE), *between, (told[-1], FULL_RANGE)]


def _above(rest: Point, model: PowerCurve) -> tuple[Point, ...]:
    """Rest as it was measured; what work adds to it as the model says."""
    base = model.at(0.0)[0]
    lines = zip(model.loads, model.watts, model.low_w, model.high_w, strict=True)
    found = [rest]
    for load, watts, low, high in list(lines)[1:]:
        more = watts - base
        found.append(Point(load, rest.watts + more, rest.low_w + more * low / watts, rest.high_w + more * high / watts))
    return tuple(found)


def _rising(points: Sequence[Point]) -> tuple[Point, ...]:
    """By load, each load once: a second one so near says nothing new."""
    found: list[Point] = []
    for point in sorted(points):
        if not found or point.load > found[-1].load + 0.02:
            found.append(point)
    return tuple(found) if len(found) > 1 else ()
