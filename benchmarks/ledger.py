"""The ledger: a million runs, ten kernels at once, and what a kill costs. SQLite on this machine's disk."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from .figure import Figure
from .fresh import ROOT, Fresh

RUNS, PROJECTS, BATCH = 1_000_000, 200, 5_000
CASE = 4789
KERNELS, HZ, SECONDS = 10, 5, 8
KILLS = 24
ASKED = 15


def measure(fresh: Fresh) -> Iterator[Figure]:
    """Figures as they come."""
    folder = fresh.folder / "ledger"
    folder.mkdir()
    yield from _million(folder / "million.db")
    yield from _case(folder / "case.db")
    yield from _kernels(fresh, folder / "kernels.db")
    yield from _kills(fresh, folder)
    yield from _light(folder / "light.db")


def _run(i: int, project: str, state: str = "done", begin_s: float = 1.7e9, gpu: int = 0) -> Any:
    from carbon_magic.device import Device
    from carbon_magic.grid import Intensity
    from carbon_magic.run import Run

    grid = Intensity(50.0, (40.0, 60.0), "FR", "France", 2024, "lifecycle", "a source", "use", "CC BY 4.0", "asked for")
    devices = (
        Device("CPU 0", "cpu", 500.0 + i % 7, (450.0, 560.0), "RAPL", "counter"),
        Device("DRAM 0", "dram", 60.0, (50.0, 70.0), "RAPL", "counter"),
        Device(f"GPU {gpu}", "gpu", 3000.0 + i % 11, (2900.0, 3100.0), "NVML", "counter"),
    )
    key = f"{random.getrandbits(128):032x}"
    return Run(
        key, f"trial {i}", state, begin_s + 20.0 * i, 15.0, (3400.0, 3730.0), grid, devices,  # type: ignore[arg-type]
        stage=("tune", "train", "explore")[i % 3], tags={"lr": i % 5}, project=project, host=f"node {i % 4}",
    )  # fmt: skip


def _million(path: Path) -> Iterator[Figure]:
    from carbon_magic.store.ledger import Ledger
    from carbon_magic.store.sqlite import SqliteStore

    store = SqliteStore(path)
    wall_s = cpu_s = 0.0
    for first in range(0, RUNS, BATCH):
        runs = [_run(i, f"project {i * PROJECTS // RUNS}") for i in range(first, first + BATCH)]
        wall, cpu = time.perf_counter(), time.process_time()
        store.put_all(runs)
        wall_s, cpu_s = wall_s + time.perf_counter() - wall, cpu_s + time.process_time() - cpu
    store.close()
    size = path.stat().st_size
    note = f"{1e6 * cpu_s / RUNS:.0f} µs of CPU each; {size / RUNS:.0f} bytes each, {RUNS:,} in all"
    yield Figure("insert in bulk, sums kept", RUNS / wall_s, "runs/s", 10_000, least=True, note=note)
    with Ledger(path) as ledger:
        table = ledger.projects()
        assert table["runs"].sum() == RUNS
        yield Figure(f"totals of {PROJECTS} projects, {RUNS:,} runs", _ms(ledger.projects), "ms", 150)
        yield Figure(f"totals of all, {RUNS:,} runs", _ms(ledger.totals), "ms", 150)
        yield Figure("totals of one project of them", _ms(lambda: ledger.totals("project 7")), "ms", 10)
        yield Figure(
            "table of one project of them, a row per run",
            _ms(lambda: ledger.table("project 7")),
            "ms",
            note="5,000 rows",
        )


def _case(path: Path) -> Iterator[Figure]:
    from carbon_magic.account.read import read
    from carbon_magic.store.ledger import Ledger
    from carbon_magic.store.sqlite import SqliteStore

    store = SqliteStore(path)
    store.put_all([_run(i, "case") for i in range(CASE)])
    with Ledger(path) as ledger:
        yield Figure(
            f"{CASE:,} runs summarised", _ms(lambda: ledger.totals("case")), "ms", 20, note="from the kept sums"
        )

        def account() -> None:
            project = read(ledger, "case")
            assert project.energy_j > 0
            assert len(project.groups("stage")) == 3

        yield Figure(f"{CASE:,} runs, the project's account with its stages", _ms(account), "ms", note="row by row")
        store.put(_run(0, "case", "running", begin_s=1.7e9 - 1e6))
        yield Figure(f"{CASE:,} runs summarised while one goes on", _ms(lambda: ledger.totals("case")), "ms", 20)
    store.close()


def _ms(work: Callable[[], object]) -> float:
    """The median time; the first two, which import pandas and fill the page cache, do not count."""
    found = []
    for _ in range(ASKED + 2):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return 1000 * median(found[2:])


KERNEL = """
import sys, time
from pathlib import Path
from benchmarks.ledger import HZ, SECONDS, _run
from carbon_magic.store.sqlite import SqliteStore
from dataclasses import replace
n = int(sys.argv[2])
store = SqliteStore(Path(sys.argv[1]))
run = _run(n, "p", "running")
begin = time.monotonic()
for tick in range(HZ * SECONDS):
    time.sleep(max(0.0, begin + tick / HZ - time.monotonic()))
    at = time.perf_counter()
    store.put(replace(run, duration_s=1.0 + tick))
    print(time.perf_counter() - at)
store.put(_run(n, "p"))
"""


def _kernels(fresh: Fresh, path: Path) -> Iterator[Figure]:
    kernels = [_start(fresh, KERNEL, path, str(n)) for n in range(KERNELS)]
    texts = [kernel.communicate()[0] for kernel in kernels]
    errors = sum(kernel.returncode != 0 for kernel in kernels)
    took = sorted(float(line) for text in texts for line in text.split())
    yield Figure(f"{KERNELS} kernels at {HZ} Hz: kernels that met an error", errors, "", 0, note=f"{len(took)} writes")
    p50, p99 = (1000 * took[round(q * (len(took) - 1))] for q in (0.5, 0.99))
    yield Figure(
        f"{KERNELS} kernels at {HZ} Hz: a write, 99 % within",
        p99,
        "ms",
        5,
        note=f"median {p50:.2f} ms; the pump's thread waits for it, no cell does",
    )


KILLED = """
import sys, time
sys.path.insert(0, "tests")
import carbon_magic
with carbon_magic.track("killed") as run:
    print("begun", flush=True)
    while True: sum(range(20_000))
"""


def _kills(fresh: Fresh, folder: Path) -> Iterator[Figure]:
    from carbon_magic.store.ledger import Ledger

    lost, sound = [], 0
    for group in range(KILLS // 4):
        paths = [folder / f"killed {group} {i}.db" for i in range(4)]
        kernels = [_start(fresh, KILLED, path, CARBON_MAGIC_LEDGER=str(path)) for path in paths]
        for kernel in kernels:
            assert kernel.stdout is not None
            kernel.stdout.readline()
        begun = time.time()
        time.sleep(2.2 + 0.23 * group)
        for path, kernel in zip(paths, kernels, strict=True):
            kernel.send_signal(signal.SIGKILL)
            killed = time.time()
            kernel.wait()
            (run,) = Ledger(path).load()
            assert run.state == "interrupted"
            assert run.started_at < begun + 1
            lost.append(killed - run.started_at - run.duration_s)
            db = sqlite3.connect(path)
            sound += db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            db.close()
    note = f"{KILLS} kernels that count in pure Python, four at a time; median {median(lost):.2f} s"
    yield Figure("kill -9: time of the run that is lost, worst", max(lost), "s", 1.0, note=note)
    yield Figure("kill -9: ledgers intact", sound, f"of {KILLS}", KILLS, least=True)


def _light(path: Path) -> Iterator[Figure]:
    from dataclasses import replace

    from carbon_magic.store.sqlite import SqliteStore

    store = SqliteStore(path)
    run = _run(0, "p", "running")
    snapshots = [replace(run, duration_s=float(i)) for i in range(2_000)]
    store.put(run)
    cpu = time.process_time()
    for snapshot in snapshots:
        store.put(snapshot)
    each_us = 1e6 * (time.process_time() - cpu) / len(snapshots)
    store.close()
    yield Figure("the write of each second, CPU", each_us, "µs", note=f"{each_us / 1e4:.4f} % of a core; three devices")


def _start(fresh: Fresh, script: str, *arguments: object, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environ = fresh.environment(more)
    return subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True)
