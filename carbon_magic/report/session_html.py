"""A session in a page: a table of its runs, the total, and the total beside cars and flights."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .. import units
from . import money, ruler, svg, words
from .beside_html import beside_html
from .html import NUMBER, TEXT, Figure, card, faint, figures, heading, name, quiet, row, spanning, table
from .run_html import CO2E, energy_beside, span, state
from .text import session_line

if TYPE_CHECKING:
    from ..run import Run
    from ..totals import Session

ROWS = 100
"""Rows in what is saved: a session of thousands of runs must not make the notebook a file of megabytes."""
_HEADS = ("Run", "Energy", CO2E, "Mean power", "Time", "State", "How known")
"""The figures come first: they are what a narrow page still shows."""
_TIGHT = "padding-left:10px"
_STATE = f"{TEXT};padding:4px 6px 4px 18px;white-space:nowrap"
_CELLS = (f"{TEXT};min-width:84px;padding-right:0", *(f"{NUMBER};{_TIGHT}",) * 4, _STATE, f"{TEXT};padding-right:0")
_WIDE = ";min-width:560px"
_STRONG_LINE = "1px solid rgba(128,128,128,.7)"
_RANGES = "90 % ranges: the truth lies within them in nine cases of ten."


def session(thing: Session, target: str | None) -> str:
    """What is saved of the session summary."""
    body = content(thing) if thing.runs else faint(escape(words.EMPTY_SESSION))
    return card(target, f"Energy of this session: {session_line(thing)}", body)


def content(thing: Session, live: bool = False) -> str:
    """The inside of the card: what is saved, or the same with every row and with marks for the page's own script."""
    runs = thing.runs if live else _largest(thing.runs)
    rows = [_row(run) for run in runs]
    if len(runs) < len(thing.runs):
        left_out = f"and {len(thing.runs) - len(runs):,} smaller runs, which the total includes"
        rows.append(spanning(left_out, len(_HEADS)))
    grid = table(_HEADS, _CELLS, rows, _total(thing), _WIDE, role="runs" if live else None)
    scroll = "margin:10px -16px 0;padding:0 16px;overflow-x:auto"
    remark = words.OVERLAP if words.overlapping(thing) else _RANGES
    count = f"{len(thing.runs):,} run{'s' if len(thing.runs) != 1 else ''}"
    return (
        heading(thing.title, count)
        + figures(_figures(thing))
        + f'<div tabindex="0" role="group" aria-label="Runs" style="{scroll}">{grid}</div>'
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


def _row(run: Run) -> str:
    watts, joules, grams = words.figures_of(run)
    values = (
        f'<span style="font-weight:500;overflow-wrap:anywhere">{name(run.name, 60)}</span>',
        units.energy(joules),
        units.grams(grams),
        _power(run, watts),
        units.duration(run.duration_s),
        state(run.state),
        _known(words.known(run)),
    )
    return row(values, _CELLS)


def _known(sign: words.Sign) -> str:
    """The sign never stands in a line of its own."""
    first, space, rest = sign.word.partition(" ")
    return f'<span style="white-space:nowrap">{sign.mark} {first}</span>{space}{rest}'


def _power(run: Run, watts: float | None) -> str:
    """The mean power, and where there is room for it the run's shape, which else falls into a line that is not seen."""
    uri = svg.sparkline(run)
    wide, high = svg.SPARK_PX
    picture = f'<img src="{uri}" alt="" width="{wide}" height="{high}" style="flex:none;max-width:none;margin:0">'
    style = "display:flex;flex-flow:row-reverse wrap;gap:0 8px;height:1.5em;overflow:hidden"
    figure = f'<span style="flex:none;min-width:50px">{units.watts(watts)}</span>'
    return f'<div style="{style}">{figure} {picture if uri else ""}</div>'


def _total(thing: Session) -> str:
    joules, grams = words.figures_of_session(thing)
    values = (
        "Total",
        units.energy(joules),
        units.grams(grams),
        "",
        units.duration(thing.duration_s),
        "",
        _known(words.known_of_session(thing)),
    )
    return row(values, [f"{cell};font-weight:600" for cell in _CELLS], line=_STRONG_LINE)


def _beside(thing: Session) -> str:
    """The total beside things people know."""
    joules, grams = words.figures_of_session(thing)
    if joules is None or grams is None:
        return ""
    here = ruler.Here("this session, now", grams, thing.co2e_g_range)
    return beside_html(f"As much {CO2E} as", here, thing.energy_kwh)
