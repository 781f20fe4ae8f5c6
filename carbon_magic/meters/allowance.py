"""How many of the machine's CPUs this process may use: by its affinity (cpuset) and its control group's quota."""

from __future__ import annotations

import math
import os
from pathlib import Path


def cpus_allowed(root: Path = Path("/")) -> float:
    """CPUs' worth of time per second at most; inf where nothing limits it."""
    return min(_affinity(), _quota(root))


def _affinity() -> float:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return math.inf


def _quota(root: Path) -> float:
    """The tightest cpu.max from this process's control group upwards, as cgroup v2 and v1 write it."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return math.inf
    most = math.inf
    for line in lines:
        _, controllers, path = line.split(":", 2) if line.count(":") > 1 else ("", "none", "")
        if controllers and "cpu" not in controllers.split(","):
            continue
        tree = root / "sys/fs/cgroup" / (controllers and "cpu")
        # In a container's own namespace the path is "/"; without one, the host's path is not there and its root is.
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            most = min(most, _limit(tree.joinpath(*parts[:depth]), bool(controllers)))
    return most


def _limit(group: Path, v1: bool) -> float:
    try:
        if v1:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        else:
            quota, period = (group / "cpu.max").read_text().split()
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    except (OSError, ValueError, ZeroDivisionError):  # "max" is no number
        return math.inf
