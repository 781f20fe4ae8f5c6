"""The ledger in one SQLite file: a row per run, written as a whole each time."""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import own
from ..alive import Owner, me
from ..curve import Curve
from . import rows
from .schema import APPLICATION_ID, OWN, STEPS
from .sums import Sums

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..run import Run

WAIT_S = 1.5
"""For another writer: below EXIT_S of the pump, so that a locked ledger does not hold up the end of a process."""
POINTS_PER_S = 25
"""A curve of a running run is written again after a second for each so many points: 0.02 % of a core, however long."""

_VALUES = ", ".join("?" * len(rows.COLUMNS))
_INSERT = f"INSERT INTO runs ({', '.join(rows.COLUMNS)}) VALUES ({_VALUES}) ON CONFLICT (id, host) DO"  # noqa: S608
# Of a running run the curve comes now and then only; an ended run is never called running again.
_UPDATES = ", ".join(f"{c} = excluded.{c}" for c in rows.COLUMNS if c not in ("id", "host", "curve"))
PUT = (  # constants only: what users give are values
    f"{_INSERT} UPDATE SET {_UPDATES}, curve = coalesce(excluded.curve, curve) "
    "WHERE excluded.state <> 'running' OR runs.state = 'running'"
)
_OLD = (
    "SELECT r.seq, f.state, f.project, f.host, f.started_at, f.duration_s, f.parts FROM runs r LEFT JOIN figures f "
    "ON f.seq = r.seq WHERE r.id = ? AND r.host = ?"
)
_FIGURES = ("seq", *rows.FIGURES, *OWN)
_PUT_FIGURES = f"INSERT OR REPLACE INTO figures ({', '.join(_FIGURES)}) VALUES ({', '.join('?' * len(_FIGURES))})"  # noqa: S608
_MOVE_CURVE = "UPDATE runs SET curve = ? WHERE id = ? AND host = ? AND state = 'running'"
_MOVE = (
    f"UPDATE figures SET {', '.join(f'{c} = ?' for c in rows.MOVING)} WHERE state = 'running' AND "  # noqa: S608
    "seq = (SELECT seq FROM runs WHERE id = ? AND host = ?)"
)
_UNKNOWN = tuple(None for _ in OWN)
_SUMMED = slice(rows.FIGURES.index("energy_j"), rows.FIGURES.index("measured_j") + 1)


class DamagedError(OSError):
    """The file is no sound database."""


def connect(path: Path, options: str) -> sqlite3.Connection:
    """A connection in autocommit mode, for one thread at a time."""
    uri = f"{path.as_uri()}?{options}"
    return sqlite3.connect(uri, timeout=WAIT_S, isolation_level=None, check_same_thread=False, uri=True)


def version(db: sqlite3.Connection) -> int:
    """Steps that this file has taken."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as OSError with the path; TimeoutError where another program is at it."""
    try:
        yield
    except sqlite3.Error as error:
        if code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise TimeoutError(f"{path} is held by another program") from error
        if code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise DamagedError(f"{path} is damaged") from error
        raise OSError(f"{path}: {error}") from error


class SqliteStore:
    """An open ledger. Every method raises OSError in plain words; TimeoutError where another program holds the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._curves: dict[str, float] = {}
        self._known: dict[str, Run] = {}
        """Running runs as they were last written as a whole."""
        with plain_errors(path):
            self.db = connect(path, "mode=rwc")
        try:
            with plain_errors(path):
                _prepare(self.db)
            self._file = _identity(path)
        except BaseException:
            self.db.close()
            raise

    def put(self, run: Run) -> None:
        """Keep this snapshot in place of the one before."""
        if _identity(self.path) != self._file:
            raise FileNotFoundError(f"{self.path} was moved or deleted")  # else all would go to a file nobody can open
        with plain_errors(self.path):
            if not self._moved(run):
                self.put_all([run])

    def put_all(self, runs: Iterable[Run], owner: Owner | None = None) -> None:
        """Keep many in one transaction: all of them, or none where it raises."""
        with plain_errors(self.path), transaction(self.db):
            sums = Sums(self.db)
            for run in runs:
                enter(self.db, sums, run, owner or me(), self._curve(run))
                self._known.pop(run.id, None)
                if run.state == "running":
                    self._known[run.id] = run
            sums.close()

    def _moved(self, run: Run) -> bool:
        """Write the figures alone, where nothing else is new since the whole was written: it is done each second."""
        before = self._known.get(run.id)
        if run.state != "running" or before is None or not rows.moves_only(run, before):
            return False
        curve = self._curve(run) if run.curve.t_s else None
        if curve is not None:
            self.db.execute(_MOVE_CURVE, (curve, rows.storable(run.id), rows.storable(run.host)))
        return move(self.db, rows.moved(run), run.id, run.host)

    def _curve(self, run: Run) -> bytes | None:
        if run.state != "running":
            self._curves.pop(run.id, None)
            return rows.pack(run)
        now_s = time.monotonic()
        if now_s - self._curves.get(run.id, -math.inf) < len(run.curve.t_s) / POINTS_PER_S:
            return None
        self._curves[run.id] = now_s
        return rows.pack(run)

    def runs(self, project: str | None = None, curves: bool = True) -> list[Run]:
        """All runs, or a project's, in the order in which they began. Without curves it is several times faster."""
        with plain_errors(self.path):
            return list(select(self.db, project, curves))

    def close(self) -> None:
        """Let go of the file; the last one to do so folds the WAL into it."""
        self.db.close()


def enter(
    db: sqlite3.Connection, sums: Sums, run: Run, owner: Owner, curve: bytes | None, updated_at: float | None = None
) -> None:
    """Keep a run, in a transaction of the caller's."""
    figures = rows.figures(run, owner, updated_at)
    record = rows.row(run, figures, curve)
    added = db.execute(f"{_INSERT} NOTHING", record)
    if added.rowcount == 1:
        _figure(db, sums, int(added.lastrowid or 0), run, figures)
        return
    old = db.execute(_OLD, figures[:2]).fetchone()
    if old[1] not in ("running", None):
        if run.state != "running":
            db.execute(PUT, record)
            host, begin_s, duration_s, told = old[3:]
            was = rows.span(host, begin_s, duration_s, told, Curve)
            _figure(db, sums, old[0], run, figures, (str(old[2]), was))
        return
    db.execute(PUT, record)
    _figure(db, sums, old[0], run, figures)


def _figure(
    db: sqlite3.Connection,
    sums: Sums,
    seq: int,
    run: Run,
    figures: Sequence[Any],
    was: tuple[str, own.Span] | None = None,
) -> None:
    """The narrow row of a run whose wide one is in the file, and the sums; `was`: where it has been counted already."""
    project, it = str(figures[2]), own.span(run)
    share = sums.share(seq, project, str(figures[1]), it) if run.state != "running" and was is None else None
    db.execute(_PUT_FIGURES, (seq, *figures, *(share or _UNKNOWN)))
    if share is not None:
        sums.add(seq, project, share, figures[_SUMMED])
    elif was is not None:
        sums.reckon(seq, {project, was[0]}, [it, was[1]])
    elif run.state != "running":
        sums.reckon(seq, {project}, [it])


def move(db: sqlite3.Connection, moved: Sequence[object], run_id: str, host: str) -> bool:
    """Newer figures, in the order of rows.MOVING, of a run that goes on; False where it does not."""
    return db.execute(_MOVE, (*moved, rows.storable(run_id), rows.storable(host))).rowcount == 1


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All that is done in it, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def select(
    db: sqlite3.Connection, project: str | None, curves: bool, only: Collection[tuple[str, str]] | None = None
) -> Iterator[Run]:
    """Runs one by one; a row that holds none is passed over. Raises sqlite3.Error where the file is damaged.

    `only`: of those with these (id, host).
    """
    if not (known := version(db)):
        return  # somebody is making it this moment: the file comes before its tables
    columns, more = f"r.run, r.state, r.boot_id, r.pid, r.pid_started, {{}}, {'r.curve' if curves else 'NULL'}", ""
    if known > 1:
        columns = columns.format("coalesce(f.updated_at, r.updated_at)")
        columns += ", f.duration_s, f.energy_j_low, f.energy_j_high, f.parts"
        more = "LEFT JOIN figures f ON f.seq = r.seq AND f.state = 'running'"
    columns = columns.format("r.updated_at") + ", NULL" * 4 if known == 1 else columns
    where, values = ("WHERE r.project = ?", [rows.storable(project)]) if project is not None else ("", [])
    sql = f"SELECT {columns} FROM runs r {more} {where} ORDER BY r.seq"  # noqa: S608 - constants
    found: Iterable[tuple[Any, ...]] = db.execute(sql, values) if only is None else _each(db, sql, values, only)
    for run, state, boot_id, pid, started, updated_at, curve, *moved in found:
        now = None if moved[-1] is None else (moved[0], moved[1], moved[2], moved[3])
        try:
            yield rows.read(run, state, boot_id, pid, started, updated_at, curve, now)
        except (ValueError, TypeError):
            continue


def _each(
    db: sqlite3.Connection, sql: str, values: list[str], only: Collection[tuple[str, str]]
) -> Iterator[tuple[Any, ...]]:
    seqs = []
    for run_id, host in only:
        key = (rows.storable(run_id), rows.storable(host))
        seqs += db.execute("SELECT seq FROM runs WHERE id = ? AND host = ?", key).fetchall()
    one = sql.replace(" ORDER BY", f" {'AND' if values else 'WHERE'} r.seq = ? ORDER BY")
    for (seq,) in sorted(seqs):
        yield from db.execute(one, (*values, seq))


def _prepare(db: sqlite3.Connection) -> None:
    # NORMAL: with WAL the file survives a loss of power, the last commits may not. FULL costs 90 times as much.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA cache_size = -64000")  # KiB at most, taken as pages are touched: 5 µs a run of a large import
    if version(db) != len(STEPS):
        _migrate(db)
    try:
        db.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        return  # no shared memory on this file system, or somebody is doing the same this moment: it works without


def _migrate(db: sqlite3.Connection) -> None:
    with transaction(db):
        known = version(db)
        if known > len(STEPS):
            raise OSError("the ledger was written by a newer version of carbon_magic")
        for step in STEPS[known:]:
            for statement in step:
                db.execute(statement)
        if known == 1:
            _fill(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
    # The first page on disk tells the version to whoever looks without the WAL.
    db.execute("PRAGMA wal_checkpoint")


def _fill(db: sqlite3.Connection) -> None:
    """The narrow rows of a file of the first version, from its wide ones."""
    sums = Sums(db)
    columns = "seq, run, state, boot_id, pid, pid_started, updated_at, curve"
    for seq, run, state, *owner, updated_at, curve in db.execute(f"SELECT {columns} FROM runs ORDER BY seq"):  # noqa: S608
        try:
            it = rows.read(run, state, "", 0, None, math.inf, curve)
        except (ValueError, TypeError):
            continue
        it = replace(it, state=state)
        _figure(db, sums, seq, it, rows.figures(it, Owner(*owner)), None)
        db.execute("UPDATE figures SET updated_at = ? WHERE seq = ?", (updated_at, seq))
    sums.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino
