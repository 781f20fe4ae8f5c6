"""Machines one meets, each with a load that moves. Any trace may be replaced, and every option of SimulatedMachine given."""

from __future__ import annotations

from typing import Any

from machine.nvml import Gpu, Process
from machine.powercap import Zone
from machine.simulated import SimulatedMachine
from machine.truth import Trace, bursts, ramp, square, steady

H100 = "NVIDIA H100 80GB HBM3"


def package(number: int, trace: Trace, max_power_w: float, dram: Trace | None = None) -> list[Zone]:
    """A package zone and its DRAM."""
    # Off the test's own beat: a counter that ticks when the test reads it would hide the error of its edges.
    zones = [
        Zone(f"intel-rapl:{number}", f"package-{number}", trace, max_power_w, phase_s=0.0003 * (number + 1)),
    ]
    if dram:
        zones.append(Zone(f"intel-rapl:{number}:0", "dram", dram, max_power_w / 4, phase_s=0.0007, start_j=98_765.4))
    return zones


def laptop(power: Trace | None = None, **options: Any) -> SimulatedMachine:
    """One package with the parts core and uncore, which are in it."""
    power = power or bursts(6, 34, 0.25, width_s=0.1) + ramp(0, 30, 0, 8)
    parts = [
        Zone("intel-rapl:0:0", "core", power * 0.7, start_j=2_000.0),
        Zone("intel-rapl:0:1", "uncore", power * 0.1, start_j=300.0),
    ]
    return SimulatedMachine([*package(0, power, 45), *parts], **options)


def server(power: Trace | None = None, dram: Trace | None = None, **options: Any) -> SimulatedMachine:
    """Two packages with DRAM, the platform's psys, which holds them all, and the mmio twin of the first package."""
    power = power or steady(75) + square(0, 90, 1.3, duty=0.6) + bursts(0, 45, 0.17)
    dram = dram or steady(9) + square(0, 7, 1.3, duty=0.6)
    second, second_dram = power * 0.8 + steady(5), dram * 0.9
    whole = power + second + dram + second_dram + steady(60)
    copies = [
        Zone("intel-rapl:2", "psys", whole, start_j=200_000.0),
        Zone("intel-rapl-mmio:0", "package-0", power, 225, phase_s=0.0003),
    ]
    packages = [*package(0, power, 225, dram), *package(1, second, 225, second_dram)]
    return SimulatedMachine([*packages, *copies], **options)


def gpu_box(power: Trace | None = None, gpu: Trace | None = None, **options: Any) -> SimulatedMachine:
    """A workstation: one package with DRAM, and two GPUs of which the second does less."""
    power = power or steady(48) + square(0, 40, 0.9)
    gpu = gpu or steady(62) + square(0, 235, 0.7, duty=0.8) + ramp(1, 6, 0, 30)
    gpus = [
        Gpu(gpu, phase_s=0.037, processes=(Process(0),)),
        Gpu(gpu * 0.35, phase_s=0.071, start_j=12_345.678),
    ]
    return SimulatedMachine(package(0, power, 165, steady(6)), gpus, **options)


def eight_gpus(power: Trace | None = None, gpu: Trace | None = None, **options: Any) -> SimulatedMachine:
    """A training node: two packages with DRAM, and eight H100, each a little behind the one before."""
    power = power or steady(140) + square(0, 60, 1.1)
    zones = package(0, power, 350, steady(21)) + package(1, power * 0.9, 350, steady(19))
    gpus = [
        Gpu(
            gpu or steady(115) + square(0, 480, 1.9, duty=0.85, phase_s=0.06 * i),
            name=H100,
            limit_w=700,
            architecture=9,
            phase_s=0.011 * i,
            start_j=1e6 + 1e4 * i,
            mig=0,
            processes=(Process(0, 60_000),),
        )
        for i in range(8)
    ]
    return SimulatedMachine(zones, gpus, **options)
