"""A project in a page: everything it took, by stage and week, beside the final model's run; and its runs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, cast

from .. import units
from . import money, project_svg, ruler, words
from . import project_words as say
from .beside_html import beside_html
from .columns import Column, Columns, brief, live_row, width
from .html import (
    FAINT,
    NONE_YET,
    SMALL,
    Figure,
    card,
    faint,
    figures,
    heading,
    name,
    quiet,
    row,
    spanning,
    table,
)
from .run_html import CO2E, energy_beside, live_state, span, state_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..account import Group, Project
    from ..run import State

RUNS = 10
"""The runs that took most, in what is saved."""
MOST_RUNS = 1000
"""Rows of an interactive table: some 400 kB with their lines, for as long as the kernel shows it."""
GROUPS = 40
_WIDEST_STAGE = 8.0
_STRONG_LINE = "1px solid rgba(128,128,128,.7)"


def project(thing: Project, by: Sequence[str], target: str | None = None) -> str:
    """What is saved of a project's view."""
    title = f"Energy of project {thing.name}"
    return card(target, title, content(thing, by) if thing.entries else faint(escape(say.EMPTY)))


def content(thing: Project, by: Sequence[str], live: bool = False, runs: int = RUNS) -> str:
    """The inside of the card: what is saved, or the same with more runs and with marks for the page's own script."""
    below = " \N{MIDDLE DOT} ".join(filter(None, (say.dates(thing.entries), say.losses(thing.total))))
    return (
        heading(f"Project {name(thing.name, 60)}", say.counted(len(thing.entries), "run"), escape(below))
        + figures(_figures(thing, live))
        + quiet(_said(say.chosen(thing) if live else say.final(thing)), "final" if live else None)
        + "".join(quiet(_said(text), space=2) for text in (say.tuning(thing), *money.of_project(thing)) if text)
        + "".join(_groups(thing, what) for what in by)
        + weeks(thing)
        + _runs(thing, MOST_RUNS if live else runs, live)
        + "".join(quiet(_said(text)) for text in (*say.remarks(thing), say.tags(thing)) if text)
        + _beside(thing)
    )


def _said(text: str) -> str:
    return escape(text).replace("CO2e", CO2E)


def _figures(thing: Project, live: bool) -> tuple[Figure, ...]:
    sign = say.known(thing)
    joules, grams = say.figures(thing)
    ranges = (thing.energy_j_range, thing.co2e_g_range) if joules is not None else (None, None)
    times = say.multiplier(thing)
    gpus = thing.gpu_hours > 0
    hours = units.number(thing.gpu_hours) if gpus else units.duration(thing.total.duration_s)
    return (
        Figure("Energy", units.energy(joules), span(ranges[0], units.energy), sign, energy_beside(joules)),
        Figure(CO2E, units.grams(grams), span(ranges[1], units.grams), words.known_co2e(sign, None)),
        Figure(
            "Development multiplier",
            times or NONE_YET,
            below_multiplier(thing),
            "",
            role="multiplier" if live else None,
        ),
        Figure("GPU-hours" if gpus else "Time of all runs", hours, "", ""),
    )


def below_multiplier(thing: Project) -> str:
    """What the leading figure of the multiplier is."""
    return "everything \N{DIVISION SIGN} final model" if thing.multiplier else "the final run is not chosen"


def _groups(thing: Project, what: str) -> str:
    """A table of groups; of the stages with the colours of the weeks' picture."""
    gpus = thing.gpu_hours > 0
    groups = thing.groups(what)
    several = groups if len(groups) <= GROUPS else sorted(groups, key=lambda g: g.energy_j, reverse=True)[:GROUPS]
    values, total = [_group(thing, one, what, gpus) for one in several], _values("Total", thing.total, gpus, "")
    heads = (CO2E, "Share", "GPU-hours" if gpus else "Time", "Runs", "Lost")
    energy, co2e, _, hours, runs, lost = (
        width(one[i] for one in [("", "Energy", *heads), *values, total]) for i in range(1, 7)
    )
    columns = Columns(
        escape(say.heading(what)),
        (
            Column("Energy", energy),
            Column(CO2E, co2e),
            Column("Share", 7.0, more=13.0, extra=True, fluid=True),
            Column(heads[2], hours, right=True),
            Column("Runs", runs),
            Column("Lost", lost),
        ),
    )
    cells = columns.cells
    rows = [row(one, cells) for one in values]
    if len(several) < len(groups):
        left_out = f"and {len(groups) - len(several):,} smaller ones, which the total includes"
        rows.append(spanning(left_out, len(cells), flexed=True))
    foot = row(total, [f"{cell};font-weight:600" for cell in cells], line=_STRONG_LINE)
    return table(columns.heads, cells, rows, foot, f";margin-top:12px{columns.style}")


def _group(thing: Project, one: Group, what: str, gpus: bool) -> tuple[str, ...]:
    label = f"<bdi>{escape(say.group_name(one.key, what))}</bdi>"
    fill = project_svg.colour(one.key) if what == "stage" else "#7d8590"
    if what == "stage":
        square = f"display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:7px;background:{fill}"
        label = f'<span aria-hidden="true" style="{square}"></span>{label}'
    bar = f"height:8px;border-radius:2px;background:{fill};width:{100 * thing.share(one):.1f}%"
    line, track = "display:flex;align-items:center;gap:8px", "flex:1 1 0;min-width:30px"
    figure = f'<span style="flex:none;min-width:44px">{say.share(thing, one)}</span>'
    share = f'<div style="{line}"><div aria-hidden="true" style="{track}"><div style="{bar}"></div></div>{figure}</div>'
    return _values(label, one, gpus, share)


def _values(label: str, one: Group, gpus: bool, share: str) -> tuple[str, ...]:
    lost = one.failed + one.interrupted
    figures = (units.energy(one.energy_j), units.grams(one.co2e_g))
    return (label, *figures, share, say.hours(one, gpus), f"{one.runs:,}", f"{lost:,}" if lost else NONE_YET)


def weeks(thing: Project) -> str:
    """The picture of the weeks, where there are several."""
    drawn = project_svg.weeks(thing)
    if drawn is None:
        return ""
    each = "week" if drawn.weeks_a_bar == 1 else f"{drawn.weeks_a_bar} weeks"
    top = f"Energy by {each}, coloured by stage; the highest is {units.energy(drawn.top_j)}"
    ends = f"<span>week of {drawn.first}</span><span>week of {drawn.last}</span>"
    style = "display:block;width:100%;height:72px;max-width:none;margin:4px 0 0"
    apart = f"display:flex;justify-content:space-between;font-size:11px;line-height:16px;{FAINT}"
    return (
        f'<div style="margin:14px 0 0;{SMALL}"><div style="{FAINT}">{escape(top)}</div>'
        f'<img src="{drawn.uri}" alt="{escape(top)}" style="{style}">'
        f'<div style="{apart}">{ends}</div></div>'
    )


def largest(thing: Project, most: int) -> list[int]:
    """The entries that hold most, these first."""
    return sorted(range(len(thing.entries)), key=lambda i: thing.own[i].energy_j, reverse=True)[:most]


def shown(thing: Project, most: int) -> list[int]:
    """The entries that a table shows: the largest, and the final model's wherever they stand."""
    found = largest(thing, most)
    return found + sorted(set(thing.final) - set(found))


def _runs(thing: Project, most: int, live: bool) -> str:
    entries = shown(thing, most)
    values = [_values_of_run(thing, i, live) for i in entries]
    columns = _columns(values)
    cells = columns.cells
    rows = [live_row(one) if live else row(one, cells) for one in values]
    left = len(thing.entries) - len(entries)
    if left:
        more = "carbon_magic.project().to_frame() has all"
        rows.append(spanning(f"and {left:,} smaller runs, which the sums include; {more}", len(cells), flexed=True))
    grid = table(columns.heads, cells, rows, "", columns.style, role="runs" if live else None)
    if live:
        grid = f'<div class="carbon-magic-scroll" tabindex="0" role="group" aria-label="Runs">{grid}</div>'
    title = "All runs" if not left else f"The {len(entries):,} runs that took most"
    return quiet(f"{title}:", "filter" if live else None, 14) + grid


def _columns(rows: Sequence[Sequence[str]]) -> Columns:
    """As wide as what stands in them, and each figure of the first of two lines as that below it."""
    energy, co2e, time, began = (width(one[i] for one in rows) for i in (1, 2, 6, 5))
    stage = width([one[4].removeprefix("<bdi>").removesuffix("</bdi>") for one in rows] + ["Stage"])
    right = max(co2e, time)
    return Columns(
        "Run",
        (
            Column("Energy", energy),
            Column(CO2E, right),
            Column(brief("", "State"), 1.3, more=7.8, text=True),
            Column("Stage", min(stage, _WIDEST_STAGE), text=True),
            Column("Began", began, text=True),
            Column("Time", right, right=True),
        ),
    )


def _values_of_run(thing: Project, i: int, live: bool) -> tuple[str, ...]:
    """Name, energy, CO2e, state, stage, day, time; shorter for a page that has js/src/rows.css."""
    entry, own = thing.entries[i], thing.own[i]
    seen = entry.method != words.UNKNOWN
    named, how = name(entry.name, 60), cast("State", entry.state)
    if not live:
        final = f" {faint('final')}" if i in thing.final and entry.stage != "final" else ""
        named = f'<span style="font-weight:500">{named}</span>{final}'
    return (
        named,
        units.energy(own.energy_j if seen else None),
        units.grams(own.co2e_g if seen else None),
        live_state(how) if live else brief(*state_parts(how)),
        f"<bdi>{escape(say.group_name(entry.stage, 'stage'))}</bdi>" if entry.stage else NONE_YET,
        say.day(entry.started_at),
        units.duration(entry.duration_s),
    )


def _beside(thing: Project) -> str:
    """The total beside things people know."""
    joules, grams = say.figures(thing)
    if joules is None or grams is None:
        return ""
    here = ruler.Here(f"{thing.name}, now", grams, thing.co2e_g_range)
    return beside_html(f"Everything together is as much {CO2E} as", here, thing.energy_kwh)
