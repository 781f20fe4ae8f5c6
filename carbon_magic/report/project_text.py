"""A project as plain text of at most 80 columns."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from .. import units
from . import beside, money, project_svg
from . import project_words as say
from .plain import left, plain, right, widest
from .text import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..account import Group, Project

COLUMNS = 80
GROUPS = 40
_LEAST = (7, 6, 11, 9, 9, 8)
"""Columns of the figures; units that a user chose may need more room, which the names give."""
_LEVELS = "▁▂▃▄▅▆▇█"
_RULE = "─" * COLUMNS


def line(project: Project) -> str:
    """A project in one line."""
    if not project.entries:
        return f"{plain(project.name, 40)}: no runs on record"
    joules, grams = say.figures(project)
    times = f", multiplier {units.number(project.multiplier)}" if project.multiplier else ""
    runs = say.counted(len(project.entries), "run")
    return f"{plain(project.name, 40)}: {runs}, {units.energy(joules)}, {units.grams(grams)} CO2e{times}"


def project_text(project: Project, by: Sequence[str]) -> str:
    """Its totals, its groups, and what it is beside."""
    if not project.entries:
        return "\n".join(wrap(f"{plain(project.name, 40)}: {say.EMPTY}", COLUMNS))
    joules, grams = say.figures(project)
    runs = say.counted(len(project.entries), "run")
    lost = f" ({say.losses(project.total)})" if say.losses(project.total) else ""
    lines = wrap(f"project {plain(project.name, 40)}: {runs}{lost}, {say.dates(project.entries)}", COLUMNS)
    if joules is not None:
        spans = units.span(*project.energy_j_range, units.energy), units.span(*project.co2e_g_range, units.grams)
        lines += figure("energy", units.energy(joules), spans[0], str(say.known(project)))
        lines += figure("CO2e", units.grams(grams), spans[1], "")
    times = say.multiplier(project)
    lines += _wrapped(f"development multiplier {times}: everything ÷ the final model's runs" if times else "")
    said = (say.chosen(project), say.tuning(project), *money.of_project(project))
    lines += [part for text in said for part in _wrapped(text)]
    for what in by:
        lines += ["", *_groups(project, what)]
    lines += _weeks(project)
    for remark in (*say.remarks(project), *([say.BEGAN] if "week" in by else []), say.tags(project)):
        lines += _wrapped(remark)
    if joules is not None and grams is not None:
        lines += ["", "  Everything together is as much CO2e as"]
        lines += [part for text in beside.lines(grams, project.energy_kwh) for part in _wrapped(f"≈ {text}")]
        lines += _wrapped(beside.scale(grams))
    return "\n".join(text.rstrip() for text in lines)


def _groups(project: Project, what: str) -> list[str]:
    gpus = project.gpu_hours > 0
    groups = project.groups(what)
    shown = groups if len(groups) <= GROUPS else sorted(groups, key=lambda g: g.energy_j, reverse=True)[:GROUPS]
    head = (say.heading(what).lower(), "runs", "lost", "GPU-hours" if gpus else "time", "energy", "CO2e", "share")
    rows = [_group(project, one, say.group_name(one.key, what), gpus) for one in shown]
    total = _group(project, project.total, "total", gpus)
    wide = widest(_LEAST, (row[1:] for row in (head, *rows, total)))
    lines = [_row(row, wide) for row in rows]
    if len(shown) < len(groups):
        lines.append(f"and {len(groups) - len(shown):,} smaller ones, which the total includes")
    return [_row(head, wide), _RULE, *lines, _RULE, _row(total, wide)]


def _weeks(project: Project) -> list[str]:
    """The weeks' energy as a row of bars."""
    drawn = project_svg.weeks(project)
    if drawn is None:
        return []
    marks = "".join(" " if j <= 0 else _LEVELS[min(7, int(8 * j / drawn.top_j))] for j in drawn.joules)
    each = "week" if drawn.weeks_a_bar == 1 else f"{drawn.weeks_a_bar} weeks"
    said = f"each bar a {each}, from that of {drawn.first} to that of {drawn.last}"
    return ["", f"  {marks}", *_wrapped(f"{said}; the highest is {units.energy(drawn.top_j)}")]


def _group(project: Project, one: Group, label: str, gpus: bool) -> tuple[str, ...]:
    lost = one.failed + one.interrupted
    figures = units.energy(one.energy_j), units.grams(one.co2e_g), say.share(project, one)
    return label, f"{one.runs:,}", f"{lost:,}" if lost else "–", say.hours(one, gpus), *figures


def _row(cells: Sequence[str], wide: Sequence[int]) -> str:
    label, *figures = cells
    return " ".join((left(label, max(8, 24 + sum(_LEAST) - sum(wide))), *map(right, figures, wide)))


def _wrapped(text: str) -> list[str]:
    return wrap(text, COLUMNS, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
