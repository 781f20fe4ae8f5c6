"""Intel and AMD processors: RAPL energy counters as Linux' powercap shows them.

Layout: https://docs.kernel.org/power/powercap/powercap.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..ranges import Range
from .meter import Meter
from .site import Found, Missing, Site

DEFAULT_ROOT = Path("/sys/class/powercap")

INTEL_GAIN: Range = (0.95, 1.05)
"""Haswell and later measure: Khan et al. 2018 (RAPL in Action) see ~99 % correlation with the wall, a few % off."""
AMD_GAIN: Range = (0.85, 1.15)
"""Zen's RAPL is a model in the chip that misses effects of data and memory: Schöne et al. 2021, arXiv 2108.00808."""

_ZONE = re.compile(r"^intel-rapl(-mmio)?:(\d+)(:\d+)?$")


class RaplDomain(Meter):
    """One energy_uj file. Opened anew for each read: 13 µs, and a tree that was replaced is never read stale."""

    method = "counter"
    tick_s = 0.001  # the register moves about every millisecond (Intel SDM vol. 3B, 16.10)
    group = "RAPL"

    def __init__(self, zone: Path, name: str, kind: str, gain: Range) -> None:
        self.name = name
        self.kind = kind
        self.gain = gain
        self.source = f"RAPL through powercap ({zone.name})"
        self._path = zone / "energy_uj"
        wraps_uj = _number(zone / "max_energy_range_uj")
        self.wraps_at_j = wraps_uj / 1e6 if wraps_uj else None

    def read(self) -> float | None:
        with open(self._path, "rb", buffering=0) as file:
            return int(file.read(32)) / 1e6


def find(site: Site) -> Found:
    """The packages and DRAM, nothing counted twice; and why there is none, as a hint for people.

    psys (the whole platform) contains the packages, core and uncore are parts of them, and the mmio zones show the
    same registers again: none of these is counted.
    """
    root = powercap_root(site.environ)
    zones = {zone.name: zone for zone in _zones(root)}
    if not zones:
        return Found()
    gain = AMD_GAIN if "AuthenticAMD" in site.cpuinfo or "HygonGenuine" in site.cpuinfo else INTEL_GAIN
    meters: list[Meter] = []
    taken: set[str] = set()
    closed = False
    # msr before its mmio twin, parents before children.
    for name, zone in sorted(zones.items(), key=lambda item: ("mmio" in item[0], _order(item[0]))):
        label = _text(zone / "name")
        parent = (
            _text(zones[name.rpartition(":")[0]] / "name")
            if name.count(":") == 2 and name.rpartition(":")[0] in zones
            else ""
        )
        key = f"{parent}/{label}"
        if label is None or key in taken:
            continue
        if label.startswith("package"):
            meter = RaplDomain(zone, f"CPU {_which(label)}", "cpu", gain)
        elif label == "dram":
            meter = RaplDomain(zone, f"DRAM {_which(parent or label)}", "dram", gain)
        elif label == "psys":
            meter = RaplDomain(zone, "Platform (psys)", "platform", gain)
            meter.scope, meter.counted = "platform", False
        else:
            continue
        try:
            readable = meter.read() is not None
        except PermissionError:
            readable, closed = False, True
        except (OSError, ValueError):
            readable = False
        if readable:
            taken.add(key)
            meters.append(meter)
    if not any(meter.counted for meter in meters):
        why = _hint(root) if closed else f"RAPL zones in {root} give no reading"
        return Found((), (Missing("RAPL through powercap", why, kind="cpu"),))
    return Found(meters)


def _hint(root: Path) -> str:
    return (
        f"this CPU counts its energy, but {root}/*/energy_uj may be read by root only: "
        "a udev rule that lets your group read it gives measured figures"
    )


def _zones(root: Path) -> Iterator[Path]:
    """Zone folders, whether the tree is flat as in /sys/class or nested as in /sys/devices/virtual."""
    pending = [root]
    seen: set[str] = set()
    while pending:
        try:
            entries = sorted(pending.pop().iterdir())
        except OSError:
            continue
        for entry in entries:
            if not entry.name.startswith("intel-rapl") or entry.name in seen:
                continue
            seen.add(entry.name)
            if _ZONE.match(entry.name):
                yield entry
            pending.append(entry)


def _which(label: str) -> str:
    """The number of a package: "0" of package-0, "0-die-1" of package-0-die-1."""
    return label.partition("-")[2] or "0"


def _order(name: str) -> list[int]:
    return [int(part) for part in name.split(":")[1:]]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_bytes())
    except (OSError, ValueError):
        return None


def powercap_root(environ: Mapping[str, str]) -> Path:
    """Where the powercap tree is; containers mount it elsewhere and say so."""
    return Path(environ.get("CARBON_MAGIC_POWERCAP") or DEFAULT_ROOT)
