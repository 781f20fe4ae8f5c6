"""Memory without a meter: watts modelled from its size and its kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..ranges import Range
from .integral import Integral
from .meter import Meter


class Memory(NamedTuple):
    """A kind of memory: what it is called, its watts per GB (10^9 bytes), and the range of truth ÷ those."""

    name: str
    w_per_gb: float
    range: Range


SERVER = Memory("server memory", 0.2, (0.4, 2.5))
"""Published models by size differ 2.5-fold among themselves: 0.392 W/GB (Cloud Carbon Footprint, of two makers' modules
of 8 to 16 GB) and 0.3725 (Green Algorithms, Lannelongue et al. 2021) speak of 2015; RAPL and makers' calculators show
modules of 64 GB at 3 to 6 W, so 0.05 to 0.1 W/GB."""
LAPTOP = Memory("laptop memory", 0.1, (0.4, 2.5))
"""Soldered LPDDR and SO-DIMMs: 1 to 2 W for 16 GB in use, a third of it at rest."""
UNKNOWN = Memory("memory of unknown kind", 0.15, (0.27, 3.3))
"""Between the two, with the ends of both."""

_LAPTOPS = {"8", "9", "10", "14", "30", "31", "32"}
_SERVERS = {"17", "23", "25", "28", "29"}
"""Chassis types of SMBIOS 3.7, 7.4.1: portables, laptops, tablets and their like; racks and blades."""


class RamModel(Meter):
    """All memory that the system sees, used or not: refresh does not ask whether a page is in use."""

    kind = "dram"
    method = "modelled"
    group = "RAM model"

    def __init__(self, size_bytes: int, memory: Memory, now: Callable[[], float]) -> None:
        size_gb = size_bytes / 1e9
        self._watts = memory.w_per_gb * size_gb
        self.name = "RAM"
        self.source = f"model: {memory.w_per_gb:g} W for each of {size_gb:.3g} GB, {memory.name}"
        self.gain = memory.range
        self.idle_w = self._watts
        self.max_w = max(1.0, 5 * self._watts)
        self._integral = Integral(now)

    def read(self) -> float | None:
        return self._integral.step(self._watts)


def memory_of(cpuinfo: str, sys: Path = Path("/sys")) -> Memory:
    """The kind of memory: by what its controller says, by the machine's chassis, by its processor."""
    told = " ".join(_text(path) for path in sorted(sys.glob("devices/system/edac/mc/mc*/dimm*/dimm_mem_type")))
    if re.search(r"Registered|Load-Reduced", told):
        return SERVER
    if "Low-Power" in told or "Apple M" in cpuinfo:
        return LAPTOP
    chassis = _text(sys / "class/dmi/id/chassis_type")
    if chassis in _LAPTOPS:
        return LAPTOP
    # Virtual machines run on servers; their own chassis says "other".
    if chassis in _SERVERS or re.search(r"hypervisor|Xeon|EPYC|Neoverse", cpuinfo):
        return SERVER
    return UNKNOWN


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
