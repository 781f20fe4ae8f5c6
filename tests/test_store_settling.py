"""Runs of processes that were killed: ended once in the file by the next writer that can know it, and by nobody else."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from store_runs import contents, query, run

from carbon_magic import alive
from carbon_magic.alive import Owner, me
from carbon_magic.run import Run
from carbon_magic.store import Pump, lines, open_store, settling, unsent
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore

HERE = Path(__file__).parent
STATES = "SELECT r.id, r.state, f.state FROM runs r JOIN figures f USING (seq) ORDER BY r.seq"
KERNEL = """
import sys, time
from pathlib import Path
from store_runs import run
from carbon_magic.store.sqlite import SqliteStore
name, count = sys.argv[2], int(sys.argv[3])
store = SqliteStore(Path(sys.argv[1]))
for i in range(count):
    at = 1000.0 + 100 * i
    store.put(run(f"{name} {i}", "running", 1.0, points=5, started_at=at, notes=("a word",)))
    store.put(run(f"{name} {i}", "running", 2.0, started_at=at, duration_s=12.0, notes=("a word",)))  # the narrow row alone
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def kernel(path: Path, name: str, count: int = 1) -> subprocess.Popen[str]:
    """A process with runs that go on."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    command = [sys.executable, "-c", KERNEL, str(path), name, str(count)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def killed(path: Path, name: str, count: int = 1) -> None:
    process = kernel(path, name, count)
    process.kill()
    process.wait()


def reopened(path: Path) -> None:
    open_store(str(path), {}, pytest.fail).close()


def told(path: Path) -> tuple[list[Run], pd.DataFrame, pd.DataFrame]:
    """All that anybody can ask of it."""
    with Ledger(path) as ledger:
        return ledger.load(curves=True), ledger.totals(), ledger.table()


def same(now: tuple[list[Run], pd.DataFrame, pd.DataFrame], then: tuple[list[Run], pd.DataFrame, pd.DataFrame]) -> None:
    assert now[0] == then[0]
    for one, other in zip(now[1:], then[1:], strict=True):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_the_next_writer_ends_what_was_killed_as_every_reader_saw_it_before(path: Path) -> None:
    alive_still = kernel(path, "alive")
    try:
        killed(path, "killed", 3)
        before, asked = contents(path.parent), told(path)
        assert contents(path.parent).keys() == before.keys()
        assert query(path, STATES)[1] == ("killed 0", "running", "running")  # a reader ends nothing
        reopened(path)
        assert query(path, STATES) == [
            ("alive 0", "running", "running"), *((f"killed {i}", "interrupted", "interrupted") for i in range(3))
        ]  # fmt: skip
        now = told(path)
        same(now, asked)
        left = now[0][1]
        assert (left.energy_j, left.duration_s, len(left.curve.t_s)) == (2.0, 12.0, 5)
        assert left.notes == ("a word", "the process ended before the run did: figures are the last ones it wrote")
    finally:
        alive_still.kill()
        alive_still.wait()


def test_once_ended_it_is_not_written_again(path: Path) -> None:
    killed(path, "killed")
    reopened(path)
    before = contents(path.parent)
    reopened(path)
    assert contents(path.parent) == before


@pytest.mark.parametrize(
    "owner",
    [Owner("another boot", 1, 1.0), Owner(me().boot_id.replace("pid:", "pid:9"), 1, 1.0), Owner("", 1, None),
     Owner(me().boot_id, 999_999_999, None)],
)  # fmt: skip
def test_of_whom_nothing_can_be_known_nothing_is_written(path: Path, owner: Owner) -> None:
    store = SqliteStore(path)
    store.put_all([run("1", "running")], owner)
    store.close()
    reopened(path)
    assert query(path, STATES) == [("1", "running", "running")]


def test_a_number_that_another_process_has_by_now_is_nobodys_life(path: Path) -> None:
    mine = alive.me()
    assert mine.started is not None
    store = SqliteStore(path)
    store.put_all([run("1", "running")], Owner(mine.boot_id, os.getppid(), mine.started - 500))
    store.put_all([run("2", "running")], mine)
    store.close()
    reopened(path)
    assert [state for _, state, _ in query(path, STATES)] == ["interrupted", "running"]


def test_what_it_could_not_write_itself_comes_first(path: Path) -> None:
    process = kernel(path, "killed")
    store = SqliteStore(path)
    (seen,) = store.runs()
    owner = Owner(*sqlite3.connect(path).execute("SELECT boot_id, pid, pid_started FROM runs").fetchone())
    store.close()
    process.kill()
    process.wait()
    waits = unsent.folder(str(path), path.parent)
    lines.keep([run(seen.id, "running", 5.0, duration_s=20.0)], owner, waits)
    reopened(path)
    (back,) = Ledger(path).load()
    assert (back.state, back.energy_j, back.duration_s) == ("interrupted", 5.0, 20.0)
    lines.keep([run(seen.id, "done", 6.0)], owner, waits)  # an end that comes later counts all the same
    reopened(path)
    assert [(r.state, r.energy_j) for r in Ledger(path).load()] == [("done", 6.0)]


def test_thousands_are_ended_a_part_at_each_opening(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "MOST", 30)
    monkeypatch.setattr(settling, "TOGETHER", 7)
    store = SqliteStore(path)
    store.put_all(
        [run(str(i), "running", started_at=1000.0 + 3 * i) for i in range(70)], Owner(me().boot_id, 2**30, 1.0)
    )
    store.close()
    before = told(path)
    for left in (40, 10, 0, 0):
        reopened(path)
        assert query(path, "SELECT count(*) FROM figures WHERE state = 'running'") == [(left,)]
        assert query(path, "SELECT count(*) FROM runs WHERE state = 'running'") == [(left,)]
        same(told(path), before)


def test_a_file_that_another_holds_is_settled_another_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carbon_magic.store.sqlite.WAIT_S", 0.02)
    killed(path, "killed")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reopened(path)
    assert query(path, STATES) == [("killed 0", "running", "running")]
    other.execute("ROLLBACK")
    other.close()
    said: list[str] = []
    pump = Pump(lambda: open_store(str(path), {}, said.append), said.append)
    pump.put(run("next"))
    assert pump.close()
    assert query(path, STATES) == [("killed 0", "interrupted", "interrupted"), ("next", "done", "done")]
    assert said == []


def test_who_asks_the_ledger_before_leaving_in_a_hurry_loses_no_run(path: Path) -> None:
    script = (
        "import os, carbon_magic\nwith carbon_magic.track('short'): pass\ncarbon_magic.ledger().totals()\nos._exit(0)"
    )
    environ = {**os.environ, "CARBON_MAGIC_LEDGER": str(path), "PYTHONPATH": str(HERE.parent)}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True, timeout=60)
    assert [(r.name, r.state) for r in Ledger(path).load()] == [("short", "done")]
