"""Whose work an NVIDIA GPU did, by its driver's account of the processes on it.

Reference: nvmlDeviceGetProcessUtilization and nvmlDeviceGetComputeRunningProcesses in
https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import Any

from .meter import Split


def split(nvml: Any, handle: Any, since: object, ours: Collection[int], allotted: float) -> Split:
    """What happened since the look that gave `since`; `allotted` is the part of a GPU that nobody uses."""
    try:
        pids = _pids(nvml, handle)
    except Exception:
        return Split(since, None, 0.0)
    if not pids:
        return Split(since, allotted, allotted)  # nobody's work: what it draws is idling
    mine = [pid for pid in pids if pid in ours]
    # In a container the driver tells the host's numbers, which mean nothing here, or another process.
    if not all(_here(pid) for pid in pids):
        return Split(since, None, 0.0)
    idle = len(mine) / len(pids)
    if len(mine) in (0, len(pids)):
        return Split(since, idle, idle)
    newest, work = _by_use(nvml, handle, since if isinstance(since, int) else 0, ours)
    return Split(newest, work, idle)


def _pids(nvml: Any, handle: Any) -> set[int]:
    """Everybody who has a context on it, to compute or to draw."""
    pids = {process.pid for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    with contextlib.suppress(nvml.NVMLError):  # a board that only computes
        pids |= {process.pid for process in nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)}
    return pids


def _by_use(nvml: Any, handle: Any, since: int, ours: Collection[int]) -> tuple[int, float | None]:
    """Our part of the time in which some process kept the multiprocessors busy; None without any sample."""
    try:
        samples = list(nvml.nvmlDeviceGetProcessUtilization(handle, since))
    except nvml.NVMLError:
        return since, None  # NOT_FOUND is "no sample", and no zero; a MIG board does not tell at all
    newest = max((int(sample.timeStamp) for sample in samples), default=since)
    everybody = sum(sample.smUtil for sample in samples)
    mine = sum(sample.smUtil for sample in samples if sample.pid in ours)
    return newest, (mine / everybody if everybody > 0 else None)


def _here(pid: int) -> bool:
    return pid == os.getpid() or os.path.exists(f"/proc/{pid}")  # noqa: PTH110 - asked each second
