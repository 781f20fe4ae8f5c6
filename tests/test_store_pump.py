"""From the cell to the ledger: who puts a run goes on at once, and none is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from store_runs import run
from tries import until

from carbon_magic.store import Pump

if TYPE_CHECKING:
    from collections.abc import Callable

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
    assert time.perf_counter() - begin < 5.0  # nearly all of it is making the runs
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


def alive(thread: int) -> bool:
    """Whether that thread, by the system's number, is still there."""
    return Path(f"/proc/self/task/{thread}").exists()


def test_an_idle_process_has_no_thread_of_ours(said: list[str]) -> None:
    threads: list[int] = []
    pump = Pump(lambda: Memory(lambda _: threads.append(threading.get_native_id())), said.append)
    listed = threading.active_count()
    pump.put(run())
    assert pump.flush(5)
    until(lambda: not alive(threads[0]))  # it has said that it is done, and is on its way out
    assert threading.active_count() == listed


def test_while_a_run_goes_on_one_thread_stays_and_ends_with_it(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    pump = Pump(lambda: Memory(lambda _: threads.append(threading.get_native_id())), said.append)
    monkeypatch.setattr("carbon_magic.store.pump.LINGER_S", 60.0)
    for joules in (1.0, 2.0, 3.0):
        pump.put(run("1", "running", joules))
        assert pump.flush(5)
    assert len(set(threads)) == 1
    assert alive(threads[0])
    pump.put(run("1"))
    assert pump.flush(5)
    until(lambda: not alive(threads[0]))
    monkeypatch.setattr("carbon_magic.store.pump.LINGER_S", 0.01)
    pump.put(run("2", "running"))
    assert pump.flush(5)
    until(lambda: not alive(threads[-1]))  # nothing more is heard of that run
    pump.put(run("2"))
    assert pump.close()
    assert len(threads) == 6
    assert said == []


def test_importing_the_store_loads_nothing_heavy() -> None:
    heavy = ("sqlite3", "json", "platformdirs", "pandas", "zlib", "ctypes", "multiprocessing", "logging")
    script = f"import sys, carbon_magic.store; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert out.stdout.strip() == "[]"


_ROOT = Path(__file__).parents[1]
