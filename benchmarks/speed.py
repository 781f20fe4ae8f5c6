"""What carbon_magic costs: CPU, time, memory, threads, bytes; in fresh processes, beside a bare baseline."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

from . import wire
from .figure import Figure
from .fresh import ROOT, Fresh
from .simulated import SysTree, hwmon, machine

TIMES = 9
LATER = 100
READS = 500
SLEEP_S = (10, 20)
"""The first seconds of a run, and later ones: the curve has fewer points then."""
MB = 1e6
STATIC = ROOT / "carbon_magic" / "widgets" / "static"
STARTS = {
    "ipython": "in IPython after %load_ext",
    "script": "in a bare script after import carbon_magic",
}
MACHINES = {"laptop": machine.laptop, "server": machine.server, "2 GPUs": machine.gpu_box, "8 GPUs": machine.eight_gpus}
METERS = {
    "CPU model": ("models", "W by load", ""),
    "RAM model": ("laptop", "for each of", ""),
    "RAPL domain through FUSE": (
        "server",
        "RAPL",
        "a round trip to the process that simulates it; a real powercap file takes some 13 µs and an MSR read",
    ),
    "NVML counter of the stub": (
        "2 GPUs",
        "NVML",
        "pynvml and ctypes are real, the driver is not: a real one is asked by ioctl",
    ),
}
"""Instruments: the machine that has it, what its source says, and what to know of its time."""
FILES = "plain files: what our own code takes; a real sensor answers through its bus or its firmware"
BOARDS = {
    "hwmon energy counter": ("xe", FILES),
    "hwmon watts, Grace": ("ACPI power meter", FILES),
    "hwmon volts and amperes, Jetson's input": ("INA3221", FILES),
    "battery": ("gauge", f"asked once a second at most; {FILES}"),
}
"""The same, of a simulated /sys that has them all."""


def measure(fresh: Fresh) -> Iterator[Figure]:
    """Figures as they come. Those of the watcher sleep together at the end: nothing else runs beside them."""
    yield from _load_ext(fresh)
    yield from _blocks(fresh)
    yield from _memory(fresh)
    threads = fresh.run("inside", "threads")
    yield Figure("threads more, idle", threads["idle"], "", 1, note=f"while a block runs: {threads['running']}")
    yield from _bundle()
    with ExitStack() as simulated:
        on = {name: simulated.enter_context(make()).environment for name, make in MACHINES.items()} | {"models": {}}
        yield from _reads(fresh, on)
        yield from _boards(fresh)
        yield from wire.measure(fresh, on)
        yield from _watcher(fresh, {name: on[name] for name in ("models", "server", "2 GPUs")})


def _load_ext(fresh: Fresh) -> Iterator[Figure]:
    found = fresh.repeat(TIMES, "inside", "load_ext")
    cpu, ipython = [x["cpu_s"] for x in found], [x["ipython_cpu_s"] for x in found]
    ratio = f"{100 * median(cpu) / median(ipython):.0f} % of what the start of a bare IPython shell takes"
    yield Figure("%load_ext, CPU", 1000 * median(cpu), "ms", 40, note=f"{_spread(cpu)}; {ratio}")


def _blocks(fresh: Fresh) -> Iterator[Figure]:
    bare_s = median(found["cpu_s"] for found in fresh.repeat(TIMES, "inside", "bare"))
    later: list[Sequence[float]] = []
    for start, told in STARTS.items():
        found = fresh.repeat(TIMES, "inside", "track", start, LATER)
        if start == "script":
            imported = [x["import_s"] for x in found]
            yield Figure("import carbon_magic in a bare script", 1000 * median(imported), "ms", note=_spread(imported))
        wall, cpu = zip(*(x["first"] for x in found), strict=True)
        ratio = f"{median(cpu) / bare_s:.1f} times a bare Python's start"
        note = f"{_spread(wall)}; CPU {1000 * median(cpu):.1f}, best {1000 * min(cpu):.1f} ms, {ratio}"
        yield Figure(f"first empty track(), {told}", 1000 * median(wall), "ms", 50, note=note)
        later += [each for x in found for each in x["later"]]
    wall, cpu = zip(*later, strict=True)
    late = sorted(wall)[round(0.95 * len(wall))]
    note = f"95 % below {1000 * late:.2f} ms; CPU of the thread {1000 * median(cpu):.2f} ms"
    yield Figure("later empty track()", 1000 * median(wall), "ms", 3, note=note)


def _memory(fresh: Fresh) -> Iterator[Figure]:
    bare, tracked = (fresh.repeat(3, "inside", "memory", with_us) for with_us in (False, True))
    more = {kind: median(x[kind] for x in tracked) - median(x[kind] for x in bare) for kind in ("rss", "uss")}
    own, shell = more["uss"] / MB, median(x["rss"] for x in bare) / MB
    note = f"its own pages alone {own:.1f} MB; the bare shell {shell:.0f} MB"
    yield Figure("resident memory more after a tracked cell, IPython shell", more["rss"] / MB, "MB", 25, note=note)


def _bundle() -> Iterator[Figure]:
    """The script and the style of the widgets, as they travel."""
    files = sorted(STATIC.glob("*.[jc]s*"))
    packed = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    plain = sum(path.stat().st_size for path in files)
    note = f"{plain / 1000:.1f} kB as it lies in the package"
    yield Figure("widget bundle, JS and CSS, gzip", packed / 1000, "kB", note=note)


def _reads(fresh: Fresh, on: Mapping[str, Mapping[str, str]]) -> Iterator[Figure]:
    for told, (name, source, remark) in METERS.items():
        found = [m for m in fresh.run("inside", "reads", READS, on=on[name]) if source in m["source"]]
        yield _one_reading(told, found, remark)


def _boards(fresh: Fresh) -> Iterator[Figure]:
    with TemporaryDirectory(prefix="carbon-sys-") as folder:
        tree = SysTree(folder, machine.InjectedClock())
        hwmon.power_meter(tree, 0, "Grace Power Socket 0", machine.steady(90))
        hwmon.energy(tree, 1, "xe", {1: ("card", machine.steady(60))})
        hwmon.ina3221(tree, 2, {"VDD_IN": machine.steady(20)})
        hwmon.battery(tree, "BAT0", machine.steady(15))
        found = fresh.run("inside", "reads", READS, on={"CARBON_MAGIC_SYS": folder})
    for told, (source, remark) in BOARDS.items():
        yield _one_reading(told, [m for m in found if source in m["source"]], remark)
    perf = fresh.run("inside", "perf_reads", READS)
    if perf:
        yield _one_reading("perf event", perf, "the kernel's CPU clock in place of an energy register")


def _one_reading(told: str, found: Sequence[Mapping[str, Any]], remark: str) -> Figure:
    wall = median(s for m in found for s in m["wall_s"])
    note = "; ".join(filter(None, [f"CPU {1e6 * mean(m['cpu_s'] for m in found):.3g} µs", remark]))
    return Figure(f"one reading: {told}", 1e6 * wall, "µs", note=note)


def _watcher(fresh: Fresh, on: Mapping[str, Mapping[str, str]]) -> Iterator[Figure]:
    hows = ("bare", "unsaved", "tracked", "hour")
    calls = [(name, how) for name in on for how in hows]
    found = fresh.together([(("inside", "watch", how, SLEEP_S), on[name]) for name, how in calls])
    cpu = dict(zip(calls, found, strict=True))
    for name in on:
        for i, when in enumerate((f"first {SLEEP_S[0]} s", f"{SLEEP_S[1]} s after that")):
            bare = cpu[name, "bare"][i]
            more = {how: 100 * (cpu[name, how][i] - bare) for how in hows[1:]}
            aged = f"; with the curve of an hour {more['hour']:.3f} %" if i else ""
            note = f"without the ledger {more['unsaved']:.3f} %{aged}; sleep alone {100 * bare:.4f} %"
            what = f"watcher without a view, ledger included, {name}, {when}"
            yield Figure(what, more["tracked"], "% of a core", 0.1, note=note)


def _spread(seconds: Sequence[float]) -> str:
    return f"{len(seconds)} runs, best {1000 * min(seconds):.1f}, worst {1000 * max(seconds):.1f} ms"
