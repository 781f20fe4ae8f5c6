"""Direct and lifecycle figures are never added without a word, wherever there is a total."""

from __future__ import annotations

import pytest
from looks import run

from carbon_magic import grid, report
from carbon_magic.account import Project
from carbon_magic.report import words
from carbon_magic.totals import Session

MIXED = "The CO2e total mixes direct and lifecycle grid figures: direct ones leave out"


def runs(*places: str) -> list[object]:
    return [run(place, started_at=1e9 * i, grid=grid.intensity(place)) for i, place in enumerate(places, 1)]


@pytest.mark.parametrize("total", [lambda some: Session(tuple(some)), lambda some: Project.of(some, "thesis")])
def test_a_total_says_what_it_mixes(total: object) -> None:
    assert callable(total)
    for places, said in ((("FR", "US-CA"), True), (("FR", "DE"), False), (("US-CA", "US-TX"), False)):
        bundle = report.bundle(total(runs(*places)))
        assert (MIXED in " ".join(bundle["text/plain"].split())) == said
        assert (MIXED.replace("CO2e", "CO₂e") in bundle["text/html"]) == said


@pytest.mark.parametrize(
    ("bases", "said"),
    [
        ([], ""),
        (["lifecycle", "lifecycle, derived", "lifecycle, lower bound"], ""),
        (["direct", "direct, CO2 only"], ""),
        (["", "direct"], ""),
        (["direct + upstream", "lifecycle"], "they do not count the same"),
        (["direct, CO2 only", "lifecycle"], "direct ones leave out"),
    ],
)
def test_what_counts_as_mixed(bases: list[str], said: str) -> None:
    text = words.mixed(bases)
    assert (text == "") == (said == "")
    assert said in text


def test_the_basis_is_a_column() -> None:
    frame = Session(tuple(runs("FR", "US-CA"))).to_frame()  # type: ignore[arg-type]
    assert list(frame["basis"]) == ["lifecycle", "direct"]
    assert list(frame["embodied_g"]) == [None, None]
