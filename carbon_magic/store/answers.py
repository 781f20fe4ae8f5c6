"""Sums and tables of a file's runs, from its narrow rows and its kept sums: nothing here reads a run's JSON."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..own import Own, owns
from . import rows, sums
from .schema import OWN, SCOPES, SUMMED, TOTALS

if TYPE_CHECKING:
    import sqlite3

_RUNNING = f"{sums.ROW} state = 'running'"
HALF = len(OWN) // 2
_SUMMED = slice(rows.FIGURES.index(SUMMED[0]), rows.FIGURES.index(SUMMED[-1]) + 1)


class Totals(NamedTuple):
    """What runs took together, each joule once. Units as in schema.TOTALS."""

    runs: int = 0
    seconds: float = 0.0
    gpu_s: float = 0.0
    energy_j: float = 0.0
    energy_j_low: float = 0.0
    energy_j_high: float = 0.0
    co2e_g: float = 0.0
    co2e_g_low: float = 0.0
    co2e_g_high: float = 0.0
    measured_j: float = 0.0

    def plus(self, other: Sequence[float]) -> Totals:
        """Both together."""
        return Totals(*(a + b for a, b in zip(self, other, strict=True)))  # type: ignore[arg-type]


def add_up(table: Iterable[Sequence[Any]]) -> Totals:
    """The same of the rows of a table."""
    sums = [0.0] * len(TOTALS)
    runs = 0
    for runs, line in enumerate(table, 1):  # noqa: B007
        figures, (own, own_s, own_gpu_s) = line[_SUMMED], line[-HALF:]
        sums[1] += own_s
        sums[2] += own_gpu_s
        for i, figure in enumerate(figures, len(TOTALS) - len(SUMMED)):
            sums[i] += own * (figure or 0.0)
    return Totals(runs, *sums[1:])


def totals(db: sqlite3.Connection, project: str | None) -> Totals:
    """Of all runs, or a project's."""
    scope = SCOPES[0] if project is None else SCOPES[1]
    what = ", ".join(f"coalesce(sum({column}), 0)" for column in ("runs", *(f"{scope}_{t}" for t in TOTALS[1:])))
    where, values = _where(project)
    found = Totals(*db.execute(f"SELECT {what} FROM blocks{where}", values).fetchone())  # noqa: S608
    return found.plus(_live(db, project, where, values))


def projects(db: sqlite3.Connection) -> dict[str, Totals]:
    """Of each project."""
    what = ", ".join(f"sum({column})" for column in ("runs", *(f"{SCOPES[1]}_{t}" for t in TOTALS[1:])))
    found = {name: Totals(*sums) for name, *sums in db.execute(f"SELECT project, {what} FROM blocks GROUP BY project")}  # noqa: S608
    # By the small index of running runs, always: that of projects has a million entries to pass.
    going = db.execute("SELECT project FROM figures INDEXED BY figures_running WHERE state = 'running'").fetchall()
    for (name,) in dict.fromkeys(going):
        found[name] = found.get(name, Totals()).plus(_live(db, name, *_where(name)))
    return found


NAMES = (*rows.FIGURES, "own", "own_s", "own_gpu_s")
"""What a table can hold; the last three beside the project's runs, or all."""


def table(db: sqlite3.Connection, project: str | None, columns: Sequence[str] = NAMES) -> Iterator[tuple[Any, ...]]:
    """Values of these columns of NAMES, which end with the last three or hold none of them."""
    where, values = _where(project)
    if columns[-HALF:] != NAMES[-HALF:]:
        yield from db.execute(f"SELECT {', '.join(columns)} FROM figures{where} ORDER BY seq", values)  # noqa: S608
        return
    new = _changes(db, project, where, values)
    figures = columns[:-HALF]
    for seq, *found in db.execute(f"SELECT {_columns(project, figures)} FROM figures{where} ORDER BY seq", values):  # noqa: S608
        yield (*found[:-HALF], *new[seq][1]) if seq in new else tuple(found)


def pick(lines: Iterable[tuple[Any, ...]], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Some columns of lines that hold all of NAMES."""
    if columns == NAMES:
        return list(lines)
    at = [NAMES.index(name) for name in columns]
    return [tuple(line[i] for i in at) for line in lines]


def _columns(project: str | None, figures: Sequence[str]) -> str:
    return ", ".join(("seq", *figures, *(OWN[:HALF] if project is None else OWN[HALF:])))


def _where(project: str | None) -> tuple[str, list[str]]:
    return (" WHERE project = ?", [rows.storable(project)]) if project is not None else ("", [])


def _live(db: sqlite3.Connection, project: str | None, where: str, values: Sequence[str]) -> Sequence[float]:
    """What runs that go on add to the kept sums, less what they count of runs within them that ended."""
    change = [0.0] * len(TOTALS)
    scope = 0 if project is None else HALF
    live = 0
    for it, (fraction, *times), running in _changes(db, project, where, values).values():
        was = (0.0,) * HALF if running else it.own[scope : scope + HALF]
        live += running
        for i, (now, then) in enumerate(zip(times, was[1:], strict=True), 1):
            change[i] += now - then
        for i, figure in enumerate(it.figures, len(TOTALS) - len(SUMMED)):
            change[i] += (fraction - was[0]) * (figure or 0.0)
    return (live, *change[1:])


def _changes(
    db: sqlite3.Connection, project: str | None, where: str, values: Sequence[str]
) -> dict[int, tuple[sums.Row, Own, bool]]:
    """The own part of runs that go on, and of those that ended in the midst of one; and whether it goes on."""
    live = [
        sums.row(db, *found)
        for found in db.execute(_RUNNING + where.replace("WHERE project", "AND +project"), values).fetchall()
    ]
    changes: dict[int, tuple[sums.Row, Own, bool]] = {}
    groups = list(_together(live))
    begins, ends = [min(_begins(group)) for group in groups], [max(_ends(group)) for group in groups]
    for group, begin_s, end_s in zip(groups, begins, ends, strict=True):
        running = {it.seq: it for it in group}
        longest_s = max(it.span.duration_s for it in group)
        touched = {it.seq: it for it in sums.overlapping(db, begin_s, end_s) if it.span.duration_s <= longest_s}
        reach = [*touched.values(), *group]
        around = {it.seq: it for it in sums.near(db, reach)}
        # Others that go on and share time with these: groups do not overlap, so they follow each other in the list.
        beside = groups[bisect_right(ends, min(_begins(reach))) : bisect_left(begins, max(_ends(reach)))]
        going = {it.seq: it for each in beside for it in each} | running
        members = sorted(it for it in (around | touched | going).values() if project is None or it.project == values[0])
        for it, own in zip(members, owns([it.span for it in members]), strict=True):
            if it.seq in touched or it.seq in running:
                changes[it.seq] = it, own, it.seq in running
    return changes


def _begins(found: Iterable[sums.Row]) -> Iterator[float]:
    return (it.span.begin_s for it in found)


def _ends(found: Iterable[sums.Row]) -> Iterator[float]:
    return (it.span.end_s for it in found)


def _together(live: Sequence[sums.Row]) -> Iterator[list[sums.Row]]:
    """Runs that go on, by spans of time that hang together."""
    group: list[sums.Row] = []
    end_s = 0.0
    for it in sorted(live, key=lambda it: it.span.begin_s):
        if group and it.span.begin_s >= end_s:
            yield group
            group = []
        end_s = max(end_s, it.span.end_s) if group else it.span.end_s
        group.append(it)
    if group:
        yield group
