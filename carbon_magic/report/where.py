"""Where the electricity comes from: the place, its figure, every hint that was looked at, and how to set it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from .. import units
from .html import TEXT, Figure, card, figures, heading, name, quiet, row, table
from .plain import left, plain
from .run_html import CO2E, span
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..grid import Intensity, Pue

CHOSEN = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
_WIDEST = 24
_EXAMPLE = "FR"


class Hint(NamedTuple):
    """Something that was looked at for the place."""

    what: str
    """"%config", "the time zone"."""
    said: str
    """What stood there; empty where there was nothing."""
    chosen: bool


def bundle(grid: Intensity, pue: Pue, making: str, hints: Sequence[Hint]) -> dict[str, str]:
    """As text and as HTML. `making` says whether embodied carbon is accounted for."""
    return {"text/plain": _text(grid, pue, making, hints), "text/html": _html(grid, pue, making, hints)}


def sentences(grid: Intensity, pue: Pue, making: str) -> list[str]:
    """What the figure is, who says so, what the building adds, and how to choose otherwise."""
    age = f"{grid.year}, {grid.basis}, {grid.boundary}"
    overhead = f"PUE {pue.value:g}" + (f", {pue.source}" if pue.source else ": nothing is added")
    # Nobody sets "Europe": where the place is not one country, the example is.
    vague = grid.how.startswith("place unknown") or "ambiguous" in grid.how
    key = _EXAMPLE if vague else grid.place
    return [
        f"{grid.place}: {age}. {grid.source}, {grid.licence}. {grid.how[:1].upper()}{grid.how[1:]}.",
        f"{overhead}. {making}",
        (
            f'To set it: %%carbon --place {key} for a cell, %config CarbonMagic.place = "{key}" for this session, '
            f'CARBON_MAGIC_PLACE={key} in the environment, place = "{key}" in carbon_magic.toml for a project: '
            "a country (FR), region (US-CA, SRSO) or cloud region (aws:eu-west-1). Other grids: %carbon where --compare"
        ),
    ]


def _text(grid: Intensity, pue: Pue, making: str, hints: Sequence[Hint]) -> str:
    lines = [f"{plain(grid.name, 40)}  {_factor(grid)}", ""]
    for hint in _shown(hints):
        head = f"{CHOSEN if hint.chosen else ' '} {left(hint.what, _WIDEST)}  "
        first, *rest = _fold(plain(hint.said, 300), len(head))
        lines += [head + first, *(" " * len(head) + part for part in rest)]
    for said in sentences(grid, pue, making):
        lines += ["", *wrapped(said)]
    return "\n".join(line.rstrip() for line in lines)


def _factor(grid: Intensity) -> str:
    low, high = grid.intensity_range
    ends = units.span(low, high, units.per_kwh).removesuffix(" g/kWh")
    return f"{units.number(grid.intensity_g_per_kwh)} g CO2e/kWh ({ends}, 90 %)"


def _shown(hints: Sequence[Hint]) -> list[Hint]:
    """What says something, and in one row what says nothing."""
    silent = [hint.what for hint in hints if not hint.said]
    return [hint for hint in hints if hint.said] + ([Hint("silent", ", ".join(silent), False)] if silent else [])


def _fold(text: str, indent: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, 80 - indent, break_on_hyphens=False) or [""]


def _html(grid: Intensity, pue: Pue, making: str, hints: Sequence[Hint]) -> str:
    low, high = grid.intensity_range
    shown = Figure(
        "Carbon intensity",
        units.per_kwh(grid.intensity_g_per_kwh),
        span((low, high), units.per_kwh),
        f"{grid.basis}, mean of {grid.year}",
    )
    rows = [
        row(
            (
                f"<strong>{CHOSEN} {escape(hint.what)}</strong>" if hint.chosen else escape(hint.what),
                name(hint.said, 300),
            ),
            (f"{TEXT};white-space:nowrap", TEXT),
        )
        for hint in _shown(hints)
    ]
    quiet_lines = "".join(quiet(escape(text).replace("CO2e", CO2E)) for text in sentences(grid, pue, making))
    body = heading(name(grid.name), "") + figures([shown])
    body += table(("Looked at", "What it says"), (TEXT, TEXT), rows, style=";margin-top:10px") + quiet_lines
    return card(None, f"Where the electricity comes from: {plain(grid.name)}", body)
