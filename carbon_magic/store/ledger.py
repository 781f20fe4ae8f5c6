"""Every run on record, as tables. Reads only: it opens the file for each question, and never holds up a writer."""

from __future__ import annotations

import operator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .. import labels
from ..totals import COLUMNS
from . import Say, Where, answers, frames, open_at, rows
from .files import Files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import TracebackType

    import pandas as pd

    from ..run import Run
    from .answers import Totals
    from .importing import Merged


class Source(Protocol):
    """Where runs are read from. Raises OSError in plain words."""

    def load(self, project: str | None, curves: bool, only: Collection[tuple[str, str]] | None) -> list[Run]:
        """The runs themselves, in the order in which they began; of those with these (id, host)."""
        ...

    def table(self, project: str | None, columns: Sequence[str] = ...) -> list[tuple[Any, ...]]:
        """Values of these columns; see answers.table."""
        ...

    def totals(self, project: str | None) -> Totals:
        """What they took together."""
        ...

    def projects(self) -> dict[str, Totals]:
        """What those of each project took together."""
        ...


class Ledger:
    """The runs of all processes that write to this file, and to those beside it that stood in for it.

    `path` is the file asked for. `settle` is called before each question, so that this process's own runs are in the
    answer. `say` hears of files that cannot be read. Every question raises OSError in plain words where the ledger
    cannot be read at all, and ValueError after close().
    """

    def __init__(
        self,
        where: Path | Where,
        settle: Callable[[], object] | None = None,
        say: Say | None = None,
    ) -> None:
        self._where = where if isinstance(where, Where) else Where("sqlite", where)
        self.path = self._where.path
        self._say: Say = say if say is not None else _unheard
        self._source = _source(self._where, say)
        self._settle = settle
        self._closed = False

    def load(
        self, project: str | None = None, curves: bool = False, only: Collection[tuple[str, str]] | None = None
    ) -> list[Run]:
        """The runs themselves, in the order in which they began; their curves only if asked for, which takes longer.

        `only`: of those with these (id, host).
        """
        return self._ask().load(project, curves, only)

    def lines(self, project: str | None, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Tuples of these columns (of rows.FIGURES, and own, own_s, own_gpu_s), one a run: a table without pandas."""
        figures = dict.fromkeys((*columns, *frames.OWNER) if "state" in columns else columns)
        owns = answers.NAMES[-answers.HALF :]
        wanted = (*(name for name in figures if name not in owns), *(owns if figures.keys() & set(owns) else ()))
        lines = self._ask().table(project, wanted)
        if "state" in columns:
            lines = frames.alive(lines, wanted)
        if wanted == tuple(columns):
            return lines
        get = operator.itemgetter(*map(wanted.index, columns))
        return [get(line) for line in lines] if len(columns) > 1 else [(get(line),) for line in lines]

    def runs(self, project: str | None = None) -> pd.DataFrame:
        """A DataFrame with a row per run, columns named as Run's attributes; of one project, or of all."""
        return self.table(project)[list(COLUMNS)]

    def table(self, project: str | None = None) -> pd.DataFrame:
        """The same with more columns, all of them for questions in pandas. No joule twice: sum `energy_j * own`.

        `own` is the part of a run's energy, 0 to 1, that no longer run of the project (or, without one, of the
        ledger) counted already on the same host; `own_s` the seconds in which none was going; `own_gpu_s` the same
        of GPUs. Also `ended_at`, `updated_at`, `gpu_hours`, and what else is known: `seed`, `git_commit`, `notebook`,
        `cell_hash`, `hardware`.
        """
        return frames.table(self._ask().table(project))

    def totals(self, project: str | None = None) -> pd.DataFrame:
        """A DataFrame of one row: what all runs, or a project's, took together; overlaps on a host count once.

        `runs`, `duration_s` (seconds in which at least one was going), `energy_kwh` and `co2e_kg` with their 90 %
        ranges (low, high), `measured_fraction` (the part of the energy that an instrument told, 0 to 1), `gpu_hours`
        (hours of GPUs of which at least one run made use). However many runs there are, it takes milliseconds.
        """
        return frames.totals(self._ask().totals(project))

    def sums(self, project: str | None = None) -> Totals:
        """The same as plain numbers, without pandas. Units as in store.schema.TOTALS."""
        return self._ask().totals(project)

    def projects(self) -> pd.DataFrame:
        """A DataFrame with a row per project: its name, and the columns of totals()."""
        return frames.totals(self._ask().projects())

    def _ask(self) -> Source:
        if self._closed:
            raise ValueError("this ledger is closed: carbon_magic.ledger() opens it again")
        if self._settle is not None:
            self._settle()
        return self._source

    def export(self, path: Path | str, project: str | None = None) -> int:
        """Write all runs, or a project's, to a .csv, .json, .parquet or .db file; returns how many.

        In CSV no text begins as a formula does. JSON and .db have the power curves too. Each comes back by merge().
        Raises OSError where it cannot be written, ValueError for another kind of file.
        """
        from .export import export

        path = Path(path)
        return export(self.load(project, curves=path.suffix.lower() in (".json", ".db")), path)

    def backup(self, path: Path | str) -> Path:
        """Copy the ledger, in use or not, to a new file that is a ledger itself. Raises OSError where it cannot."""
        path = Path(path)
        if path.exists():
            raise FileExistsError(f"{path} is there already, and is not written over")
        if isinstance(self._source, Files) and self._ask() and self._source.copy(path):
            return path
        from .export import export

        part = path.with_name(f".{path.name}.db")
        export(self.load(curves=True), part)
        return part.replace(path)

    def merge(self, path: Path | str, project: str | None = None, progress: bool = False) -> Merged:
        """Bring in runs of a file, under their own project or another; of what was new, known, and could not be read.

        A .csv or .parquet or .json of export(), another ledger's .db, a spool's folder, or CodeCarbon's emissions.csv
        of any version. Doing it again changes nothing. Raises OSError where the file or the ledger cannot be used,
        ValueError in a sentence where it is no file of runs.
        """
        from . import importing

        found, unread = importing.read(Path(path))
        if project is not None:
            found = [replace(run, project=labels.clean(project)) for run in found]
        here = {(i, host): state for i, host, state in self.lines(None, ("id", "host", "state"))}
        keys = [(rows.storable(run.id), rows.storable(run.host)) for run in found]
        new = sum(key not in here for key in keys)
        # What ended stays as it is; of what was going, or was left behind, the end may be told elsewhere.
        wanted = [
            run
            for run, key in zip(found, keys, strict=True)
            if key not in here or (here[key] == "running" and run.state != "running")
        ]
        if wanted:
            importing.write(wanted, lambda: open_at(self._where, self._say), progress)
        return importing.Merged(new, len(found) - new, unread)

    def close(self) -> None:
        """No more questions."""
        self._closed = True

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._where.url:
            return f"<Ledger {self._source!r}>"
        return f"<Ledger {str(self.path)!r}>"


def _unheard(_: str) -> None:
    """Nobody is there to hear it."""


def _source(where: Where, say: Say | None) -> Source:
    if where.kind == "postgresql":
        from .postgres import Postgres

        return Postgres(where.url)
    if where.kind == "spool":
        from .spool import Spool

        return Spool(where.path, say)
    return Files(where.path, say)
