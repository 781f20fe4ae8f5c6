"""Every fault that befalls counters, each in a cell of ten seconds at a known power: right within 5 %, or told.

By a clock that is moved, so these figures say nothing of speed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.run import Run
from carbon_magic.tracker import Tracker

from .figure import Figure
from .simulated import machine

CPU_W, GPU_W = 40.0, 150.0
AT_S, SECONDS = 4.0, 10.0
RIGHT = 0.05

Strike = Callable[[machine.SimulatedMachine, machine.InjectedClock], None]


def measure() -> Iterator[Figure]:
    """The worst error of those that are not told, and what was told of the others."""
    for kind, struck in {"RAPL": _rapl(), "NVML": _nvml()}.items():
        untold, said = [0.0], []
        for name, strike in struck.items():
            run, true = _cell(kind, strike)
            found = sum(
                device.energy_j for device in run.devices if device.kind == ("cpu" if kind == "RAPL" else "gpu")
            )
            error = abs(found - true) / true
            if not run.notes:
                untold.append(error)
            said.append(f"{name} {100 * error:.2g} %{' (told)' if run.notes else ''}")
        yield Figure(
            f"{kind}: faults that are not told, worst error", 100 * max(untold), "%", 100 * RIGHT, note="; ".join(said)
        )


def _cell(kind: str, strike: Strike) -> tuple[Run, float]:
    zone = machine.Zone("intel-rapl:0", "package-0", machine.steady(CPU_W), 200, range_j=1_000.0)
    quiet = machine.Zone("intel-rapl:0:0", "dram", machine.steady(5), 60)
    gpus = [machine.Gpu(machine.steady(GPU_W), limit_w=400)] if kind == "NVML" else []
    clock = machine.InjectedClock()
    with machine.SimulatedMachine([zone, quiet], gpus, clock=clock) as simulated, simulated.here():
        tracker = Tracker(meters.find, clock, dict(os.environ), threaded=False)
        label = Label("fault", None, {}, "project", "host")
        tracking = tracker.begin(label, Settings(), grid.intensity("FR"))
        t0 = clock.monotonic()
        struck = False
        while clock.monotonic() - t0 < SECONDS - 1e-9:
            dense = tracking.machine.settle() or tracking.machine.awaits_tick()
            clock.advance(0.004 if dense else 0.05)
            if not struck and clock.monotonic() - t0 >= AT_S:
                strike(simulated, clock)
                struck = True
            tracker.look(tracker.active)
        run = tracker.end(tracking, "done")
        tracker.close()
    return run, (CPU_W if kind == "RAPL" else GPU_W) * run.duration_s


def _fault(device: str, kind: str, lasts_s: float | None = None, joules: float = 0.0) -> Strike:
    def strike(simulated: machine.SimulatedMachine, _: machine.InjectedClock) -> None:
        now = simulated.now()
        until = {} if lasts_s is None else {"until": now + lasts_s}
        simulated.strike(device, machine.Fault(kind, at=now, joules=joules, **until))  # type: ignore[arg-type]

    return strike


def _rapl() -> dict[str, Strike]:
    zone = "package-0"
    return {
        "wraps": lambda *_: None,
        "reset": _fault(zone, "reset"),
        "one read fails": _fault(zone, "io_error", 1.0),
        "reads fail for 4 s": _fault(zone, "io_error", 4.0),
        "jump": _fault(zone, "jump", joules=1e7),
        "stuck for 3 s": _fault(zone, "stuck", 3.0),
        "garbage": _fault(zone, "garbage", 1.0),
        "vanishes": _fault(zone, "vanish"),
        "vanishes for 2 s": _fault(zone, "vanish", 2.0),
        "denied": _fault(zone, "denied"),
        "sleep": lambda _, clock: clock.suspend(3600.0),
        "NTP": lambda _, clock: clock.step_wall(-86_400.0),
    }


def _nvml() -> dict[str, Strike]:
    gpu = "gpu0"
    return {
        "reset": _fault(gpu, "reset"),
        "one read fails": _fault(gpu, "io_error", 1.0),
        "denied for 3 s": _fault(gpu, "denied", 3.0),
        "jump": _fault(gpu, "jump", joules=1e7),
        "stuck for 3 s": _fault(gpu, "stuck", 3.0),
        "lost": _fault(gpu, "lost"),
        "lost for 3 s": _fault(gpu, "lost", 3.0),
        "no energy any more": _fault(gpu, "no_energy"),
        "driver unloaded": lambda simulated, _: simulated.unload_driver(),
        "driver loaded again": lambda simulated, _: (simulated.unload_driver(), simulated.load_driver())[0],
        "sleep": lambda _, clock: clock.suspend(3600.0),
    }
