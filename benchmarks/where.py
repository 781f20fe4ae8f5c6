"""The machine that a benchmark runs on."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("ipython", "ipykernel", "anywidget", "jupyterlab")


@contextmanager
def described() -> Iterator[dict[str, Any]]:
    """What to say of this machine; how busy others kept it meanwhile is filled in at the end."""
    cpuinfo = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    cpus = os.cpu_count() or 1
    machine: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cpu": model.group(1) if model else platform.processor() or "unknown CPU",
        "cpus": cpus,
        "virtual": "hypervisor" in cpuinfo,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "versions": {"Python": platform.python_version()} | _versions(),
    }
    wall, busy, own = time.monotonic(), _busy_s(), _own_s()
    yield machine
    seconds = time.monotonic() - wall
    machine["seconds"] = round(seconds)
    machine["others_fraction"] = round(max(0.0, _busy_s() - busy - (_own_s() - own)) / seconds / cpus, 3)


def _busy_s() -> float:
    """CPU-seconds that all processes of this machine have used, time stolen by other guests included (Linux)."""
    fields = [int(field) for field in _read("/proc/stat").split("\n")[0].split()[1:9]]
    return (sum(fields) - sum(fields[3:5])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _own_s() -> float:
    """CPU-seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


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
