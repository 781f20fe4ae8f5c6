"""What a project cost: by kind and currency, each joule and hour paid for once, runs without a price told."""

import re
from dataclasses import replace
from html import unescape

import pytest
from project_runs import project_run

from carbon_magic import report
from carbon_magic.account import Entry, Project
from carbon_magic.account.read import read
from carbon_magic.cost import Price
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore

EUR = Price(0.30, (0.20, 0.33), "EUR", "kWh", "a tariff", "2030-H1")
CHF = replace(EUR, amount=0.25, amount_range=(0.25, 0.25), currency="CHF", source="another tariff")
USD_HOUR = Price(2.0, (1.0, 2.0), "USD", "hour", "a list", "2030-01")


def paid(i, begin, *prices, seconds=3600.0, **fields):
    return project_run(i, begin, seconds, prices=prices, pue=1.2, pue_range=(1.2, 1.2), **fields)


def kwh(*runs):
    return sum(1.2 * run.energy_kwh for run in runs)


RUNS = [paid(0, 0, EUR), paid(1, 9e3, EUR, host="b"), paid(2, 18e3, CHF), paid(3, 27e3, USD_HOUR, EUR), paid(4, 36e3)]


def test_amounts_by_kind_and_currency_are_never_mixed():
    found = {(bill.cost.kind, bill.cost.currency): bill for bill in Project.of(RUNS).bills}
    assert {key: bill.runs for key, bill in found.items()} == {
        ("cloud", "USD"): 1, ("electricity", "CHF"): 1, ("electricity", "EUR"): 3,
    }  # fmt: skip
    assert found["electricity", "EUR"].cost.amount == pytest.approx(0.3 * kwh(RUNS[0], RUNS[1], RUNS[3]))
    assert found["electricity", "CHF"].cost.amount == pytest.approx(0.25 * kwh(RUNS[2]))
    assert found["cloud", "USD"].cost.amount_range == pytest.approx((1, 2))
    assert Project.of(RUNS).cost is None
    assert Project.of(RUNS[:2]).cost.amount == pytest.approx(0.3 * kwh(*RUNS[:2]))
    assert Project.of(RUNS[:2]).costs == (Project.of(RUNS[:2]).cost,)


def test_a_trial_inside_a_search_is_paid_for_once():
    search, trial = paid(0, 0, EUR, USD_HOUR), paid(1, 600, EUR, USD_HOUR, seconds=600.0)
    cloud, electricity = Project.of([search, trial]).bills
    assert electricity.cost.amount == pytest.approx(0.3 * kwh(search))
    assert cloud.cost.amount == pytest.approx(2)


def test_the_view_and_the_paper_tell_it_with_the_runs_that_have_no_price():
    for said in report.bundle(Project.of(RUNS, "p")).values():
        said = " ".join(unescape(said).split())
        assert "of electricity, of 3 of 5 runs" in said
        assert re.search(r"0\.200 CHF \([^)]*\) of electricity, of 1 of 5 runs", said)
        assert "2.00 USD (1.0–2.0) for the machine's time, its electricity included, of 1 of 5 runs" in said
    text = Project.of(RUNS, "p").report()
    assert "The machines' time, electricity included, cost an estimated 2.00 USD (90 % range 1.00 to 2.00 USD)" in text
    assert "another tariff, 2030-H1; the price of 1 of 5 runs is known." in text
    header, first, *_ = Project.of(RUNS, "p").report("csv").splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=False))["id"] == RUNS[0].id
    assert {"cost", "currency"} <= set(header.split(","))


def test_without_a_price_nothing_is_said_and_no_run_is_asked_for():
    free = [paid(0, 0), paid(1, 9e3)]
    alone = Project.from_entries("p", [Entry.of(run) for run in free], lambda some: pytest.fail("the runs were read"))
    assert (alone.bills, alone.costs, alone.cost) == ((), (), None)
    assert "Cost" not in report.bundle(alone)["text/plain"]
    assert "cost" not in Project.of(free, "p").report()


def test_the_ledger_tells_the_same(tmp_path):
    store = SqliteStore(tmp_path / "ledger.db")
    store.put_all(RUNS)
    store.close()
    there = read(Ledger(tmp_path / "ledger.db"), "thesis")
    assert [entry.cost for entry in there.entries] == [run.cost and run.cost.amount for run in RUNS]
    assert there.bills == Project.of(RUNS).bills


def test_many_prices_and_days_are_told_shortly():
    changing = [
        paid(i, 86_400 * i, replace(EUR, amount=0.2 + i / 100, amount_range=(0.2, 0.4), source=f"tariff {i}", date=""))
        for i in range(5)
    ]
    [bill] = Project.of(changing).bills
    assert bill.cost.source == "tariff 0; tariff 1 and 3 more"
    assert bill.cost.date == "2026-02-25 to 2026-03-01"
