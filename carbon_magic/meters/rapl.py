"""Intel and AMD processors: their RAPL counters, by whichever of the kernel's two ways is open and tells the truth."""

from __future__ import annotations

from pathlib import Path

from ..ranges import Range
from . import powercap
from .site import Found, Site

PACKAGE_EVENT = Path("bus/event_source/devices/power/events/energy-pkg")

INTEL_GAIN: Range = (0.95, 1.05)
"""Haswell and later measure: Khan et al. 2018 (RAPL in Action) see ~99 % correlation with the wall, a few % off."""
AMD_GAIN: Range = (0.85, 1.15)
"""Zen's RAPL is a model in the chip that misses effects of data and memory: Schöne et al. 2021, arXiv 2108.00808."""
DRAM_GAIN: Range = (0.8, 1.2)
"""A judgement: on servers memory is measured, elsewhere it is estimated, off by an offset of its own that weighs most
at rest (Desrochers, Paradis and Weaver 2016, A Validation of DRAM RAPL Power Measurements)."""


def find(site: Site) -> Found:
    """Packages and DRAM, by the better of two ways."""
    found = _found(site)
    for meter in found.meters:
        if meter.kind == "dram":
            meter.gain, meter.group = DRAM_GAIN, "RAPL DRAM"  # sensors of their own: they err apart from the packages'
    return found


def _found(site: Site) -> Found:
    """Packages and DRAM: of powercap, or of perf where powercap is closed or shows each die its package's counter."""
    by_package = powercap.package_vendor(site.cpuinfo)
    gain = AMD_GAIN if by_package else INTEL_GAIN
    zones = powercap.find(site, gain, package_counters=by_package)
    if zones.found.meters and not (by_package and zones.dies):
        return zones.found
    if not (site.sensors / PACKAGE_EVENT).exists():
        return zones.found
    from . import perf  # most machines never need it

    events = perf.find(site, gain)
    if events.meters:
        return events
    if zones.found.meters:
        return zones.found
    return Found((), (*zones.found.missing, *events.missing))
