"""Where the electricity comes from: the place, its figure, every hint that was looked at, and how to set it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from .. import units
from .html import TEXT, Figure, card, faint, figures, heading, name, quiet, row, table
from .plain import left, plain
from .run_html import CO2E, span
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..grid import Intensity, Pue

CHOSEN = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
NOTHING = "\N{EN DASH}"
_WIDEST = 24


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
    overhead = f"PUE {pue.value:g}" + (f", {pue.source}" if pue.source else ": no building is added, as none was given")
    key = grid.place
    return [
        f"{key}: {age}. {grid.source}, {grid.licence}. {grid.how[:1].upper()}{grid.how[1:]}.",
        f"{overhead}. {making}",
        (
            f'To set it: %%carbon --place {key} for a cell, %config CarbonMagic.place = "{key}" for this session, '
            f'CARBON_MAGIC_PLACE={key} in the environment, place = "{key}" in carbon_magic.toml for a project. A country '
            "(FR), a region (US-CA, SRSO) or a cloud region (aws:eu-west-1). Other grids: %carbon where --compare"
        ),
    ]


def _text(grid: Intensity, pue: Pue, making: str, hints: Sequence[Hint]) -> str:
    low, high = grid.intensity_range
    factor = f"{units.per_kwh(grid.intensity_g_per_kwh)} of CO2e ({units.span(low, high, units.per_kwh)}, 90 %)"
    lines = [f"{plain(grid.name, 40)}  {factor}", ""]
    for hint in hints:
        head = f"{CHOSEN if hint.chosen else ' '} {left(hint.what, _WIDEST)}  "
        said = wrapped(plain(hint.said, 300), "") if hint.said else [f"  {NOTHING}"]
        body = " ".join(part.strip() for part in said)
        first, *rest = _fold(body, len(head))
        lines += [head + first, *(" " * len(head) + part for part in rest)]
    for said_ in sentences(grid, pue, making):
        lines += ["", *wrapped(said_)]
    return "\n".join(line.rstrip() for line in lines)


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
                name(hint.said, 300) if hint.said else faint(NOTHING),
            ),
            (f"{TEXT};white-space:nowrap", TEXT),
        )
        for hint in hints
    ]
    quiet_lines = "".join(quiet(escape(text).replace("CO2e", CO2E)) for text in sentences(grid, pue, making))
    body = heading(name(grid.name), "") + figures([shown])
    body += table(("Looked at", "What it says"), (TEXT, TEXT), rows, style=";margin-top:10px") + quiet_lines
    return card(None, f"Where the electricity comes from: {plain(grid.name)}", body)
