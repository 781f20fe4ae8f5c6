"""A project's budget: what other notebooks use counts, as of a minute ago; and no joule twice."""

import threading
from dataclasses import replace

import pytest
from kernels import kernel
from store_runs import run

import carbon_magic
from carbon_magic import process
from carbon_magic.budget import Allowance, CarbonBudgetExceeded, Watch, parse
from carbon_magic.budgeting import ASK_S, Spent
from carbon_magic.store import open_store, where
from carbon_magic.store.ledger import Ledger


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def store(own_ledger):
    opened = open_store(str(own_ledger), {}, print)
    yield opened
    opened.close()


@pytest.fixture
def asks(own_ledger):
    """Questions to the ledger so far, and a Ledger that counts them."""
    count = []

    def ledger():
        count.append(1)
        return Ledger(where(str(own_ledger), {}, print))

    ledger.count = count
    return ledger


def answered():
    """Every answer that was asked for is there."""
    for thread in threading.enumerate():
        if thread.name == "carbon_magic budget":
            thread.join()


def hear(spent, it):
    spent.hear(it)
    answered()


def test_what_others_used_and_use_counts_and_the_run_itself_does_not(store, asks):
    """All on hosts of their own, so that no joule is in two runs."""
    clock, known = Clock(), {}
    store.put(run("ended", host="a", energy_j=1000))
    other = run("other", "running", host="b", energy_j=200)
    store.put(other)
    mine = run("mine", "running", host="c", energy_j=10)
    spent = Spent(asks, "p", known, clock)
    assert spent.before("energy") is None
    hear(spent, mine)
    assert spent.before("energy") == pytest.approx(1200)

    store.put(replace(mine, devices=run(energy_j=50).devices))
    store.put(replace(other, devices=run(energy_j=700).devices))
    clock.now_s = ASK_S - 1
    hear(spent, mine)
    assert spent.before("energy") == pytest.approx(1200)
    clock.now_s = ASK_S
    hear(spent, mine)
    assert spent.before("energy") == pytest.approx(1700)  # its own 50 J are not in there
    assert len(asks.count) == 2


def test_a_run_beside_another_on_one_host_counts_their_joules_once(store, asks):
    """Both see the whole machine: together they are no more than it."""
    store.put(run("other", "running", host="h", energy_j=500))
    mine = run("mine", "running", host="h", energy_j=500)
    store.put(mine)
    watch = Watch([Allowance("project", parse("1kJ"), (spent := Spent(asks, "p", {})).before, spent.hear)])
    watch.look(mine)
    answered()
    assert watch.look(mine).used == pytest.approx(500)
    assert watch.exceeded is None
    assert watch.look(replace(mine, devices=run(energy_j=900).devices)).used == pytest.approx(900)


def test_what_a_run_leaves_known_is_known_to_the_next(store, asks):
    store.put(run("ended", host="a", energy_j=1000))
    known = {}
    spent = Spent(asks, "p", known)
    mine = run("mine", "running", host="c", energy_j=10)
    hear(spent, mine)
    spent.hear(replace(mine, state="done", devices=run(energy_j=75).devices))
    assert known["energy"] == pytest.approx(1075)
    assert len(asks.count) == 1


def test_a_ledger_that_cannot_be_read_stops_nobody():
    def ledger():
        raise OSError("the disk is gone")

    spent = Spent(ledger, "p", known := {})
    hear(spent, run("mine", "running"))
    assert spent.before("energy") is None
    assert known == {}


def test_the_next_run_of_a_project_that_is_used_up_does_not_begin(monkeypatch):
    monkeypatch.setattr(process, "_current", None)
    with carbon_magic.track(project="p"):
        pass
    monkeypatch.setenv("CARBON_MAGIC_PROJECT_BUDGET", "0.2s")
    with pytest.raises(CarbonBudgetExceeded, match=r"of the project, 0\.2 s"), carbon_magic.track(project="p"):
        threading.Event().wait(60)
    refused = r"project's budget, 0\.2 s, is used up \(0\.\d+ s\), so .* did not"
    with pytest.raises(CarbonBudgetExceeded, match=refused), carbon_magic.track(project="p"):
        raise AssertionError("it ran")
    with carbon_magic.track(project="another"):
        pass
    answered()
    monkeypatch.setenv("CARBON_MAGIC_PROJECT_BUDGET", "1h")
    with carbon_magic.track(project="p"):
        pass
    assert carbon_magic.last.state == "done"


@pytest.mark.kernel
def test_a_run_is_stopped_by_what_another_kernel_uses(own_ledger):
    """The clock of the one that waits is turned forward by its own question: it asks again at each look."""
    with kernel(CARBON_MAGIC_LEDGER=str(own_ledger), CARBON_MAGIC_PROJECT="p") as one, kernel(
        CARBON_MAGIC_LEDGER=str(own_ledger), CARBON_MAGIC_PROJECT="p", CARBON_MAGIC_PROJECT_BUDGET="1kJ"
    ) as two:  # fmt: skip
        one.run("%load_ext carbon_magic\nimport sys\nsys.path.insert(0, 'tests')")
        two.run("%load_ext carbon_magic\nimport carbon_magic.budgeting\ncarbon_magic.budgeting.ASK_S = 0.0")
        waiting = two.client.execute("%%carbon\nimport time\nprint('began', flush=True)\ntime.sleep(120)")
        while two.client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
            pass
        one.run("import store_runs, carbon_magic.process\n"
                "with carbon_magic.track(project='p'): pass\n"
                "carbon_magic.process.current().pump.put(store_runs.run('big', host='elsewhere', energy_j=2000))")  # fmt: skip
        while (reply := two.client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != waiting:
            pass
        assert reply["content"]["ename"] == "CarbonBudgetExceeded"
        assert "the budget of the project, 1 kJ, was used up" in reply["content"]["evalue"]
