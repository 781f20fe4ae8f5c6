"""Which file the ledger is in: the one asked for, or the first sound one beside it. Unsound files stay as they are."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING, Any, TypeVar

from .. import own
from ..alive import NOBODY
from . import Say, answers, rows
from .schema import APPLICATION_ID, STEPS
from .sqlite import DamagedError, SqliteStore, code, connect, plain_errors, select, version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..own import Span
    from ..run import Run

MOST = 99
CHECK_BYTES = 32_000_000
"""Up to this size every page is checked before a file is written to, in some 20 ms; beyond, what is met on the way."""

_T = TypeVar("_T")
_damaged: set[Path] = set()
"""Found to be damaged in use by this process."""


def candidates(path: Path) -> Iterator[Path]:
    """ledger.db, ledger-2.db, ledger-3.db ..."""
    yield path
    if not path.name:
        return  # the root: nothing is beside it
    for n in range(2, MOST + 1):
        yield path.with_name(f"{path.stem}-{n}{path.suffix}")


def open_healthy(path: Path, say: Say) -> SqliteStore:
    """The first candidate that can be written to, told where it is not the one asked for."""
    reasons: list[str] = []
    for candidate in candidates(path):
        reason = unfit(candidate, deep=True)
        if reason is None:
            try:
                store = _Watched(candidate)
            except DamagedError:
                _damaged.add(candidate)
                reason = "is damaged"
            else:
                if reasons:
                    fate = f"it is left as it is, and runs go to {candidate.name[-40:]} beside it."
                    say(sentence(path, reasons[0], fate))
                return store
        reasons.append(reason)
    raise OSError(f"neither {path} nor what is beside it is a sound ledger")


def forget(path: Path) -> None:
    """That a file was damaged: it has been replaced."""
    _damaged.discard(path)


class _Watched(SqliteStore):
    """Damage that shows in use is remembered, so that the next opening goes past this file."""

    def put(self, run: Run) -> None:
        try:
            super().put(run)
        except DamagedError:
            _damaged.add(self.path)
            raise


def sentence(path: Path, reason: str, fate: str) -> str:
    """What is wrong with a file and what comes of it, in at most 300 characters."""
    name = str(path) if len(str(path)) <= 130 else f"…{str(path)[-129:]}"
    return f"{name} {reason}: {fate}"


def existing(path: Path) -> Iterator[Path]:
    """The candidates that exist. Runs may be in several, where one was damaged for a while: all of them count."""
    for candidate in candidates(path):
        try:
            candidate.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield candidate


class Files:
    """The runs in a ledger's file, and in those beside it that stood in for it. Changes nothing."""

    def __init__(self, path: Path, say: Say | None = None) -> None:
        self.path = path
        self._say = say
        self._told: set[Path] = set()

    def load(
        self, project: str | None = None, curves: bool = False, only: Collection[tuple[str, str]] | None = None
    ) -> list[Run]:
        """The runs themselves; of those with these (id, host)."""
        runs: list[Run] = []
        for path in existing(self.path):
            runs += self._read(path, lambda db: select(db, project, curves, only))
        return rows.newest(runs)

    def table(self, project: str | None = None, columns: Sequence[str] = answers.NAMES) -> list[tuple[Any, ...]]:
        """Values of these columns; see answers.table."""
        found = list(existing(self.path))
        if (
            len(found) == 1
            and (lines := self._answer(found[0], lambda db: list(answers.table(db, project, columns)))) is not None
        ):
            return lines
        return answers.pick(self._together(found, project), columns)

    def totals(self, project: str | None = None) -> answers.Totals:
        """What they took together."""
        found = list(existing(self.path))
        if len(found) == 1 and (sums := self._answer(found[0], lambda db: answers.totals(db, project))) is not None:
            return sums
        return answers.add_up(self._together(found, project))

    def projects(self) -> dict[str, answers.Totals]:
        """What those of each project took together."""
        found = list(existing(self.path))
        if len(found) == 1 and (sums := self._answer(found[0], answers.projects)) is not None:
            return sums
        names = dict.fromkeys(str(line[2]) for line in self._together(found, None))
        return {name: answers.add_up(self._together(found, name)) for name in names}

    def copy(self, to: Path) -> bool:
        """Copy the file as it is this moment; False where that takes more than a copy."""
        found = list(existing(self.path))
        part = to.with_name(f".{to.name}.part")

        def work(db: sqlite3.Connection) -> bool:
            target = sqlite3.connect(part)
            try:
                db.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")  # one file, not three
            finally:
                target.close()
            return True

        try:
            if len(found) != 1 or unfit(found[0]) is not None or not _look(found[0], work):
                return False
            part.replace(to)
        finally:
            part.unlink(missing_ok=True)
        return True

    def _answer(self, path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """What a sound file of this version says; None where it takes reading it run by run."""
        if unfit(path) is not None:
            return None

        def ask(db: sqlite3.Connection) -> _T | None:
            db.execute("BEGIN")  # sums and rows of one moment
            return work(db) if version(db) == len(STEPS) else None

        try:
            return _look(path, ask)
        except DamagedError:
            return None

    def _together(self, paths: Iterable[Path], project: str | None) -> list[tuple[Any, ...]]:
        """The table of several files, of an older one, or of what is left of a damaged one."""
        lines: dict[tuple[str, str], tuple[tuple[Any, ...], Span]] = {}
        for path in paths:
            for run in self._read(path, lambda db: select(db, project, curves=True)):
                figures = rows.figures(run, NOBODY)
                lines[figures[0], figures[1]] = figures, own.span(run)  # type: ignore[index]
        theirs = own.owns([span for _, span in lines.values()])
        return [(*figures, *held) for (figures, _), held in zip(lines.values(), theirs, strict=True)]

    def _read(self, path: Path, work: Callable[[sqlite3.Connection], Iterable[Run]]) -> list[Run]:
        """A file's runs; of a damaged one those that can be read, and `say` hears of it."""
        runs: list[Run] = []
        trouble = unfit(path)
        if trouble is None:

            def fetch(db: sqlite3.Connection) -> None:
                runs.clear()
                runs.extend(work(db))

            try:
                _look(path, fetch)
            except DamagedError:
                trouble = "is damaged, and some runs in it could not be read"
        if trouble is not None and path not in self._told and self._say is not None:
            self._told.add(path)
            self._say(sentence(path, trouble, "what it may hold is missing here."))
        return runs


def unfit(path: Path, deep: bool = False) -> str | None:
    """Why this is no ledger of ours, as the end of a sentence; None where it is one, or nothing yet.

    Changes nothing, and puts no file beside it. Raises OSError where it cannot be known.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return "is a folder" if stat.S_ISDIR(status.st_mode) else "is not a file"
    if path in _damaged:
        return "is damaged"
    if status.st_size == 0:
        return None
    try:
        return _look(path, lambda db: _verdict(db, deep and status.st_size <= CHECK_BYTES))
    except DamagedError:
        return "is damaged"


def _verdict(db: sqlite3.Connection, deep: bool) -> str | None:
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        known = version(db)
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == 0 and known == 0 and tables == 0:
            return None
        if application != APPLICATION_ID:
            return "is not a ledger of carbon_magic"
        if known > len(STEPS):
            return "was written by a newer version of carbon_magic"
        db.execute(f"SELECT {', '.join(rows.COLUMNS)} FROM runs LIMIT 0")  # noqa: S608 - constants
        if known > 1:
            db.execute(f"SELECT {', '.join(rows.FIGURES)} FROM figures LIMIT 0")  # noqa: S608 - constants
        return "is damaged" if deep and db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",) else None
    except sqlite3.OperationalError as error:
        if code(error) == sqlite3.SQLITE_READONLY:
            return None  # a crash left a transaction to be undone, which opening it for writing does
        if code(error) == sqlite3.SQLITE_ERROR:
            return "is not a ledger of carbon_magic"  # the table or a column is not there
        raise


def _look(path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T:
    """Do read-only work on a file. Always through SQLite: a plain open() and close() would drop this process's locks.

    Where no connection is open anywhere, "immutable" reads it without creating a -wal and a -shm beside it. If
    somebody comes and writes meanwhile, it is done again, the ordinary way.
    """
    before = _state(path)
    if before[-2:] == (False, False):
        try:
            result = _with(path, "mode=ro&immutable=1", work)
        except DamagedError:
            if _state(path) == before:
                raise
        else:
            if _state(path) == before:
                return result
    return _with(path, "mode=ro", work)


def _with(path: Path, options: str, work: Callable[[sqlite3.Connection], _T]) -> _T:
    with plain_errors(path):
        db = connect(path, options)
        try:
            return work(db)
        finally:
            db.close()


def _state(path: Path) -> tuple[object, ...]:
    """Changes when anybody writes; the last two: there is a WAL, there is a journal."""
    s = path.stat()
    real = path.resolve()  # SQLite follows a link before it names the other files
    beside = (real.with_name(real.name + end).exists() for end in ("-wal", "-journal"))
    return s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, *beside
