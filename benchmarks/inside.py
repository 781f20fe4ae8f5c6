"""What is measured in a fresh process. Each function returns plain data; seconds and bytes.

Nothing is imported here that carbon_magic would have to import: that is a part of what it costs.
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

QUIET_S = 0.4
"""Long enough for background imports and the first write to the ledger."""


def bare() -> dict[str, float]:
    """A Python that has started, and nothing else."""
    return {"cpu_s": time.process_time()}


def load_ext() -> dict[str, float]:
    """%load_ext in a bare IPython shell, and the start of that shell."""
    started = time.process_time()
    shell = _shell()
    wall, cpu = time.perf_counter(), time.process_time()
    shell.run_line_magic("load_ext", "carbon_magic")
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "ipython_cpu_s": cpu - started,
    }


def track(where: str, later: int) -> dict[str, Any]:
    """Empty blocks: the first, and the later ones.

    In a bare "script", whose import of carbon_magic is timed too; in "ipython" after %load_ext.
    """
    if where == "ipython":
        _shell().run_line_magic("load_ext", "carbon_magic")
    wall = time.perf_counter()
    import carbon_magic

    import_s = time.perf_counter() - wall
    first = _empty(carbon_magic)
    time.sleep(QUIET_S)  # the ledger is open now
    return {"import_s": import_s, "first": first, "later": [_empty(carbon_magic) for _ in range(later)]}


def _empty(carbon_magic: Any) -> tuple[float, float]:
    """Wall time, and the calling thread's CPU time, of an empty block."""
    wall, cpu = time.perf_counter(), time.thread_time()
    with carbon_magic.track():
        pass
    return time.perf_counter() - wall, time.thread_time() - cpu


def memory(tracked: bool) -> dict[str, float]:
    """What an IPython shell holds after a cell, tracked or not; with the figures of the process beside it."""
    shell = _shell()
    if tracked:
        shell.run_line_magic("load_ext", "carbon_magic")
    shell.run_cell("%%carbon\n0" if tracked else "0")
    time.sleep(QUIET_S)
    return resident()


def threads() -> dict[str, int]:
    """Threads beyond the main one: in a tracked block, and after it."""
    import carbon_magic

    before = threads_now()
    with carbon_magic.track():
        time.sleep(QUIET_S)
        running = threads_now()
    time.sleep(QUIET_S)
    return {"running": running - before, "idle": threads_now() - before}


def watch(how: str, seconds: tuple[float, float]) -> list[float]:
    """CPU-seconds per second of sleep, in two stretches one after the other.

    "bare", "tracked", "unsaved" (nothing goes to the ledger), or "hour": tracked, with the curve of a run of an hour.
    """
    import carbon_magic
    import carbon_magic.process

    if how == "bare":
        return [_asleep(s) for s in seconds]
    with carbon_magic.track() as handle:
        if how == "unsaved":
            carbon_magic.process.current().tracker.subscribers.clear()
        time.sleep(QUIET_S)  # the first write imports and opens the ledger: a cost of the beginning, not of watching
        if how == "hour":
            _age(handle._tracking, 3600)
        return [_asleep(s) for s in seconds]


def _age(tracking: Any, seconds: int) -> None:
    """Give it the curve that a run of so many seconds has; the points that come will find it full."""
    names = [odometer.meter.name for odometer in tracking.machine.odometers if odometer.meter.counted]
    for t_s in range(1, seconds):
        tracking._recorder.add(float(t_s), dict.fromkeys(names, 50 + t_s * 37 % 101 / 7))


def _asleep(seconds: float) -> float:
    cpu, wall = time.process_time(), time.perf_counter()
    time.sleep(seconds)
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def reads(times: int) -> list[dict[str, Any]]:
    """One reading of each meter: wall times and mean CPU time."""
    from carbon_magic import meters

    return [_timed(meter, times) for meter in meters.find(os.environ, time.monotonic)]


def perf_reads(times: int) -> list[dict[str, Any]]:
    """The same of an event that this kernel has without energy counters (CPU clock); empty where it is refused."""
    from carbon_magic.meters import perf

    kernel = perf.Kernel()
    try:
        fd = kernel.open(1, 0, 0)
    except OSError:
        return []
    return [_timed(perf.PerfEvent(kernel, fd, 1e-9, "cpu-clock", 0), times)]


def _timed(meter: Any, times: int) -> dict[str, Any]:
    walls: list[float] = []
    meter.read()
    cpu = time.process_time()
    for _ in range(times):
        wall = time.perf_counter()
        meter.read()
        walls.append(time.perf_counter() - wall)
    return {"source": meter.source, "wall_s": walls, "cpu_s": (time.process_time() - cpu) / times}


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.instance()


def threads_now() -> int:
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - pathlib is not imported


def resident() -> dict[str, float]:
    """Resident bytes, and those that are this process's alone (Linux)."""
    fields = {}
    with open("/proc/self/smaps_rollup") as file:
        for line in file.readlines()[1:]:
            name, amount, _ = line.split()
            fields[name.rstrip(":")] = int(amount) * 1024.0
    return {"rss": fields["Rss"], "uss": fields["Private_Clean"] + fields["Private_Dirty"]}


if __name__ == "__main__":
    found = globals()[sys.argv[1]](*json.loads(sys.argv[2]))
    print("\n" + json.dumps(found))
