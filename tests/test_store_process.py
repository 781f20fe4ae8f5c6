"""The ledger under what happens to processes: killed, forked, many at once, ended in a hurry."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_runs import run

from carbon_magic.store import Pump, open_store
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore

HERE = Path(__file__).parent
PRELUDE = """
import os, sys, time
from store_runs import run
from carbon_magic.store import Pump, open_store
def say(sentence): print(sentence, file=sys.stderr, flush=True)
path = sys.argv[1]
pump = Pump(lambda: open_store(path, {}, say), say)
"""


def start(path: Path, script: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + script, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return out, err


def sound(path: Path) -> bool:
    db = sqlite3.connect(path)
    try:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        db.close()


def test_kill_9_in_mid_run_leaves_an_interrupted_run_with_its_energy(path: Path) -> None:
    process = start(
        path,
        "joules = 0\n"
        "while True:\n"
        "    joules += 1\n"
        "    pump.put(run('1', 'running', float(joules), points=joules))\n"
        "    assert pump.flush(5)\n"
        "    print(joules, flush=True)\n",
    )
    assert process.stdout is not None
    last = 0
    try:
        while last < 50:
            last = int(process.stdout.readline())
        with Ledger(path) as ledger:
            assert [r.state for r in ledger.load()] == ["running"]
    finally:
        process.kill()
    last = max(last, *map(int, process.stdout.read().split()), 0)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on: it has ended, too
    with Ledger(path) as ledger:
        (left,) = ledger.load(curves=True)
    process.wait()
    assert left.state == "interrupted"
    assert "process ended" in left.notes[-1]
    assert left.energy_j in (last, last + 1)
    assert left.curve.t_s
    assert sound(path)
    store = SqliteStore(path)  # and the next process goes on with the file
    store.put(run("2"))
    store.close()
    assert [(r.id, r.state) for r in Ledger(path).load()] == [("1", "interrupted"), ("2", "done")]


def test_ten_processes_write_at_once(path: Path) -> None:
    script = (
        "me = str(os.getpid()); sys.stdin.readline()\n"
        "for i in range(20):\n"
        "    pump.put(run(f'{me} {i}', 'running', points=20)); pump.put(run(f'shared {i}', energy_j=float(i)))\n"
        "    pump.put(run(f'{me} {i}', points=20)); assert pump.flush(5)\n"
    )
    processes = [start(path, script.replace("sys.stdin.readline()", "")) for _ in range(10)]
    said = [finish(process)[1] for process in processes]
    assert said == [""] * 10
    assert sound(path)
    runs = Ledger(path).load()
    assert len(runs) == 10 * 20 + 20
    assert {r.state for r in runs} == {"done"}
    assert sorted(p.name for p in path.parent.iterdir()) == ["ledger.db"]


def test_what_was_put_just_before_the_end_is_written(path: Path) -> None:
    finish(start(path, "for i in range(200): pump.put(run(str(i)))"))
    assert len(Ledger(path).load()) == 200


def test_what_is_put_while_the_interpreter_ends_is_written(path: Path) -> None:
    script = "import atexit\ndef end(): pump.put(run('1')); pump.flush(2)\natexit.register(end)\npump.put(run('1', 'running'))"
    finish(start(path, script))
    assert [r.state for r in Ledger(path).load()] == ["done"]


def test_a_locked_ledger_does_not_hold_up_the_end(path: Path) -> None:
    SqliteStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    process = start(path, "pump.put(run('1')); print(time.monotonic(), flush=True)")
    out, err = finish(process)
    assert time.monotonic() - float(out) < 20.0
    assert len(err.splitlines()) == 1
    assert len(err) <= 301
    other.execute("ROLLBACK")
    other.close()
    assert Ledger(path).load() == []


def test_what_a_locked_ledger_did_not_take_is_written_by_the_next_start(path: Path) -> None:
    SqliteStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    script = (
        "from carbon_magic.store import rescue\nimport carbon_magic.store.pump as module; module.EXIT_S = 0.2\n"
        "pump = Pump(lambda: open_store(path, {}, say), say, rescue(path, {}))\n"
        "pump.put(run('1', points=3)); pump.put(run('2', 'running'))"
    )
    _, err = finish(start(path, script))
    assert len(err.splitlines()) == 1
    assert "the next one writes them" in err
    other.execute("ROLLBACK")
    other.close()
    assert Ledger(path).load() == []
    finish(start(path, "pump.put(run('3'))"))
    runs = Ledger(path).load(curves=True)
    assert sorted((r.id, r.state) for r in runs) == [("1", "done"), ("2", "interrupted"), ("3", "done")]
    assert len(runs[0].curve.t_s) == 3
    assert not list(path.parent.rglob("*.jsonl"))


def test_a_locked_ledger_does_not_hold_up_who_puts_while_the_interpreter_ends(path: Path) -> None:
    SqliteStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    script = (
        "import atexit\ndef end(): print(time.monotonic()); pump.put(run('1')); pump.flush(2)\natexit.register(end)"
    )
    out, err = finish(start(path, script))
    assert time.monotonic() - float(out) < 20.0
    assert len(err.splitlines()) <= 1
    other.close()


def test_a_hanging_ledger_does_not_hold_up_the_end(path: Path) -> None:
    script = (
        "class Hanging:\n    def put(self, run): time.sleep(60)\n    def close(self): time.sleep(60)\n"
        "import carbon_magic.store.pump as module; module.EXIT_S = 0.3\n"
        "pump = Pump(Hanging, say); pump.put(run('1')); print(time.monotonic(), flush=True)"
    )
    out, err = finish(start(path, script))
    assert time.monotonic() - float(out) < 20.0
    assert len(err.splitlines()) == 1


def test_a_disk_that_fills_up_costs_one_line(path: Path) -> None:
    script = (
        "import resource, signal\n"
        "pump.put(run('1')); assert pump.flush(5)\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path), resource.RLIM_INFINITY))\n"
        "for i in range(3): pump.put(run('2', name=os.urandom(100_000).hex())); assert not pump.flush(5)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "pump.put(run('3')); assert pump.flush(5)\n"
    )
    _, err = finish(start(path, script))
    assert len(err.splitlines()) == 1
    assert sorted(r.id for r in Ledger(path).load()) == ["1", "2", "3"]
    assert sound(path)


FORK = """
from pathlib import Path
wal = Path(path + '-wal')
pump.put(run('parent', 'running', 1.0)); assert pump.flush(5)
pump.put(run('parent', 'running', 2.0))
child = os.fork()
if child == 0:
    assert pump.flush(0)  # nothing of the parent's waits here
    if OWN: pump.put(run('child'))
    sys.exit(0)  # with all that belongs to it: atexit, finalizers
assert os.waitpid(child, 0)[1] == 0
assert wal.exists(), 'the child folded up the files of a connection that is in use'
pump.put(run('parent', 'done', 3.0)); assert pump.flush(5)
"""


@pytest.mark.parametrize("own", [False, True])
def test_a_forked_child_writes_its_own_and_nothing_of_the_parents(path: Path, own: bool) -> None:
    _, err = finish(start(path, FORK.replace("OWN", str(own))))
    assert err == ""
    assert sound(path)
    got = [(r.id, r.state, r.energy_j) for r in Ledger(path).load()]
    assert sorted(got) == [("child", "done", 3600)] * own + [("parent", "done", 3.0)]


def test_a_fork_while_the_store_is_busy_leaves_the_child_free(path: Path) -> None:
    """The parent's writer holds the pump's lock or is in the store: neither may hang the child."""
    script = (
        "import threading\n"
        "real = open_store(path, {}, say); inside = threading.Event()\n"
        "class Slow:\n"
        "    def put(self, run):\n"
        "        inside.set(); time.sleep(0.3) if os.getpid() == parent else None; real.put(run)\n"
        "    def close(self): real.close()\n"
        "parent = os.getpid(); pump = Pump(lambda: Slow() if os.getpid() == parent else open_store(path, {}, say), say)\n"
        "pump.put(run('parent')); inside.wait(5)\n"
        "with pump._changed:\n"
        "    child = os.fork()\n"
        "if child == 0:\n"
        "    pump.put(run('child')); os._exit(not pump.flush(5))\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    _, err = finish(start(path, script))
    assert err == ""
    assert sorted(r.id for r in Ledger(path).load()) == ["child", "parent"]


def test_a_hanging_ledger_holds_up_one_fork_for_half_a_second_at_most(path: Path) -> None:
    script = (
        "import threading; inside = threading.Event()\n"
        "class Hanging:\n    def put(self, run): inside.set(); time.sleep(60)\n    def close(self): pass\n"
        "pump = Pump(Hanging, say); pump.put(run('1')); assert inside.wait(5); begin = time.monotonic()\n"
        "for _ in range(4):\n"
        "    child = os.fork()\n"
        "    if child == 0: os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "print(time.monotonic() - begin, flush=True); os._exit(0)\n"
    )
    out, _ = finish(start(path, script))
    assert float(out) < 2.0  # four would be as long at least if each waited


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_multiprocessing_write_their_last_run(path: Path, tmp_path: Path, method: str) -> None:
    (tmp_path / "work.py").write_text(
        PRELUDE
        + "def work(i): pump.put(run(str(i), host=str(os.getpid())))\n"
        + "if __name__ == '__main__':\n"
        + "    import multiprocessing\n"
        + "    pump.put(run('parent'))\n"
        + f"    context = multiprocessing.get_context('{method}')\n"
        + "    workers = [context.Process(target=work, args=(i,)) for i in range(2)]\n"
        + "    for w in workers: w.start()\n"
        + "    for w in workers: w.join()\n"
        + "    assert [w.exitcode for w in workers] == [0, 0]\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(tmp_path / "work.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=20, check=True)
    assert done.stderr == ""
    assert sorted(r.id for r in Ledger(path).load()) == ["0", "1", "parent"]


def test_an_interrupted_wait_breaks_nothing(path: Path) -> None:
    """A signal whose handler puts a run, in the midst of puts: no deadlock."""
    said: list[str] = []
    pump = Pump(lambda: open_store(str(path), {}, said.append), said.append)
    hits, within = 0, False

    def handler(number: int, frame: object) -> None:
        nonlocal hits, within
        if within:
            return  # on a busy machine the next signal comes before this one is dealt with
        within = True
        hits += 1
        pump.put(run("signal", "running", float(hits)))
        within = False

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        r, end = run("main", "running"), time.monotonic() + 0.3
        while time.monotonic() < end:
            pump.put(r)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert hits > 10
    assert pump.close()
    assert {r.id: r.energy_j for r in Ledger(path).load()} == {"main": 3600, "signal": hits}
    assert said == []
