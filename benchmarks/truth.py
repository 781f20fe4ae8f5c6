"""How right: cells on a simulated machine, in real time, against its true energy between each cell's own edges."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

from . import faults
from .figure import Figure
from .fresh import Fresh
from .simulated import machine

SHAPES: Mapping[str, machine.Trace] = {
    "steady": machine.steady(75),
    "bursts": machine.bursts(25, 150, 0.25),
    "square": machine.square(30, 140, 0.9),
    "ramp": machine.ramp(0, 40, 20, 160),
}
CPU_PLAN = ((0.05, 50), (1.0, 8), (5.0, 2))
GPU_PLAN = ((0.05, 15), (0.2, 16), (1.0, 8), (5.0, 3))
SHORT_PLAN, ALONE_PLAN = ((0.2, 32),), ((0.2, 16),)
TICKS_S = (0.02, 0.1)
CPU_ASKED = {0.05: (0.02, 0.10), 1.0: (0.001, 0.01)}
GPU_ASKED = {0.2: (0.05, 0.25), 1.0: (0.005, 0.03), 5.0: (0.001, 0.01)}
"""Median and worst error of a cell of so many seconds, of RAPL and of a counter with 100-ms ticks."""
RAPL_WIDTH, GPU_WIDTHS = 0.10, {"V100": 0.15, "A100": 0.30}
"""Half of the 90 % range, of cells of 4 s and more: no wider than this."""
RAPL_GAIN_OFF, GPU_GAIN_OFF = 0.03, 0.05
"""How far off the simulated instruments are when they are no perfect ones: evenly between this much less and more."""
BOARDS = ("Tesla V100-SXM2-16GB", "NVIDIA A100-SXM4-80GB", "Tesla V100-SXM2-16GB", "NVIDIA A100-SXM4-80GB")
SEED = 7


class Device(NamedTuple):
    """One device in one cell: its error relative to the truth, and whether its range holds the truth.

    `closely`: even without the part of the range that is the instrument's own accuracy, of which a simulated one,
    being right, has no need.
    """

    shape: str
    seconds: float
    error: float
    inside: bool
    closely: bool
    width: float = 0.0
    """Half of its range, relative to the figure."""
    name: str = ""


class Found(NamedTuple):
    """What one process found, cell by cell."""

    devices: list[Device]
    whole: list[bool]
    """Whether the range of the whole machine holds the truth."""
    longer_s: list[float]
    """By how much carbon_magic's duration exceeds the block's own."""
    end_s: list[float]
    """How long the block's end took: with slow counters it waits for their next tick."""


def measure(fresh: Fresh) -> Iterator[Figure]:
    """Figures as they come."""
    for busy in (False, True):
        load = "busy in Python" if busy else "asleep"
        yield from _figures(f"RAPL, {load}", _cells(fresh, *_server(), CPU_PLAN, busy), CPU_ASKED)
        for tick_s in TICKS_S:
            found = _cells(fresh, *_gpus(tick_s), GPU_PLAN, busy)
            yield from _figures(f"NVML, {1000 * tick_s:.0f}-ms ticks, {load}", found, GPU_ASKED)
    # The driver's own record of watts settles both edges of a short cell, and a tick awaited first its beginning.
    found = _cells(fresh, *_gpus(0.1, samples_s=0.02), SHORT_PLAN, False)
    yield from _figures("NVML, 100-ms ticks, the driver keeps 20-ms samples", found, GPU_ASKED)
    # Boards tick at moments of their own: a run can begin with the tick of one of them.
    alone = [_cells(fresh, *_gpus(0.1, shapes=(shape,)), ALONE_PLAN, False, precise=True) for shape in SHAPES]
    found = Found(*([each for lists in parts for each in lists] for parts in zip(*alone, strict=True)))
    yield from _figures("NVML, 100-ms ticks, --precise, one board", found, GPU_ASKED)
    yield from _imperfect(fresh)
    yield from faults.measure()


def _imperfect(fresh: Fresh) -> Iterator[Figure]:
    """Instruments with a gain error of their own: do the ranges still hold the truth, and how wide are they?"""
    rng = random.Random(SEED)
    rapl: list[Device] = []
    gpus: list[Device] = []
    for _ in range(3):
        simulated, shapes = _server()
        off = [replace(zone, gain=1 + rng.uniform(-1, 1) * RAPL_GAIN_OFF) for zone in simulated.zones.values()]
        rapl += _cells(fresh, machine.SimulatedMachine(off), shapes, ((0.05, 6), (1.0, 3), (4.0, 1)), False).devices
        simulated, shapes = _gpus(0.1)
        boards = [
            replace(gpu, name=name, gain=1 + rng.uniform(-1, 1) * GPU_GAIN_OFF)
            for gpu, name in zip(simulated.gpus.values(), BOARDS, strict=True)
        ]
        box = machine.SimulatedMachine(list(simulated.zones.values()), boards)
        gpus += _cells(fresh, box, shapes, ((0.2, 6), (1.0, 3), (4.0, 2)), False).devices
    packages = [device for device in rapl if device.name.startswith("CPU")]
    yield from _wide(f"RAPL packages off by up to {100 * RAPL_GAIN_OFF:.0f} %", packages, RAPL_WIDTH)
    for chip, asked in GPU_WIDTHS.items():
        some = [device for device in gpus if chip in device.name]
        yield from _wide(f"{chip} off by up to {100 * GPU_GAIN_OFF:.0f} %", some, asked)


def _wide(where: str, devices: Sequence[Device], asked: float) -> Iterator[Figure]:
    covered = _percent([device.inside for device in devices])
    yield Figure(f"{where}: the 90 % range holds the truth", covered, "%", 90, least=True, note=f"{len(devices)} cells")
    long = [100 * device.width for device in devices if device.seconds >= 4]
    short = ", ".join(
        f"{seconds:g} s ± {100 * median(d.width for d in devices if d.seconds == seconds):.1f} %"
        for seconds in sorted({d.seconds for d in devices if d.seconds < 4})
    )
    yield Figure(f"{where}: half of the range, cells of 4 s", median(long), "%", 100 * asked, note=f"median; {short}")


def _server() -> tuple[machine.SimulatedMachine, dict[str, str]]:
    """Two packages and their DRAM, as a usual server has them, each with a shape of its own; and which has which."""
    zones = [
        machine.Zone("intel-rapl:0", "package-0", SHAPES["bursts"], 225, phase_s=0.0003),
        machine.Zone("intel-rapl:0:0", "dram", SHAPES["steady"], 225, phase_s=0.0007),
        machine.Zone("intel-rapl:1", "package-1", SHAPES["square"], 225, phase_s=0.0005),
        machine.Zone("intel-rapl:1:0", "dram", SHAPES["ramp"], 225, phase_s=0.0001),
    ]
    devices = {"package-0": "bursts", "package-0/dram": "steady", "package-1": "square", "package-1/dram": "ramp"}
    return machine.SimulatedMachine(zones), devices


def _gpus(
    tick_s: float, samples_s: float = 0.0, shapes: Sequence[str] = tuple(SHAPES)
) -> tuple[machine.SimulatedMachine, dict[str, str]]:
    """A GPU for each shape, beside a package and its DRAM."""
    zones = [
        machine.Zone("intel-rapl:0", "package-0", machine.steady(60), 225),
        machine.Zone("intel-rapl:0:0", "dram", machine.steady(8), 60),
    ]
    gpus = [
        machine.Gpu(2 * SHAPES[shape], tick_s=tick_s, phase_s=0.37 * tick_s * i, samples_s=samples_s)
        for i, shape in enumerate(shapes)
    ]
    return machine.SimulatedMachine(zones, gpus), {f"gpu{i}": shape for i, shape in enumerate(shapes)}


def _cells(
    fresh: Fresh,
    simulated: machine.SimulatedMachine,
    shapes: Mapping[str, str],
    plan: Any,
    busy: bool,
    precise: bool = False,
) -> Found:
    """Every device that has a shape, and the whole machine, in every cell."""
    with simulated:
        answer = fresh.run("cells", "track", plan, busy, SEED, precise, on=simulated.environment)
    found = Found([], [], [], [])
    for cell in answer["cells"]:
        edges, run = (cell["t0"], cell["t1"]), cell["run"]
        found.longer_s.append(run["duration_s"] - (cell["t1"] - cell["t0"]))
        found.end_s.append(cell["after_s"])
        low, high = run["energy_j_range"]
        found.whole.append(low <= simulated.total(*edges) <= high)
        for device in run["devices"]:
            label = _label(device["name"])
            if label in shapes:
                true, gain = simulated.joules(label, *edges), answer["gain"][device["name"]]
                found.devices.append(_judged(device, true, gain, shapes[label], cell["seconds"]))
    return found


def _judged(device: Mapping[str, Any], true: float, gain: Sequence[float], shape: str, seconds: float) -> Device:
    low, high = device["energy_j_range"]
    error = (device["energy_j"] - true) / true
    closely = low / gain[0] <= true <= high / gain[1]
    width = (high - low) / 2 / device["energy_j"] if device["energy_j"] else 0.0
    return Device(shape, seconds, error, low <= true <= high, closely, width, device["name"])


def _label(name: str) -> str:
    """The simulated machine's word for a device that carbon_magic calls "DRAM 1" or "GPU 0 NVIDIA A100"."""
    kind, number = name.split()[:2]
    return {"CPU": f"package-{number}", "DRAM": f"package-{number}/dram", "GPU": f"gpu{number}"}[kind]


def _figures(where: str, found: Found, asked: Mapping[float, tuple[float, float]]) -> Iterator[Figure]:
    for seconds in sorted({device.seconds for device in found.devices}):
        some = sorted((d for d in found.devices if d.seconds == seconds), key=lambda device: abs(device.error))
        errors = [100 * abs(device.error) for device in some]
        most = errors[round(0.9 * (len(errors) - 1))]
        what = f"{where}: error of cells of {f'{1000 * seconds:.0f} ms' if seconds < 1 else f'{seconds:.0f} s'}"
        sign = f"{len(some)} cells; with its sign {100 * median(device.error for device in some):+.2f} %"
        width = f"range ± {100 * median(device.width for device in some):.3g} %"
        if seconds not in asked:
            note = f"{sign}; nine in ten below {most:.3g} %; worst {errors[-1]:.3g} % ({some[-1].shape}); {width}"
            yield Figure(f"{what}, median", median(errors), "%", note=note)
        else:
            middle, worst = asked[seconds]
            yield Figure(f"{what}, median", median(errors), "%", 100 * middle, note=f"{sign}; {width}")
            note = f"{some[-1].shape}; nine in ten below {most:.3g} %"
            yield Figure(f"{what}, worst", errors[-1], "%", 100 * worst, note=note)
    closely, whole = _percent([device.closely for device in found.devices]), _percent(found.whole)
    note = f"without the instrument's own accuracy in it {closely:.0f} %; the whole machine's {whole:.0f} %"
    covered = _percent([device.inside for device in found.devices])
    yield Figure(f"{where}: the 90 % range holds the truth", covered, "%", 90, least=True, note=note)
    longest, end, last = max(found.longer_s), median(found.end_s), max(found.end_s)
    note = f"worst {1000 * longest:.1f} ms; the block's end takes {1000 * end:.1f} ms, worst {1000 * last:.0f} ms"
    yield Figure(f"{where}: duration more than the block's own", 1000 * median(found.longer_s), "ms", note=note)


def _percent(true: Sequence[bool]) -> float:
    return 100 * sum(true) / len(true)
