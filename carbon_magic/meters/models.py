"""Models for the parts of this machine that have no instrument."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from . import cpu_time
from .allowance import cpus_allowed
from .cpu_model import CpuModel
from .meter import Meter
from .processor import curve_of
from .ram_model import RamModel, memory_of
from .site import Site

if TYPE_CHECKING:
    from ..calibration import Calibration


def find(site: Site, measured: Container[str], hint: str | None, known: Calibration | None) -> list[Meter]:
    """A model for each of "cpu" and "dram" that is not measured; `hint` says why the CPU is modelled."""
    models: list[Meter] = []
    root = site.sys.parent
    contained: tuple[str, ...] = ()
    if "cpu" not in measured:
        cpus = cpu_time.cpus_shown()
        curve = curve_of(site.cpuinfo, cpus, known, root)
        allowed = cpus_allowed(root)
        if allowed < 0.99 * cpus:
            said = f"of all {cpus} CPUs, though this process may use {allowed:.3g}: other people's work is in it"
            curve = curve._replace(notes=(*curve.notes, said))
        models.append(CpuModel(curve, cpu_time.busy_and_total, hint, site.now, cpus))
        contained = curve.contains
    if "dram" not in measured and "dram" not in contained:
        models.append(RamModel(cpu_time.memory_bytes(), memory_of(site.cpuinfo, site.sys), site.now))
    return models
