"""The ledger in one file: what is put comes back, whoever asks and whoever has died since."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from store_runs import contents, query, run

from carbon_magic import alive
from carbon_magic.alive import Owner
from carbon_magic.curve import Curve
from carbon_magic.store import Pump, rows, schema, sqlite
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore
from carbon_magic.totals import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from carbon_magic.run import Run


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


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
