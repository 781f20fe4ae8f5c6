"""How right a short cell can be on a counter that ticks every 100 ms: at every phase, beside what no one can better.

Time is injected, so that every phase of ticks, bursts and cells has its turn. The floor: all bursts that look the same
to the device, in every figure that it gives, and differ in what the cell used. Half of their spread, relative to the
truth, is an error that no estimator can rule out.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters.nvml.boards import QUARTER_GAIN
from carbon_magic.run import Run
from carbon_magic.tracker import Tracker

from .figure import Figure
from .fresh import Fresh
from .simulated import machine
from .truth import GPU_ASKED, SHAPES

TICK_S, CELL_S, WINDOW_S, SAMPLES_S = 0.1, 0.2, 0.025, 0.02
DRAIN_S = 0.25
IDLE_W, BURST_W, EVERY_S, WIDTH_S = 50.0, 300.0, 0.25, 0.02
"""Twice the benchmark's bursts, as its GPUs draw them."""
STEP_MS = 4
"""Cells begin at every so many milliseconds of a tick."""
APART_S = 0.5
"""Whole periods of ticks and of bursts; and a step more, so that every moment of both has its turn."""
PHASES = {"steady": 1, "bursts": 13, "square": 4, "ramp": 1}
"""Of the ticks against the trace: bursts come every 250 ms, so that 50 ms hold all of theirs."""
LABEL = Label("floor", None, {}, "floor", "host")


class Cell(NamedTuple):
    """One cell: its error relative to the truth, half of its range relative to the figure, and whether that holds it.

    Ranges without the part that is the instrument's own accuracy, of which a simulated one has no need.
    """

    error: float
    width: float
    inside: bool
    joules: float
    truth: float


def measure(fresh: Fresh) -> Iterator[Figure]:  # noqa: ARG001 - all benchmarks are called alike
    """Figures as they come."""
    told, untold = 100 * floor(told=True), 100 * floor(told=False)
    what = "200 ms with 20-ms bursts: what nobody can better who knows of the bursts"
    yield Figure(f"{what} height, length and period", told, "%", note="worst over all phases")
    yield Figure(f"{what} height and length", untold, "%", note="worst over all phases")
    why = f"; nobody can promise less than {untold:.3g} %, nor {told:.3g} % who is told the bursts"
    yield from _figures("100-ms ticks and watts", {shape: swept(shape, 0.0, False) for shape in SHAPES}, why)
    record = {shape: swept(shape, SAMPLES_S, False) for shape in SHAPES}
    yield from _figures("100-ms ticks, and the driver keeps 20-ms samples", record)
    yield from _figures("100-ms ticks, --precise", {shape: swept(shape, 0.0, True) for shape in SHAPES})


def _figures(where: str, found: Mapping[str, Sequence[Cell]], why: str = "") -> Iterator[Figure]:
    """Each shape counts alike, however many phases it has."""
    middle, worst = GPU_ASKED[CELL_S]
    medians = {shape: 100 * median(abs(cell.error) for cell in cells) for shape, cells in found.items()}
    shape = max(medians, key=medians.__getitem__)
    note = ", ".join(f"{each} {error:.2g} %" for each, error in medians.items())
    yield Figure(f"{where}: error of cells of 200 ms, median", medians[shape], "%", 100 * middle, note=note)
    worsts = {shape: 100 * max(abs(cell.error) for cell in cells) for shape, cells in found.items()}
    shape = max(worsts, key=worsts.__getitem__)
    rest = "; ".join(f"{each} {error:.2g} %" for each, error in worsts.items() if each != shape)
    beyond = 100 * sum(abs(cell.error) > worst for cell in found[shape]) / len(found[shape])
    note = f"{shape}, where {beyond:.2g} % are off by more than {100 * worst:g} %{why}; {rest}"
    yield Figure(f"{where}: error of cells of 200 ms, worst", worsts[shape], "%", 100 * worst, note=note)
    held = {shape: 100 * sum(cell.inside for cell in cells) / len(cells) for shape, cells in found.items()}
    widths = ", ".join(f"{each} ± {100 * median(c.width for c in cells):.2g} %" for each, cells in found.items())
    note = f"the instrument's own accuracy left out; {widths}"
    yield Figure(f"{where}: the 90 % range holds the truth", min(held.values()), "%", 90, least=True, note=note)
    totals = {s: 100 * (sum(c.joules for c in cells) / sum(c.truth for c in cells) - 1) for s, cells in found.items()}
    note = ", ".join(f"{each} {off:+.2g} %" for each, off in totals.items())
    most = max(totals.values(), key=abs)
    yield Figure(f"{where}: error of all cells of one shape together", most, "%", note=note)


def swept(shape: str, samples_s: float, precise: bool) -> list[Cell]:
    """Cells of one shape at every moment of a tick, with the ticks at every phase of the shape."""
    cells: list[Cell] = []
    for phase in range(PHASES[shape]):
        gpu = machine.Gpu(
            2 * SHAPES[shape], tick_s=TICK_S, phase_s=phase * STEP_MS / 1000, instant_s=WINDOW_S, samples_s=samples_s
        )
        clock = machine.InjectedClock(0.0)
        with machine.SimulatedMachine([], [gpu], clock=clock) as simulated, simulated.here():
            cells += _cells(simulated, clock, precise)
    return cells


def _cells(simulated: machine.SimulatedMachine, clock: machine.InjectedClock, precise: bool) -> list[Cell]:
    tracker = Tracker(meters.find, clock, os.environ, threaded=False)
    _run(tracker, clock, 1.0, precise=False)  # learns the tick
    cells: list[Cell] = []
    for start in range(round(1000 * APART_S / STEP_MS)):
        clock.advance(2.0 + start * (APART_S + STEP_MS / 1000) - clock.monotonic())
        run, t0, t1 = _run(tracker, clock, CELL_S, precise)
        device = next(device for device in run.devices if device.kind == "gpu")
        truth = simulated.joules("gpu0", t0, t1)
        low, high = (end / gain for end, gain in zip(device.energy_j_range, QUARTER_GAIN, strict=True))
        error = (device.energy_j - truth) / truth
        cells.append(Cell(error, (high - low) / 2 / device.energy_j, low <= truth <= high, device.energy_j, truth))
    tracker.close()
    return cells


def _run(tracker: Tracker, clock: machine.InjectedClock, seconds: float, precise: bool) -> tuple[Run, float, float]:
    tracking = tracker.begin(LABEL, Settings(precise=precise), grid.intensity("FR"))
    t0 = clock.monotonic()
    while (left_s := t0 + seconds - clock.monotonic()) > 1e-9:
        dense = tracking.machine.settle() or tracking.machine.awaits_tick()
        clock.advance(min(left_s, 0.004 if dense else 0.05))
    t1 = clock.monotonic()
    return tracker.end(tracking, "done"), t0, t1


def floor(*, told: bool) -> float:
    """The worst error, over all phases, of the best estimator: one who is told the period of bursts too, or not."""
    last_ms = round(1000 * (TICK_S + CELL_S + DRAIN_S))
    looks = _looks(range(-round(1000 * WIDTH_S), last_ms))
    return max(_worst(start, looks, last_ms, told) for start in range(round(1000 * TICK_S)))


def _looks(moments: Sequence[int]) -> dict[int, tuple[tuple[int, int, int], ...]]:
    """For a burst at each millisecond, all that the device shows of it: in which tick how much, in its window how much.

    Of the power readings the one of the sensor's last window says most; a mean of a second is a sum of ticks.
    """
    tick, window, width = (round(1000 * seconds) for seconds in (TICK_S, WINDOW_S, WIDTH_S))
    shown = {}
    for at in moments:
        ticks = range(at // tick, (at + width - 1) // tick + 1)
        shown[at] = tuple(
            (
                each,
                _overlap(at, width, each * tick, tick),
                _overlap(at, width, (each + 1) * tick - window, window),
            )
            for each in ticks
        )
    return shown


def _overlap(at: int, width: int, start: int, length: int) -> int:
    return max(0, min(at + width, start + length) - max(at, start))


def _worst(start: int, looks: Mapping[int, object], last_ms: int, told: bool) -> float:
    """Of a cell that begins so many ms after a tick; the counter is watched from its beginning to the drain's end."""
    every, cell, width = (round(1000 * seconds) for seconds in (EVERY_S, CELL_S, WIDTH_S))
    seen_ms = (start + cell + round(1000 * DRAIN_S)) // 100 * 100
    alike: dict[object, list[int]] = defaultdict(list)
    for at in looks:
        alike[looks[at]].append(_overlap(at, width, start, cell))
    trains: dict[object, list[tuple[int, int]]] = defaultdict(list)
    for first in range(-width, every - width):
        bursts = [at for at in range(first, min(last_ms, seen_ms), every) if at in looks]
        inside = [_overlap(at, width, start, cell) for at in bursts]
        if told:
            trains[tuple(looks[at] for at in bursts)].append((sum(inside), sum(inside)))
        else:
            spans = [(min(alike[looks[at]]), max(alike[looks[at]])) for at in bursts]
            trains[first].append((sum(least for least, _ in spans), sum(most for _, most in spans)))
    worst = 0.0
    for spans in trains.values():
        least, most = (_joules(ms, cell) for ms in (min(low for low, _ in spans), max(high for _, high in spans)))
        worst = max(worst, (most - least) / (most + least))
    return worst


def _joules(burst_ms: int, cell_ms: int) -> float:
    return (IDLE_W * cell_ms + (BURST_W - IDLE_W) * burst_ms) / 1000
