"""Quantities in print: shared vectors with the TypeScript twin, and what must hold for every number."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import units

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "units.json").read_text(encoding="utf-8"))
FACTOR = {
    "W": 1.0,
    "Wh": 3600.0,
    "J": 1.0,
    "g": 1.0,
    "t": 1e6,
}
PREFIX = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
QUANTITIES = (units.watts, units.energy, units.kwh, units.joules, units.grams)

positive = st.floats(min_value=1e-6, max_value=1e12)
anything = st.none() | st.floats(allow_nan=True, allow_infinity=True)


def read(figure: str) -> float:
    """A printed figure as a number: "−78,500", "1.20E−10"."""
    return float(figure.replace(",", "").replace("−", "-"))


def back(text: str) -> float:
    """What a reader takes from a printed quantity, in the unit of the function's argument."""
    figure, unit = text.split(" ")
    base = next(b for b in ("Wh", "W", "J", "g", "t") if unit.endswith(b))
    return read(figure) * PREFIX[unit.removesuffix(base)] * FACTOR[base]


def significant(text: str) -> int:
    figure = re.sub(r"[^0-9.]", "", text.split(" ")[0].split("E")[0])
    return len(figure.replace(".", "").lstrip("0"))


@pytest.fixture
def chosen() -> Iterator[Callable[[str], None]]:
    """Choose units for one test."""
    yield units.use
    units.use("SI")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['function']}{v['arguments']}{v.get('units', '')}")
def test_vectors(vector: dict[str, Any], chosen: Callable[[str], None]) -> None:
    chosen(vector.get("units", "SI"))
    arguments = [getattr(units, a) if isinstance(a, str) else a for a in vector["arguments"]]
    assert getattr(units, vector["function"])(*arguments) == vector["expected"]


def test_the_vectors_cover_every_function_with_unknown_and_zero() -> None:
    for name in ("watts", "energy", "kwh", "joules", "grams", "distance", "duration", "number"):
        mine = {tuple(v["arguments"]): v["expected"] for v in VECTORS if v["function"] == name and "units" not in v}
        assert mine[(None,)] == "unknown"
        assert mine[(0,)].startswith("0")
        assert len(mine) >= 12
    assert {"span", "percent"} <= {v["function"] for v in VECTORS}


@given(st.sampled_from(QUANTITIES), positive)
def test_three_digits_that_read_back(fmt: units.Formatter, value: float) -> None:
    text = fmt(value)
    assert back(text) == pytest.approx(value, rel=0.00501)
    assert "e" not in text or value < 3.6e6 * 1e-9
    # Whole numbers beyond a thousand (of the largest unit) end in zeros; everything else shows exactly three digits.
    assert significant(text) == 3 or back(text) >= 1000 * 1e6 or fmt is units.kwh


@given(st.sampled_from(QUANTITIES), positive)
def test_the_prefix_fits(fmt: units.Formatter, value: float) -> None:
    figure = read(fmt(value).split(" ")[0])
    assert fmt is units.kwh or 1 <= figure < 1000 or value > 1e8 or value < 1e-5


@given(st.sampled_from(QUANTITIES), positive)
def test_a_negative_value_is_the_same_with_a_minus_sign(fmt: units.Formatter, value: float) -> None:
    assert fmt(-value) == "−" + fmt(value)


@given(st.sampled_from((*QUANTITIES, units.distance, units.duration, units.number)), anything)
def test_nothing_raises_and_unknown_is_never_zero(fmt: units.Formatter, value: float | None) -> None:
    text = fmt(value)
    assert len(text) < 40
    assert (text == "unknown") == (value is None or not math.isfinite(value))
    if value is not None and math.isfinite(value) and abs(value) > 1e-300:
        assert (value == 0) == text.startswith("0 ") or text == "0"


@given(st.floats(min_value=1e-3, max_value=1e9), st.integers(1, 9))
def test_number_keeps_the_digits_asked_for(value: float, digits: int) -> None:
    text = units.number(value, digits)
    assert read(text) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
    if "." in text:
        assert significant(text) == digits


@given(st.floats(min_value=0.001, max_value=1e7))
def test_durations_read_back(value: float) -> None:
    sizes = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
    words = units.duration(value).replace(",", "").split(" ")
    seconds = sum(float(figure) * sizes[unit] for figure, unit in zip(words[::2], words[1::2], strict=True))
    step = 1800 if "d" in words else 30 if "h" in words else 0.5 if "min" in words else value * 0.051
    assert seconds == pytest.approx(value, abs=step + 1e-9)


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9))
def test_a_span_has_two_ends_a_reader_can_tell_apart_and_one_unit(a: float, b: float) -> None:
    low, high = sorted((a, b))
    text = units.span(a, b, units.watts)
    if high - low <= 1e-4 * high:
        assert "–" not in text
        return
    figures, unit = text.rsplit(" ", 1)
    ends = [read(end) for end in figures.split("–")]
    assert ends[0] < ends[1]
    assert back(f"{ends[1]} {unit}") == pytest.approx(high, rel=0.051)


@given(anything, anything, st.sampled_from((*QUANTITIES, units.distance, units.duration, units.number)))
def test_a_span_of_anything_is_a_short_text(low: float | None, high: float | None, fmt: units.Formatter) -> None:
    assert 0 < len(units.span(low, high, fmt)) < 60


@given(anything, anything, anything)
def test_percent_of_anything_is_a_short_text(low: float | None, mid: float | None, high: float | None) -> None:
    assert 0 < len(units.percent(low, mid, high)) < 80


@pytest.mark.parametrize(
    ("words", "energy_and_mass"),
    [
        ("SI", ("Wh", "g")),
        ("", ("Wh", "g")),
        ("J", ("J", "g")),
        ("lb", ("Wh", "lb")),
        ("J lb", ("J", "lb")),
        ("lb, kWh", ("kWh", "lb")),
        (" t  MWh ", ("MWh", "t")),
    ],
)
def test_one_unit_of_each_kind_may_be_chosen(words: str, energy_and_mass: tuple[str, str]) -> None:
    assert units.choice(words) == energy_and_mass


@pytest.mark.parametrize("words", ["stone", "Wh J", "lb t", "j", "SI J", "wh", "x" * 10**6, "\0"])
def test_other_words_are_no_units(words: str) -> None:
    with pytest.raises(ValueError, match="Wh kWh MWh J") as error:
        units.use(words)
    assert len(str(error.value)) < 200
    assert units.chosen() == "Wh g"


@given(st.sampled_from(["kWh", "MWh", "J", "Wh"]), st.sampled_from(["kg", "t", "lb", "g"]), positive)
def test_the_chosen_unit_reads_back(energy: str, mass: str, value: float) -> None:
    try:
        units.use(f"{energy} {mass}")
        shown = units.energy(value), units.grams(value)
        assert back(shown[0]) == pytest.approx(value, rel=0.00501)
        figure, unit = shown[1].split(" ")
        size = (
            units.G_PER_LB
            if unit == "lb"
            else PREFIX[unit.removesuffix("t").removesuffix("g")] * (1e6 if unit == "t" else 1)
        )
        assert read(figure) * size == pytest.approx(value, rel=0.00501)
    finally:
        units.use("SI")


def test_a_pound_is_what_the_paper_means_by_it() -> None:
    assert units.pounds(28_401_884) == "62,600 lb"
    assert units.pounds(899_927) == "1,980 lb"
