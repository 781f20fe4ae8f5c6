"""A powercap tree as Linux lays it out in /sys: its zones, its files, and what each says at a time.

Layout, symlinks, file names and the errors of reads are those of drivers/powercap/powercap_sys.c and
intel_rapl_common.c: /sys/class/powercap holds a symlink for every control type, zone and subzone, the directories
themselves are nested below /sys/devices/virtual/powercap.
"""

from __future__ import annotations

import errno
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from machine.faults import ZONE_KINDS, Fault, active, check, counted, tick
from machine.truth import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASS = "class/powercap"
DEVICES = "devices/virtual/powercap"


@dataclass(frozen=True)
class Zone:
    """One RAPL zone: "intel-rapl:0" named "package-0", "intel-rapl:0:2" named "dram", ..."""

    id: str
    name: str
    trace: Trace
    max_power_w: float | None = None
    range_j: float = 262_143.328850
    """max_energy_range_uj of Intel's 32-bit counter; a small one wraps soon."""
    quantum_nj: int = 61_035
    """2^-14 J as the kernel rounds it (rapl_check_unit_core); AMD's 2^-16 J is 15258."""
    period_s: float = 0.001
    phase_s: float = 0.0
    start_j: float = 4_321.5
    gain: float = 1.0
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        check(self.faults, ZONE_KINDS)

    @property
    def control(self) -> str:
        """The control type: "intel-rapl" or "intel-rapl-mmio"."""
        return self.id.split(":")[0]

    @property
    def parent(self) -> str:
        """The id of the zone, or the control type, that it lies in."""
        return self.id.rpartition(":")[0]

    @property
    def steps(self) -> int:
        """How many counts the register holds before it is 0 again; the kernel prints the last of them as the range."""
        return -(-round(self.range_j * 1e9) // self.quantum_nj) + 1

    @property
    def range_uj(self) -> int:
        """What max_energy_range_uj says."""
        return (self.steps - 1) * self.quantum_nj // 1000

    def energy_uj(self, t: float) -> int:
        """The register at time t, in whole quanta, wrapped."""
        joules = counted(
            self.trace, self.faults, tick(t, self.period_s, self.phase_s), start_j=self.start_j, gain=self.gain
        )
        # A millionth of a count, so that 1 J counted as 0.9999999999 J is not a count short.
        return int(joules * 1e9 / self.quantum_nj + 1e-6) % self.steps * self.quantum_nj // 1000

    def to_json(self) -> dict[str, Any]:
        """For the process that serves the tree."""
        return asdict(replace(self, faults=())) | {
            "trace": self.trace.to_json(),
            "faults": [asdict(fault) for fault in self.faults],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Zone:
        """The reverse of to_json."""
        faults = tuple(Fault(**fault) for fault in values["faults"])
        return cls(**values | {"trace": Trace.from_json(values["trace"]), "faults": faults})


@dataclass(frozen=True)
class Node:
    """One entry of the tree. `path` is what follows /sys/."""

    path: str
    kind: Literal["dir", "link", "file"]
    text: str | int = ""
    """A link's target, a file's content, or the errno of reading it."""
    zone: str | None = None
    """The zone with which it comes and goes."""
    attribute: Literal["", "energy", "range"] = ""


def layout(zones: Sequence[Zone]) -> list[Node]:
    """Every entry, parents before children."""
    ids = {zone.id for zone in zones}
    for zone in zones:
        if zone.parent not in ids | {zone.control}:
            raise ValueError(f"zone {zone.id} lies in {zone.parent}, which is not there")
    nodes = [Node(path, "dir") for path in ("class", CLASS, "devices", "devices/virtual", DEVICES)]
    for control in dict.fromkeys(zone.control for zone in zones):
        nodes += [
            Node(f"{CLASS}/{control}", "link", f"../../{DEVICES}/{control}"),
            *_device(f"{DEVICES}/{control}", None),
        ]
    for zone in sorted(zones, key=lambda zone: zone.id.count(":")):
        nodes += _zone(zone)
    return nodes


def directory(zone: Zone) -> str:
    """Where a zone's directory is: below its parent's."""
    parts = zone.id.split(":")
    return "/".join([DEVICES, *(":".join(parts[: i + 1]) for i in range(len(parts)))])


def _device(path: str, zone: str | None) -> list[Node]:
    """What every device of the class has."""
    return [
        Node(path, "dir", zone=zone),
        Node(f"{path}/power", "dir", zone=zone),
        Node(f"{path}/power/runtime_status", "file", "unsupported\n", zone),
        Node(f"{path}/subsystem", "link", "../" * (path.count("/") + 1) + CLASS, zone),
        Node(f"{path}/uevent", "file", "", zone),
        Node(f"{path}/enabled", "file", "1\n", zone),
    ]


def _zone(zone: Zone) -> list[Node]:
    path = directory(zone)
    package = zone.name.startswith("package")
    limit_uw = round((zone.max_power_w or 0) * 1e6)
    files: dict[str, str | int] = {"name": f"{zone.name}\n"}
    for i, name in enumerate(["long_term", "short_term"] if package else ["long_term"]):
        files |= {
            f"constraint_{i}_name": f"{name}\n",
            f"constraint_{i}_power_limit_uw": f"{limit_uw}\n",
            f"constraint_{i}_time_window_us": f"{976 if i else 999424}\n",
            # A zone that knows no maximum has the file all the same: reading it fails (rapl-info(1), "quirks").
            f"constraint_{i}_max_power_uw": errno.ENODATA if zone.max_power_w is None else f"{limit_uw}\n",
        }
    return [
        Node(f"{CLASS}/{zone.id}", "link", f"../../{path}", zone.id),
        *_device(path, zone.id),
        Node(f"{path}/device", "link", f"../../{zone.parent}", zone.id),
        *(Node(f"{path}/{name}", "file", text, zone.id) for name, text in files.items()),
        Node(f"{path}/energy_uj", "file", zone=zone.id, attribute="energy"),
        Node(f"{path}/max_energy_range_uj", "file", f"{zone.range_uj}\n", zone.id, "range"),
    ]


class State:
    """What the zones show at one time; the two kinds of tree, files and FUSE, both ask here."""

    def __init__(self, zones: Sequence[Zone], t: float) -> None:
        self.zones = {zone.id: zone for zone in zones}
        self.t = t

    def gone(self, zone_id: str) -> bool:
        """Whether the zone itself has vanished; its children are gone with it."""
        return active(self.zones[zone_id].faults, "vanish", self.t) is not None

    def present(self, node: Node) -> bool:
        """Whether the entry is there."""
        if node.zone is None:
            return True
        if node.attribute == "range" and active(self.zones[node.zone].faults, "no_range", self.t):
            return False
        parts = node.zone.split(":")
        return not any(self.gone(":".join(parts[:i])) for i in range(2, len(parts) + 1))

    def refused(self, node: Node) -> bool:
        """Whether opening the file is forbidden."""
        return self._energy_fault(node, "denied") is not None

    def content(self, node: Node) -> str | int:
        """What a read of the file gives: a text, or an errno."""
        if node.attribute != "energy" or node.zone is None:
            return node.text
        if self._energy_fault(node, "io_error"):
            return errno.EIO
        if garbage := self._energy_fault(node, "garbage"):
            return garbage.text
        return f"{self.zones[node.zone].energy_uj(self.t)}\n"

    def _energy_fault(self, node: Node, kind: str) -> Fault | None:
        if node.attribute != "energy" or node.zone is None:
            return None
        return active(self.zones[node.zone].faults, kind, self.t)
