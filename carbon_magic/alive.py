"""Which process a run belongs to, and whether that process is still there."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import NamedTuple

if sys.platform != "linux":
    import socket

    import psutil


class Owner(NamedTuple):
    """A process, told apart from every other one that has or had its number."""

    boot_id: str
    """This boot of this kernel, and the namespace in which process numbers hold (containers share a boot); or ""."""
    pid: int
    started: float | None
    """When it started, in the platform's own units; None where that cannot be known."""


NOBODY = Owner("", 0, None)
"""Where it is not known, or does not matter any more."""


def me() -> Owner:
    """This process."""
    return _owner(os.getpid())


@functools.lru_cache(maxsize=1)
def _owner(pid: int) -> Owner:
    return Owner(_boot_id(), pid, _started(pid))


def is_alive(owner: Owner) -> bool | None:
    """None where this machine, or this container, cannot know."""
    if not owner.boot_id or owner.boot_id != me().boot_id or owner.started is None:
        return None
    if owner.pid == os.getpid():
        return owner == me()
    started = _started(owner.pid)
    if started is not None:
        return abs(started - owner.started) <= 1
    return None if sys.platform == "linux" and _hidden(owner.pid) else False


def _hidden(pid: int) -> bool:
    """The process is there, but /proc does not show it: mounted with hidepid, and it is somebody else's."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        pass
    return False


if sys.platform == "linux":

    def _boot_id() -> str:
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
        except OSError:
            return ""

    def _started(pid: int) -> float | None:
        """Clock ticks since boot: field 22 of /proc/<pid>/stat. A zombie's work is over, so it counts as gone."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        fields = stat.rpartition(b")")[2].split()  # the name before it may hold anything, parentheses too
        return None if fields[0] in (b"Z", b"X") else float(fields[19])

else:

    def _boot_id() -> str:
        # No boot id here; the process's start is by the wall clock, which tells boots apart as well.
        return socket.gethostname()

    def _started(pid: int) -> float | None:
        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
        except psutil.Error:
            return None
