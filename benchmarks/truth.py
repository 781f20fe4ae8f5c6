"""How right: cells on a simulated machine, in real time, against its true energy between each cell's own edges."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from .figure import Figure
from .fresh import ROOT, Fresh

sys.path.insert(0, str(ROOT / "tests"))  # the simulated machine is the tests'

from machine import Gpu, SimulatedMachine, Trace, Zone, bursts, ramp, square, steady  # noqa: E402

SHAPES: Mapping[str, Trace] = {
    "steady": steady(75),
    "bursts": bursts(25, 150, 0.25),
    "square": square(30, 140, 0.9),
    "ramp": ramp(0, 40, 20, 160),
}
CPU_PLAN = ((0.05, 60), (1.0, 10))
GPU_PLAN = ((0.05, 20), (0.2, 15), (1.0, 8))
TICKS_S = (0.02, 0.1)
ASKED = {0.05: 0.03, 1.0: 0.005}
"""The error of a RAPL cell of so many seconds."""
SEED = 7


class Cell(NamedTuple):
    """One device in one cell: its error relative to the truth, and whether its range holds the truth.

    `closely`: even without the part of the range that is the instrument's own accuracy, of which a simulated one,
    being right, has no need.
    """

    shape: str
    seconds: float
    error: float
    inside: bool
    closely: bool


def measure(fresh: Fresh) -> Iterator[Figure]:
    """Figures as they come."""
    for busy in (False, True):
        load = "busy in Python" if busy else "asleep"
        machine, devices = _server()
        yield from _figures(f"RAPL, {load}", *_cells(fresh, machine, devices, CPU_PLAN, busy), ASKED)
        for tick_s in TICKS_S:
            machine, devices = _gpus(tick_s)
            found = _cells(fresh, machine, devices, GPU_PLAN, busy)
            yield from _figures(f"NVML counter, {1000 * tick_s:.0f}-ms ticks, {load}", *found, {})


def _server() -> tuple[SimulatedMachine, dict[str, str]]:
    """Two packages and their DRAM, as a usual server has them, each with a shape of its own; and which has which."""
    zones = [
        Zone("intel-rapl:0", "package-0", SHAPES["bursts"], 225, phase_s=0.0003),
        Zone("intel-rapl:0:0", "dram", SHAPES["steady"], 225, phase_s=0.0007),
        Zone("intel-rapl:1", "package-1", SHAPES["square"], 225, phase_s=0.0005),
        Zone("intel-rapl:1:0", "dram", SHAPES["ramp"], 225, phase_s=0.0001),
    ]
    devices = {"package-0": "bursts", "package-0/dram": "steady", "package-1": "square", "package-1/dram": "ramp"}
    return SimulatedMachine(zones), devices


def _gpus(tick_s: float) -> tuple[SimulatedMachine, dict[str, str]]:
    """A GPU for each shape, beside a package and its DRAM."""
    zones = [Zone("intel-rapl:0", "package-0", steady(60), 225), Zone("intel-rapl:0:0", "dram", steady(8), 60)]
    gpus = [Gpu(2 * trace, tick_s=tick_s, phase_s=0.37 * tick_s * i) for i, trace in enumerate(SHAPES.values())]
    return SimulatedMachine(zones, gpus), {f"gpu{i}": shape for i, shape in enumerate(SHAPES)}


def _cells(
    fresh: Fresh, machine: SimulatedMachine, shapes: Mapping[str, str], plan: Any, busy: bool
) -> tuple[list[Cell], list[bool]]:
    """Every device in every cell; and for every cell whether the range of the whole machine holds the truth."""
    with machine:
        answer = fresh.run("cells", "track", plan, busy, SEED, on=machine.environment)
    found, whole = [], []
    for cell in answer["cells"]:
        edges, run = (cell["t0"], cell["t1"]), cell["run"]
        low, high = run["energy_j_range"]
        whole.append(low <= machine.total(*edges) <= high)
        for device in run["devices"]:
            label = _label(device["name"])
            if label not in shapes:
                continue
            true = machine.joules(label, *edges)
            (low, high), gain = device["energy_j_range"], answer["gain"][device["name"]]
            found.append(
                Cell(
                    shapes[label],
                    cell["seconds"],
                    abs(device["energy_j"] - true) / true,
                    low <= true <= high,
                    low / gain[0] <= true <= high / gain[1],
                )
            )
    return found, whole


def _label(name: str) -> str:
    """The simulated machine's word for a device that carbon_magic calls "DRAM 1" or "GPU 0 NVIDIA A100"."""
    kind, number = name.split()[:2]
    return {"CPU": f"package-{number}", "DRAM": f"package-{number}/dram", "GPU": f"gpu{number}"}[kind]


def _figures(where: str, cells: Sequence[Cell], whole: Sequence[bool], asked: Mapping[float, float]) -> Iterator[Figure]:
    for seconds, group in itertools.groupby(sorted(cells, key=lambda cell: cell.seconds), lambda cell: cell.seconds):
        some = list(group)
        errors = sorted(cell.error for cell in some)
        worst = {shape: max(c.error for c in some if c.shape == shape) for shape in SHAPES}
        limit = asked.get(seconds)
        within = f"{_percent(sum(e <= limit for e in errors) / len(errors))} of cells within; " if limit else ""
        yield Figure(
            f"{where}: error of cells of {1000 * seconds:.0f} ms, median",
            100 * median(errors),
            "%",
            100 * limit if limit else None,
            note=f"{len(errors)}; {within}worst: " + ", ".join(f"{shape} {_percent(e)}" for shape, e in worst.items()),
        )
    yield Figure(
        f"{where}: 90 % range holds the truth",
        100 * sum(cell.inside for cell in cells) / len(cells),
        "%",
        90,
        least=True,
        note=f"without the instrument's own accuracy in it {_percent(sum(c.closely for c in cells) / len(cells))}; "
        f"the whole machine's range {_percent(sum(whole) / len(whole))}",
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
