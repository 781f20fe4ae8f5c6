"""CodeCarbon's emissions.csv of any version, as runs. Columns are taken by name; most of them came over the years."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Mapping
from typing import Any

from ..device import Device
from ..grid import Intensity
from ..ranges import Range
from ..run import Run
from ..units import J_PER_KWH

NEEDED = frozenset({"timestamp", "duration", "emissions", "energy_consumed"})
"""In every emissions.csv since 2021 (version 1.0); what else is there is taken where it is."""
NO_RANGE = "imported: CodeCarbon tells no range and not what was measured, so the range shown is the figure itself"


def is_one(columns: frozenset[str]) -> bool:
    """Whether a CSV file with these columns is CodeCarbon's."""
    return columns >= NEEDED


def read(line: Mapping[str, str]) -> Run:
    """A line of it. Raises ValueError where it has no time, duration, energy or emissions."""
    duration_s, energy_kwh, co2e_kg = (_number(line, name) for name in ("duration", "energy_consumed", "emissions"))
    if duration_s is None or energy_kwh is None or co2e_kg is None or min(duration_s, energy_kwh, co2e_kg) < 0:
        raise ValueError("no duration, energy or emissions")
    ended = _ended(line)
    version = _text(line, "codecarbon_version")
    source = f"CodeCarbon {version}".strip()
    devices = _devices(line, energy_kwh * J_PER_KWH, source)
    intensity = 1000 * co2e_kg / energy_kwh if energy_kwh > 0 else 0.0
    place = _text(line, "region") if _text(line, "on_cloud") == "Y" else _text(line, "country_iso_code")
    place = _text(line, "cloud_region") or place or _text(line, "country_iso_code")
    return Run(
        id=f"codecarbon-{_key(line)}",
        name=_text(line, "task_name") or _text(line, "project_name") or "CodeCarbon",
        state="done",
        started_at=ended.timestamp() - duration_s,
        duration_s=duration_s,
        energy_j_range=_range(sum(device.energy_j for device in devices)),
        grid=Intensity(
            intensity, (intensity, intensity), place or "unknown", _text(line, "country_name"), ended.year,
            "as CodeCarbon took it", source, "unknown", "the user's own", "imported",
        ),
        devices=devices,
        tags={"imported": "codecarbon"},
        notes=(NO_RANGE,),
        project=_text(line, "project_name"),
        host=_host(line),
        hardware=", ".join(filter(None, (_text(line, "cpu_model"), _text(line, "gpu_model")))),
    )  # fmt: skip


def _key(line: Mapping[str, str]) -> str:
    """The same each time the file is read: run_id, or in older files what told runs apart."""
    run_id = _text(line, "run_id")
    if run_id:
        task = _text(line, "task_name")
        return f"{run_id}-{task}" if task else run_id
    told = "\0".join(
        _text(line, name) for name in ("experiment_id", "timestamp", "project_name", "duration", "emissions")
    )
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _host(line: Mapping[str, str]) -> str:
    """A name for the machine, which is not told: runs of one description are taken to share it."""
    names = ("os", "cpu_model", "cpu_count", "gpu_model", "gpu_count", "ram_total_size", "country_iso_code")
    told = "\0".join(_text(line, name) for name in names)
    return f"codecarbon-{hashlib.sha256(told.encode('utf-8', 'backslashreplace')).hexdigest()[:12]}"


def _ended(line: Mapping[str, str]) -> dt.datetime:
    """When it ended; without a zone it is this machine's, as CodeCarbon writes it."""
    return dt.datetime.fromisoformat(_text(line, "timestamp")).astimezone()


def _devices(line: Mapping[str, str], energy_j: float, source: str) -> tuple[Device, ...]:
    named = {"CPU": ("cpu", "cpu_energy"), "GPU": ("gpu", "gpu_energy"), "RAM": ("dram", "ram_energy")}
    found = {name: (kind, J_PER_KWH * (_number(line, column) or 0.0)) for name, (kind, column) in named.items()}
    told_j = sum(joules for _, joules in found.values())
    if not 0 < told_j <= 1.001 * energy_j:
        found, told_j = {}, 0.0
    rest_j = energy_j - told_j
    if rest_j > 1e-6 * energy_j or not found:
        found["the rest" if found else "machine"] = ("machine", rest_j)
    return tuple(
        Device(name, kind, joules, _range(joules), source, "modelled")
        for name, (kind, joules) in found.items()
        if joules
    )


def _range(joules: float) -> Range:
    return joules, joules


def _number(line: Mapping[str, Any], name: str) -> float | None:
    try:
        number = float(_text(line, name))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    return value.strip() if isinstance(value, str) else ""
