"""What stands on the ruler: things people know, the rows of Strubell et al., and trainings that others published."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ... import data, units
from ...grid import intensity
from ...ranges import Range
from ...units import G_PER_LB

Kind = Literal["life", "paper", "published", "here"]

KETTLE_GRID = "WORLD"
PAPER = "(the paper)"
_LIFE = {
    "phone_charge": "a phone charge",
    "car_km": "1 km by car",
    "cheeseburger": "a cheeseburger",
    "flight_paris": "London to Paris by plane, one passenger",
    "flight": "New York–San Francisco flight (the paper)",
    "person_year": "a year of an average person (the paper)",
    "car_lifetime": "a car's lifetime with its fuel (the paper)",
}
_PAPER = {
    "NLP pipeline (parsing, SRL), training one model (GPU)": "one NLP model, trained once (the paper)",
    "w/ tuning & experimentation": "an NLP project, 4,789 models (the paper)",
    "Transformer (big)": "Transformer, big (the paper)",
    "w/ neural architecture search": "Evolved Transformer search (the paper)",
    "BERT (base)": "BERT, base (the paper)",
}
_PUBLISHED = {
    "Evolved Transformer NAS": "Evolved Transformer search, as it was run",
    "BLOOM 176B": "BLOOM 176B, its electricity",
    "GPT-3 175B": "GPT-3 175B, an estimate",
    "LLaMA family, whole development": "LLaMA, whole development",
    "Llama 3.1 total": "Llama 3.1, all sizes",
}
"""One row for each thing that is told apart; the rest is in carbon_magic.published()."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing on the scale, in grams of CO2e."""

    label: str
    g: float
    kind: Kind
    source: str
    range: Range | None = None
    """90 %, of the mark "here"; the others are printed without one."""


@dataclass(frozen=True, slots=True)
class Here:
    """What is to be placed among them."""

    label: str
    co2e_g: float
    co2e_g_range: Range


@lru_cache(maxsize=1)
def _fixed() -> tuple[Mark, ...]:
    things = {row["id"]: row for row in data.rows("equivalents")}
    grams = {i: float(things[i]["g_per_unit"]) for i in _LIFE}
    found = [Mark(_quoted(label, grams[i]), grams[i], "life", things[i]["source"]) for i, label in _LIFE.items()]
    grid = intensity(KETTLE_GRID)
    litre = float(things["kettle"]["kwh_per_unit"]) * grid.intensity_g_per_kwh
    found.append(Mark("a litre of water boiled", litre, "life", f"{things['kettle']['source']} × {grid.source}"))
    paper = data.find("sources", "strubell") or {}
    source = f"{paper.get('publisher', '')}, {paper.get('title', '')}"
    printed = {row["label"]: row["co2e_lb"] for row in data.rows("strubell_table_1")}
    printed |= {row["model"]: row["co2e_lb"] for row in data.rows("strubell_table_3") if row["co2e_lb"]}
    pounds = {label: float(printed[row]) * G_PER_LB for row, label in _PAPER.items()}
    found += [Mark(_quoted(label, g), g, "paper", source) for label, g in pounds.items()]
    found += [
        Mark(_PUBLISHED[row["model"]], 1e6 * float(row["co2e_t"]), "published", row["source"])
        for row in data.rows("published_training")
        if row["model"] in _PUBLISHED
    ]
    return tuple(found)


def _quoted(label: str, g: float) -> str:
    """Where the paper is quoted its pounds stand beside, as it prints them."""
    return label.replace(PAPER, f"{PAPER[:-1]}: {g / G_PER_LB:,.0f} lb)")


def marks(here: Here | None = None, around: int | None = None) -> list[Mark]:
    """All of them, the smallest first, with the mark of `here` among them; or the `around` nearest on either side."""
    own = [Mark(here.label, here.co2e_g, "here", "", here.co2e_g_range)] if here is not None and here.co2e_g > 0 else []
    found = sorted([*_fixed(), *own], key=lambda mark: mark.g)
    if around is None or not own:
        return found
    at = found.index(own[0])
    return found[max(0, at - around) : at + around + 1]


@dataclass(frozen=True, slots=True)
class Scale:
    """Whole powers of ten around all marks."""

    low: int
    high: int

    @classmethod
    def of(cls, shown: list[Mark]) -> Scale:
        """A gram to where the largest is; further down where something is smaller than a gram."""
        smallest = min([1.0, *(mark.g for mark in shown), *(mark.range[0] for mark in shown if mark.range)])
        largest = max([mark.g for mark in shown] + [mark.range[1] for mark in shown if mark.range])
        return cls(max(-9, math.floor(math.log10(max(smallest, 1e-9)))), math.ceil(math.log10(largest)))

    def at(self, g: float) -> float:
        """Where on the scale, 0 to 1."""
        place = (math.log10(max(g, 10.0**self.low)) - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, place))

    @property
    def decades(self) -> list[tuple[float, str]]:
        """The lines of the scale and their words, every third with a name."""
        return [
            ((power - self.low) / (self.high - self.low), _decade(power) if power % 3 == 0 else "")
            for power in range(self.low, self.high + 1)
        ]


def _decade(power: int) -> str:
    named = {-9: "1 ng", -6: "1 µg", -3: "1 mg", 0: "1 g", 3: "1 kg", 6: "1 t", 9: "1,000 t", 12: "1,000,000 t"}
    return named.get(power, "")


def amount(mark: Mark) -> str:
    """The figure of a mark; three digits, as everywhere."""
    return units.grams(mark.g)


CAPTION = (
    "Each step to the right is ten times as much CO\N{SUBSCRIPT TWO}e. Figures of others have different bounds "
    "(grid, PUE, final run or whole development), which carbon_magic.published() tells."
)
CORRECTED = (
    "The architecture search was found to have been overestimated: 18.7 times for the same data centre, "
    "88 times as it was run (Patterson et al. 2021)."
)
SOURCES = (
    "Sources: Strubell et al. 2019; Patterson et al. 2021; Luccioni et al. 2022; Touvron et al. 2023; "
    "Llama 3.1 model card; UK DESNZ 2025; US EPA 2026; Berners-Lee 2010; Ember 2026."
)
"""As long as a poster is wide, at most."""
