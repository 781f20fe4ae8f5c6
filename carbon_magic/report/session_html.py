"""A session in a page: a table of its runs, the total, and the total beside cars and flights."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .. import units
from . import money, ruler, svg, words
from .beside_html import beside_html
from .columns import Column, Columns, brief, live_row, width
from .html import Figure, card, faint, figures, heading, name, quiet, row, spanning, table
from .run_html import CO2E, energy_beside, live_state, span, state_parts
from .text import session_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..run import Run
    from ..totals import Session

ROWS = 100
"""Rows in what is saved: a session of thousands of runs must not make the notebook a file of megabytes."""
_STRONG_LINE = "1px solid rgba(128,128,128,.7)"
_RANGES = "90 % ranges: the truth lies within them in nine cases of ten."


def session(thing: Session, target: str | None) -> str:
    """What is saved of the session summary."""
    body = content(thing) if thing.runs else faint(escape(words.EMPTY_SESSION))
    return card(target, f"Energy of this session: {session_line(thing)}", body)


def content(thing: Session, live: bool = False) -> str:
    """The inside of the card: what is saved, or the same with every row and with marks for the page's own script."""
    runs = thing.runs if live else _largest(thing.runs)
    values, total = [_values(run, live) for run in runs], _total(thing)
    columns = _columns([*values, total], [units.watts(words.figures_of(run)[0]) for run in runs])
    cells = columns.cells
    rows = [live_row(one) if live else row(one, cells) for one in values]
    if len(runs) < len(thing.runs):
        left_out = f"and {len(thing.runs) - len(runs):,} smaller runs, which the total includes"
        rows.append(spanning(left_out, len(cells), flexed=True))
    foot = row(total, [f"{cell};font-weight:600" for cell in cells], line=_STRONG_LINE)
    grid = table(columns.heads, cells, rows, foot, f";margin-top:10px{columns.style}", role="runs" if live else None)
    remark = words.OVERLAP if words.overlapping(thing) else _RANGES
    count = f"{len(thing.runs):,} run{'s' if len(thing.runs) != 1 else ''}"
    return (
        heading(thing.title, count)
        + figures(_figures(thing))
        + grid
        + quiet(escape(remark), "sum" if live else None)
        + "".join(quiet(escape(said).replace("CO2e", CO2E)) for said in (*_remarks(thing), *money.of_session(thing)))
        + _beside(thing)
    )


def _remarks(thing: Session) -> list[str]:
    return [text for text in (words.bases(thing), words.embodied_of_session(thing)) if text]


def _figures(thing: Session) -> tuple[Figure, ...]:
    known = words.known_of_session(thing)
    joules, grams = words.figures_of_session(thing)
    ranges = (thing.energy_j_range, thing.co2e_g_range) if joules is not None else (None, None)
    states = [run.state for run in thing.runs]
    told = ", ".join(f"{states.count(s)} {words.STATES[s].word}" for s in words.STATES if s in states)
    return (
        Figure("Energy", units.energy(joules), span(ranges[0], units.energy), known, energy_beside(joules)),
        Figure(CO2E, units.grams(grams), span(ranges[1], units.grams), words.known_co2e(known, None)),
        Figure("Tracked time", units.duration(thing.duration_s), told, ""),
    )


def _largest(runs: tuple[Run, ...]) -> list[Run]:
    """The runs that used most, in the order they were made."""
    if len(runs) <= ROWS:
        return list(runs)
    kept = {id(run) for run in sorted(runs, key=lambda run: run.energy_j, reverse=True)[:ROWS]}
    return [run for run in runs if id(run) in kept]


def _columns(rows: Sequence[Sequence[str]], powers: Sequence[str]) -> Columns:
    """As wide as what stands in them, and each figure of the first of two lines as that below it."""
    energy, co2e, time = (width(one[i] for one in rows) for i in (1, 2, 5))
    left, right = max(energy, time), max(co2e, width(powers))
    return Columns(
        "Run",
        (
            Column("Energy", left),
            Column(CO2E, right),
            Column(brief("", "State"), 1.3, more=7.8, text=True),
            Column("How known", 7.1, text=True),
            Column("Time", left, right=True),
            Column("Power", right, more=6.2, extra=True),
        ),
    )


def _values(run: Run, live: bool) -> tuple[str, ...]:
    """Name, energy, CO2e, state, how known, time and power; shorter for a page that has js/src/rows.css."""
    watts, joules, grams = words.figures_of(run)
    named = name(run.name, 60)
    return (
        named if live else f'<span style="font-weight:500;overflow-wrap:anywhere">{named}</span>',
        units.energy(joules),
        units.grams(grams),
        live_state(run.state) if live else brief(*state_parts(run.state)),
        _known(words.known(run), live),
        units.duration(run.duration_s),
        _power(run, watts, live),
    )


def _known(sign: words.Sign, live: bool) -> str:
    """The sign never stands in a line of its own."""
    first, space, rest = sign.word.partition(" ")
    if not rest and live:
        return str(sign)
    return f'<span style="white-space:nowrap">{sign.mark} {first}</span>{space}{rest}'


def _power(run: Run, watts: float | None, live: bool) -> str:
    """The mean power, and where there is room for it the run's shape, which else falls into a line that is not seen."""
    uri = svg.sparkline(run)
    wide, high = svg.SPARK_PX
    size = f'src="{uri}" alt="" width="{wide}" height="{high}"'
    if live:
        picture = f"<img {size}>" if uri else ""
        return f'<div class="carbon-magic-shape"><span>{units.watts(watts)}</span> {picture}</div>'
    picture = f'<img {size} style="flex:none;max-width:none;margin:0">' if uri else ""
    style = "display:flex;flex-flow:row-reverse wrap;gap:0 8px;height:1.5em;overflow:hidden"
    return f'<div style="{style}"><span style="flex:none">{units.watts(watts)}</span> {picture}</div>'


def _total(thing: Session) -> tuple[str, ...]:
    joules, grams = words.figures_of_session(thing)
    return ("Total", units.energy(joules), units.grams(grams), "", "", units.duration(thing.duration_s), "")


def _beside(thing: Session) -> str:
    """The total beside things people know."""
    joules, grams = words.figures_of_session(thing)
    if joules is None or grams is None:
        return ""
    here = ruler.Here("this session, now", grams, thing.co2e_g_range)
    return beside_html(f"As much {CO2E} as", here, thing.energy_kwh)
