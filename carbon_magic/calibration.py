"""What was measured on this host once, by `%carbon calibrate`: watts at rest, and the CPU's watts by its load.

One small JSON file per host and processor: several machines share a home folder, and a figure of one is wrong for
another. The key outlives a reboot.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .folders import CALIBRATION, calibrations_folder

VARIABLE = CALIBRATION
folder = calibrations_folder
_LARGEST_FILE = 1 << 18
_ID_FILES = ("etc/machine-id", "var/lib/dbus/machine-id")


class Watts(NamedTuple):
    """A mean power and its 90 % range, the instrument's accuracy included."""

    watts: float
    low: float
    high: float


class Point(NamedTuple):
    """Watts at a load (0 to 1) and their 90 % range."""

    load: float
    watts: float
    low_w: float
    high_w: float


class Host(NamedTuple):
    """A machine as far as a calibration holds for it."""

    id: str
    """A hash: machine-id(5) asks that the id itself stays private."""
    cpu: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a host's quiet minute told."""

    host: Host
    measured_at: float
    """Seconds since 1970 (UTC)."""
    seconds: float
    idle: Mapping[str, Watts] = field(default_factory=dict)
    """By the name of the device, of those that have an instrument."""
    cpu_curve: tuple[Point, ...] = ()
    """Of all processors, by rising load from 0 on; empty where nothing measured them."""
    cpu_source: str = ""
    """What the curve was measured with."""


def this_host(cpuinfo: str, root: Path = Path("/")) -> Host:
    """The machine we run on, the same after each boot; in a container without an id of its own, by its name."""
    names = re.findall(r"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    cpu = " ".join(names[0].split()) if names else "unknown CPU"
    name = next(filter(None, (_first_line(root / file) for file in _ID_FILES)), None) or _node()
    seed = f"carbon_magic calibration\0{name}\0{cpu}\0{os.cpu_count()}"
    import hashlib  # brings OpenSSL: 2 ms that a host without a calibration can do without

    return Host(hashlib.sha256(seed.encode()).hexdigest()[:24], cpu)


def of_this_host(cpuinfo: str, root: Path, environ: Mapping[str, str]) -> Calibration | None:
    """What was measured here, None where nothing was."""
    return load(this_host(cpuinfo, root), environ) if folder(environ).is_dir() else None


def load(host: Host, environ: Mapping[str, str] = os.environ) -> Calibration | None:
    """The host's calibration; None where there is none that can be read and understood. Never raises."""
    try:
        with open(folder(environ) / f"{host.id}.json", "rb") as file:
            d = json.loads(file.read(_LARGEST_FILE))
        return _from_dict(d, host)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def idle_w(device: str, host: Host, environ: Mapping[str, str] = os.environ) -> Watts | None:
    """What the device of this name draws while the host rests, or None where that was not measured."""
    calibration = load(host, environ)
    return calibration.idle.get(device) if calibration is not None else None


def save(calibration: Calibration, environ: Mapping[str, str] = os.environ) -> Path:
    """Keep it in place of the one before, all of it or nothing. Raises OSError where the folder cannot be written."""
    path = folder(environ) / f"{calibration.host.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        half.write_text(json.dumps(asdict(calibration), indent=1), encoding="utf-8")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return path


def forget(host: Host, environ: Mapping[str, str] = os.environ) -> bool:
    """Delete the host's calibration; whether there was one. Raises OSError where it cannot be deleted."""
    path = folder(environ) / f"{host.id}.json"
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _from_dict(d: Mapping[str, Any], host: Host) -> Calibration:
    """Checked: a file that somebody edited must not turn into watts that nobody measured."""
    if list(d["host"]) != list(host):
        raise ValueError("of another host")
    curve = tuple(Point(*map(_figure, point)) for point in d["cpu_curve"])
    loads = [point.load for point in curve]
    if loads != sorted(set(loads)) or (loads and not (len(loads) > 1 and loads[0] == 0.0 and loads[-1] <= 1.0)):
        raise ValueError("not a curve")
    if any(not point.low_w <= point.watts <= point.high_w for point in curve):
        raise ValueError("not a range")
    return Calibration(
        host=host,
        measured_at=_figure(d["measured_at"]),
        seconds=_figure(d["seconds"]),
        idle={str(name): Watts(*map(_figure, watts)) for name, watts in d["idle"].items()},
        cpu_curve=curve,
        cpu_source=str(d["cpu_source"])[:200],
    )


def _figure(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError("no figure")
    return number


def _first_line(path: Path) -> str | None:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            line = file.readline(200).strip()
        return line if line and line != "uninitialized" else None
    except OSError:
        return None


def _node() -> str:
    import platform

    return platform.node()
