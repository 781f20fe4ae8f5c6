"""A team's ledger, on a real server."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from server import postgres
from store_runs import run

from carbon_magic import Session
from carbon_magic.config import Settings
from carbon_magic.curve import Curve
from carbon_magic.store import Pump, open_store, rescue, where
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.postgres import TABLE, PostgresStore, connect

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def server():
    with postgres() as found:
        yield found


@pytest.fixture
def url(server, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    with connect(server[0]) as db:
        db.execute(f"DROP TABLE IF EXISTS {TABLE}, carbon_magic_version")
    return server[0]


def ledger(url):
    return Ledger(where(url, {}))


def test_a_run_comes_back_as_it_was(url):
    store = PostgresStore(url)
    r = run(points=40, stage="tune", tags={"lr": 0.1, "to": "x"}, notes=("one", "two"), pue=1.2, seed=7)
    store.put(r)
    store.put(run("2", "failed", project="q", name="'; DROP TABLE runs; --\0\ud800 %s"))
    store.close()
    assert ledger(url).load("p", curves=True) == [r]
    assert ledger(url).load(only=[("1", "h")])[0].id == "1"
    assert ledger(url).load("q")[0].name == "'; DROP TABLE runs; --\0\ud800 %s"
    frame = ledger(url).runs()
    assert frame["state"].tolist() == ["done", "failed"]
    assert ledger(url).projects()["project"].tolist() == ["p", "q"]


def test_a_light_write_and_an_end_that_stays(url):
    store = PostgresStore(url)
    store.put(run("1", "running", 1.0, points=5))
    store.put(run("1", "running", 2.0))
    (going,) = ledger(url).load(curves=True)
    assert (going.state, going.energy_j, len(going.curve.t_s)) == ("running", 2.0, 5)
    store.put(run("1", "done", 3.0))
    store.put(run("1", "running", 2.5))
    assert [(r.state, r.energy_j) for r in ledger(url).load()] == [("done", 3.0)]
    store.close()


def test_totals_count_a_joule_once(url):
    store = PostgresStore(url)
    curve = Curve((2.5, 5.0, 7.5, 10.0), {"cpu": (0.0, 1.0, 2.0, 3.0)})
    runs = [run("outer", energy_j=7.2e6, duration_s=20.0), run("inner", energy_j=1e6, started_at=1005.0),
            run("late", energy_j=6e6, started_at=1015.0, curve=curve), run("else", host="other")]  # fmt: skip
    store.put_all(runs)
    store.close()
    totals = ledger(url).totals("p").iloc[0]
    assert totals["runs"] == 4
    assert totals["energy_kwh"] == pytest.approx(Session(tuple(runs)).energy_kwh)
    assert totals["duration_s"] == pytest.approx(25)


def test_ten_kernels_begin_at_once(url):
    script = (
        "import sys; from store_runs import run\nfrom carbon_magic.store.postgres import PostgresStore\n"
        "store = PostgresStore(sys.argv[1])\n"
        "for i in range(20): store.put(run(f'{sys.argv[2]} {i}', 'running')); store.put(run(f'{sys.argv[2]} {i}'))"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    kernels = [subprocess.Popen([sys.executable, "-c", script, url, str(i)], env=environ) for i in range(10)]
    assert [kernel.wait(60) for kernel in kernels] == [0] * 10
    assert len(ledger(url).load()) == 200


def test_a_newer_ledger_is_left_as_it_is(url):
    PostgresStore(url).close()
    with connect(url) as db:
        db.execute("INSERT INTO carbon_magic_version VALUES (99)")
    with pytest.raises(OSError, match="newer version"):
        PostgresStore(url)
    with pytest.raises(OSError, match="newer version"):
        ledger(url).load()


def test_the_password_is_in_no_message(url, monkeypatch):
    for bad in (url.replace("/postgres?", "/nowhere?"), "postgresql://me:s3cret@127.0.0.1:1/x",
                "postgresql://me:s3cret@host:s3cret/x", "postgresql://me:s3cret"):  # fmt: skip
        with pytest.raises(OSError) as caught:
            ledger(bad).load()
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert "s3cret" not in repr(ledger(url)) + repr(where(url, {})) + repr(Settings(ledger=url))


SCRIPT = """
import sys, time
import carbon_magic.store.pump as module
module.EXIT_S = 0.5
from store_runs import run
from carbon_magic.store import Pump, open_store, rescue
def say(sentence): print(sentence, file=sys.stderr, flush=True)
url = sys.argv[1]
pump = Pump(lambda: open_store(url, {}, say), say, rescue(url, {}))
begin = time.perf_counter()
for i in range(3): pump.put(run(str(i), points=3))
print(time.perf_counter() - begin)
"""


def end_without_server(url):
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    done = subprocess.run([sys.executable, "-c", SCRIPT, url], capture_output=True, text=True, env=environ, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0  # whatever the server does, who puts a run goes on
    return done.stderr.splitlines()


def test_what_a_dead_server_did_not_take_is_written_by_the_next_start(url, server, tmp_path):
    server[1]("stop")
    try:
        said = end_without_server(url)
    finally:
        server[1]("start")
    assert len(said) == 1
    assert "s3cret" not in said[0]
    (waiting,) = tmp_path.rglob("*.jsonl")
    said = []
    pump = Pump(lambda: open_store(url, {}, said.append), said.append, rescue(url, {}))
    pump.put(run("next"))
    assert pump.close(20)
    assert sorted(r.id for r in ledger(url).load()) == ["0", "1", "2", "next"]
    assert ledger(url).load(curves=True, only=[("1", "h")])[0].curve.t_s
    assert not waiting.exists()
    assert said == []


def test_a_server_that_hangs_holds_up_nothing(url, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:  # takes the call, and says nothing
        said = end_without_server(f"postgresql://me:s3cret@127.0.0.1:{listening.getsockname()[1]}/x")
    assert len(said) == 1
    assert "wait on this machine" in said[0]
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1


def test_a_server_that_goes_and_comes_back_gets_every_run(url, server):
    said = []
    pump = Pump(lambda: open_store(url, {}, said.append), said.append)
    pump.put(run("1", "running"))
    assert pump.flush(10)
    server[1]("stop")
    pump.put(run("1"))
    assert not pump.flush(10)
    server[1]("start")
    pump.put(run("2"))
    assert pump.close(10)
    assert [(r.id, r.state) for r in ledger(url).load()] == [("1", "done"), ("2", "done")]
    assert len(said) == 1
