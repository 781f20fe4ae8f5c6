from __future__ import annotations

import _thread
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from store_runs import run

from carbon_magic import alive
from carbon_magic.alive import Owner
from carbon_magic.store import Pump, files, location, open_store, rows, schema, sqlite
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore
from carbon_magic.totals import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from carbon_magic.run import Run


class Memory:
    """A store that does what a test tells it to."""

    def __init__(self, trouble: Callable[[Run], None] = lambda run: None) -> None:
        self.trouble = trouble
        self.seen: list[Run] = []

    def put(self, run: Run) -> None:
        self.trouble(run)
        self.seen.append(run)

    def close(self) -> None:
        pass


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


@pytest.fixture
def pump(path: Path, said: list[str]) -> Iterator[Pump]:
    """From a put to the real file."""
    pump = Pump(lambda: open_store(str(path), {}, said.append), said.append)
    yield pump
    pump.close()


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


# --- the pump


def test_only_the_newest_snapshot_of_a_run_is_written(said: list[str]) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(run: Run) -> None:
        entered.set()
        assert go.wait(5)

    memory = Memory(slow)
    pump = Pump(lambda: memory, said.append)
    pump.put(run("1", "running", 1.0))
    assert entered.wait(5)
    for joules in (2.0, 3.0, 4.0):
        pump.put(run("1", "running", joules))
        pump.put(run("2", "running", joules))
    assert not pump.flush(0.01)
    go.set()
    assert pump.close()
    assert [(r.id, r.energy_j) for r in memory.seen] == [("1", 1.0), ("1", 4.0), ("2", 4.0)]
    assert said == []


def test_a_late_running_never_overtakes_the_end(said: list[str]) -> None:
    memory = Memory()
    pump = Pump(lambda: memory, said.append)
    pump.put(run("1", "done"))
    pump.put(run("1", "running"))
    assert pump.flush(5)
    pump.put(run("1", "running"))
    assert pump.close()
    assert [r.state for r in memory.seen] == ["done"]


def test_a_hanging_store_costs_the_caller_nothing(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Event(), threading.Event()

    def hang(run: Run) -> None:
        entered.set()
        go.wait(20)

    pump = Pump(lambda: Memory(hang), said.append)
    pump.put(run("0"))
    assert entered.wait(5)
    begin = time.perf_counter()
    for i in range(1000):
        pump.put(run(str(i)))
    assert time.perf_counter() - begin < 0.5  # of which nearly all is making the runs
    assert not pump.flush(0.05)
    assert said == []
    monkeypatch.setattr("carbon_magic.store.pump.STUCK_S", 0.0)
    pump.put(run("1"))
    pump.put(run("2"))
    go.set()
    assert pump.close()
    assert len(said) == 1
    assert "not answered" in said[0]


def test_trouble_is_told_once_and_a_later_put_writes_what_waits(said: list[str]) -> None:
    broken = True

    def open_it() -> Memory:
        if broken:
            raise OSError("/a/" + "very/long/" * 100 + "ledger.db: disk I/O error \n \ud800 \0")
        return memory

    memory = Memory()
    pump = Pump(open_it, said.append)
    for i in range(3):
        pump.put(run(str(i)))
        assert not pump.flush(5)
    broken = False
    pump.put(run("3"))
    assert pump.close()
    assert sorted(r.id for r in memory.seen) == ["0", "1", "2", "3"]
    assert len(said) == 1
    assert len(said[0]) <= 300
    assert "\n" not in said[0]
    said[0].encode()
    assert "CARBON_MAGIC_LEDGER" in said[0]


def test_flush_alone_tries_again(said: list[str]) -> None:
    broken = True

    def trouble(run: Run) -> None:
        if broken:
            raise OSError("full")

    memory = Memory(trouble)
    pump = Pump(lambda: memory, said.append)
    pump.put(run())
    assert not pump.flush(5)
    broken = False
    assert pump.flush(5)
    assert pump.close()
    assert len(memory.seen) == 1


def test_a_moment_in_which_another_holds_the_ledger_is_not_worth_a_word(said: list[str]) -> None:
    troubles = [TimeoutError("held")] * 3

    def trouble(run: Run) -> None:
        if troubles:
            raise troubles.pop()

    memory = Memory(trouble)
    pump = Pump(lambda: memory, said.append)
    pump.put(run())
    assert pump.flush(5)
    assert len(memory.seen) == 1
    assert said == []
    pump.close()


def test_a_run_that_cannot_be_written_holds_up_no_other(said: list[str]) -> None:
    def trouble(run: Run) -> None:
        if run.id == "bad":
            raise ValueError("no")

    memory = Memory(trouble)
    pump = Pump(lambda: memory, said.append)
    for i in ("bad", "1", "2"):
        pump.put(run(i))
    assert not pump.flush(5)
    assert [r.id for r in memory.seen] == ["1", "2"]
    assert len(said) == 1
    pump.put(run("3"))
    pump.close()
    assert [r.id for r in memory.seen] == ["1", "2", "3"]


def test_a_say_that_raises_hurts_nobody() -> None:
    def say(sentence: str) -> None:
        raise RuntimeError

    def trouble(run: Run) -> None:
        raise OSError("full")

    pump = Pump(lambda: Memory(trouble), say)
    pump.put(run())
    assert not pump.close()


def test_an_idle_process_has_no_thread_of_ours(pump: Pump) -> None:
    before, listed = _thread._count(), threading.active_count()
    pump.put(run())
    assert pump.flush(5)
    end = time.monotonic() + 5
    while _thread._count() > before and time.monotonic() < end:
        time.sleep(0.001)  # the thread has said that it is done, and is on its way out
    assert (_thread._count(), threading.active_count()) == (before, listed)


def test_importing_the_store_loads_nothing_heavy() -> None:
    heavy = ("sqlite3", "json", "platformdirs", "pandas", "zlib", "ctypes", "multiprocessing", "logging")
    script = f"import sys, carbon_magic.store; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert out.stdout.strip() == "[]"


_ROOT = Path(__file__).parents[1]


# --- the file


def test_a_run_comes_back_as_it_was(store: SqliteStore) -> None:
    r = run(points=40, stage="tune", tags={"lr": 0.1, "n": 3, "on": True, "to": "x"}, notes=("one", "two"), pue=1.2)
    store.put(r)
    assert store.runs() == [r]
    assert store.runs("p") == [r]
    assert store.runs("q") == []


def test_a_run_is_one_row_that_can_be_queried(store: SqliteStore, path: Path) -> None:
    store.put(run("1", "running", 1.0))
    store.put(run("1", "done", 7.2e6, tags={"lr": 0.1}, stage="tune"))
    store.put(run("2", "failed", 3.6e6))
    got = query(
        path, "SELECT id, state, energy_j, energy_j_high, co2e_g, place, tags, stage, pid FROM runs ORDER BY seq"
    )
    assert got == [
        ("1", "done", 7.2e6, pytest.approx(7.92e6), pytest.approx(100), "FR", '{"lr":0.1}', "tune", os.getpid()),
        ("2", "failed", 3.6e6, pytest.approx(3.96e6), pytest.approx(50), "FR", "{}", None, os.getpid()),
    ]


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE runs; --", '"', "\0", "a\0b", "\ud800x", "日本語 🌍", "%s ?1 :a", "x" * 10**6]
)
def test_any_text_is_data(store: SqliteStore, text: str) -> None:
    r = run(name=text, project=text, stage=text, host=text, tags={text: text}, notes=(text,))
    store.put(r)
    store.put(run("2", project="other"))
    assert store.runs(text) == [r]
    assert len(store.runs()) == 2


def test_numbers_of_other_kinds_are_kept(store: SqliteStore) -> None:
    import numpy as np

    store.put(run(energy_j=np.float32(2.0), duration_s=np.int64(3), tags={"f": np.float32(0.5)}))  # type: ignore[arg-type]
    (back,) = store.runs()
    assert (back.energy_j, back.duration_s, back.tags) == (2.0, 3.0, {"f": 0.5})


def test_a_long_curve_is_not_written_each_second_but_never_lost(store: SqliteStore) -> None:
    store.put(run("1", "running", 1.0, points=1500))
    store.put(run("1", "running", 2.0, points=1501))
    (back,) = store.runs()
    assert back.energy_j == 2.0
    assert len(back.curve.t_s) == 1500
    store.put(run("1", "done", 3.0, points=1502))
    (back,) = store.runs()
    assert len(back.curve.t_s) == 1502


def test_an_ended_run_in_the_file_is_never_running_again(store: SqliteStore) -> None:
    store.put(run("1", "done", 2.0))
    store.put(run("1", "running", 1.0))
    assert [(r.state, r.energy_j) for r in store.runs()] == [("done", 2.0)]
    store.put(run("1", "failed", 3.0))
    assert [(r.state, r.energy_j) for r in store.runs()] == [("failed", 3.0)]


def test_a_clock_that_is_set_back_loses_no_run(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for i, now in enumerate((5e9, 1e9, -1.0)):
        monkeypatch.setattr(rows.time, "time", lambda now=now: now)
        store.put(run("same", "running", 1.0 + i, started_at=5e9))
        store.put(run(str(i), started_at=now))
    store.put(run("same", "done", 9.0, started_at=5e9))
    assert [(r.id, r.energy_j) for r in store.runs()] == [("same", 9.0), ("0", 3600), ("1", 3600), ("2", 3600)]


def test_two_machines_with_the_same_run_id_keep_both(store: SqliteStore) -> None:
    store.put(run("1", host="a", energy_j=1.0))
    store.put(run("1", host="b", energy_j=2.0))
    assert [(r.host, r.energy_j) for r in store.runs()] == [("a", 1.0), ("b", 2.0)]


def test_a_row_that_holds_no_run_hides_no_other(store: SqliteStore, path: Path) -> None:
    for i in "1234":
        store.put(run(i, points=3))
    for i, broken in enumerate(("run = '{'", "run = '[]'", "run = '{}'", "curve = x'00'")):
        query(path, f"UPDATE runs SET {broken} WHERE id = '{i + 1}'")
    assert [r.id for r in store.runs()] == ["4"]


def test_the_file_says_what_it_is_and_uses_a_wal(store: SqliteStore, path: Path) -> None:
    assert query(path, "PRAGMA application_id") == [(schema.APPLICATION_ID,)]
    assert query(path, "PRAGMA user_version") == [(len(schema.STEPS),)]
    assert query(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_file_system_without_shared_memory_does_without_wal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqlite.connect
    monkeypatch.setattr(sqlite, "connect", lambda path, options: real(path, options + "&vfs=unix-dotfile"))
    store = SqliteStore(path)
    store.put(run("1", "running"))
    store.put(run("1"))
    assert [r.state for r in store.runs()] == ["done"]
    store.close()
    assert query(path, "PRAGMA journal_mode") == [("delete",)]
    assert [r.id for r in Ledger(path).load()] == ["1"]


# --- whose run it is


def put_as(store: SqliteStore, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> Run:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "me", lambda: owner)
        store.put(run("1", "running"))
    (back,) = store.runs()
    return back


def test_a_process_that_lives_runs_on(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert put_as(store, alive.me(), monkeypatch).state == "running"
    parent = os.getppid()
    started = alive._started(parent)
    assert put_as(store, Owner(alive.me().boot_id, parent, started), monkeypatch).state == "running"


def test_a_number_used_again_is_another_process(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = alive.me()
    assert mine.started is not None
    back = put_as(store, Owner(mine.boot_id, mine.pid, mine.started - 500), monkeypatch)
    assert back.state == "interrupted"
    assert "process ended" in back.notes[-1]


@pytest.mark.parametrize("owner", [Owner("another boot", os.getpid(), 1.0), Owner("", os.getpid(), None)])
def test_elsewhere_a_run_has_a_lease(store: SqliteStore, monkeypatch: pytest.MonkeyPatch, owner: Owner) -> None:
    assert put_as(store, owner, monkeypatch).state == "running"
    now = time.time()
    for moved_s in (60, -60):  # and a clock set back does not prolong it
        monkeypatch.setattr(rows.time, "time", lambda moved_s=moved_s: now + moved_s)
        (back,) = store.runs()
        assert back.state == "interrupted"
        assert "another machine" in back.notes[-1]
        assert back.energy_j == 3600


# --- which file


def test_location(tmp_path: Path, said: list[str]) -> None:
    environ = {"CARBON_MAGIC_LEDGER": str(tmp_path / "a.db")}
    default = location(None, {})
    assert default.is_absolute()
    assert default.name == "ledger.db"
    assert location(None, environ) == tmp_path / "a.db"
    assert location("", {"CARBON_MAGIC_LEDGER": ""}) == default
    assert location(str(tmp_path / "b.db"), environ) == tmp_path / "b.db"
    assert location("~/c.db", {}) == Path.home() / "c.db"
    assert said == []


def test_a_relative_path_means_one_file_wherever_the_notebook_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = location("c.db", {})
    monkeypatch.chdir(tmp_path)
    assert location("c.db", {}) == before
    assert before.is_absolute()


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "HTTPS://host", "postgresql+psycopg://host/x"])
def test_a_url_of_another_kind_is_refused_in_a_sentence(url: str, said: list[str]) -> None:
    assert location(None, {"CARBON_MAGIC_LEDGER": url}, said.append) == location(None, {})
    assert len(said) == 1
    assert "postgresql://" in said[0]
    assert "secret" not in said[0]
    assert len(said[0]) <= 300


def sound(path: Path, runs: int = 60) -> None:
    store = SqliteStore(path)
    for i in range(runs):
        store.put(run(f"old {i}", name=os.urandom(300).hex()))
    store.close()


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def text(path: Path) -> None:
    path.write_text("my shopping list")


def truncated(path: Path) -> None:
    sound(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


def truncated_in_the_header(path: Path) -> None:
    sound(path)
    with path.open("r+b") as file:
        file.truncate(50)


def hole(path: Path) -> None:
    sound(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xa5" * 4096)


def newer(path: Path) -> None:
    sound(path)
    query(path, "PRAGMA user_version = 99")


def foreign(path: Path) -> None:
    query(path, "CREATE TABLE runs (id, name)")


def foreign_columns(path: Path) -> None:
    sound(path)
    query(path, "ALTER TABLE runs RENAME COLUMN energy_j TO joules")


def folder(path: Path) -> None:
    path.mkdir()
    (path / "a file").write_text("kept")


def pipe(path: Path) -> None:
    os.mkfifo(path)


UNFIT = [garbage, text, truncated, truncated_in_the_header, hole, newer, foreign, foreign_columns, folder, pipe]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.mark.parametrize("spoil", UNFIT)
def test_a_file_that_is_no_sound_ledger_is_left_as_it_is(
    spoil: Callable[[Path], None], path: Path, pump: Pump, said: list[str]
) -> None:
    path.parent.mkdir()
    spoil(path)
    before = contents(path.parent)
    pump.put(run("1", "running"))
    assert pump.flush(5)
    pump.put(run("1"))
    pump.put(run("2"))
    pump.close()
    second = path.with_name("ledger-2.db")
    after = contents(path.parent)
    assert after.pop(str(second))
    assert after == before
    assert len(said) == 1
    assert len(said[0]) <= 300
    assert "ledger-2.db" in said[0]
    heard: list[str] = []
    with Ledger(path, say=heard.append) as ledger:
        ids = [r.id for r in ledger.load()]
        ledger.load()
    assert ids[-2:] == ["1", "2"]
    assert len(heard) <= 1
    assert contents(path.parent).keys() == before.keys() | {str(second)}


def test_the_first_sound_one_beside_it_is_used_again(path: Path, pump: Pump) -> None:
    path.parent.mkdir()
    garbage(path)
    newer(path.with_name("ledger-2.db"))
    pump.put(run("1"))
    pump.close()
    pump.put(run("2"))
    pump.close()
    assert [r.id for r in Ledger(path.with_name("ledger-3.db")).load()] == ["1", "2"]
    assert not path.with_name("ledger-4.db").exists()


def test_runs_count_in_whichever_file_they_are(path: Path, pump: Pump) -> None:
    pump.put(run("1"))
    pump.put(run("2", "running", energy_j=1.0))
    pump.close()
    good = path.read_bytes()
    path.write_bytes(good[:5000])
    pump.put(run("2", energy_j=2.0))
    pump.put(run("3"))
    pump.close()
    path.write_bytes(good)  # from a backup
    pump.put(run("4"))
    pump.close()
    got = [(r.id, r.state, r.energy_j) for r in Ledger(path).load()]
    assert sorted(got) == [("1", "done", 3600), ("2", "done", 2.0), ("3", "done", 3600), ("4", "done", 3600)]


def test_an_empty_file_becomes_the_ledger(path: Path, pump: Pump, said: list[str]) -> None:
    path.parent.mkdir()
    path.touch()
    pump.put(run("1"))
    pump.close()
    assert [r.id for r in Ledger(path).load()] == ["1"]
    assert said == []


def test_a_crash_in_mid_transaction_is_undone_not_called_damage(path: Path, pump: Pump, said: list[str]) -> None:
    sound(path, 3)
    query(path, "PRAGMA journal_mode = DELETE")
    crash = (
        "import sqlite3, os, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 1'); db.execute('BEGIN')\n"
        "db.execute('UPDATE runs SET name = hex(randomblob(30000))'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", crash, str(path)], check=False)
    assert path.with_name("ledger.db-journal").stat().st_size > 0
    pump.put(run("1"))
    pump.close()
    assert [r.id for r in Ledger(path).load()] == ["old 0", "old 1", "old 2", "1"]
    assert said == []


def test_damage_met_in_use_sends_the_runs_to_the_next_file(
    path: Path, pump: Pump, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHECK_BYTES", 0)  # as for a file too large to be checked as a whole
    sound(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    pump.put(run("1"))
    assert pump.flush(5)
    pump.close()
    assert [r.id for r in Ledger(path.with_name("ledger-2.db")).load()] == ["1"]
    assert len(said) == 1


def test_a_file_that_was_deleted_or_moved_is_made_anew(path: Path, pump: Pump, said: list[str]) -> None:
    pump.put(run("1"))
    assert pump.flush(5)
    path.rename(path.with_name("moved.db"))
    path.with_name("ledger.db-wal").unlink()
    path.with_name("ledger.db-shm").unlink()
    pump.put(run("2"))
    assert pump.flush(5)
    assert [r.id for r in Ledger(path).load()] == ["2"]
    assert said == []


def test_a_link_to_the_ledger_is_the_ledger(path: Path, pump: Pump, tmp_path: Path) -> None:
    pump.put(run("1"))
    assert pump.flush(5)  # into the WAL, which stands beside the file and not beside the link
    link = tmp_path / "link.db"
    link.symlink_to(path)
    assert [r.id for r in Ledger(link).load()] == ["1"]


def test_the_root_is_no_ledger(said: list[str]) -> None:
    pump = Pump(lambda: open_store(os.sep, {}, said.append), said.append)
    pump.put(run())
    assert not pump.close()
    assert len(said) == 1
    assert Ledger(Path(os.sep)).load() == []


def test_a_folder_that_cannot_be_made_is_said_once(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    pump = Pump(lambda: open_store(str(tmp_path / "file" / "ledger.db"), {}, said.append), said.append)
    for i in range(3):
        pump.put(run(str(i)))
        assert not pump.flush(5)
    pump.close()
    assert len(said) == 1
    assert len(said[0]) <= 300
    assert "stay in memory" in said[0]
    assert len(Ledger(tmp_path / "file" / "ledger.db").load()) == 0


def test_a_full_disk_is_said_once(path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sound(path, 1)
    real = sqlite.connect

    def small(path: Path, options: str) -> sqlite3.Connection:
        db = real(path, options)
        db.execute("PRAGMA max_page_count = 1")  # SQLite takes what the file has, and no page more
        return db

    monkeypatch.setattr(sqlite, "connect", small)
    pump = Pump(lambda: open_store(str(path), {}, said.append), said.append)
    pump.put(run("big", name="x" * 100_000))
    assert not pump.flush(5)
    assert len(said) == 1
    assert "full" in said[0]
    monkeypatch.undo()  # space again
    pump.put(run("2"))
    assert pump.close()
    assert {r.id for r in Ledger(path).load()} == {"old 0", "big", "2"}


def test_a_locked_ledger_costs_nothing_and_gets_the_run_later(
    path: Path, pump: Pump, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_S", 0.02)
    sound(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    begin = time.perf_counter()
    pump.put(run("1"))
    assert time.perf_counter() - begin < 0.1
    assert not pump.flush(0.1)
    with Ledger(path) as ledger:
        assert [r.id for r in ledger.load()] == ["old 0"]  # a reader is not held up
    other.execute("ROLLBACK")
    other.close()
    assert pump.flush(5)
    assert [r.id for r in Ledger(path).load()] == ["old 0", "1"]
    assert said == []


# --- the ledger


def test_an_empty_ledger_is_an_empty_table_and_makes_no_file(path: Path) -> None:
    with Ledger(path) as ledger:
        frame = ledger.runs()
        totals = ledger.totals()
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 0
    assert totals.loc[0, ["runs", "energy_kwh", "co2e_kg"]].tolist() == [0, 0, 0]
    assert not path.parent.exists()


def test_the_ledger_has_a_row_per_run_and_reading_leaves_no_file(store: SqliteStore, path: Path) -> None:
    store.put(run("1", project="a", tags={"lr": 1}))
    store.put(run("2", "failed", project="b"))
    store.close()
    before = contents(path.parent)
    with Ledger(path) as ledger:
        frame = ledger.runs()
        assert ledger.path == path
        assert ledger.runs("b")["id"].tolist() == ["2"]
        assert len(ledger.runs("c")) == 0
    assert list(frame.columns) == list(COLUMNS)
    assert frame["state"].tolist() == ["done", "failed"]
    assert frame["energy_j"].tolist() == [3600, 3600]
    assert frame["tags"].tolist() == [{"lr": 1}, {}]
    assert contents(path.parent) == before
    with pytest.raises(ValueError, match="closed"):
        ledger.runs()


def test_a_reader_sees_what_was_put_and_holds_up_no_writer(pump: Pump, path: Path, store: SqliteStore) -> None:
    ledger = Ledger(path, settle=lambda: pump.flush(5))
    for i in range(5):
        pump.put(run(str(i)))
        assert len(ledger.load("p")) == i + 1
        store.put(run(f"other {i}", host="elsewhere", project="q"))
    assert len(ledger.load()) == 10


def test_totals_count_a_joule_once(store: SqliteStore, path: Path) -> None:
    store.put(run("outer", energy_j=7.2e6, duration_s=20.0))
    store.put(run("inner", energy_j=1e6, started_at=1005.0))
    store.put(run("elsewhere", energy_j=3.6e6, host="other", started_at=1005.0))
    # Sticks out by its second half, in which by its curve (0, 1, then 2 and 3 W) 5/6 of its energy fell.
    from carbon_magic.curve import Curve

    curve = Curve((2.5, 5.0, 7.5, 10.0), {"cpu": (0.0, 1.0, 2.0, 3.0)})
    store.put(run("late", energy_j=6e6, started_at=1015.0, curve=curve))
    totals = Ledger(path).totals().iloc[0]
    assert totals["runs"] == 4
    assert totals["energy_kwh"] == pytest.approx((7.2 + 3.6 + 5.0) / 3.6)
    assert totals["energy_kwh_range"] == pytest.approx((0.9 * 15.8 / 3.6, 1.1 * 15.8 / 3.6))
    assert totals["co2e_kg"] == pytest.approx(15.8 / 3.6 * 0.05)
    assert totals["co2e_kg_range"][0] < totals["co2e_kg"] < totals["co2e_kg_range"][1]
    assert totals["duration_s"] == pytest.approx(25)
    assert totals["measured_fraction"] == 1.0
