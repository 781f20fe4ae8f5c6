"""A ledger on a network file system: each process adds lines to a file of its own, and who asks merges them.

Nobody locks anything, nobody writes to another's file. What is asked is answered from a local cache, an ordinary
ledger that is made anew wherever it is gone.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..alive import NOBODY, Owner, me
from . import Say, answers, files, lines, network, rows
from .sqlite import DamagedError, SqliteStore, enter, move, plain_errors, transaction
from .sums import Sums

if TYPE_CHECKING:
    from ..run import Run

READ = "CREATE TABLE IF NOT EXISTS spool_read (name TEXT PRIMARY KEY, offset INTEGER NOT NULL, state TEXT)"
SMALLER_BYTES = 1_000_000
"""Lines that newer ones have made useless are dropped when a run ends, once there are so many bytes of them."""


def folder(path: Path) -> Path:
    """The spool that stands in for a ledger's file: ledger-spool for ledger.db."""
    return path.with_name(f"{path.stem or 'ledger'}-spool")


class SpoolStore:
    """One process's file in a spool. Methods raise OSError."""

    def __init__(self, spool: Path) -> None:
        spool.mkdir(parents=True, exist_ok=True)
        host = re.sub(r"[^A-Za-z0-9.-]", "_", os.uname().nodename if hasattr(os, "uname") else "")[:60]
        self.path = spool / f"{host}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self._file = self._open(self.path)
        self._whole: dict[str, Run] = {}
        """Running runs as they were last written as a whole."""
        self._ends: dict[str, bytes] = {}
        self._useless = 0

    @staticmethod
    def _open(path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)

    def put(self, run: Run) -> None:
        """Keep this snapshot: it counts in place of the one before."""
        before = self._whole.get(run.id)
        if run.state == "running" and before is not None and not run.curve.t_s and rows.moves_only(run, before):
            line = lines.moved(run)
        else:
            line = lines.whole(run, me())
            self._whole[run.id] = run
        if not self.path.exists():
            raise FileNotFoundError(f"{self.path} was moved or deleted")
        self._write(self._file, line)
        self._useless += len(line)
        if run.state != "running":
            self._whole.pop(run.id, None)
            self._ends[run.id] = line
            self._useless -= len(line)
            if self._useless > SMALLER_BYTES and not self._whole:
                self._shrink()

    def put_all(self, runs: Iterable[Run], owner: Owner | None = None) -> None:
        """Keep many."""
        for run in runs:
            self._write(self._file, lines.whole(run, owner or me()))

    @staticmethod
    def _write(file: int, line: bytes) -> None:
        if os.write(file, line) < len(line):
            os.write(file, b"\n")  # the torn line must not take the next one with it
            raise OSError("the spool's disk is full")

    def _shrink(self) -> None:
        """Ended runs alone, in a new file in place of this one."""
        new = self.path.with_suffix(".part")
        file = self._open(new)
        try:
            self._write(file, b"".join(self._ends.values()))
            os.fsync(file)
            new.replace(self.path)
        except BaseException:
            os.close(file)
            raise
        os.close(self._file)
        self._file, self._useless = file, 0

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class Spool:
    """The runs of a spool, and of the ledger's file beside it from before; answered from the cache."""

    def __init__(self, path: Path, say: Say | None = None, cache: Path | None = None) -> None:
        self._path, self._folder, self._say = path, folder(path), say
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:24]
        self._cache = cache or local_cache() / f"{name}.db"

    def load(
        self, project: str | None = None, curves: bool = False, only: Collection[tuple[str, str]] | None = None
    ) -> list[Run]:
        """The runs themselves."""
        return self._merged().load(project, curves, only)

    def table(self, project: str | None = None, columns: Sequence[str] = answers.NAMES) -> list[tuple[Any, ...]]:
        """Values of these columns; see answers.table."""
        return self._merged().table(project, columns)

    def totals(self, project: str | None = None) -> answers.Totals:
        """What they took together."""
        return self._merged().totals(project)

    def projects(self) -> dict[str, answers.Totals]:
        """What those of each project took together."""
        return self._merged().projects()

    def _merged(self) -> files.Files:
        for again in (True, False):
            try:
                if files.unfit(self._cache, deep=True) is not None:
                    raise DamagedError(f"{self._cache} is no cache of ours")
                self.merge()
                break
            except DamagedError:
                if not again:
                    raise
                for end in ("", "-wal", "-shm", "-journal"):  # all that is in it is in the spool
                    self._cache.with_name(self._cache.name + end).unlink(missing_ok=True)
                files.forget(self._cache)
        return files.Files(self._cache, self._say)

    def merge(self) -> None:
        """Bring the cache up to date. Whoever else does the same meanwhile waits, and finds it done."""
        store = SqliteStore(self._cache)
        try:
            with plain_errors(self._cache):
                db = store.db
                db.execute(READ)
                with transaction(db):
                    sums = Sums(db)
                    known = {name: (offset, state) for name, offset, state in db.execute("SELECT * FROM spool_read")}
                    for path in files.existing(self._path):
                        self._merge_file(db, sums, path, known.get(str(path)))
                    for path in sorted(self._folder.glob("*.jsonl")):
                        self._merge_lines(db, sums, path, known.get(str(path), (0, None)))
                    sums.close()
        finally:
            store.close()

    def _merge_lines(self, db: sqlite3.Connection, sums: Sums, path: Path, known: tuple[int, str | None]) -> None:
        status = path.stat()
        state = str(status.st_ino)
        offset = known[0] if known[1] == state and known[0] <= status.st_size else 0  # else it was made smaller
        if status.st_size <= offset:
            return
        with path.open("rb") as file:
            file.seek(offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]  # the last line may be half written
        for line in lines.read(text):
            apply(db, sums, line)
        self._remember(db, path, offset + len(text), state)

    def _merge_file(self, db: sqlite3.Connection, sums: Sums, path: Path, known: tuple[int, str | None] | None) -> None:
        """A ledger from before it was known that this is a network, or of a machine that does not know."""
        status = path.stat()
        state = f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"
        if known is not None and known[1] == state:
            return
        for run in files.Files(path, self._say).load(curves=True):
            apply(db, sums, lines.Line(run.id, run.host, NOBODY, status.st_mtime, run))
        self._remember(db, path, 0, state)

    @staticmethod
    def _remember(db: sqlite3.Connection, path: Path, offset: int, state: str) -> None:
        db.execute("INSERT OR REPLACE INTO spool_read VALUES (?, ?, ?)", (str(path), offset, state))


def apply(db: sqlite3.Connection, sums: Sums, line: lines.Line) -> None:
    """What a line says, into a ledger's file."""
    if line.run is not None:
        enter(db, sums, line.run, line.owner, rows.pack(line.run), line.updated_at)
    else:
        move(db, line.moved, line.run_id, line.host)


def local_cache() -> Path:
    """A folder on this machine for what can be made anew."""
    import platformdirs

    chosen = platformdirs.user_cache_path("carbon_magic", appauthor=False)
    if not network.is_network(chosen):
        return chosen
    import tempfile

    here = Path(tempfile.gettempdir()) / f"carbon_magic-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
    here.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and here.stat().st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="carbon_magic-"))  # somebody else was there first
    return here
