"""Sums that are kept, so that a question to a million runs need not read them: written together with each ended run.

`figures` says of each ended run which part of it is its own; `blocks` holds sums of that. A new run that overlaps with
none is added to its block. Any other change reckons anew what it touches, and adds up the blocks of that from their
runs: nothing is ever subtracted, so no error of rounding is left behind.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..curve import Curve
from ..own import Span, alone, owns
from . import rows
from .schema import BLOCK_COLUMNS, LONG_S, OWN, SCOPES, SUMMED, TOTALS

if TYPE_CHECKING:
    import sqlite3

BLOCK = 1024
"""Runs to a block: adding one up again takes a millisecond, adding up those of a million runs too."""

SPAN = "seq, host, project, started_at, duration_s, parts"
ROW = f"SELECT {SPAN}, {', '.join((*OWN, *SUMMED))} FROM figures WHERE "  # noqa: S608
_OVERLAP = (
    f"SELECT {SPAN}, {', '.join((*OWN, *SUMMED))} FROM figures WHERE ended_at > :begin AND started_at < :end AND "  # noqa: S608
)
_NEAR = f"{_OVERLAP} ended_at < :last UNION {_OVERLAP} duration_s > {LONG_S:.0f}"
_NEAR_ANY = _NEAR.replace(f"{SPAN}, {', '.join((*OWN, *SUMMED))}", "1").replace("UNION", "UNION ALL") + " LIMIT 1"
_LATEST = "SELECT coalesce(max(ended_at), -1e999) FROM figures WHERE ended_at IS NOT NULL"
_CONTAINER = (
    "SELECT parts FROM figures WHERE ended_at >= :end AND ended_at < :last AND started_at <= :begin "
    "AND ended_at > :begin AND started_at < :end AND host = :host AND project = :project AND seq < :seq LIMIT 1"
)
_SHARE = f"UPDATE figures SET {', '.join(f'{column} = ?' for column in OWN)} WHERE seq = ?"  # noqa: S608
_SUMS = ", ".join(
    f"coalesce(sum({total}), 0)"
    for scope in SCOPES
    for total in (f"{scope}_s", f"{scope}_gpu_s", *(f"{scope} * {figure}" for figure in SUMMED))
)
_ADD_UP = (
    f"SELECT coalesce(max(seq), 0), count(*), {_SUMS} FROM figures "  # noqa: S608
    "WHERE project = ? AND seq >= ? AND seq < ? AND ended_at IS NOT NULL"
)
_SET = (
    f"UPDATE blocks SET last_seq = max(last_seq, ?), runs = ?, {', '.join(f'{c} = ?' for c in BLOCK_COLUMNS)} "  # noqa: S608
    "WHERE project = ? AND first_seq = ?"
)
_ADD = (
    "UPDATE blocks SET last_seq = max(last_seq, ?), runs = runs + ?, "  # noqa: S608
    f"{', '.join(f'{c} = {c} + ?' for c in BLOCK_COLUMNS)} WHERE project = ? AND first_seq = ?"
)
_END = 2**63 - 1
_NOTHING = (0.0,) * len(OWN)


class Row(NamedTuple):
    """A run in the file, as far as overlaps go."""

    seq: int
    project: str
    span: Span
    own: tuple[float, ...]
    """Values in the order of OWN, as they stand in the file."""
    figures: tuple[float | None, ...]
    """Values in the order of SUMMED."""


def _window(begin_s: float, end_s: float) -> dict[str, Any]:
    """Values by name: sqlite3 takes a sequence for numbered ones no longer (Python 3.14)."""
    return {"begin": begin_s, "end": end_s, "last": end_s + LONG_S + 1}


def overlapping(db: sqlite3.Connection, begin_s: float, end_s: float) -> list[Row]:
    """Ended runs that share time with this span, those that one moment lies within if it is no more; in file order."""
    found = db.execute(_NEAR, _window(begin_s, end_s))
    return sorted(row(db, *values) for values in found)


def row(
    db: sqlite3.Connection, seq: int, host: str, project: str, begin_s: float, duration_s: float, told: str, *more: Any
) -> Row:
    """A record of ROW."""
    it = rows.span(host, begin_s, duration_s, told, functools.partial(_curve, db, seq))
    return Row(seq, project, it, more[: len(OWN)], more[len(OWN) :])


def _curve(db: sqlite3.Connection, seq: int) -> Curve:
    found = db.execute("SELECT curve FROM runs WHERE seq = ?", (seq,)).fetchone()
    return rows.unpack(found[0]) if found else Curve()


def shares(found: Sequence[Row], projects: Iterable[str]) -> list[tuple[float, ...]]:
    """Values in the order of OWN of each row, reckoned among them; beside its project only for rows of these."""
    result = [(*own, *it.own[3:]) for it, own in zip(found, owns([it.span for it in found]), strict=True)]
    for project in projects:
        inside = [i for i, it in enumerate(found) if it.project == project]
        for i, own in zip(inside, owns([found[i].span for i in inside]), strict=True):
            result[i] = (*result[i][:3], *own)
    return result


def near(db: sqlite3.Connection, found: Iterable[Row]) -> list[Row]:
    """All ended runs that overlap with one of these."""
    spans = [it.span for it in found]
    return overlapping(db, min(it.begin_s for it in spans), max(it.end_s for it in spans)) if spans else []


@dataclass
class _Cluster:
    """Changed runs that hang together in time."""

    begin_s: float
    end_s: float
    longest_s: float = 0.0
    seqs: set[int] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)


class Sums:
    """One transaction's changes to the sums. `close` writes them; until then the file's do not fit its runs."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._added: dict[tuple[str, int], list[Any]] = {}
        self._dirty: set[tuple[str, int]] = set()
        self._last: dict[str, list[int]] = {}
        self._later: list[tuple[float, float, float, int, set[str]]] = []
        self._latest_s: float = db.execute(_LATEST).fetchone()[0]
        """When the last run to end did."""

    def share(self, seq: int, project: str, host: str, it: Span) -> tuple[float, ...] | None:
        """What a new ended run has of its own; None where that takes reckon(), once it is in the file."""
        latest_s, self._latest_s = self._latest_s, max(self._latest_s, it.end_s)
        if it.duration_s <= 0 or it.begin_s >= latest_s:
            return 2 * tuple(alone(it))
        window = _window(it.begin_s, it.end_s)
        if self._db.execute(_NEAR_ANY, window).fetchone() is None:
            return 2 * tuple(alone(it))
        container = self._db.execute(_CONTAINER, window | {"host": host, "project": project, "seq": seq}).fetchone()
        if (
            it.joules
            and container is not None
            and it.joules.keys() <= rows.span(host, 0, 0, container[0], Curve).joules.keys()
        ):
            return _NOTHING  # it is in the midst of a longer one that had all that it had: nobody loses anything by it
        return None

    def add(self, seq: int, project: str, share: Sequence[float], figures: Sequence[float | None]) -> None:
        """Count a new run whose share is known."""
        key = (project, self._block(project, seq))
        sums = self._added.get(key)
        if sums is None:
            sums = self._added[key] = [0, 0, *([0.0] * len(BLOCK_COLUMNS))]
        sums[0] = max(sums[0], seq)
        sums[1] += 1
        at = 2
        for scope in (0, 3):
            own = share[scope]
            sums[at] += share[scope + 1]
            sums[at + 1] += share[scope + 2]
            for i, figure in enumerate(figures, at + 2):
                sums[i] += own * (figure or 0.0)
            at += len(TOTALS) - 1

    def reckon(self, seq: int, projects: Iterable[str], spans: Sequence[Span]) -> None:
        """Count anew, in the end, a run that is in the file, and all whose share it changes.

        `projects` and `spans`: where it is, and was. Of many in one transaction those that hang together in time are
        counted anew together: one by one each would read all of its neighbours again.
        """
        projects = set(projects)
        for project in projects:
            self._dirty.add((project, self._block(project, seq)))
        self._latest_s = max(self._latest_s, *(span.end_s for span in spans))
        self._later += [(span.begin_s, span.end_s, span.duration_s, seq, projects) for span in spans]

    def _reckon(self) -> None:
        clusters: list[_Cluster] = []
        for begin_s, end_s, duration_s, seq, projects in sorted(self._later, key=lambda it: it[0]):
            if not clusters or begin_s > clusters[-1].end_s:
                clusters.append(_Cluster(begin_s, end_s))
            it = clusters[-1]
            it.end_s, it.longest_s = max(it.end_s, end_s), max(it.longest_s, duration_s)
            it.seqs.add(seq)
            it.projects |= projects
        for it in clusters:
            self._reckon_together(it)

    def _reckon_together(self, cluster: _Cluster) -> None:
        touched = {it.seq: it for it in overlapping(self._db, cluster.begin_s, cluster.end_s)}
        touched |= {seq: self._row(seq) for seq in cluster.seqs}
        touched = {seq: it for seq, it in touched.items() if it.span.duration_s <= cluster.longest_s}
        members = sorted((touched | {it.seq: it for it in near(self._db, touched.values())}).values())
        new = {it.seq: share for it, share in zip(members, shares(members, cluster.projects), strict=True)}
        for it in touched.values():
            if new[it.seq] != it.own or it.seq in cluster.seqs:
                self._db.execute(_SHARE, (*new[it.seq], it.seq))
                self._dirty.add((it.project, self._block(it.project, it.seq)))

    def _row(self, seq: int) -> Row:
        return row(self._db, *self._db.execute(f"{ROW} seq = ?", (seq,)).fetchone())

    def _block(self, project: str, seq: int) -> int:
        """The first_seq of the block that this run belongs to; a new one where the last one is full."""
        last = self._last.get(project)
        if last is None:
            sql = "SELECT first_seq, last_seq, runs FROM blocks WHERE project = ? ORDER BY first_seq DESC LIMIT 1"
            last = self._last[project] = list(self._db.execute(sql, (project,)).fetchone() or (-1, -1, BLOCK))
        first_seq, last_seq, runs = last
        if seq > last_seq:
            if runs >= BLOCK:
                first_seq, runs = (0 if first_seq < 0 else seq), 0
                self._db.execute(
                    "INSERT INTO blocks (project, first_seq, last_seq, runs) VALUES (?, ?, ?, 0)",
                    (project, first_seq, seq),
                )
            last[:] = first_seq, seq, runs + 1
            return first_seq
        if seq >= first_seq:
            return first_seq
        sql = "SELECT max(first_seq) FROM blocks WHERE project = ? AND first_seq <= ?"
        return int(self._db.execute(sql, (project, seq)).fetchone()[0])

    def close(self) -> None:
        """Write the sums."""
        self._reckon()
        for key, (last_seq, *sums) in self._added.items():
            if key not in self._dirty:
                self._db.execute(_ADD, (last_seq, *sums, *key))
        for project, first_seq in self._dirty:
            sql = "SELECT min(first_seq) FROM blocks WHERE project = ? AND first_seq > ?"
            end = self._db.execute(sql, (project, first_seq)).fetchone()[0] or _END
            found = self._db.execute(_ADD_UP, (project, first_seq, end)).fetchone()
            self._db.execute(_SET, (*found, project, first_seq))
