"""track(): blocks and functions, without a notebook."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from tries import until

import carbon_magic
from carbon_magic import Run, process, track


def runs_after(action):
    before = len(carbon_magic.session().runs)
    action()
    assert process.current().tracker.active == []
    return carbon_magic.session().runs[before:]


def test_a_block_has_figures_while_it_runs_and_final_ones_after(capfd):
    with track("block", stage="train", tags={"lr": 0.1}) as run:
        assert run.state == "running"
        early = run.energy_j
        assert early >= 0
        sum(range(300_000))
        assert run.energy_j >= early
    assert run.state == "done"
    assert run.name == "block"
    assert run.tags == {"lr": 0.1}
    assert run.energy_j == sum(device.energy_j for device in run.devices) > 0
    assert run.energy_j_range[0] <= run.energy_j <= run.energy_j_range[1]
    assert run.co2e_g_range[0] <= run.co2e_g <= run.co2e_g_range[1]
    assert run.power_w == pytest.approx(run.energy_j / run.duration_s)
    assert run.energy_kwh == pytest.approx(run.energy_j / 3.6e6)
    assert carbon_magic.last.id == run.id
    assert capfd.readouterr() == ("", "")


def test_a_run_goes_through_json_and_back():
    with track("round trip", tags={"a": 1}, place="FR"):
        pass
    run = carbon_magic.last
    again = Run.from_dict(json.loads(json.dumps(run.to_dict(samples=True))))
    assert again == run
    assert Run.from_dict(run.to_dict()).energy_j == run.energy_j
    with pytest.raises(ValueError, match="not a run"):
        Run.from_dict({"name": "x"})


def test_samples_are_a_table_of_watts():
    with track("samples", hz=50) as run:
        until(lambda: len(run.samples) >= 5)
    frame = carbon_magic.last.samples
    assert list(frame.columns) == ["t_s", *(d.name for d in carbon_magic.last.devices)]
    assert frame["t_s"].is_monotonic_increasing
    assert len(frame) >= 5


@pytest.mark.parametrize(
    ("error", "state"), [(ValueError, "failed"), (KeyboardInterrupt, "interrupted"), (SystemExit, "done")]
)
def test_an_exception_passes_through_and_the_run_is_kept(error, state):
    with pytest.raises(error), track("raises") as run:
        raise error
    assert run.state == state


def test_plain_async_generator_and_async_generator_functions():
    @track()
    def plain(x):
        """Doc."""
        return x + 1

    @track(name="awaited")
    async def awaited(x):
        await asyncio.sleep(0)
        return x + 1

    @track()
    def generator():
        got = yield 1
        yield got
        return "end"

    @track()
    async def async_generator():
        yield 1
        yield 2

    async def collect():
        return [x async for x in async_generator()]

    def use():
        assert plain(1) == 2
        assert plain.__name__ == "plain"
        assert plain.__doc__ == "Doc."
        assert asyncio.run(awaited(1)) == 2
        steps = generator()
        assert next(steps) == 1
        assert steps.send("sent") == "sent"
        with pytest.raises(StopIteration, match="end"):
            next(steps)
        assert asyncio.run(collect()) == [1, 2]

    made = runs_after(use)
    assert [run.name.rpartition(".")[2] for run in made] == ["plain", "awaited", "generator", "async_generator"]
    assert {run.state for run in made} == {"done"}


def test_track_without_parentheses_says_so():
    with pytest.raises(TypeError, match="parentheses"):
        track(len)


@pytest.mark.parametrize(
    "arguments",
    [{"name": 3}, {"tags": "a=b"}, {"tags": {"x": []}}, {"stage": 1}, {"hz": 99}, {"pue": 0}, {"place": "Atlantis"}],
)
def test_a_bad_argument_is_a_sentence_and_nothing_begins(arguments):
    with pytest.raises((TypeError, ValueError)) as error, track(**arguments):
        raise AssertionError("the block must not run")
    assert "\n" not in str(error.value)
    assert process.current().tracker.active == []


def test_overlapping_blocks_count_a_joule_once():
    """Two threads, the second beginning in the middle of the first: together they are the whole time once."""
    before = carbon_magic.session()
    half, end = threading.Event(), threading.Event()

    def second():
        with track("second"):
            half.set()
            end.wait(5)

    with track("around"):
        with track("first"):
            threading.Event().wait(0.15)
            thread = threading.Thread(target=second)
            thread.start()
            half.wait(5)
            threading.Event().wait(0.15)
        threading.Event().wait(0.15)
        end.set()
        thread.join()
    after = carbon_magic.session()
    around = after.runs[-1]
    assert around.name == "around"
    assert after.energy_j - before.energy_j == pytest.approx(around.energy_j, rel=1e-6)
    assert sum(run.energy_j for run in after.runs[-3:]) > 1.5 * around.energy_j


def test_partly_overlapping_runs_add_up_to_the_time_they_cover():
    first, second = track("first", hz=50), track("second", hz=50)
    before = carbon_magic.session()
    with track("reference", hz=50):
        first.__enter__()
        threading.Event().wait(0.2)
        second.__enter__()
        threading.Event().wait(0.2)
        first.__exit__(None, None, None)
        threading.Event().wait(0.2)
        second.__exit__(None, None, None)
    *_, a, b, reference = carbon_magic.session().runs
    both = carbon_magic.Session((a, b))
    assert max(a.energy_j, b.energy_j) < both.energy_j < a.energy_j + b.energy_j  # exact in test_tracker
    assert carbon_magic.session().energy_j - before.energy_j == pytest.approx(reference.energy_j, rel=1e-6)


def test_an_async_generator_hears_what_is_sent_thrown_and_closed():
    heard = []

    @track()
    async def talks():
        try:
            heard.append((yield 1))
            try:
                yield 2
            except KeyError as error:
                heard.append(error)
                yield 3
        finally:
            heard.append("closed")

    async def converse():
        it = talks()
        assert await anext(it) == 1
        assert await it.asend("hello") == 2
        assert await it.athrow(KeyError("k")) == 3
        await it.aclose()
        assert [x async for x in talks()] == [1, 2]

    asyncio.run(converse())
    assert heard[0] == "hello"
    assert isinstance(heard[1], KeyError)
    assert heard[2:] == ["closed", None, "closed"]
    assert [run.state for run in carbon_magic.session().runs[-2:]] == ["done", "done"]


def test_a_thousand_blocks_leave_no_thread_and_no_open_file():
    def blocks(n):
        for _ in range(n):
            with track("many"):
                pass

    blocks(20)
    process.current().pump.flush(10)
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    blocks(1000)
    process.current().pump.flush(20)
    until(lambda: threading.active_count() <= threads)
    if files:
        until(lambda: len(os.listdir("/proc/self/fd")) <= files)


FORK = """
import os, sys, carbon_magic
from carbon_magic import process
with carbon_magic.track("parent") as run:
    reading = process.current().tracker.active[0].machine._lock
    with reading:  # the watcher may be in the midst of reading the meters
        pid = os.fork()
        if pid == 0:
            with carbon_magic.track("child"):
                pass
            assert [r.name for r in carbon_magic.session().runs] == ["child"]
            assert run.state == "running"
            sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
assert [r.name for r in carbon_magic.session().runs] == ["parent"]
print(sorted(carbon_magic.ledger().runs()["name"]), sorted(carbon_magic.ledger().runs()["state"]))
"""

if hasattr(os, "fork"):

    def test_a_forked_child_has_a_session_of_its_own():
        code = [sys.executable, "-W", "ignore", "-c", FORK]
        done = subprocess.run(code, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "['child', 'parent'] ['done', 'done']"
        assert done.stderr == ""


KILLED = """
import carbon_magic, time
with carbon_magic.track("long"):
    print("begun", flush=True)
    time.sleep(600)
"""


def test_kill_9_leaves_an_interrupted_run_with_its_energy():
    """Killed once it has been written a third time: as long and as much as stood in the ledger then."""
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "begun\n"
        seen = [0.0]

        def written():
            rows = carbon_magic.ledger().runs().to_dict("records")
            if rows and rows[0]["duration_s"] > seen[-1]:
                seen.append(rows[0]["duration_s"])
            return len(seen) > 3

        try:
            until(written)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(60)
    [row] = carbon_magic.ledger().runs().to_dict("records")
    assert row["state"] == "interrupted"
    assert row["name"] == "long"
    assert row["duration_s"] >= seen[-1] > 1.4
    assert row["energy_j"] > 0


@pytest.mark.parametrize("damage", ["garbage", "folder", "nowhere"])
def test_a_broken_ledger_costs_one_line_and_never_the_block(own_ledger, damage):
    garbage = b"SQLite format 3\0 but not really " * 64
    if damage == "garbage":
        own_ledger.write_bytes(garbage)
    elif damage == "folder":
        own_ledger.mkdir()
    where = "/proc/nowhere/ledger.db" if damage == "nowhere" else str(own_ledger)
    code = "import carbon_magic as c\nfor i in range(3):\n    with c.track('x') as r: pass\nprint(r.state, len(c.session().runs))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "CARBON_MAGIC_LEDGER": where})  # fmt: skip
    assert done.returncode == 0
    assert done.stdout == "done 3\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("carbon_magic: ")
    assert len(done.stderr) <= 600
    if damage == "garbage":
        assert own_ledger.read_bytes() == garbage
