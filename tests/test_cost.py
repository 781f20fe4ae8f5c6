"""What runs cost in money, and the account by contract beside the grid's."""

import json
from dataclasses import replace

import looks
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import config, cost, report
from carbon_magic.cost import Price
from carbon_magic.cost.instance import instance
from carbon_magic.run import Run
from carbon_magic.totals import Session

EUR = Price(0.30, (0.20, 0.33), "EUR", "kWh", "a tariff", "2030-H1")
USD_HOUR = Price(2.0, (1.0, 2.0), "USD", "hour", "a list", "2030-01")


def run(seconds=3600.0, kwh=1.0, begin=0.0, prices=(EUR,), **fields):
    devices = [looks.device(joules=kwh * 3.6e6)]
    return looks.run(seconds=seconds, devices=devices, started_at=begin, prices=tuple(prices), **fields)


@pytest.mark.parametrize(
    ("words", "per", "amount", "currency"),
    [
        ("0.32 EUR", "kWh", 0.32, "EUR"),
        ("eur 0.32", "kWh", 0.32, "EUR"),
        ("31JPY/kWh", "kWh", 31, "JPY"),
        ("2.48 usd per hour", "hour", 2.48, "USD"),
        ("2.48 USD/h", "hour", 2.48, "USD"),
        ("0 EUR", "kWh", 0, "EUR"),
    ],
)
def test_a_price_in_somebodys_words(words, per, amount, currency):
    price = cost.given(words, per)
    assert (price.amount, price.amount_range, price.currency, price.per) == (amount, (amount, amount), currency, per)


@pytest.mark.parametrize(
    ("words", "per"),
    [("0.32", "kWh"), ("EUR", "kWh"), ("-1 EUR", "kWh"), ("1e9 EUR", "kWh"), ("nan EUR", "kWh"), ("0,32 EUR", "kWh"),
     ("EUR 1 USD", "kWh"), ("2 EUR/h", "kWh"), ("2 EUR/kWh", "hour"), ("9" * 99 + " EUR", "kWh"), ("", "hour"),
     ("999999999 EUR", "kWh"), ("1 EUR/\n", "kWh")],
)  # fmt: skip
def test_what_is_no_price_is_told_in_a_sentence(words, per):
    with pytest.raises(ValueError, match=f"a price per {per} is an amount and a currency such as"):
        cost.given(words, per)


def test_a_published_price_has_its_source_its_date_and_a_range_down_to_what_business_pays():
    price = cost.electricity("DE")
    assert (price.amount, price.currency, price.date) == (0.3835, "EUR", "2025-H1")
    assert price.source == "0.3835 EUR/kWh for homes with taxes (Eurostat, nrg_pc_204, band DC)"
    assert price.amount_range[0] < 0.2 < 0.38 < price.amount_range[1]
    assert cost.electricity("US-NY").amount_range[0] == 0.0892  # what industry pays there, by the same table
    assert cost.electricity("FR") is None
    assert cost.electricity("aws:eu-central-1") is None


def test_machines_by_name_and_several_of_a_kind():
    assert cost.machine("AWS: P3.2xlarge").amount == 3.06
    assert cost.machine("azure:Standard_NC6s_v3").amount == cost.machine("azure:NC6s v3").amount == 3.06
    paper = cost.machine("8 x gcp:V100")  # Strubell et al.: 0.74 to 2.48 USD per GPU hour
    assert paper.amount_range == pytest.approx((5.92, 19.84))
    assert (paper.currency, paper.per, paper.date) == ("USD", "hour", "2019")
    with pytest.raises(ValueError, match=r"did you mean aws:p3\.2xlarge"):
        cost.machine("aws:p3.2xlrge")
    with pytest.raises(ValueError, match="no price is known of 'xyz:q'"):
        cost.machine("xyz:q")


def test_the_papers_costs_come_out():
    """BERT base: 79 h on 64 V100 cost 3,751 to 12,571 USD (Strubell et al., table 3)."""
    bert = run(seconds=79.2 * 3600, prices=[cost.machine("64 x gcp:V100")])
    assert bert.cost.amount == pytest.approx(12571, rel=0.001)
    assert bert.cost.amount_range[0] == pytest.approx(3751, rel=0.001)
    assert (bert.cost.kind, bert.cost.currency, bert.cost.date) == ("cloud", "USD", "2019")
    assert "Strubell" in bert.cost.source


def test_electricity_costs_what_the_building_drew_and_the_range_has_all_that_is_not_known():
    paid = run(pue=1.5, pue_range=(1.5, 1.5))
    assert paid.cost.amount == pytest.approx(0.45)
    assert (paid.cost.kind, paid.cost.currency, paid.cost.source, paid.cost.date) == (
        "electricity", "EUR", "a tariff", "2030-H1",
    )  # fmt: skip
    low, high = paid.cost.amount_range
    assert low < 0.45 * 0.95 * 0.21 / 0.3 * 1.02
    assert 0.45 * 1.1 < high < 0.45 * 1.2


def test_a_price_without_a_date_has_the_runs_day():
    assert run(prices=[cost.given("0.3 EUR", "kWh")], begin=1.9e9).cost.date == "2030-03-17"


def test_no_price_no_cost_and_no_energy_no_cost_of_electricity():
    assert run(prices=()).cost is None
    assert looks.run(devices=[], prices=(EUR,)).cost is None
    assert looks.run(devices=[], prices=(USD_HOUR,), seconds=1800).cost.amount == pytest.approx(1)


def test_what_is_hired_is_not_paid_for_twice():
    both = run(prices=(USD_HOUR, EUR))
    assert [(c.kind, c.amount) for c in both.costs] == [("cloud", 2.0), ("electricity", pytest.approx(0.3))]
    assert both.cost == both.costs[0]


def test_there_and_back_as_json_and_runs_of_before():
    paid = run(prices=(USD_HOUR, EUR), contract_g_per_kwh=12.5, contract_source="Green & Sons")
    again = Run.from_dict(json.loads(json.dumps(paid.to_dict())))
    assert (again.costs, again.contract) == (paid.costs, paid.contract)
    assert paid.to_dict()["cost"]["amount"] == 2.0
    old = run().to_dict()
    for name in ("prices", "cost", "contract_g_per_kwh", "contract_source"):
        del old[name]
    assert (Run.from_dict(old).cost, Run.from_dict(old).contract) == (None, None)


def test_currencies_and_kinds_are_never_mixed():
    session = Session((run(begin=0), run(begin=9000, prices=(replace(EUR, currency="CHF"),)), run(begin=18000)))
    assert [(c.kind, c.currency, c.amount) for c in session.costs] == [
        ("electricity", "CHF", pytest.approx(0.3)),
        ("electricity", "EUR", pytest.approx(0.6, rel=0.01)),
    ]
    assert session.cost is None
    assert Session((run(begin=0), run(begin=9000))).cost.amount == pytest.approx(0.6)
    assert Session((run(begin=0), run(begin=9000, prices=()))).cost is None
    assert Session(()).costs == ()


def test_what_overlaps_is_paid_for_once():
    session = Session((run(7200, 2, prices=(USD_HOUR, EUR)), run(3600, 1, begin=1800, prices=(USD_HOUR, EUR))))
    assert [(c.kind, c.amount) for c in session.costs] == [
        ("cloud", pytest.approx(4)),
        ("electricity", pytest.approx(0.6, rel=0.01)),
    ]


@given(
    st.floats(1e-9, 1e5), st.floats(1, 1e7), st.floats(0, 10), st.floats(0.1, 1), st.floats(1, 3), st.floats(1, 3),
)  # fmt: skip
def test_a_cost_lies_in_its_range(kwh, seconds, amount, low, high, pue):
    prices = (
        Price(amount, (amount * low, amount * high), "EUR", "hour", "s", "d"),
        Price(amount, (amount * low, amount * high), "EUR", "kWh", "s", "d"),
    )
    for paid in run(seconds, kwh, prices=prices, pue=pue, pue_range=(pue, pue)).costs:
        assert 0 <= paid.amount_range[0] <= paid.amount * (1 + 1e-9)
        assert paid.amount <= paid.amount_range[1] * (1 + 1e-9)


def test_the_contract_stands_beside_the_grid_and_never_instead():
    green = run(contract_g_per_kwh=10.0, contract_source="Green & Sons")
    assert (green.contract.intensity_g_per_kwh, green.contract.co2e_g, green.contract.source) == (
        10, pytest.approx(10), "Green & Sons",
    )  # fmt: skip
    assert green.contract.co2e_g_range == pytest.approx((9.5, 10.5))
    assert green.co2e_g == run().co2e_g == pytest.approx(56)
    assert run(contract_g_per_kwh=0.0).contract.co2e_g == 0
    assert Session((green, run(begin=9000))).contract_co2e_g is None
    assert Session((green, run(begin=1800, contract_g_per_kwh=10.0))).contract_co2e_g == pytest.approx(15, rel=0.01)
    text, html = (report.bundle(green)[kind] for kind in ("text/plain", "text/html"))
    assert "56.0 g" in text
    assert "By contract (market-based): 10.0 g CO2e" in " ".join(text.split())
    assert "Green &amp; Sons" in html


def test_reports_say_it_in_one_quiet_line():
    for thing in (run(), Session((run(), run(begin=9000, prices=())))):
        text, html = (report.bundle(thing)[kind] for kind in ("text/plain", "text/html"))
        assert text.count("Cost: ") == html.count("Cost: ") == 1
        assert "0.300 EUR (0.20–0.33) of electricity" in html
        assert "a tariff, 2030-H1" in html
    assert "of 1 of 2 runs" in html
    assert "Cost" not in report.bundle(run(prices=()))["text/plain"]
    assert "Cost" not in report.bundle(run(kwh=0.001))["text/plain"]  # less than a coin: not worth a line
    asked = run(kwh=0.001, prices=[cost.given("0.3 EUR", "kWh")])
    assert "under 0.01 EUR of electricity · 0.3 EUR/kWh as given" in " ".join(
        report.bundle(asked)["text/plain"].split()
    )


def test_the_frame_has_amount_and_currency():
    frame = Session((run(), run(begin=9000, prices=(), contract_g_per_kwh=2.0))).to_frame()
    assert frame["currency"].iloc[0] == "EUR"
    assert frame["currency"].isna().tolist() == [False, True]
    assert frame["cost"].iloc[0] == pytest.approx(0.3)
    assert frame["contract_co2e_g"].iloc[1] == pytest.approx(2)


@pytest.mark.parametrize(
    ("option", "value"),
    [("price", "0.3"), ("price", 0.3), ("cloud_price", "aws:nothing.at-all"), ("cloud_price", "two"),
     ("contract_g_per_kwh", -1), ("contract_g_per_kwh", "green"), ("contract_g_per_kwh", 5000)],
)  # fmt: skip
def test_settings_that_are_none(option, value):
    with pytest.raises((ValueError, TypeError), match=r"such as|no price is known|a contract's factor"):
        config.current({option: value}, {})
    settings, problems = config.current({}, {f"CARBON_MAGIC_{option.upper()}": str(value)})
    assert getattr(settings, option) is None
    assert len(problems) == 1


def test_settings_that_are_right():
    given = {"CARBON_MAGIC_PRICE": "0.3 EUR", "CARBON_MAGIC_CLOUD_PRICE": "aws:p3.2xlarge",
             "CARBON_MAGIC_CONTRACT_G_PER_KWH": "12", "CARBON_MAGIC_CONTRACT_SOURCE": "Green"}  # fmt: skip
    settings, problems = config.current({}, given)
    assert problems == []
    assert (settings.price, settings.cloud_price, settings.contract_g_per_kwh, settings.contract_source) == (
        "0.3 EUR", "aws:p3.2xlarge", 12.0, "Green",
    )  # fmt: skip


def test_which_prices_hold_here(tmp_path):
    assert [p.currency for p in cost.known("DE", None, None, tmp_path)] == ["EUR"]
    assert [p.amount for p in cost.known("DE", "0.5 CHF", None, tmp_path)] == [0.5]
    assert cost.known("DE", "off", None, tmp_path) == ()
    assert cost.known("FR", None, None, tmp_path) == ()
    assert [p.per for p in cost.known("DE", None, "2 USD", tmp_path)] == ["hour", "kWh"]


@pytest.mark.parametrize(
    ("vendor", "product", "name", "known"),
    [("Amazon EC2", "g4dn.xlarge", "aws:g4dn.xlarge", 1), ("Amazon EC2", "m7i.large", "aws:m7i.large", 0),
     ("Amazon EC2", "", None, 0), ("Amazon EC2", "../../etc", None, 0), ("LENOVO", "g4dn.xlarge", None, 0)],
)  # fmt: skip
def test_an_ec2_machine_says_its_kind(tmp_path, vendor, product, name, known):
    folder = tmp_path / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    (folder / "sys_vendor").write_text(vendor + "\n")
    (folder / "product_name").write_text(product + "\n")
    assert instance(tmp_path) == name
    assert len(cost.known("aws:us-east-1", None, None, tmp_path)) == known
    assert cost.known("aws:us-east-1", None, "off", tmp_path) == ()


def test_who_names_the_machine_sees_what_a_short_cell_cost() -> None:
    """Under the smallest coin too, as with a price in one's own words."""
    [price] = [price for price in cost.known("aws:eu-west-1", None, "aws:p3.2xlarge") if price.per == "hour"]
    assert price.source.endswith("the machine as given")
    asked = run(seconds=1.0, kwh=1e-6, prices=[price])
    assert asked.cost.given
    assert "under 0.01 USD for the machine's time" in " ".join(report.bundle(asked)["text/plain"].split())
