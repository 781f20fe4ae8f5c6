"""Which file the ledger is in: the one asked for, or the first sound one beside it; what is not ours stays as it is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from store_runs import contents, query, run

from carbon_magic.store import Pump, files, location, open_store, sqlite
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable


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
    assert time.perf_counter() - begin < 1.0  # the pump tries for PATIENCE_S
    assert not pump.flush(0.1)
    with Ledger(path) as ledger:
        assert [r.id for r in ledger.load()] == ["old 0"]  # a reader is not held up
    other.execute("ROLLBACK")
    other.close()
    assert pump.flush(5)
    assert [r.id for r in Ledger(path).load()] == ["old 0", "1"]
    assert said == []


def test_a_file_that_has_no_tables_yet_has_no_runs(tmp_path):
    """Who looks while another process makes it finds the file before its tables."""
    path = tmp_path / "ledger.db"
    for pragma in ("user_version = 0", "journal_mode = WAL"):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA {pragma}")
        ledger = Ledger(path)
        assert ledger.load() == []
        assert ledger.totals().empty or ledger.totals()["runs"].sum() == 0
        assert len(ledger.runs()) == 0
