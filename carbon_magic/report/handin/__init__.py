"""What people must hand in: a project's account for a paper, a checklist, a model card, a data sheet.

A format is one file with `write(facts, options) -> str`, and one line here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from .facts import Facts, facts_of

if TYPE_CHECKING:
    from ...account import Project

__all__ = ["FORMATS", "Facts", "Format", "Options", "hand_in"]


class Format(NamedTuple):
    """A form, the ending of its files, and what it is for."""

    ending: str
    what: str


FORMATS: dict[str, Format] = {
    "markdown": Format(".md", "a paragraph and a table for a paper or a README"),
    "latex": Format(".tex", "the same for LaTeX"),
    "neurips": Format(".tex", "the NeurIPS checklist's answer on compute, failed experiments included"),
    "huggingface": Format(".md", "the co2_eq_emissions of a Hugging Face model card, in grams"),
    "mlco2": Format(".md", "the fields of the ML CO2 Impact calculator (Lacoste et al. 2019)"),
    "spdx": Format(".spdx3.json", "the energy of an AI package in SPDX 3.0.1"),
    "boamps": Format(".json", "a BoAmps energy report (Boavizta)"),
    "sci": Format(".md", "the Software Carbon Intensity score (ISO/IEC 21031:2024)"),
    "csv": Format(".csv", "a row per run"),
    "html": Format(".html", "a page that stands by itself, without a script"),
}
"""Each form; the module of its name writes it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What only the author knows."""

    training_type: str | None = None
    """"pre-training" or "fine-tuning", for a model card."""
    unit: str | None = None
    """The functional unit of the SCI score: "1,000 predictions"; None: a run."""
    count: float | None = None
    """How many of these units the project's work was."""


class _Writer(Protocol):
    def write(self, facts: Facts, options: Options) -> str: ...


def hand_in(project: Project, form: str = "markdown", options: Options | None = None) -> str:
    """A project's account in one of FORMATS. ValueError in a sentence for another form, and where there are no runs."""
    if form not in FORMATS:
        raise ValueError(f"a report is {', '.join(FORMATS)}, not {form[:40]!r}")
    facts = facts_of(project)
    writer = importlib.import_module(f".{form if form != 'csv' else 'runs_csv'}", __name__)
    return cast("_Writer", writer).write(facts, options or Options())
