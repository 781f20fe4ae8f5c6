"""RAPL energy counters as Linux' powercap shows them in files.

Layout: https://docs.kernel.org/power/powercap/powercap.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..ranges import Range
from . import mirrors
from .meter import Meter
from .site import Found, Missing, Site
from .sysfs import content

WHAT = "RAPL through powercap"
CLASS = Path("class/powercap")
PACKAGE_MAX_W = 1000.0
"""Where a zone tells no limit: more than any package of 2026 draws."""
ABOVE_LIMIT = 2.0
"""A package may draw this many times its highest limit for milliseconds (Intel's PL4); limits may be raised later."""
AMD_RANGE_J = 65_532.610987
"""32 bits of 2^-16 J, as the kernel prints it: all of Zen, for kernels and mounts that hide max_energy_range_uj."""
OPEN_STEP = r"""
sudo groupadd -f energy && sudo usermod -aG energy "$USER"
printf '%s\n' 'ACTION=="add", SUBSYSTEM=="powercap", \
  KERNEL=="intel-rapl:*", \
  RUN+="/bin/chgrp energy /sys%p/energy_uj", \
  RUN+="/bin/chmod g+r /sys%p/energy_uj"' |
  sudo tee /etc/udev/rules.d/90-energy.rules
sudo udevadm control --reload
sudo udevadm trigger --action=add --subsystem-match=powercap
""".strip()
OPEN_WHY = (
    "the kernel lets only root read the energy counters, since they can leak secrets of other users' programs "
    "(PLATYPUS: CVE-2020-8694). The rule opens them to one group: put only people in it whom you trust, and log in anew"
)
MOUNT_STEP = r"""
docker run -v /sys/devices/virtual/powercap:/host/powercap:ro \
  -e CARBON_MAGIC_POWERCAP=/host/powercap \
  --group-add "$(getent group energy | cut -d: -f3)" ...
""".strip()
LOAD_STEP = """\
sudo modprobe intel_rapl_msr
echo intel_rapl_msr | sudo tee /etc/modules-load.d/rapl.conf"""

FAILS = 4
"""So often a zone may fail while it is looked for."""
_ZONE = r"^intel-rapl(-mmio)?:(\d+)(:\d+)?$"


class RaplDomain(Meter):
    """One energy_uj file. Opened anew for each read: some µs, and a tree that was replaced is never read stale."""

    method = "counter"
    tick_s = 0.001  # the register moves about every millisecond (Intel SDM vol. 3B, 16.10)
    group = "RAPL"

    def __init__(self, zone: Path, name: str, kind: str, gain: Range, range_j: float | None = None) -> None:
        self.name = name
        self.kind = kind
        self.gain = gain
        self.source = f"{WHAT} ({zone.name})"
        self._path = zone / "energy_uj"
        wraps_uj = _number(zone / "max_energy_range_uj")
        self.wraps_at_j = wraps_uj / 1e6 if wraps_uj else range_j
        self.max_w = max_w(zone)
        self.contains = ("igpu",) if kind == "cpu" else ()

    def read(self) -> float | None:
        return int(content(self._path)) / 1e6


class Zones(NamedTuple):
    """The powercap zones of one machine that are worth reading."""

    found: Found
    dies: bool
    """Whether packages are shown die by die."""


def find(site: Site, gain: Range, *, package_counters: bool) -> Zones:
    """The packages and DRAM, nothing counted twice, and psys beside them.

    psys (the whole platform) contains the packages, core and uncore are parts of them, and the mmio zones show the
    same registers again: none of these is counted. With `package_counters` (AMD, Hygon) the dies of a package all
    show the counter of the package.
    """
    root = root_of(site)
    zones = {zone.name: zone for zone in _zones(root)}
    range_j = AMD_RANGE_J if package_counters else None
    meters: list[RaplDomain] = []
    taken: set[str] = set()
    mute: dict[str, RaplDomain] = {}
    denied, silent, nameless = False, [], []
    # msr before its mmio twin, parents before children.
    for name, zone in sorted(zones.items(), key=lambda item: ("mmio" in item[0], _order(item[0]))):
        label, parent = _text(zone / "name"), ""
        above = name.rpartition(":")[0]
        if above in zones:
            parent = _text(zones[above] / "name") or ""
        key = f"{parent}/{label}"
        if label is None and name.count(":") == 1:
            nameless.append(name)
        if label is None or key in taken:
            continue
        if label.startswith("package"):
            meter = RaplDomain(zone, f"CPU {_which(label)}", "cpu", gain, range_j)
        elif label == "dram":
            meter = RaplDomain(zone, f"DRAM {_which(parent or label)}", "dram", gain, range_j)
        elif label == "psys":
            meter = RaplDomain(zone, "Platform (psys)", "platform", gain, range_j)
            meter.scope, meter.counted = "platform", False
        else:
            continue
        try:
            alive = _alive(meter, site)
        except PermissionError:
            denied = True
            mute.setdefault(key, meter)
        except (OSError, ValueError):
            silent.append(name)
            mute.setdefault(key, meter)
        else:
            if alive:
                taken.add(key)
                meters.append(meter)
            else:
                silent.append(name)
    meters = _once(meters, package_counters, site)
    dies = any("-die-" in meter.name for meter in meters)
    first = next((meter for meter in meters if meter.kind == "cpu"), None)
    if first is None:
        return Zones(Found((), _missing(site, root, denied, silent)), dies)
    # Beside others of its kind that answer, one that does not is a part of the machine without a figure: runs say so.
    answering = {meter.kind for meter in meters if meter.counted}
    shown = {_package(meter) for meter in meters} if package_counters else set()  # by another die of the same package
    lost = [m for key, m in mute.items() if key not in taken and m.kind in answering and _package(m) not in shown]
    first.notes += tuple(f"{name} beside it has no name and is not counted: it may be a package" for name in nameless)
    closed = (Missing(WHAT, f"of some zones, {OPEN_WHY}", OPEN_STEP),) if denied and lost else ()
    return Zones(Found([*meters, *lost], closed), dies)


def _alive(meter: Meter, site: Site) -> bool:
    """Whether it counts. A read that fails once is done again: a whole session would be without the zone."""
    for _ in range(FAILS):
        try:
            return mirrors.alive(meter, site.pause)
        except (PermissionError, FileNotFoundError):
            raise
        except (OSError, ValueError):
            site.pause(mirrors.PAUSE_S)
    return mirrors.alive(meter, site.pause)


def _once(meters: list[RaplDomain], package_counters: bool, site: Site) -> list[RaplDomain]:
    """Without the zones that show a counter which another zone shows already."""
    kept: list[RaplDomain] = []
    for meter in meters:
        twin = next((m for m in kept if m.kind == meter.kind and _twins(m, meter, package_counters, site)), None)
        if twin is None:
            kept.append(meter)
        else:
            note = f"{meter.name} shows the same counter ({meter.source}), which is counted once"
            twin.notes = (*twin.notes, note)
    return kept


def _twins(one: RaplDomain, other: RaplDomain, package_counters: bool, site: Site) -> bool:
    if "-die-" in one.name and _package(other) == _package(one):
        return package_counters or mirrors.mirrored(one, other, site.pause)
    return mirrors.close(one, other) and mirrors.mirrored(one, other, site.pause)


def _missing(site: Site, root: Path, denied: bool, silent: list[str]) -> tuple[Missing, ...]:
    if denied:
        hint = (
            f"this CPU counts its energy, but {root}/*/energy_uj may be read by root only: a udev rule that lets "
            "your group read it gives measured figures; %carbon meters shows it"
        )
        return (Missing(WHAT, OPEN_WHY, OPEN_STEP, "cpu", hint),)
    if silent:
        why = f"the zones in {root} give no reading that moves ({', '.join(silent)})"
        return (Missing(WHAT, why, "", "cpu"),)
    named = site.environ.get("CARBON_MAGIC_POWERCAP")
    if named:
        why = f"CARBON_MAGIC_POWERCAP names {named}, where there is no zone: is the host's powercap tree mounted there"
        return (Missing(WHAT, why, MOUNT_STEP, "cpu"),)
    if "hypervisor" in site.cpuinfo:
        why = (
            "this virtual machine is shown no energy counter. Where its host can pass the powercap tree in, "
            "CARBON_MAGIC_POWERCAP names the mount"
        )
        return (Missing(WHAT, why, "", "cpu", f"modelled, because {why}"),)
    if _hidden(root) or _in_container(site):
        why = (
            "a container does not see the host's energy counters unless they are mounted, and reads them only as a "
            "member of the group that the host's udev rule opens them to (Kubernetes: a hostPath volume of the same "
            "path, read-only, and supplementalGroups)"
        )
        hint = (
            "modelled, because no RAPL counter is visible here. In a container, mount the host's "
            "/sys/devices/virtual/powercap and let CARBON_MAGIC_POWERCAP name the mount"
        )
        return (Missing(WHAT, why, MOUNT_STEP, "cpu", hint),)
    if "GenuineIntel" in site.cpuinfo or package_vendor(site.cpuinfo):
        why = f"there is no zone in {root}: the kernel's driver of the counters is not loaded, or not for this CPU"
        return (Missing(WHAT, why, LOAD_STEP, "cpu"),)
    why = "processors of Intel and AMD have these counters, this one has none that Linux shows"
    return (Missing(WHAT, why, "", "cpu"),)


def package_vendor(cpuinfo: str) -> bool:
    """Whether the maker counts by package where the kernel shows dies: AMD and Hygon (linux arch/x86/events/rapl.c)."""
    return "AuthenticAMD" in cpuinfo or "HygonGenuine" in cpuinfo


def max_w(zone: Path) -> float:
    """More than this the zone never draws: its highest limit by its own account, and then some."""
    limits = [_number(zone / f"constraint_{i}_{what}_uw") for i in range(3) for what in ("max_power", "power_limit")]
    highest_w = max((limit for limit in limits if limit), default=0) / 1e6
    return min(ABOVE_LIMIT * highest_w, 10 * PACKAGE_MAX_W) or PACKAGE_MAX_W


def most_w(site: Site, package: str) -> float:
    """The same for a package by its name ("0", "0-die-1"): limits may be read where the energy may not."""
    zones = [zone for zone in _zones(root_of(site)) if _text(zone / "name") == f"package-{package}"]
    return max_w(zones[0]) if zones else PACKAGE_MAX_W


def root_of(site: Site) -> Path:
    """Where the powercap tree is; containers mount it elsewhere and say so."""
    return Path(site.environ.get("CARBON_MAGIC_POWERCAP") or site.sensors / CLASS)


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
            if re.match(_ZONE, entry.name):
                yield entry
            pending.append(entry)


def _hidden(root: Path) -> bool:
    """Whether entries lead nowhere: container runtimes cover /sys/devices/virtual/powercap."""
    try:
        return any(entry.name.startswith("intel-rapl") and not entry.exists() for entry in root.iterdir())
    except OSError:
        return False


def _in_container(site: Site) -> bool:
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    return "KUBERNETES_SERVICE_HOST" in site.environ or any(mark.exists() for mark in marks)


def _package(meter: Meter) -> str:
    """ "CPU 0" of CPU 0-die-1."""
    return meter.name.partition("-die-")[0]


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
