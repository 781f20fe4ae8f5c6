"""CPU-seconds of this process and of all that it started, those that ended too.

A search with n_jobs=2 does 97 % of its work in other processes, which stay alive after the cell: they are walked. What
a child used arrives in its parent's account when the parent waits for it (proc_pid_stat(5): cutime, cstime); where it
never arrives (SIGCHLD ignored, a parent that died first), the last that was seen of it is kept.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Seen(NamedTuple):
    """A process at one look."""

    started: float
    """Tells it apart from a later one of the same number."""
    own_s: float
    reaped_s: float
    """Of its children that it has waited for."""


class Tree:
    """The processes that began with this one. `cpu_s()` only grows."""

    def __init__(self) -> None:
        self.pids: frozenset[int] = frozenset({os.getpid()})
        """This process and its descendants at the last look; one whose parent died stays in."""
        self._known: dict[int, Seen] = {}
        self._reaped_s = _reaped_s()
        self._lost_s = 0.0
        self._most_s = 0.0

    def cpu_s(self) -> float:
        """Seconds of CPU time so far: 10 µs without a child, else some 30 µs for each."""
        reaped_s = _reaped_s()
        seen = _descendants(self._known) if self._known or has_children() else {}
        gone = [old for pid, old in self._known.items() if pid not in seen]
        if gone:
            arrived_s = reaped_s - self._reaped_s
            arrived_s += sum(
                max(0.0, s.reaped_s - self._known[p].reaped_s) for p, s in seen.items() if p in self._known
            )
            self._lost_s += max(0.0, sum(old.own_s + old.reaped_s for old in gone) - arrived_s)
        self._known, self._reaped_s = seen, reaped_s
        self.pids = frozenset({os.getpid(), *seen})
        alive_s = sum(s.own_s + s.reaped_s for s in seen.values())
        self._most_s = max(self._most_s, time.process_time() + reaped_s + alive_s + self._lost_s)
        return self._most_s


def descendants() -> dict[int, Seen]:
    """All that began with this process and is still there; without a child no file is read."""
    return _descendants({}) if has_children() else {}


def has_children() -> bool:
    """Whether there is any child, running or not yet waited for. Takes nothing from whoever waits for it."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


if sys.platform != "win32":
    import resource

    def _reaped_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

else:

    def _reaped_s() -> float:
        return 0.0  # Windows keeps no such account: what an ended child used is what was last seen of it


if sys.platform == "linux":

    def below(pids: Iterable[int]) -> dict[int, Seen]:
        """These processes, and what each of them started."""
        return _walk(list(pids), {})

    def _descendants(known: dict[int, Seen]) -> dict[int, Seen]:
        pending = _children(os.getpid())
        # Orphans are nobody's children any more, but were ours.
        pending += [pid for pid in known if pid not in pending]
        return _walk(pending, known)

    def _walk(pending: list[int], known: dict[int, Seen]) -> dict[int, Seen]:
        seen: dict[int, Seen] = {}
        while pending:
            pid = pending.pop()
            if pid in seen:
                continue
            found = look_at(pid)
            if found is None or (pid in known and found.started != known[pid].started):
                continue
            seen[pid] = found
            pending += _children(pid)
        return seen

    def _children(pid: int) -> list[int]:
        """Each thread has its own list of the processes it started (proc_pid_task(5), Linux 4.2 and later)."""
        children: list[int] = []
        try:
            for thread in os.listdir(f"{_PROC}/{pid}/task"):  # noqa: PTH208 - asked each second
                with open(f"{_PROC}/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                    children += map(int, file.read(65536).split())
        except (OSError, ValueError):
            pass  # it ended meanwhile
        return children

    def look_at(pid: int) -> Seen | None:
        """A process by /proc/<pid>/stat; None where it is gone."""
        try:
            with open(f"{_PROC}/{pid}/stat", "rb", buffering=0) as file:
                # The name before the parenthesis may hold anything, parentheses too.
                fields = file.read(4096).rpartition(b")")[2].split()
            user, system, reaped_user, reaped_system = map(int, fields[11:15])
            return Seen(float(fields[19]), (user + system) / _HZ, (reaped_user + reaped_system) / _HZ)
        except (OSError, ValueError, IndexError):
            return None

    _HZ = os.sysconf("SC_CLK_TCK")

else:

    def below(pids: Iterable[int]) -> dict[int, Seen]:
        """These processes, and what each of them started."""
        import psutil

        found = list(pids)
        for pid in list(found):
            try:
                found += [child.pid for child in psutil.Process(pid).children(recursive=True)]
            except psutil.Error:
                continue
        return {pid: seen for pid in found if (seen := look_at(pid)) is not None}

    def _descendants(known: dict[int, Seen]) -> dict[int, Seen]:
        import psutil

        seen: dict[int, Seen] = {}
        try:
            children = psutil.Process().children(recursive=True)
        except psutil.Error:
            children = []
        for pid in {*known, *(child.pid for child in children)}:
            found = look_at(pid)
            if found is not None and (pid not in known or found.started == known[pid].started):
                seen[pid] = found
        return seen

    def look_at(pid: int) -> Seen | None:
        """A process as psutil sees it; None where it is gone."""
        import psutil

        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            reaped_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
            return Seen(process.create_time(), times.user + times.system, reaped_s)
        except psutil.Error:
            return None
