"""The machine that a benchmark runs on."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

LOOK_S = 2.0
PACKAGES = ("ipython", "ipykernel", "anywidget", "jupyterlab")


@contextmanager
def described() -> Iterator[dict[str, Any]]:
    """What to say of this machine; how busy other programs keep it is looked at before and after."""
    cpuinfo = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    machine: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cpu": model.group(1) if model else platform.processor() or "unknown CPU",
        "cpus": os.cpu_count(),
        "virtual": "hypervisor" in cpuinfo,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "versions": {"Python": platform.python_version()} | _versions(),
    }
    began = time.monotonic()
    before = _busy()
    yield machine
    machine["busy_before"], machine["busy_after"] = before, _busy()
    machine["seconds"] = round(time.monotonic() - began)


def _busy() -> float:
    """The part of the CPUs' time, 0 to 1, that is used while nothing is measured."""
    busy, total = _cpu_ticks()
    time.sleep(LOOK_S)
    busy, total = (now - then for now, then in zip(_cpu_ticks(), (busy, total), strict=True))
    return round(busy / total, 3) if total else 0.0


def _cpu_ticks() -> tuple[int, int]:
    """Ticks that all CPUs have worked, time stolen by other guests included, and all that have passed (Linux)."""
    fields = [int(field) for field in _read("/proc/stat").split("\n")[0].split()[1:9]]
    return sum(fields) - sum(fields[3:5]), sum(fields)


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
