"""Budgets: what they are, what is left of them, and the end of a cell that has used them up."""

import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import kernel
from store_runs import run
from tries import tried, until

import carbon_magic
from carbon_magic import process
from carbon_magic.budget import Allowance, CarbonBudgetExceeded, Limit, Watch, parse


@pytest.fixture(autouse=True)
def own_session(monkeypatch):
    monkeypatch.setattr(process, "_current", None)


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("50g", "co2e", 50),
        ("0.5 kg", "co2e", 500),
        ("1lb", "co2e", 453.59237),
        ("0.2kWh", "energy", 720_000),
        ("0.2 KWH", "energy", 720_000),
        ("100J", "energy", 100),
        ("3MJ", "energy", 3e6),
        ("10min", "time", 600),
        (".5h", "time", 1800),
    ],
)
def test_budgets_are_read_as_people_write_them(text, kind, amount):
    assert parse(text) == Limit(kind, pytest.approx(amount))


@pytest.mark.parametrize(
    "text", ["", "50", "g", "-5g", "0g", "50 parsecs", "1e3g", "5g5g", "nan g", None, 50, "9" * 50 + "g"]
)
def test_anything_else_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match="a budget is grams, energy or time"):
        parse(text)


@pytest.mark.parametrize(
    ("given", "used", "told"),
    [
        ("20J", 21.34, "21.3 of 20 J"),
        ("0.2 KWH", 590_400, "0.164 of 0.2 kWh"),
        (".5kg", 43.1, "0.0431 of 0.5 kg CO2e"),
        ("50 g", 43.1, "43.1 of 50 g CO2e"),
        ("10min", 492, "8 min 12 s of 10 min"),
        ("90sec", 9, "9.00 s of 90 s"),
        ("1.5h", 3600, "1 h 00 min of 1.5 h"),
    ],
)
def test_they_are_told_back_in_the_words_in_which_they_were_given(given, used, told):
    limit = parse(given)
    assert limit.spent(used) == told
    assert told.endswith(str(limit))


@given(st.floats(1e-3, 1e6), st.floats(0, 2))
def test_it_is_exceeded_exactly_when_it_is_used_up(limit, part):
    watch = Watch([Allowance("cell", Limit("energy", limit))])
    watch.look(run("1", "running", energy_j=limit * part))
    assert (watch.exceeded is not None) == (limit * part >= limit)
    assert bool(watch.notes) == (limit * part >= 0.8 * limit)


def test_the_session_counts_what_came_before_and_the_closest_budget_is_shown():
    watch = Watch(
        [Allowance("cell", Limit("energy", 1000)), Allowance("session", Limit("energy", 2000), lambda kind: 1700.0)]
    )
    budget = watch.look(run("1", "running", energy_j=100.0))
    assert budget.label.startswith("the session")
    assert budget.used == 1800
    assert watch.notes == [watch.notes[0]]
    assert "80 %" in watch.notes[0]
    watch.look(run("1", "running", energy_j=300.0))
    assert "the session" in watch.exceeded
    assert len(watch.notes) == 2


def test_a_budget_that_is_not_known_yet_stops_nobody():
    watch = Watch([Allowance("project", Limit("energy", 1), lambda kind: None)])
    assert watch.look(run("1", "running", energy_j=1e9)) is None
    assert watch.exceeded is None


WORK = {
    "pure Python": "while True: pass",
    "sleep": "import time; time.sleep(60)",
    "a lock": "import threading; threading.Event().wait(60)",
    "NumPy": "import numpy as np\na = np.ones((300, 300))\nwhile True: a = np.minimum(a @ a, 1)",
    "a subprocess": "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
    "except Exception": "import time\nwhile True:\n    try: time.sleep(60)\n    except Exception: pass",
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
@tried(3)
def test_the_work_is_stopped_within_a_second(work):
    started = time.monotonic()
    with (
        pytest.raises(CarbonBudgetExceeded, match=r"the budget of this run, 1 s, was used up"),
        carbon_magic.track(budget="1s"),
    ):
        exec(work)
    assert 1.0 <= time.monotonic() - started <= 2.0
    last = carbon_magic.last
    assert last.state == "interrupted"
    assert any("was used up" in note for note in last.notes)


def test_energy_is_a_budget_too():
    with pytest.raises(CarbonBudgetExceeded), carbon_magic.track(budget="5J", place="FR"):
        exec("while True: pass")
    assert carbon_magic.last.energy_j >= 5


def test_what_ends_in_time_is_left_alone():
    import signal

    before = signal.getsignal(signal.SIGINT)
    with carbon_magic.track(budget="1h") as tracked:
        pass
    assert tracked.state == "done"
    assert tracked.notes == carbon_magic.last.notes
    assert signal.getsignal(signal.SIGINT) is before


def test_the_users_own_interrupt_still_is_one():
    import signal

    with pytest.raises(KeyboardInterrupt) as caught, carbon_magic.track(budget="1h"):
        signal.raise_signal(signal.SIGINT)
    assert caught.type is KeyboardInterrupt


def test_a_stop_that_comes_too_late_is_swallowed():
    """The signal and the end of the work cross each other: whatever the order, nothing comes after the end."""
    import threading

    from carbon_magic.stopping import Stopper

    for _ in range(200):
        stopper = Stopper()
        thread = threading.Thread(target=stopper.stop, args=("too late",))
        try:
            thread.start()
            stopper.close()
        except CarbonBudgetExceeded:
            stopper.close()  # it came while the work still went on
        thread.join()
    time.sleep(0.01)


def test_the_session_as_a_whole(monkeypatch):
    monkeypatch.setenv("CARBON_MAGIC_SESSION_BUDGET", "1s")
    with carbon_magic.track():
        time.sleep(0.6)
    with pytest.raises(CarbonBudgetExceeded, match="the session"), carbon_magic.track():
        time.sleep(60)
    with pytest.raises(CarbonBudgetExceeded, match="did not begin"), carbon_magic.track():
        raise AssertionError("it ran")


def test_the_project_as_a_whole(monkeypatch):
    with carbon_magic.track(project="p"):
        time.sleep(0.6)
    monkeypatch.setenv("CARBON_MAGIC_PROJECT_BUDGET", "1s")
    with pytest.raises(CarbonBudgetExceeded, match="the project"), carbon_magic.track(project="p"):
        time.sleep(60)


def test_in_another_thread_it_is_told_that_nothing_can_be_stopped():
    import threading

    notes = []

    def work():
        with carbon_magic.track(budget="0.1s") as tracked:
            until(lambda: any("used up" in note for note in tracked.notes))
        notes.extend(tracked.notes)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert any("outside the main thread" in note for note in notes)
    assert any("used up" in note for note in notes)
    assert not any("was stopped" in note for note in notes)


def test_a_coroutine_is_cancelled_and_its_loop_lives():
    code = textwrap.dedent("""
        import asyncio, carbon_magic
        async def main():
            try:
                with carbon_magic.track(budget="0.5s"):
                    await asyncio.sleep(60)
            finally:
                print(carbon_magic.last.state, "used up" in " ".join(carbon_magic.last.notes))
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """)
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["interrupted", "True", "interrupted"]
    assert time.monotonic() - started < 10


def test_a_wrong_budget_does_not_run():
    with pytest.raises(ValueError, match="50g"), carbon_magic.track(budget="lots"):
        raise AssertionError("it ran")


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("while True: pass", "CarbonBudgetExceeded"),
        ("import asyncio\nawait asyncio.sleep(60)", "CancelledError"),
        (
            "import time\ntry:\n    time.sleep(60)\nexcept BaseException:\n    raise TypeError('its own') from None",
            "TypeError",
        ),
    ],
    ids=["loop", "await", "an error of its own"],
)
def test_a_cell_is_stopped_in_a_kernel_that_lives_on(body, name):
    with kernel() as live:
        live.run("%load_ext carbon_magic")
        started = time.monotonic()
        reply, outputs = live.run(f"%%carbon --budget 1s\n{body}")
        assert reply["status"] == "error"
        assert reply["ename"] == name
        assert time.monotonic() - started < 15
        shown = [content["data"]["text/plain"] for kind, content in outputs if kind == "update_display_data"]
        assert "used up" in shown[-1]
        assert live.value("__import__('carbon_magic').last.state") == "'interrupted'"
        assert live.value("6 * 7") == "42"
