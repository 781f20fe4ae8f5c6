"""How much more the building draws: given, published for the cloud region, or nothing."""

from __future__ import annotations

import pytest

from carbon_magic import data, grid
from carbon_magic.grid import Pue


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("aws:eu-west-1", 1.11, "published by Amazon Web Services for this region, 2024"),
        ("aws:ap-south-1", 1.42, "published by Amazon Web Services for this region, 2024"),
        ("aws:eu-south-2", None, "Amazon Web Services"),
        ("azure:westeurope", 1.14, "published by Microsoft Azure for this region"),
        ("aws:ap-northeast-2", 1.15, "mean of all regions, published by Amazon Web Services, 2024"),
        ("ovhcloud:eu-west-gra", 1.09, "mean of all regions, published by OVHcloud, year not given"),
    ],
)
def test_a_cloud_region_has_what_its_provider_publishes(place: str, value: float | None, words: str) -> None:
    row = data.find("cloud_regions", place)
    assert row is not None
    found = grid.pue(None, place)
    assert words in found.source
    assert value is None or found.value == value
    assert not row["pue"] or found.value == float(row["pue"])
    low, high = found.range
    assert 1.0 <= low < found.value < high < 2


def test_a_design_value_is_called_one() -> None:
    designed = [row["region"] for row in data.rows("cloud_regions") if row["pue_kind"]]
    assert designed
    for region in designed:
        assert "design value" in grid.pue(None, region).source
        assert grid.pue(None, region).range[1] > 1.17, "what Microsoft measured over all its halls in 2025"


def test_a_providers_mean_covers_its_regions() -> None:
    for row in data.rows("cloud_regions"):
        provider = row["region"].partition(":")[0]
        fleet = data.find("provider_pue", provider)
        if row["pue"] and provider == "aws":
            assert fleet is not None
            low, high = grid.pue(None, f"{provider}:ap-northeast-2").range
            assert low - 0.01 <= float(row["pue"]) <= high


@pytest.mark.parametrize("place", ["FR", "US-CA", "WORLD", "nonsense", "", "aws:nowhere"])
def test_anywhere_else_nothing_is_added(place: str) -> None:
    assert grid.pue(None, place) == Pue(1.0, (1.0, 1.0), "")


def test_a_provider_that_publishes_nothing_widens_the_range() -> None:
    found = grid.pue(None, "scaleway:fr-par")
    assert found.value == 1.0
    assert found.range[1] > 1.5
    assert "no PUE" in found.source


def test_what_is_given_comes_first() -> None:
    assert grid.pue(1.3, "aws:eu-west-1", "by %config") == Pue(1.3, (1.3, 1.3), "given by %config")
    assert grid.pue(1.0, "aws:eu-west-1") == Pue(1.0, (1.0, 1.0), "given")
