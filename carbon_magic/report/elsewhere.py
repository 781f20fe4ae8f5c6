"""The same electricity on other grids, the cleanest first: a chart of bars with figures, in text and in a page."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from .. import units
from .columns import Column, Columns, width
from .html import card, faint, heading, name, quiet, row, table
from .palette import Look
from .plain import left, plain, right, widest
from .run_html import CO2E
from .svg import pattern
from .text import bar, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..grid import Window
    from ..grid.elsewhere import Elsewhere

HERE = "here"
OTHER_BASIS = "\N{DAGGER}"
_CHOSEN = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
_BAR_PX = (168, 14)
_OWN, _OTHERS = "#d27e26", "#5f7fb0"
_TEXT_BAR = 8
_NAME, _GRAMS = 20, 8
"""Columns; grams in a unit that was chosen may need more, which the names give."""
_NS = 'xmlns="http://www.w3.org/2000/svg"'


@dataclass(frozen=True, slots=True)
class Comparison:
    """So much electricity, on these grids."""

    drawn_kwh: float
    what: str
    """ "This session's 12.8 Wh, PUE included"."""
    grids: Sequence[Elsewhere]
    window: Window | None = None
    """The best hours of the next day on one's own grid, where a forecast is configured."""
    trouble: str = ""
    """Why they are not known although it is."""

    @property
    def top(self) -> float:
        """The end of the scale: the highest end of a range."""
        return max(other.grid.intensity_range[1] for other in self.grids)

    @property
    def basis(self) -> str:
        """What one's own figure counts."""
        return next(other.grid.basis for other in self.grids if other.why is None).partition(",")[0]

    @property
    def here_g_per_kwh(self) -> float:
        """One's own grid's figure."""
        return next(other.grid.intensity_g_per_kwh for other in self.grids if other.why is None)

    def foreign(self, other: Elsewhere) -> bool:
        """Whether a grid's figure counts other things than one's own."""
        return other.grid.basis.partition(",")[0] != self.basis


def bundle(thing: Comparison) -> dict[str, str]:
    """As text and as HTML."""
    return {"text/plain": _text(thing), "text/html": _html(thing)}


def sentences(thing: Comparison) -> list[str]:
    """What must be known before two bars are compared, and when it would be best to run."""
    said = ["Annual means of whole grids: one hour on one socket may be far from them."]
    bases = sorted({other.grid.basis.partition(",")[0] for other in thing.grids if thing.foreign(other)})
    if bases:
        said.append(
            f"{OTHER_BASIS} {' and '.join(bases)} figures, not of one kind with {thing.basis} ones: direct ones count "
            "the stacks of power plants only, lifecycle ones also the supply of fuel and the building of the plants."
        )
    if thing.trouble:
        said.append(plain(thing.trouble, 300))
    window = thing.window
    if window is not None and window.sure:
        low, high = (round(100 * part) for part in window.saves_range)
        begin, end = (time.strftime("%a %H:%M", time.localtime(at_s)) for at_s in (window.start_s, window.end_s))
        kind = " at the margin, which says when to run and enters no account" if window.marginal else ""
        said.append(
            f"Best hours of the forecast: {begin} to {end}, {units.per_kwh(window.g_per_kwh)} instead of "
            f"{units.per_kwh(window.now_g_per_kwh)} now{kind}: {round(100 * window.saves)} % less "
            f"({low} to {high} %, 90 %)."
        )
    return said


def _grams(thing: Comparison, other: Elsewhere) -> str:
    return units.grams(thing.drawn_kwh * other.grid.intensity_g_per_kwh)


def _times(thing: Comparison, other: Elsewhere) -> str:
    """How many times one's own grid's grams: the factor by which moving would change them."""
    if other.why is None:
        return "1"
    return units.number(other.grid.intensity_g_per_kwh / thing.here_g_per_kwh, 2)


def _factor(thing: Comparison, other: Elsewhere) -> str:
    return units.number(other.grid.intensity_g_per_kwh) + (f" {OTHER_BASIS}" if thing.foreign(other) else "")


def _text(thing: Comparison) -> str:
    lines = wrapped(f"{thing.what} on other grids")
    [wide] = widest((_GRAMS,), ((_grams(thing, other),) for other in thing.grids))
    names = max(8, _NAME + _GRAMS - wide)
    lines += [
        "",
        f"    {left('', names)} {right('g/kWh', 7)}   {left('', _TEXT_BAR)} {right('CO2e', wide)} {right('× here', 6)}",
    ]
    for other in thing.grids:
        mark = _CHOSEN if other.why is None else " "
        part = other.grid.intensity_g_per_kwh / thing.top
        factor = (
            f"{right(units.number(other.grid.intensity_g_per_kwh), 7)} {OTHER_BASIS if thing.foreign(other) else ' '}"
        )
        shape = bar(part, _TEXT_BAR, "░" if thing.foreign(other) else "")
        figures = f"{factor} {shape} {right(_grams(thing, other), wide)} {right(_times(thing, other), 6)}"
        lines.append(f"  {mark} {left(plain(other.grid.name), names)} {figures}  {left(_why(other), 20)}")
    for said in sentences(thing):
        lines += ["", *wrapped(said)]
    return "\n".join(line.rstrip() for line in lines)


def _why(other: Elsewhere) -> str:
    return (other.why or HERE).replace("among the ", "").replace(" grids", " grid")


def _html(thing: Comparison) -> str:
    """The grids, each with its bar; own first."""
    values = [_values(thing, other) for other in thing.grids]
    co2e, factor, times = (
        width([head, *(one[i] for one in values)]) for i, head in ((1, ""), (2, "g/kWh"), (5, "× here"))
    )
    columns = Columns(
        "Grid",
        (
            Column(CO2E, co2e),
            Column("g/kWh", max(factor, times)),
            Column("Mean, 90 % range", 7.0, more=9.0, text=True, extra=True, fluid=True),
            Column("Why it is here", 9.0, more=3.0, text=True),
            Column("× here", max(factor, times), right=True),
        ),
    )
    cells = columns.cells
    grids = table(columns.heads, cells, [row(one, cells) for one in values], style=f";margin-top:8px{columns.style}")
    body = heading(f"{escape(thing.what)} on other grids", "") + grids
    body += "".join(quiet(escape(said).replace("CO2e", CO2E)) for said in sentences(thing))
    return card(None, "The same electricity on other grids", body)


def _values(thing: Comparison, other: Elsewhere) -> tuple[str, ...]:
    wide, high = _BAR_PX
    low, top = other.grid.intensity_range
    alt = f"{units.number(other.grid.intensity_g_per_kwh)}, {units.span(low, top, units.per_kwh)}"
    picture = (
        f'<img src="{_bar(thing, other)}" alt="{escape(alt)}" width="{wide}" height="{high}" '
        f'style="display:block;width:100%;max-width:{wide}px;height:{high}px;margin:2px 0">'
    )
    shown = name(f"{other.grid.name} {other.grid.year}", 60)
    own = other.why is None
    return (
        f"<strong>{_CHOSEN} {shown}</strong>" if own else shown,
        escape(_grams(thing, other)),
        escape(_factor(thing, other)),
        picture,
        escape(_why(other)) if own else faint(escape(_why(other))),
        _times(thing, other),
    )


def _bar(thing: Comparison, other: Elsewhere) -> str:
    """A bar to the figure and a line over its range, as a data URI. Hatched where it counts other things."""
    wide, high = _BAR_PX
    at, low, top = (
        round(wide * min(g / thing.top, 1.0), 1) for g in (other.grid.intensity_g_per_kwh, *other.grid.intensity_range)
    )
    look = Look(_OWN if other.why is None else _OTHERS, "hatch" if thing.foreign(other) else "solid")
    middle = high / 2
    picture = (
        f'<svg {_NS} viewBox="0 0 {wide} {high}" preserveAspectRatio="none">{pattern("p", look)}'
        f'<rect y="2" width="{max(at, 1)}" height="{high - 4}" rx="2" fill="url(#p)"/>'
        f'<path d="M{low} {middle}H{top}M{low} {middle - 3}v6M{top} {middle - 3}v6" stroke="#888" fill="none"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode("ascii")
