"""The ledger in one SQLite file: a row per run, written as a whole each time."""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..alive import me
from . import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..run import Run

APPLICATION_ID = 0x434F3265  # "CO2e"
WAIT_S = 1.5
"""For another writer: below EXIT_S of the pump, so that a locked ledger does not hold up the end of a process."""
POINTS_PER_S = 25
"""A curve of a running run is written again after a second for each so many points: 0.02 % of a core, however long."""

# Each step takes the file from user_version i to i + 1, and is never changed once released. Steps only add, so that
# what a file holds is never at risk.
STEPS = (
    (
        """CREATE TABLE runs (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL, host TEXT NOT NULL, project TEXT, name TEXT, stage TEXT,
            state TEXT NOT NULL, boot_id TEXT, pid INTEGER, pid_started REAL, started_at REAL, updated_at REAL,
            duration_s REAL, energy_j REAL, energy_j_low REAL, energy_j_high REAL, co2e_g REAL, co2e_g_low REAL,
            co2e_g_high REAL, pue REAL, place TEXT, intensity_g_per_kwh REAL, method TEXT, measured_fraction REAL,
            tags TEXT, notes TEXT, run TEXT NOT NULL, curve BLOB, UNIQUE (id, host))""",
        "CREATE INDEX runs_project ON runs (project)",
    ),
)
_VALUES = ", ".join("?" * len(rows.COLUMNS))
# Of a running run the curve comes now and then only; an ended run is never called running again.
_UPDATES = ", ".join(f"{c} = excluded.{c}" for c in rows.COLUMNS if c not in ("id", "host", "curve"))
PUT = (  # constants only: what users give are values
    f"INSERT INTO runs ({', '.join(rows.COLUMNS)}) VALUES ({_VALUES}) ON CONFLICT (id, host) DO UPDATE SET {_UPDATES}, "  # noqa: S608
    "curve = coalesce(excluded.curve, curve) WHERE excluded.state <> 'running' OR runs.state = 'running'"
)


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
        self._curve_s: dict[str, float] = {}
        with plain_errors(path):
            self._db = connect(path, "mode=rwc")
        try:
            with plain_errors(path):
                _prepare(self._db)
            self._file = _identity(path)
        except BaseException:
            self._db.close()
            raise

    def put(self, run: Run) -> None:
        """Keep this snapshot in place of the one before."""
        if _identity(self.path) != self._file:
            raise FileNotFoundError(f"{self.path} was moved or deleted")  # else all would go to a file nobody can open
        record = rows.row(run, me(), self._curve(run))
        with plain_errors(self.path):
            self._db.execute(PUT, record)

    def _curve(self, run: Run) -> bytes | None:
        if run.state != "running":
            self._curve_s.pop(run.id, None)
            return rows.pack(run)
        now_s = time.monotonic()
        if now_s - self._curve_s.get(run.id, -math.inf) < len(run.curve.t_s) / POINTS_PER_S:
            return None
        self._curve_s[run.id] = now_s
        return rows.pack(run)

    def runs(self, project: str | None = None, curves: bool = True) -> list[Run]:
        """All runs, or a project's, in the order in which they began. Without curves it is several times faster."""
        with plain_errors(self.path):
            return list(select(self._db, project, curves))

    def close(self) -> None:
        """Let go of the file; the last one to do so folds the WAL into it."""
        self._db.close()


def select(db: sqlite3.Connection, project: str | None, curves: bool) -> Iterator[Run]:
    """Runs one by one; a row that holds none is passed over. Raises sqlite3.Error where the file is damaged."""
    columns = "run, state, boot_id, pid, pid_started, updated_at" + (", curve" if curves else "")
    where, values = ("WHERE project = ?", [rows.storable(project)]) if project is not None else ("", [])
    for record in db.execute(f"SELECT {columns} FROM runs {where} ORDER BY seq", values):  # noqa: S608 - constants
        try:
            yield rows.read(*record)
        except (ValueError, TypeError):
            continue


def _prepare(db: sqlite3.Connection) -> None:
    # NORMAL: with WAL the file survives a loss of power, the last commits may not. FULL costs 90 times as much.
    db.execute("PRAGMA synchronous = NORMAL")
    if version(db) != len(STEPS):
        _migrate(db)
    try:
        db.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        return  # no shared memory on this file system, or somebody is doing the same this moment: it works without


def _migrate(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        known = version(db)
        if known > len(STEPS):
            raise OSError("the ledger was written by a newer version of carbon_magic")
        for step in STEPS[known:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    # The first page on disk tells the version to whoever looks without the WAL.
    db.execute("PRAGMA wal_checkpoint")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino
