"""Instruments: everything on this machine that can say how many joules so far.

A new instrument is one file with a `find` and one line here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from . import cpu_model, cpu_time, nvml, rapl
from .meter import Meter
from .ram_model import RamModel


def find(environ: Mapping[str, str], now: Callable[[], float]) -> list[Meter]:
    """All meters of this machine, a model for each part that has none. Never raises, never wakes a device."""
    cpuinfo = cpu_model.cpuinfo()
    meters, closed = rapl.find(rapl.powercap_root(environ), cpuinfo)
    kinds = {meter.kind for meter in meters}
    if "cpu" not in kinds:
        cpu = cpu_model.cpu_of(cpuinfo, _packages(), os.cpu_count() or 1)
        meters.append(cpu_model.CpuModel(cpu, cpu_time.busy_and_total, closed or _no_meter(cpuinfo), now))
    if "dram" not in kinds:
        meters.append(RamModel(cpu_time.memory_bytes(), now))
    meters += nvml.find(environ, now)
    return meters


def _no_meter(cpuinfo: str) -> str:
    if "hypervisor" in cpuinfo:
        return (
            "modelled, because this virtual machine is shown no energy counter. Where the host can pass its powercap "
            "tree in, CARBON_MAGIC_POWERCAP names the mount"
        )
    if sys.platform == "linux":
        return (
            "modelled, because no RAPL counter is visible here. In a container, mount the host's "
            "/sys/devices/virtual/powercap and let CARBON_MAGIC_POWERCAP name the mount"
        )
    return f"modelled, because carbon_magic reads no CPU energy counter on {sys.platform} yet"


def _packages() -> int:
    """Processor packages (sockets) of this machine."""
    ids = set()
    for cpu in range(os.cpu_count() or 1):
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", "rb") as file:
                ids.add(file.read())
        except OSError:
            break
    return max(1, len(ids))
