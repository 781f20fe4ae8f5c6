"""The ledger's kept sums: whatever is written, in whatever order, they are what reading every run would give."""

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_runs import run

from carbon_magic import Session
from carbon_magic.alive import me
from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.store import answers, rows, schema, sums
from carbon_magic.store.files import Files
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore

KINDS = {"cpu": "cpu", "dram": "dram", "GPU 0": "gpu", "GPU 1": "gpu"}


def made(number, state, project, host, begin, seconds, devices, shape):
    parts = tuple(Device(name, KINDS[name], 100.0 * (i + 1), (90.0 * (i + 1), 120.0 * (i + 1)), "s", "counter" if i else "modelled")
                  for i, name in enumerate(devices))  # fmt: skip
    curve = Curve()
    if shape and seconds:
        curve = Curve(
            (seconds / 2, float(seconds)), {name: (shape * (i + 1.0), 3.0 + i) for i, name in enumerate(devices)}
        )
    return run(str(number), state, project=project, host=host, started_at=1e9 + begin, duration_s=float(seconds),
               devices=parts, curve=curve)  # fmt: skip


RUNS = st.builds(
    made,
    st.integers(0, 30),
    st.sampled_from(["running", "done", "done", "failed"]),
    st.sampled_from("pq"),
    st.sampled_from("ab"),
    st.integers(0, 40),
    st.integers(0, 20) | st.sampled_from([22_000, 90_000]),
    st.lists(st.sampled_from(sorted(KINDS)), unique=True, max_size=3),
    st.sampled_from([0, 0, 5]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(RUNS, min_size=1, max_size=6), max_size=12), st.sampled_from([1, 2, 1000]))
def test_kept_sums_are_those_of_the_runs(batches, block):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "BLOCK", block)
        path = Path(folder) / "ledger.db"
        store = SqliteStore(path)
        for batch in batches:
            if len(batch) == 1:
                store.put(batch[0])
            else:
                store.put_all(batch)
        files = Files(path)
        for project in (None, "p", "q"):
            runs = files.load(project, curves=True)
            session = Session(tuple(runs))
            totals = files.totals(project)
            # The one place that says what an overlap counts, on the runs themselves.
            assert totals.runs == len(runs)
            assert totals.energy_j == pytest.approx(session.energy_j)
            assert totals.seconds == pytest.approx(session.duration_s, abs=1e-6)
            assert (totals.co2e_g_low, totals.co2e_g_high) == pytest.approx(session.co2e_g_range)
            read = answers.add_up(files._together([path], project))
            assert tuple(totals) == pytest.approx(tuple(read), abs=1e-6)
            table = files.table(project)
            assert tuple(answers.add_up(table)) == pytest.approx(tuple(read), abs=1e-6)
        assert {name: found.energy_j for name, found in files.projects().items()} == pytest.approx(
            {name: files.totals(name).energy_j for name in files.projects()}
        )
        store.close()


def test_two_kernels_with_a_gpu_each_both_count(tmp_path):
    store = SqliteStore(tmp_path / "ledger.db")
    store.put(made(0, "done", "p", "a", 0, 20, ["cpu", "GPU 0"], 0))
    store.put(made(1, "done", "p", "a", 2, 10, ["cpu", "GPU 1"], 0))
    store.close()
    totals = Ledger(tmp_path / "ledger.db").totals().iloc[0]
    assert totals["energy_kwh"] * 3.6e6 == pytest.approx(100 + 200 + 200)  # the CPU once, both GPUs
    assert totals["gpu_hours"] == pytest.approx(30 / 3600)
    assert totals["duration_s"] == 20


def test_a_table_from_columns_is_the_table_of_the_runs(tmp_path):
    store = SqliteStore(tmp_path / "ledger.db")
    store.put(made(0, "done", "p", "a", 0, 20, ["cpu", "GPU 0"], 5))
    store.put(
        run("1", "failed", tags={"lr": 0.1}, stage="tune", notes=("one",), seed=3, git_commit="abc", hardware="x")
    )
    store.put(run("2", "running", 1.0))
    store.put(run("2", "running", 2.0, duration_s=12.0))  # a light write
    store.close()
    ledger = Ledger(tmp_path / "ledger.db")
    pandas.testing.assert_frame_equal(ledger.runs(), Session(tuple(ledger.load())).to_frame(), check_dtype=False)
    assert ledger.load()[2].energy_j == 2.0
    assert ledger.load()[2].duration_s == 12.0


def oldest(path, *runs):
    """A file as the first version wrote it."""
    db = sqlite3.connect(path, isolation_level=None)
    for statement in schema.STEPS[0]:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    for it in runs:
        record = rows.row(it, rows.figures(it, me()), rows.pack(it))
        db.execute(f"INSERT INTO runs ({', '.join(rows.COLUMNS)}) VALUES ({', '.join('?' * len(record))})", record)
    db.close()


def test_a_file_of_the_first_version_is_read_as_it_is_and_brought_up_to_date_by_a_writer(tmp_path):
    path = tmp_path / "ledger.db"
    late = Curve((2.5, 5.0, 7.5, 10.0), {"cpu": (0.0, 1.0, 2.0, 3.0)})
    runs = [run("outer", energy_j=7.2e6, duration_s=20.0), run("late", energy_j=6e6, started_at=1015.0, curve=late),
            run("going", "running", host="b"), run("q", "failed", project="q", tags={"lr": 1})]  # fmt: skip
    oldest(path, *runs)
    sqlite3.connect(path).execute("UPDATE runs SET run = '{' WHERE id = 'q'").connection.commit()
    before, there = path.read_bytes(), Ledger(path)
    assert there.load(curves=True) == runs[:3]
    totals, table = there.totals(), there.table()
    assert totals["energy_kwh"].item() == pytest.approx(Session(tuple(runs[:3])).energy_kwh)
    assert path.read_bytes() == before
    SqliteStore(path).close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)
    assert there.load(curves=True) == runs[:3]
    for name, figure in there.totals().iloc[0].items():
        assert totals[name][0] == pytest.approx(figure)
    assert there.table()["own"].tolist() == pytest.approx(table["own"].tolist())
    store = SqliteStore(path)
    store.put(run("going", "done", host="b"))
    store.close()
    assert there.totals()["runs"].item() == 3


def test_ten_processes_bring_a_file_up_to_date_at_once(tmp_path):
    path = tmp_path / "ledger.db"
    oldest(path, *(run(str(i), started_at=1000.0 + 7 * i) for i in range(50)))
    script = "import sys; from pathlib import Path; from carbon_magic.store.sqlite import SqliteStore; SqliteStore(Path(sys.argv[1])).close()"
    kernels = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=Path(__file__).parents[1]) for _ in range(10)
    ]
    assert [kernel.wait(60) for kernel in kernels] == [0] * 10
    assert Ledger(path).totals()["duration_s"].item() == pytest.approx(49 * 7 + 10)
