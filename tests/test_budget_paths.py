"""Budgets outside of cells: blocks, generators, coroutines, threads, forks; and what a stop leaves behind."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time

import pytest

import carbon_magic
from carbon_magic import process, stopping
from carbon_magic.budget import CarbonBudgetExceeded
from carbon_magic.stopping import Stopper

SHORT = "0.1s"


@pytest.fixture(autouse=True)
def own_session(monkeypatch):
    monkeypatch.setattr(process, "_current", None)
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


def used_up(run):
    return [note for note in run.notes if "was used up" in note]


def test_the_users_interrupt_after_a_stop_is_the_users():
    def work():
        try:
            time.sleep(60)
        finally:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught, carbon_magic.track(budget=SHORT):
        work()
    assert caught.type is KeyboardInterrupt
    assert isinstance(caught.value.__context__, CarbonBudgetExceeded)


def test_the_run_around_a_stopped_one_says_why_it_ended():
    with pytest.raises(CarbonBudgetExceeded), carbon_magic.track("outer"), carbon_magic.track("inner", budget=SHORT):
        time.sleep(60)
    inner, outer = carbon_magic.session().runs
    assert outer.state == inner.state == "interrupted"
    assert [note for note in outer.notes if "a run inside it was stopped: the budget of this run, 0.1 s" in note]
    assert not [note for note in inner.notes if "inside" in note]


def test_whoever_takes_it_may_go_on_with_the_next():
    for _ in range(2):
        with carbon_magic.track("search"):
            try:
                with carbon_magic.track("model", budget=SHORT):
                    time.sleep(60)
            except CarbonBudgetExceeded:
                pass
    assert [run.state for run in carbon_magic.session().runs] == ["interrupted", "done"] * 2
    assert used_up(carbon_magic.session().runs[1]) == []


def test_the_outer_budget_stops_what_the_inner_one_allows():
    with pytest.raises(CarbonBudgetExceeded), carbon_magic.track(budget="0.3s"), carbon_magic.track(budget="1h"):
        time.sleep(60)
    inner, outer = carbon_magic.session().runs
    assert "and the run was stopped" in used_up(outer)[0]
    assert "a run inside it" not in used_up(inner)[0]
    assert "a run around it was stopped" in used_up(inner)[0]


def test_blocks_that_end_in_another_order_leave_no_handler_behind():
    first, second = carbon_magic.track(budget="1h"), carbon_magic.track(budget="1h")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)  # the fixture looks


def test_a_block_that_ends_in_another_thread_leaves_a_handler_that_the_next_one_takes_away():
    block = carbon_magic.track(budget="1h")
    block.__enter__()
    thread = threading.Thread(target=block.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    with carbon_magic.track(budget="1h"):
        pass


def test_an_end_waits_for_no_signal_that_somebody_else_takes():
    heard = threading.Event()
    stopper = Stopper()
    mine = signal.signal(signal.SIGINT, lambda *_: heard.set())
    thread = threading.Thread(target=stopper.stop, args=("used up",))
    thread.start()
    assert heard.wait(10)
    thread.join()
    began_s = time.process_time()
    stopper.close()
    assert time.process_time() - began_s < stopping.LAST_S / 2
    assert stopper.stops == 1
    signal.signal(signal.SIGINT, mine)  # what it found, and put back: a stopper whose time is over
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    Stopper().close()


def test_our_own_code_is_not_torn_in_the_midst():
    """Figures asked for in a loop: the stop comes between two of them, and the run stays sound."""

    def ask(run):
        while True:
            assert run.energy_j >= 0

    with pytest.raises(CarbonBudgetExceeded), carbon_magic.track(budget=SHORT) as run:
        ask(run)
    assert carbon_magic.last.duration_s < 5
    assert carbon_magic.last.state == "interrupted"
    with carbon_magic.track():
        pass
    assert carbon_magic.last.state == "done"


def test_a_generator_stops_whoever_takes_from_it():
    @carbon_magic.track("numbers", budget=SHORT)
    def numbers():
        while True:
            yield 1

    def take():
        for _ in numbers():
            time.sleep(0.01)

    with pytest.raises(CarbonBudgetExceeded):
        take()
    gc.collect()  # it ends with the generator, which the traceback holds no longer
    assert carbon_magic.last.state == "interrupted"
    assert "and the run was stopped" in used_up(carbon_magic.last)[0]


def test_of_several_tasks_only_the_one_with_the_budget_is_cancelled():
    async def bounded():
        with carbon_magic.track("bounded", budget=SHORT):
            while True:
                await asyncio.sleep(0)

    async def both():
        stopped = asyncio.create_task(bounded())

        async def other():
            while not stopped.done():
                sum(range(10_000))
                await asyncio.sleep(0)
            return "done"

        return await asyncio.gather(stopped, other(), return_exceptions=True)

    error, other = asyncio.run(both())
    assert isinstance(error, asyncio.CancelledError)
    assert other == "done"
    assert carbon_magic.last.state == "interrupted"


def test_a_coroutine_that_never_awaits_is_stopped_too():
    async def busy():
        with carbon_magic.track("busy", budget=SHORT):
            while True:
                time.sleep(0.01)

    with pytest.raises(CarbonBudgetExceeded):
        asyncio.run(busy())
    assert carbon_magic.last.state == "interrupted"


def test_a_loop_within_a_block_is_stopped():
    with pytest.raises(CarbonBudgetExceeded), carbon_magic.track(budget=SHORT):
        asyncio.run(asyncio.sleep(60))


def test_an_async_generator_is_cancelled():
    @carbon_magic.track("numbers", budget=SHORT)
    async def numbers():
        while True:
            await asyncio.sleep(0)
            yield 1

    async def take():
        async for _ in numbers():
            pass

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(take())
    assert carbon_magic.last.state == "interrupted"


def test_a_forked_child_is_not_stopped_in_the_parents_stead():
    reader, writer = os.pipe()
    with carbon_magic.track(budget="1h"):
        child = os.fork()
        if child == 0:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error:
                os.write(writer, type(error).__name__.encode())
            os._exit(0)
        os.waitpid(child, 0)
    assert os.read(reader, 100) == b"KeyboardInterrupt"
    os.close(reader)
    os.close(writer)


def test_a_debugger_keeps_its_trace():
    import sys

    def tracer(*_):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with pytest.raises(CarbonBudgetExceeded), carbon_magic.track(budget=SHORT):
            time.sleep(60)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def stopped_in(work):
    began_s = time.monotonic()
    with pytest.raises(CarbonBudgetExceeded), carbon_magic.track(budget=SHORT):
        work()
    return time.monotonic() - began_s


def tidies_up():
    try:
        time.sleep(60)
    finally:
        time.sleep(60)


def saves():
    try:
        time.sleep(60)
    except (OSError, KeyboardInterrupt):
        print("stopped early")
    time.sleep(60)


def suppresses():
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(60)
    time.sleep(60)


@pytest.mark.parametrize("work", [tidies_up, saves, suppresses])
def test_tidying_up_and_saving_have_an_end(work, monkeypatch):
    monkeypatch.setattr(stopping, "KIND_S", 0.5)
    assert 0.5 < stopped_in(work) < 10


@pytest.mark.parametrize("work", [tidies_up, saves, suppresses])
def test_but_not_before_a_part_of_the_budget_is_used_on_top(work, monkeypatch):
    """After five times the budget, however short the time."""
    monkeypatch.setattr(stopping, "KIND_S", 0.0)
    monkeypatch.setattr(stopping, "KIND_PART", 5.0)
    assert 0.6 < stopped_in(work) < 10


def test_in_the_clause_that_names_it_nothing_stops_again(monkeypatch):
    monkeypatch.setattr(stopping, "KIND_S", 0.0)
    monkeypatch.setattr(stopping, "KIND_PART", 0.0)
    saved = []
    with carbon_magic.track(budget=SHORT):
        try:
            time.sleep(60)
        except carbon_magic.CarbonBudgetExceeded:
            time.sleep(1)
            saved.append(True)
    assert saved
    assert carbon_magic.last.state == "interrupted"
    assert "the run caught the stop and went on for 1." in used_up(carbon_magic.last)[0]
