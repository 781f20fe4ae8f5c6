"""A place in somebody's words, and the grid it means."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import data, grid
from carbon_magic.grid import Intensity, spread
from carbon_magic.grid.lookup import find


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("FR", "FR"),
        ("fr", "FR"),
        (" Fr ", "FR"),
        ("FRA", "FR"),
        ("France", "FR"),
        ("united kingdom", "GB"),
        ("UK", "GB"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("Côte d'Ivoire", "CI"),
        ("cote d ivoire", "CI"),
        ("ivory coast", "CI"),
        ("Türkiye", "TR"),
        ("turkey", "TR"),
        ("south korea", "KR"),
        ("US-CA", "US-CA"),
        ("us_ca", "US-CA"),
        ("California", "US-CA"),
        ("SRSO", "EGRID:SRSO"),
        ("egrid:srso", "EGRID:SRSO"),
        ("CN-BJ", "CN-BJ"),
        ("AU-NSW", "AU-NSW"),
        ("SE3", "SE-SE3"),
        ("Québec", "CA-QC"),
        ("Quebec", "CA-QC"),
        ("world", "WORLD"),
        ("EU", "EU"),
        ("European Union", "EU"),
        ("aws:eu-west-1", "aws:eu-west-1"),
        ("AWS:EU-WEST-1", "aws:eu-west-1"),
        ("azure:westeurope", "azure:westeurope"),
        ("google:us-central1", "gcp:us-central1"),
        ("ovh:eu-west-gra", "ovhcloud:eu-west-gra"),
        # A country comes before a state of the same name, and a code before a name.
        ("Georgia", "GE"),
        ("US-GA", "US-GA"),
        ("CA", "CA"),
    ],
)
def test_places_people_type(words: str, place: str) -> None:
    found = grid.intensity(words)
    assert found.place == place
    assert found.how == "given"


@pytest.mark.parametrize("row", list(data.rows("grid_intensity")), ids=lambda row: row["key"])
def test_every_row_is_found_by_its_key_and_has_a_sound_range(row: dict[str, str]) -> None:
    found = grid.intensity(row["key"])
    assert found.place == row["key"]
    assert found.intensity_g_per_kwh == float(row["g_per_kwh"])
    low, high = found.intensity_range
    assert 0 < low < found.intensity_g_per_kwh < high < 2500
    assert found.source
    assert found.licence
    assert found.name
    assert found.boundary
    assert grid.intensity(row["key"].swapcase()) == found
    assert grid.intensity(row["name"]).name == row["name"]


@pytest.mark.parametrize("row", list(data.rows("cloud_regions")), ids=lambda row: row["region"])
def test_every_cloud_region_is_on_its_grid(row: dict[str, str]) -> None:
    found, below = grid.intensity(row["region"]), grid.intensity(row["grid"])
    assert found.place == row["region"]
    assert row["place"] in found.name
    assert (found.intensity_g_per_kwh, found.intensity_range) == (below.intensity_g_per_kwh, below.intensity_range)


def test_the_whole_figure_of_a_place() -> None:
    found = grid.intensity("aws:eu-west-1")
    assert found == Intensity(
        intensity_g_per_kwh=256.54,
        intensity_range=(179.58, 333.5),
        place="aws:eu-west-1",
        name="Ireland",
        year=2025,
        basis="lifecycle",
        source="Ember, processed by Our World in Data, Carbon intensity of electricity (2026)",
        boundary="production",
        licence="CC BY 4.0",
        how="given",
    )
    assert Intensity.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_direct_and_lifecycle_figures_say_which_they_are() -> None:
    assert grid.intensity("FR").basis == "lifecycle"
    assert grid.intensity("US-CA").basis == "direct"
    assert grid.intensity("aws:us-east-1").basis == "direct"
    assert grid.intensity("CN-BJ").basis == "direct, CO2 only"
    assert "upstream" in grid.intensity("AU-NSW").basis
    assert "lower bound" in grid.intensity("SE3").basis
    assert "derived" in grid.intensity("CA-ON").basis


def test_ranges() -> None:
    def relative(place: str) -> tuple[float, float]:
        found = grid.intensity(place)
        low, high = found.intensity_range
        return low / found.intensity_g_per_kwh, high / found.intensity_g_per_kwh

    assert relative("DE") == pytest.approx((0.7, 1.3), abs=0.001)
    low, high = relative("EGRID:SRSO")
    assert low == pytest.approx(0.7, abs=0.001)
    assert high > 1.5, "stacks alone are less than all: the truth is higher"
    assert relative("CA-ON")[1] > 1.9, "derived here: other publishers have 111 where this is 60"
    assert relative("NO")[0] < 0.7, "ten grams are the least anybody can be sure of"
    assert relative("CF")[1] > relative("DE")[1], "a figure of 2012"
    # The average of a country with very different parts says little about one of them.
    low, high = grid.intensity("CA").intensity_range
    assert low < grid.intensity("CA-QC").intensity_g_per_kwh + 1
    assert high > grid.intensity("CA-AB").intensity_g_per_kwh
    low, high = grid.intensity("US").intensity_range
    assert low < grid.intensity("EGRID:CAMX").intensity_g_per_kwh
    assert high > grid.intensity("EGRID:RFCW").intensity_g_per_kwh


def test_the_world_is_as_wide_as_its_countries() -> None:
    low, high = grid.intensity("world").intensity_range
    countries = [float(row["g_per_kwh"]) for row in data.rows("grid_intensity") if row["level"] == "country"]
    assert sum(low <= g <= high for g in countries) / len(countries) == pytest.approx(0.9, abs=0.02)
    assert low < grid.intensity("FR").intensity_g_per_kwh
    assert high > grid.intensity("IN").intensity_g_per_kwh
    assert grid.intensity("ASIA").intensity_range == (low, high)  # whose members we do not know


@pytest.mark.parametrize(
    ("words", "suggested"),
    [
        ("Frnce", "FR (France)"),
        ("Germny", "DE (Germany)"),
        ("US-XX", "US-TX (Texas)"),
        ("VT", "US-VT (Vermont)"),
        ("eu-west-1", "aws:eu-west-1 (Ireland)"),
        ("aws:eu-wst-1", "aws:eu-west-1 (Ireland)"),
        ("aws:nowhere-1", None),
        ("United Kindom", "GB (United Kingdom)"),
    ],
)
def test_an_unknown_place_names_the_closest(words: str, suggested: str | None) -> None:
    with pytest.raises(ValueError) as error:
        grid.intensity(words)
    message = str(error.value)
    assert message.startswith(f'unknown place "{words}"')
    assert suggested is None or suggested in message
    assert len(message) < 250
    assert "\n" not in message


@pytest.mark.parametrize(
    "words", ["", " ", "\0", "FR\0", "F\0R", "x" * 10**6, "FR" * 10**6, "\ud800", "é" * 5000, "a\nb", "\x1b[31mFR", ":", "aws:", ":::", "\u202eRF"]
)  # fmt: skip
def test_hostile_words_give_one_short_plain_sentence(words: str) -> None:
    begin = time.process_time()
    with pytest.raises(ValueError) as error:
        grid.intensity(words)
    assert time.process_time() - begin < 1
    message = str(error.value)
    assert len(message) < 300
    assert message.isprintable()
    message.encode("utf-8")


@given(st.text(max_size=80))
def test_any_text_is_a_place_or_one_sentence(words: str) -> None:
    try:
        assert grid.intensity(words).intensity_g_per_kwh > 0
    except ValueError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 400
        message.encode("utf-8")


@pytest.mark.parametrize("place", [None, 3, 56.0, b"FR", ["FR"], {"place": "FR"}, True])
def test_what_is_no_text_is_a_type_error(place: object) -> None:
    with pytest.raises(TypeError, match="a place is a text such as FR"):
        grid.intensity(place)  # type: ignore[arg-type]


def test_find_is_none_where_nothing_is_known() -> None:
    assert find("nowhere") is None
    assert find("nobody:nowhere") is None


@given(
    st.floats(5, 1500),
    st.sampled_from(["lifecycle", "direct", "direct, CO2 only", "anything else"]),
    st.integers(0, 20),
)
def test_a_range_holds_its_figure_and_grows_with_age(g_per_kwh: float, basis: str, age: int) -> None:
    low, high = spread.of(g_per_kwh, basis, "production", age)
    assert 0 < low < g_per_kwh < high
    low_later, high_later = spread.of(g_per_kwh, basis, "production", age + 1)
    assert low_later <= low
    assert high_later >= high


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=50))
def test_the_middle_of_values_lies_among_them(values: list[float]) -> None:
    low, high = spread.among(values)
    assert min(values) - 0.01 <= low <= high <= max(values) + 0.01


def test_it_is_fast_and_opens_no_socket() -> None:
    """Cold in a fresh interpreter that has what IPython has; warm a thousand times. CPU time, best of three."""
    code = """
import csv, dataclasses, io, json, pathlib, re, socket, time, typing, unicodedata
def forbidden(*a, **k): raise AssertionError("a socket")
socket.socket = socket.create_connection = socket.getaddrinfo = forbidden
from carbon_magic import grid
a = time.process_time()
grid.intensity("FR")
b = time.process_time()
for _ in range(1000): grid.intensity("aws:eu-west-1")
c = time.process_time()
try: grid.intensity("nowhere at all")
except ValueError: pass
print(b - a, (c - b) / 1000)
"""
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    cold, warm = (min(float(run.split()[i]) for run in runs) for i in (0, 1))
    assert cold < 0.02, "5 ms on a quiet machine"
    assert warm < 0.002


def test_a_group_of_countries_lies_where_its_members_do():
    members = [grid.intensity(key).intensity_g_per_kwh for key in ("SE", "FR", "DE", "PL", "EE", "CY")]
    low, high = grid.intensity("EU").intensity_range
    assert min(members) <= low < grid.intensity("EU").intensity_g_per_kwh < high <= max(members)
    assert high < grid.intensity("WORLD").intensity_range[1]
    assert grid.intensity("G7").intensity_range[1] < high


def test_a_region_as_the_providers_portal_shows_it():
    assert grid.intensity("azure:West Europe") == grid.intensity("azure:westeurope")
    assert grid.intensity("Azure: North Central US").place == "azure:northcentralus"
