"""The machine that a benchmark runs on."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("ipython", "ipykernel", "anywidget", "jupyterlab")


@contextmanager
def described() -> Iterator[dict[str, Any]]:
    """What to say of this machine; the load after is filled in at the end."""
    cpuinfo = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    machine: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": model.group(1) if model else platform.processor() or "unknown CPU",
        "cpus": os.cpu_count(),
        "virtual": "hypervisor" in cpuinfo,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "versions": {"Python": platform.python_version()} | _versions(),
        "load_before": _load(),
    }
    yield machine
    machine["load_after"] = _load()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
