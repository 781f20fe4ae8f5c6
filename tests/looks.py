"""Runs and sessions to look at: every state a report can be in, without a meter."""

import math
import random

from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.grid import Intensity
from carbon_magic.run import Run
from carbon_magic.tick import Tick
from carbon_magic.totals import Session

FRANCE = Intensity(
    56.0,
    (45.0, 70.0),
    "FR",
    "France",
    2023,
    "lifecycle",
    "Ember (2024)",
    "territory",
    "CC BY 4.0",
    "guessed from the time zone",
)


def device(name="CPU 0", kind="cpu", joules=1400.0, off=0.05, method="counter", source="RAPL", notes=(), limit_w=None):
    return Device(name, kind, joules, (joules * (1 - off), joules * (1 + off)), source, method, tuple(notes), limit_w)


def rapl(seconds=34.2):
    return [device(joules=41.3 * seconds), device("DRAM 0", "dram", 4.6 * seconds)]


def modelled(seconds=34.2):
    hint = "a udev rule that lets your group read energy_uj gives measured figures"
    cpu = device("CPU", "cpu", 12.4 * seconds, 0.5, "modelled", "model: load x TDP of Xeon (16 W)", [hint], 16.0)
    return [cpu, device("RAM", "dram", 3.2 * seconds, 0.6, "modelled", "model: 0.2 W for each of 16 GB")]


def server(seconds=34.2, gpus=8):
    name = "GPU {} NVIDIA H100 80GB HBM3"
    boards = [
        device(
            name.format(i),
            "gpu",
            (420 + 20 * math.sin(2 * i)) * seconds,
            0.25,
            "counter",
            "NVML energy counter",
            (),
            700.0,
        )
        for i in range(gpus)
    ]
    return [*rapl(seconds), device("CPU 1", "cpu", 50 * seconds), device("DRAM 1", "dram", 5 * seconds), *boards]


def curve(devices, seconds, points=200, gap=()):
    """Power that goes up, down and aside; None in the points of `gap`."""
    chance = random.Random(1)
    watts = {
        d.name: tuple(
            None
            if i in gap
            else d.energy_j / seconds * (1 + 0.25 * math.sin(9 * i / points + k) + 0.1 * chance.gauss(0, 1))
            for i in range(points)
        )
        for k, d in enumerate(devices)
    }
    return Curve(tuple(seconds * (i + 1) / points for i in range(points)), watts)


def run(name="train", devices=None, seconds=34.2, gap=(), started_at=1.7e9, points=200, **fields):
    devices = rapl(seconds) if devices is None else devices
    ends = tuple(sum(d.energy_j_range[i] for d in devices) for i in (0, 1))
    given = {"id": name, "name": name, "state": "done", "grid": FRANCE, "host": "here"} | fields
    power = curve(devices, seconds, points, gap) if devices and seconds > 0 else Curve()
    return Run(
        started_at=started_at, duration_s=seconds, energy_j_range=ends, devices=tuple(devices), curve=power, **given
    )


def session(count=5):
    """Runs one after the other, of all states and methods."""
    runs, begin = [], 1.7e9
    for i in range(count):
        seconds = (0.42, 12.8, 95.0, 34.2, 3.1)[i % 5] * (1 + i / 7)
        devices = (rapl, modelled, rapl, rapl, rapl)[i % 5](seconds)
        state = ("done", "done", "done", "failed", "interrupted")[i % 5]
        runs.append(run(f"run {i}", devices, seconds, started_at=begin, state=state, id=str(i)))
        begin += seconds + 5
    return Session(tuple(runs))


def tick(n=1, watts=None, joules=100.0):
    return Tick(
        n, n / 8, watts or {"CPU 0": 41.3, "DRAM 0": 4.6}, joules, (0.9 * joules, 1.1 * joules), 0.02, (0.01, 0.03)
    )
