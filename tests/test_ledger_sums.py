"""The ledger's kept sums: whatever is written, in whatever order, they are what reading every run would give."""

import tempfile
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_runs import run

from carbon_magic import Session
from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.store import answers, sums
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


@settings(max_examples=60, deadline=None)
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
