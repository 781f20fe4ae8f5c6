"""A session in a page: a table of its runs, the total, and the total beside cars and flights."""

from __future__ import annotations

from html import escape

from .. import units
from ..run import Run
from ..totals import Session
from . import beside, words
from .html import FAINT, HAIR, ROW, SMALL, Figure, card, figures, heading, hook, name, quiet, row, table
from .run_html import _mark

ROWS = 100
"""Rows in what is saved: a session of thousands of runs must not make the notebook a file of megabytes."""
_HEADS = ("Run", "State", "How known", "Time", "Mean power", "Energy", "CO\N{SUBSCRIPT TWO}e")
_LEFT = "text-align:left"
_STYLES = ("", _LEFT, _LEFT)
_BAR = "rgba(90,130,190,.20)"
HINT = "Tick runs to sum them, press a name for its devices, a heading to sort."


def session(thing: Session, target: str | None) -> str:
    """What is saved of the session summary."""
    body = content(thing) if thing.runs else f'<div style="{FAINT}">{escape(words.EMPTY_SESSION)}</div>'
    return card(target, "Energy of this session", body)


def content(thing: Session, live: bool = False) -> str:
    """The inside of the card: saved as it is, or with every row and with marks for the page's own script."""
    known = words.known_of_session(thing)
    states = [run.state for run in thing.runs]
    told = ", ".join(f"{states.count(s)} {words.STATES[s].word}" for s in words.STATES if s in states)
    leading = (
        Figure("Energy", units.energy(_joules(thing)), _span(thing.energy_j_range, units.energy), known, units.kwh(_joules(thing))),
        Figure(
            "CO\N{SUBSCRIPT TWO}e",
            units.grams(_grams(thing)),
            _span(thing.co2e_g_range, units.grams),
            words.known_co2e(known, None),
        ),
        Figure("Tracked time", *_time(thing), told),
    )
    runs = thing.runs if live else _largest(thing.runs)
    most = max(run.energy_j for run in thing.runs)
    rows = [_row(run, most) for run in runs]
    if len(runs) < len(thing.runs):
        rows.append(row((f"{len(thing.runs) - len(runs):,} smaller runs, in the total below",)))
    body = heading("Session", f"{len(thing.runs):,} run{'s' if len(thing.runs) != 1 else ''}") + figures(leading)
    grid = table(_HEADS, rows, _total(thing, known), role="runs" if live else None, wide=";min-width:620px")
    scroll = "margin:10px -20px 0;padding:0 20px;overflow-x:auto"
    body += f'<div tabindex="0" role="region" aria-label="Runs" style="{scroll}">{grid}</div>'
    note = escape(words.OVERLAP) if words.overlapping(thing) else "Ranges are 90 %; the total is the sum of the runs."
    return body + quiet(note, "sum" if live else None) + _beside(thing)


def _joules(thing: Session) -> float | None:
    """None where no run has a figure: nothing known is not zero."""
    return thing.energy_j if any(run.devices for run in thing.runs) else None


def _grams(thing: Session) -> float | None:
    return thing.co2e_g if any(run.devices for run in thing.runs) else None


def _span(ends: tuple[float, float], fmt: units.Formatter) -> str:
    return f'{units.span(*ends, fmt)} <span style="{FAINT}">(90 %)</span>' if ends[1] > 0 else ""


def _time(thing: Session) -> tuple[str, str]:
    return units.duration(thing.duration_s), "at least one run was going"


def _largest(runs: tuple[Run, ...]) -> list[Run]:
    """The runs that used most, in the order they were made."""
    if len(runs) <= ROWS:
        return list(runs)
    kept = {id(run) for run in sorted(runs, key=lambda run: run.energy_j, reverse=True)[:ROWS]}
    return [run for run in runs if id(run) in kept]


def _row(run: Run, most: float) -> str:
    watts, joules, grams = words.figures_of(run)
    sign = words.STATES[run.state]
    cells = (
        f'<strong style="font-weight:600;overflow-wrap:anywhere">{name(run.name, 60)}</strong>',
        f"{_mark(run.state)} {sign.word}",
        escape(str(words.known(run))),
        units.duration(run.duration_s),
        units.watts(watts),
        units.energy(joules),
        units.grams(grams),
    )
    part = 100 * run.energy_j / most if most > 0 else 0.0
    bar = f"background:linear-gradient(to left,{_BAR} {part:.1f}%,transparent 0) no-repeat 0 100%/100% 100%"
    return row(cells, styles=(*_STYLES, "", "", bar))


def _total(thing: Session, known: words.Sign) -> str:
    cells = (
        "Total",
        "",
        escape(str(known)),
        units.duration(thing.duration_s),
        "",
        units.energy(_joules(thing)),
        units.grams(_grams(thing)),
    )
    return row(cells, styles=_STYLES, weight=";font-weight:600").replace(f"border-top:{HAIR}", "border-top:1px solid rgba(128,128,128,.7)")


def _beside(thing: Session) -> str:
    """The total beside things people know."""
    grams = _grams(thing)
    if grams is None:
        return ""
    style = f"margin:0;padding:0;{SMALL};list-style:none"
    items = "".join(f'<li style="{style}">\N{ALMOST EQUAL TO} {escape(text)}</li>' for text in beside.lines(grams, thing.energy_kwh))
    list_style = f"margin:2px 0 0;padding:0;list-style:none"
    return quiet("As much CO\N{SUBSCRIPT TWO}e as", space=12) + f'<ul style="{list_style}">{items}</ul>'
