"""The simulated hardware says what is true, and fails as it is told to: everything else is tested against it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import machine
import pynvml
import pytest
from machine import (
    Fault,
    InjectedClock,
    Trace,
    Zone,
    bursts,
    ramp,
    square,
    steady,
    step,
)

TRACES = {
    "steady": steady(60),
    "ramp": ramp(1.0, 3.0, 10, 90),
    "step": step(2.0, 20, 70),
    "square": square(5, 50, 0.7, duty=0.3, phase_s=0.11),
    "bursts": bursts(10, 300, 0.25),
    "sum": steady(8) + 0.5 * ramp(0.5, 4, 0, 30) + bursts(0, 40, 0.1, width_s=0.03),
}
QUANTUM_J = 62e-6
LATE_S = 0.5  # how long a busy machine may keep the writer of plain files waiting
CORE = [
    Zone("intel-rapl:0", "package-0", steady(50) + square(0, 40, 0.13), max_power_w=150),
    Zone("intel-rapl:0:2", "dram", steady(6)),
]


def joules(zone: Path) -> float:
    return int((zone / "energy_uj").read_text()) / 1e6


def energies() -> list[float]:
    """Joules by every GPU's counter."""
    return [
        pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByIndex(i)) / 1e3
        for i in range(pynvml.nvmlDeviceGetCount())
    ]


# ---- truth ----


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize(("t0", "t1"), [(0.0, 5.0), (0.5, 2.25), (-1.3, 0.4), (1.234, 1.2341), (0.11, 3.61)])
def test_energy_is_the_integral_of_power(trace, t0, t1):
    n = 4_000
    dt = (t1 - t0) / n
    summed = sum(trace.watts(t0 + (i + 0.5) * dt) for i in range(n)) * dt
    highest = max(trace.watts(t0 + i * dt) for i in range(n))
    # The sum is off by at most one slice wherever the trace jumps.
    assert trace.joules(t0, t1) == pytest.approx(summed, abs=highest * dt * (2 + 2 * (t1 - t0) / 0.1))


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_energy_adds_up_over_time_and_survives_json(trace):
    again = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert again.joules(0.3, 4.7) == trace.joules(0.3, 4.7)
    assert trace.joules(0, 1.3) + trace.joules(1.3, 5) == pytest.approx(trace.joules(0, 5), rel=1e-12)


def test_sums_and_multiples_of_traces():
    both = TRACES["ramp"] + TRACES["square"] * 2
    assert both.joules(0, 5) == pytest.approx(TRACES["ramp"].joules(0, 5) + 2 * TRACES["square"].joules(0, 5))
    assert both.watts(1.7) == pytest.approx(TRACES["ramp"].watts(1.7) + 2 * TRACES["square"].watts(1.7))


def test_bursts_are_twenty_milliseconds_on_an_idle_floor():
    trace = bursts(10, 300, 0.25)
    assert [trace.watts(t) for t in (0.0, 0.019, 0.021, 0.249, 0.251)] == [300, 300, 10, 10, 300]
    assert trace.joules(0, 1) == pytest.approx(10 + 4 * 290 * 0.020)


@pytest.mark.parametrize("wrong", [lambda: ramp(2, 1, 0, 1), lambda: square(0, 1, 0), lambda: square(0, 1, 1, duty=2)])
def test_a_trace_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="not"):
        wrong()


# ---- the whole machine ----

READ_ALL = """
import json, os, pathlib, time, pynvml
def now():
    before = time.monotonic()
    root = pathlib.Path(os.environ["CARBON_MAGIC_POWERCAP"])
    zones = {z.name: int((z / "energy_uj").read_text()) / 1e6 for z in root.iterdir() if ":" in z.name}
    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    return before, zones, [pynvml.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3 for h in handles], time.monotonic()
first = now()
time.sleep(0.3)
print(json.dumps([first, now()]))
"""


def on(simulated, code):
    environment = os.environ | simulated.environment
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("preset", [machine.gpu_box, machine.eight_gpus])
def test_another_process_sees_the_truth_in_real_time(preset):
    with preset() as simulated:
        result = on(simulated, READ_ALL)
    assert result.returncode == 0, result.stderr
    first, last = json.loads(result.stdout)
    # The second reading less the first lies between the energies of the shortest and the longest it may be of.
    late = 0.0 if simulated.tree.kind == "fuse" else LATE_S

    def bounds(device, period):
        short = simulated.joules(device, first[3], last[0] - period)
        return short - 0.01, simulated.joules(device, first[0] - period, last[3]) + 0.01

    for label, zone in simulated.zones.items():
        low, high = bounds(label, zone.period_s + late)
        assert low <= last[1][zone.id] - first[1][zone.id] <= high, label
    for i, (label, gpu) in enumerate(simulated.gpus.items()):
        low, high = bounds(label, gpu.tick_s)
        assert low <= last[2][i] - first[2][i] <= high, label


def test_a_laptop_has_no_gpu_whatever_this_machine_has():
    with machine.laptop() as simulated:
        result = on(simulated, "import pynvml; pynvml.nvmlInit()")
        assert "NVMLError_LibraryNotFound" in result.stderr
        with simulated.here(), pytest.raises(pynvml.NVMLError):
            pynvml.nvmlInit()


def test_parts_and_copies_are_not_counted_twice():
    simulated = machine.server()
    assert set(simulated.counted) == {"package-0", "package-1", "package-0/dram", "package-1/dram"}
    assert set(simulated.zones) - set(simulated.counted) == {"psys", "mmio:package-0"}
    t0 = simulated.origin
    assert simulated.total(t0, t0 + 7) == pytest.approx(sum(simulated.joules(d, t0, t0 + 7) for d in simulated.counted))
    assert simulated.joules("psys", t0, t0 + 7) > simulated.total(t0, t0 + 7)
    assert machine.laptop().counted == ["package-0"]
    assert len(machine.eight_gpus().counted) == 12


def test_a_fault_strikes_a_running_machine():
    with machine.gpu_box() as simulated, simulated.here():
        pynvml.nvmlInit()
        assert joules(simulated.root / "intel-rapl:0") > 0
        assert all(energies())
        simulated.strike("package-0", Fault("io_error", at=simulated.now()))
        simulated.strike("gpu1", Fault("lost", at=simulated.now()))
        with pytest.raises(OSError):
            joules(simulated.root / "intel-rapl:0")
        with pytest.raises(pynvml.NVMLError_GpuIsLost):
            energies()
        simulated.strike("package-0")
        simulated.strike("gpu1")
        assert joules(simulated.root / "intel-rapl:0") > 0
        assert all(energies())


def test_an_injected_clock_tells_sleep_and_ntp_from_time():
    clock = InjectedClock(monotonic=500.0, wall=1e9)
    with machine.laptop(clock=clock) as simulated:
        before = joules(simulated.root / "intel-rapl:0")
        clock.suspend(3600)
        clock.step_wall(-60)
        assert joules(simulated.root / "intel-rapl:0") == before
        clock.advance(1)
        assert (clock.monotonic(), clock.boottime(), clock.wall()) == (501.0, 4101.0, 1e9 + 3541)
        assert joules(simulated.root / "intel-rapl:0") > before
    with pytest.raises(ValueError):
        clock.advance(-1)
    clock.advance(1)  # and the machine that is gone hears nothing of it
    assert math.isclose(clock.monotonic(), 502.0)


def test_a_command_runs_on_a_preset():
    command = [sys.executable, "-m", "machine", "gpu_box", sys.executable, "-c", READ_ALL]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)[0][2]) == 2
    wrong = subprocess.run(
        [sys.executable, "-m", "machine", "toaster", "true"], env=environment, capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert "laptop,server,gpu_box,eight_gpus" in wrong.stderr
