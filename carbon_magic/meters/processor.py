"""Which processors this machine owns, and the curve of their watts that is nearest to the truth."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.cpus import ListedCpu, look_up
from ..ranges import Range
from . import cloud_instance
from .power_curve import PowerCurve, of_tdp

if TYPE_CHECKING:
    from ..calibration import Calibration

THREAD_W = 4.0
THREAD_RANGE: Range = (0.44, 2.5)
"""TDP ÷ hardware threads where the model is not known: median and 5th to 95th percentile of the server CPUs in
data/cpu_tdp.csv are 4.2 and 1.9 to 12 W, of laptops 3.4 and 0.9 to 8.8 W."""
EXACT: Range = (1.0, 1.0)


def curve_of(cpuinfo: str, cpus: int, known: Calibration | None = None, root: Path = Path("/")) -> PowerCurve:
    """By the first that is known: this host's calibration, the cloud's instance, the TDP, the thread count.

    `cpus` are those whose load is told: a virtual machine with 2 of 128 threads owns a 64th of the socket, as does
    a container that is shown 2 only.
    """
    if known is not None and known.cpu_curve:
        return _measured(known)
    name = name_of(cpuinfo)
    instance = cloud_instance.find(root)
    virtual = bool(re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE))
    virtual = virtual or bool(instance.provider and "metal" not in instance.type)
    in_cloud = cloud_instance.curve(instance, cpuinfo, cpus) if virtual else None
    if in_cloud is not None and instance.provider:
        return in_cloud
    found = look_up(name)
    if found is not None and not virtual:
        return _own(found, name, cpus, root)
    if found is not None and found.threads:
        part = f"the part of {name} that {cpus} virtual CPUs are"
        return of_tdp(found.tdp_w * cpus / found.threads, EXACT, part)
    if in_cloud is not None:
        return in_cloud
    what = "virtual CPUs" if virtual else "hardware threads"
    note = f"its power is not known: {THREAD_W:g} W for each of {cpus} {what} is assumed"
    basis = f"assumed for {cpus} {what} of {name or 'an unknown CPU'}"
    return of_tdp(THREAD_W * cpus, THREAD_RANGE, basis, (note,))


def name_of(cpuinfo: str) -> str:
    """The processor's name; "" where it is not told."""
    match = re.search(r"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return match.group(1).strip() if match else ""


def _measured(known: Calibration) -> PowerCurve:
    import datetime as dt

    loads, *lines = zip(*known.cpu_curve, strict=True)
    day = dt.datetime.fromtimestamp(known.measured_at, dt.UTC).date().isoformat()
    return PowerCurve(f"this host's own curve, calibrated on {day} with {known.cpu_source}", loads, *lines)


def _own(found: ListedCpu, name: str, cpus: int, root: Path) -> PowerCurve:
    """All packages; or the part of them that is shown, where a container's /proc/stat tells of fewer CPUs (lxcfs)."""
    packages = packages_of(root)
    whole = (found.threads if _threaded(root) else found.cores) or 0
    if cpus < whole * packages:
        return of_tdp(found.tdp_w * cpus / whole, EXACT, f"the part of {name} that the {cpus} CPUs shown here are")
    return of_tdp(found.tdp_w * packages, EXACT, f"the TDP of {name}{f' × {packages}' if packages > 1 else ''}")


def _threaded(root: Path) -> bool:
    """Whether each core runs two threads: not where that is switched off."""
    try:
        return (root / "sys/devices/system/cpu/smt/active").read_bytes().strip() != b"0"
    except OSError:
        return True


def packages_of(root: Path) -> int:
    """Processor packages (sockets) of this machine."""
    ids = set()
    for cpu in range(os.cpu_count() or 1):
        try:
            with open(root / f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", "rb") as file:
                ids.add(file.read())
        except OSError:
            break
    return max(1, len(ids))
