"""What an amount of CO2e compares with, from a hundredth of a gram to a thousand tonnes."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import data
from carbon_magic.equivalents import Equivalent, car_km, car_lifetime, describe, flight, flight_route, sentence
from carbon_magic.report import beside

LB = 453.59237
sizes = st.floats(min_value=-2, max_value=9).map(lambda exponent: 10**exponent)  # 0.01 g to 1000 t


def test_a_kilometre_by_car_is_the_uk_average_of_2025() -> None:
    found = car_km(167.25)
    assert found == Equivalent(
        id="car_km",
        name="average car",
        amount=1.0,
        unit="km",
        text="1.00 km by car",
        source="UK DESNZ, Greenhouse gas reporting: conversion factors 2025",
        year=2025,
    )


def test_the_papers_flight_and_car() -> None:
    assert flight(1984 * LB).amount == pytest.approx(1, rel=1e-5)
    assert car_lifetime(126_000 * LB).amount == pytest.approx(1, rel=1e-6)
    # The neural architecture search of Table 3: the five cars of the headlines.
    assert car_lifetime(626_155 * LB).text.startswith("4.97 car lifetimes")
    assert "Strubell" in flight(1984 * LB).source
    assert flight(1984 * LB).year == 2019


@pytest.mark.parametrize(
    ("grams", "text"),
    [
        (0, "0 km by car"),
        (0.01, "5.98 cm by car"),
        (0.3, "1.79 m by car"),
        (20, "120 m by car"),
        (167.2, "1.00 km by car"),
        (220, "1.32 km by car"),
        (1e6, "5,980 km by car"),
    ],
)
def test_car_rides_of_every_length(grams: float, text: str) -> None:
    assert car_km(grams).text == text


FLIGHT = "New York to San Francisco flight{} (one passenger, as the paper prints it: 1,984 lb)"

SHORT = " of a flight (one passenger in economy with radiative forcing)"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 km" + SHORT),
        (1.2e-9, "9.89 mm" + SHORT),
        (1 / 8000, "1.03 km" + SHORT),
        (0.0099, "81.6 km" + SHORT),
        (0.01001, "0.0100 of a " + FLIGHT.format("")),
        (0.441, "0.441 of a " + FLIGHT.format("")),
        (0.9996, "1.00 " + FLIGHT.format("s")),
        (2.5, "2.50 " + FLIGHT.format("s")),
    ],
)
def test_flights_of_every_size_can_be_read(share: float, text: str) -> None:
    assert flight(share * 899_927).text == text


@pytest.mark.parametrize("grams", [0.01, 0.3, 3, 50, 300, 3e3, 3e4, 3e5, 3e6, 3e7, 3e8, 1e9])
def test_every_size_gets_something_to_picture(grams: float) -> None:
    for found in describe(grams):
        shown = re.sub(r" / [\d,]+", "", found.text)  # a fraction's denominator is no amount
        figure = float(re.findall(r"[\d,.]*\d", shown)[0].replace(",", ""))
        assert 0.09 <= figure <= 30_000, found.text
    assert len(describe(grams)) == 3


@given(sizes)
def test_three_different_kinds_and_never_more(grams: float) -> None:
    found = describe(grams, grid_g_per_kwh=400)
    groups = {row["id"]: row["group"] for row in data.rows("equivalents")}
    assert len(found) == len({groups[each.id] for each in found}) == 3
    assert describe(grams, grid_g_per_kwh=400, most=1) == found[:1]
    assert describe(grams, most=0) == []


@given(sizes)
def test_amounts_are_the_grams_divided_by_what_one_costs(grams: float) -> None:
    costs = {row["id"]: float(row["g_per_unit"]) for row in data.rows("equivalents") if row["g_per_unit"]}
    for found in [*describe(grams), car_km(grams), flight(grams), car_lifetime(grams)]:
        assert found.amount * costs[found.id] == pytest.approx(grams)
        assert found.source
        assert found.year is not None
        assert found.unit
        assert found.name


def test_electric_things_are_compared_by_their_electricity() -> None:
    """A phone charge takes 18.75 Wh everywhere; its grams depend on the grid."""
    clean = {found.id: found for found in describe(3.0, energy_kwh=0.075, most=9)}
    assert clean["phone_charge"].amount == pytest.approx(4)
    assert clean["phone_charge"].text == "4.00 phone charges"
    assert clean["phone_charge"].year is None
    assert "15 Wh" in clean["phone_charge"].source
    assert clean["led"].text == "7 h 30 min of a 10 W LED lamp"
    by_grid = {found.id: found for found in describe(3.0, grid_g_per_kwh=40.0, most=9)}
    assert by_grid["phone_charge"].amount == pytest.approx(4)
    assert "led" not in {found.id for found in describe(3.0, most=9)}, "no grams without a grid"


@pytest.mark.parametrize("unusable", [0.0, -1.0, math.nan, math.inf])
def test_energy_that_is_no_energy_is_passed_over(unusable: float) -> None:
    assert describe(3.0, energy_kwh=unusable) == describe(3.0)
    assert describe(3.0, grid_g_per_kwh=unusable) == describe(3.0)


def test_the_sentence() -> None:
    assert (
        sentence(1000.0)
        == "≈ 9.25 km by a new car, or 9.16 km of a flight (one passenger in economy with radiative forcing)"
    )
    three = sentence(1000.0, energy_kwh=2.5, most=3)
    assert three.startswith("≈ ")
    assert three.count(", ") == 2
    assert ", or " in three
    assert sentence(1000.0, most=1) == f"≈ {describe(1000.0)[0].text}"


@given(sizes)
def test_the_sentence_has_the_texts_with_three_digits(grams: float) -> None:
    text = sentence(grams)
    assert [each.text for each in describe(grams, most=2)] == text.removeprefix("≈ ").split(", or ")
    for figure in re.findall(r"\d[\d,]*\.\d+", text):
        assert len(figure.replace(",", "").replace(".", "").lstrip("0")) <= 3


@pytest.mark.parametrize("nothing", [None, math.nan, 0, 0.0])
def test_nothing_and_unknown_compare_with_nothing(nothing: float | None) -> None:
    assert describe(nothing) == []
    assert sentence(nothing) == ""


@pytest.mark.parametrize("function", [describe, sentence, car_km, flight, car_lifetime])
@pytest.mark.parametrize("grams", [-1, -1e-9, math.inf, -math.inf])
def test_impossible_amounts(function: object, grams: float) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match="an amount of CO2e is a number of grams, zero or more, not"):
        function(grams)


@pytest.mark.parametrize("function", [car_km, flight, car_lifetime])
@pytest.mark.parametrize("grams", [None, "3", b"3", True, [1]])
def test_what_is_no_number(function: object, grams: object) -> None:
    assert callable(function)
    with pytest.raises(TypeError, match="an amount of CO2e is a number of grams"):
        function(grams)


def test_nan_is_no_amount_to_the_lines_that_always_stand() -> None:
    with pytest.raises(ValueError, match="not nan"):
        car_km(math.nan)


@given(st.floats(min_value=0, max_value=1e300))
def test_no_finite_amount_raises_or_prints_a_long_line(grams: float) -> None:
    for text in (sentence(grams, most=3), car_km(grams).text, flight(grams).text, car_lifetime(grams).text):
        assert len(text) < 400
        assert "nan" not in text
        assert "inf" not in text
        assert "unknown" not in text


def test_the_table_is_well_formed() -> None:
    for row in data.rows("equivalents"):
        assert row["shown_as"] in ("number", "distance", "duration")
        assert row["text"].count("{}") == row["text_below_one"].count("{}") == 1
        assert 0 < float(row["low"]) < float(row["high"])
        assert row["g_per_unit"] or row["kwh_per_unit"]
    assert {"car_km", "flight", "car_lifetime"} <= {row["id"] for row in data.rows("equivalents") if row["g_per_unit"]}


def test_a_named_route_is_its_kilometres_times_the_published_factor() -> None:
    """DESNZ 2025, economy, not touching the UK: 0.10916 kg a kilometre with radiative forcing, 0.06449 without."""
    route = flight_route("JFK", "SFO")
    assert (route.origin, route.destination, route.name) == ("JFK", "SFO", "New York to San Francisco")
    assert route.km == 4152.1
    assert route.g_with_rf == pytest.approx(4152.1 * 109.16, rel=2e-4)
    assert route.g_without_rf == pytest.approx(4152.1 * 64.49, rel=2e-4)
    assert route.year == 2025
    assert "DESNZ" in route.source
    assert route.compare(453_200).text == (
        "1.00 flights from New York to San Francisco (one passenger in economy with radiative forcing)"
    )
    half = route.compare(133_900, radiative_forcing=False)
    assert half.text.startswith("0.500 of a flight from New York")
    assert "without radiative forcing" in half.text


@pytest.mark.parametrize(
    "ends", [("SFO", "JFK"), (" sfo", "jfk "), ("San Francisco", "new york"), ("san francisco", "New York")]
)
def test_a_route_is_known_either_way_and_by_its_cities(ends: tuple[str, str]) -> None:
    assert flight_route(*ends).name == "San Francisco to New York"
    assert flight_route(*ends).origin == "SFO"


def test_a_flight_within_the_uk_is_no_economy_class() -> None:
    assert "economy" not in flight_route("LHR", "EDI").compare(1000).text


@pytest.mark.parametrize("ends", [("JFK", "JFK"), ("JFK", "nowhere"), ("", ""), ("JFK-SFO", "")])
def test_a_route_that_is_not_in_the_table(ends: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"no flight from .* there are AMS-GRU"):
        flight_route(*ends)


@pytest.mark.parametrize("row", list(data.rows("flight_routes")), ids=lambda row: row["route"])
def test_every_route_is_possible(row: dict[str, str]) -> None:
    km, high, low = float(row["km"]), float(row["kg_with_rf"]), float(row["kg_without_rf"])
    assert 300 < km < 20_016, "half the way around the earth"
    assert 0.05 < low / km < high / km < 0.3
    assert high / low == pytest.approx(1.69, abs=0.02), "DESNZ's multiplier for what warms beside CO2"


def test_spot_checks_against_the_published_tables() -> None:
    """As printed: DESNZ 2025, EPA 2026, EEA 2023, Strubell et al. 2019."""
    grams = {row["id"]: row["g_per_unit"] for row in data.rows("equivalents")}
    assert grams["car_km"] == "167.25"
    assert grams["electric_car_km"] == "40.47"
    assert grams["new_car_km"] == "108.1"
    assert grams["train_km"] == "35.46"
    assert grams["flight_km"] == "109.16"
    assert grams["phone_charge"] == "12.4"
    assert round(float(grams["flight"]) / LB) == 1984
    assert round(float(grams["car_lifetime"]) / LB) == 126_000


@given(st.floats(min_value=-3, max_value=9.5).map(lambda exponent: 10**exponent))
def test_the_session_always_has_a_car_and_a_flight_and_nothing_silly(grams: float) -> None:
    said = beside.lines(grams, grams / 400)
    assert 2 <= len(said) <= 5
    assert said[0].endswith("by car") if grams < 1.7e7 else "lifetime" in said[0] and "126,000 lb" in said[0]
    assert "flight" in said[1]
    assert len(set(said)) == len(said)
    for text in said:
        fraction = re.search(r"1 / ([\d,]+)", text)
        assert fraction is None or float(fraction[1].replace(",", "")) <= 1000, text


@pytest.mark.parametrize(
    ("grams", "text"),
    [
        (0.3, "≈ 1.79 m by car, or 2 min 42 s of a 10 W LED lamp"),
        (3e8, "≈ 5.25 car lifetimes with their fuel (as the paper prints it: 126,000 lb each), or what 60.0 average"),
    ],
)
def test_a_third_of_a_gram_and_three_hundred_tonnes_can_be_pictured(grams: float, text: str) -> None:
    assert beside.sentence(grams, grams / 667).startswith(text)


@given(st.floats(-6, 9), st.sampled_from([None, 20.0, 450.0, 900.0]))
def test_from_a_microgram_to_a_thousand_tonnes_every_amount_has_a_sentence_of_three_digits(exponent, grid):
    grams = 10.0**exponent
    assert sentence(grams, grid_g_per_kwh=grid).startswith("≈ ")
    found = describe(grams, None, grid)
    assert 1 <= len(found) <= 3
    for text in (*(item.text for item in found), *beside.lines(grams, grams / (grid or 458.0))):
        figure = re.search(r"\d[\d,]*(\.\d+)?", text)
        digits = figure[0].replace(",", "").replace(".", "").lstrip("0")
        assert len(digits if figure[1] else digits.rstrip("0")) <= 3, text
        assert not re.search(r"\de-|\bnm\b|\bns\b", text), text


def test_what_is_thinner_than_a_hair_is_told_beside_one():
    assert car_km(1e-5).text == "59.8 µm by car (a hair is some 70 µm wide)"
    assert car_km(1e-4).text == "598 µm by car"
    assert "hair" not in car_km(0).text
