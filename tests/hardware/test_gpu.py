"""Real NVIDIA GPUs, against the driver's own power integrated by another process. Load comes from torch where it is.

What it finds is written to benchmarks/results/gpu-hardware.json, to be committed with the machine's name.
"""

import importlib.util
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import carbon_magic
from carbon_magic.meters import nvml
from carbon_magic.meters.site import Site

REPORT = Path(__file__).parents[2] / "benchmarks/results/gpu-hardware.json"
REFERENCE = """
import json, sys, time, pynvml
pynvml.nvmlInit()
handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
def watts(handle):
    value = pynvml.nvmlDeviceGetFieldValues(handle, [186])[0]
    return (pynvml.nvmlDeviceGetPowerUsage(handle) if value.nvmlReturn else value.value.uiVal) / 1000
print("ready", flush=True)
points, until = [], time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    points.append([time.monotonic(), *map(watts, handles)])
    time.sleep(0.01)
print(json.dumps(points))
"""
LOAD = """
import sys, time, torch
x = torch.randn(8192, 8192, device="cuda:0", dtype=torch.float16)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    for _ in range(8):
        x @ x
    torch.cuda.synchronize()
"""


@pytest.fixture(scope="module")
def report():
    """What the tests found, for people to read."""
    found = {}
    yield found
    REPORT.write_text(json.dumps(found, indent=1) + "\n")


@pytest.fixture(scope="module")
def meters():
    found = list(nvml.find(Site(os.environ, time.monotonic)).meters)
    assert found
    return found


@pytest.fixture
def load():
    """Something for the first GPU to do, if torch is here; else it idles and the tests hold all the same."""
    has_torch = importlib.util.find_spec("torch") is not None
    worker = subprocess.Popen([sys.executable, "-c", LOAD, "60"]) if has_torch else None
    if worker is not None:
        time.sleep(10)  # CUDA starts, the clocks rise
    yield has_torch
    if worker is not None:
        worker.kill()
        worker.wait()


def integrated(points, number, t0, t1):
    """Joules of one GPU between two times, by the trapezoid over the reference's points."""
    inside = [(p[0], p[1 + number]) for p in points if t0 <= p[0] <= t1]
    joules = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(inside))
    return joules + inside[0][1] * (inside[0][0] - t0) + inside[-1][1] * (t1 - inside[-1][0])


@pytest.mark.parametrize("seconds", [5.0, 20.0])
def test_cells_agree_with_the_driver_s_power_integrated_by_another_process(seconds, load, report):
    reference = subprocess.Popen([sys.executable, "-c", REFERENCE, str(seconds + 3)], stdout=subprocess.PIPE, text=True)
    assert reference.stdout.readline() == "ready\n"
    time.sleep(0.5)
    with carbon_magic.track() as handle:
        t0 = time.monotonic()
        time.sleep(seconds)
        t1 = time.monotonic()
    points = json.loads(reference.communicate()[0])
    for device in (*handle.devices, *handle.others):
        if device.kind != "gpu":
            continue
        number = int(device.name.split()[1])
        by_power = integrated(points, number, t0, t1)
        low, high = device.energy_j_range
        report[f"{device.name}, {seconds:g} s"] = {
            "energy_j": device.energy_j, "range_j": [low, high], "by_power_j": by_power,
            "ratio": device.energy_j / by_power, "loaded": load and number == 0, "method": device.method,
        }  # fmt: skip
        # One sensor behind both: they differ by what it does not see, which is what the range is for.
        assert low <= by_power <= high


def test_the_tick_is_one_that_boards_have(meters, report):
    for meter in meters:
        if meter.method != "counter":
            continue
        moves, last, until = [], meter.read(), time.monotonic() + 3
        while time.monotonic() < until:
            now = meter.read()
            if now != last:
                moves.append(time.monotonic())
                last = now
            time.sleep(0.001)
        gaps = [b - a for a, b in itertools.pairwise(moves)]
        report[f"{meter.name}, tick"] = {"median_s": statistics.median(gaps), "longest_s": max(gaps)}
        assert 0.005 < statistics.median(gaps) < 0.5


def test_a_reading_is_cheap(meters, report):
    for meter in meters:
        took = []
        for _ in range(200):
            began = time.perf_counter()
            meter.read()
            took.append(time.perf_counter() - began)
        report[f"{meter.name}, read"] = {"median_s": statistics.median(took), "longest_s": max(took)}
        assert statistics.median(took) < 0.02


def test_two_cells_add_up_to_the_one_around_them(load):
    with carbon_magic.track() as outer:
        with carbon_magic.track() as first:
            time.sleep(3)
        with carbon_magic.track() as second:
            time.sleep(3)
    for name in [d.name for d in outer.devices if d.kind == "gpu"]:
        parts = sum(d.energy_j for run in (first, second) for d in run.devices if d.name == name)
        [whole] = [d.energy_j for d in outer.devices if d.name == name]
        assert parts == pytest.approx(whole, rel=0.1)


def test_the_driver_s_record_is_in_our_time_and_says_what_the_counter_says(meters, report, load):
    """Where it keeps one, and often enough to be of use; how long a window each sample is of shows in the report."""
    for meter in meters:
        if meter.method != "counter":
            continue
        t0, begin_j = time.monotonic(), meter.read()
        time.sleep(1.5)
        t1, end_j = time.monotonic(), meter.read()
        samples = [(t, watts) for t, watts in meter.past_w(t0) if t <= t1]
        if len(samples) < 10:
            report[f"{meter.name}, record"] = {"samples": len(samples)}
            continue
        gaps = [b[0] - a[0] for a, b in itertools.pairwise(samples)]
        changes = sum(a[1] != b[1] for a, b in itertools.pairwise(samples))
        by_record = statistics.fmean(watts for _, watts in samples) * (t1 - t0)
        report[f"{meter.name}, record"] = {
            "every_s": statistics.median(gaps), "changes": changes, "samples": len(samples), "joules": by_record,
            "counter_j": end_j - begin_j,
        }  # fmt: skip
        assert t0 <= samples[0][0] <= t0 + 0.1
        assert t1 - 0.1 <= samples[-1][0]
        assert by_record == pytest.approx(end_j - begin_j, rel=0.25)
