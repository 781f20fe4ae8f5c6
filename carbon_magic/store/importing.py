"""Runs from a file: our own JSON, CSV, Parquet and ledgers, spools, and CodeCarbon's emissions.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..alive import NOBODY
from ..run import Run
from . import AnyStore, codecarbon, export, lines
from .rows import newest

BATCH = 500
Runs = Iterator[Run | None]
"""None stands for one that cannot be read."""


class Merged(NamedTuple):
    """What an import did."""

    new: int
    known: int
    """Were there already: importing again changes nothing."""
    unread: int
    """Could not be read."""

    def __str__(self) -> str:
        left = f"; {self.unread:,} could not be read" if self.unread else ""
        there = f", {self.known:,} were there already" if self.known else ""
        return f"{self.new:,} run{'s' if self.new != 1 else ''} imported{there}{left}"


def read(path: Path) -> tuple[list[Run], int]:
    """The runs of a file or a spool's folder, each once, and how many could not be read.

    Raises OSError, and ValueError in a sentence where it is no file of runs.
    """
    found = list(_reader(path)(path))
    runs = [run for run in found if run is not None]
    if not runs and found:
        raise ValueError(f"{path.name[-60:]} holds no run that can be read")
    longest: dict[tuple[str, str], Run] = {}
    for run in runs:  # CodeCarbon adds a line with the same id at each flush: the last one has it all
        before = longest.get((run.id, run.host))
        if before is None or run.duration_s >= before.duration_s or before.state == "running":
            longest[run.id, run.host] = run
    return newest(list(longest.values())), len(found) - len(runs)


def write(runs: Sequence[Run], open_store: Callable[[], AnyStore], progress: bool) -> None:
    """Put them into a ledger, with a bar where that takes a while. Raises OSError in plain words."""
    store = open_store()
    try:
        for first in _steps(range(0, len(runs), BATCH), progress and len(runs) > 4 * BATCH):
            store.put_all(runs[first : first + BATCH], NOBODY)
    finally:
        store.close()


def _steps(firsts: Sequence[int], progress: bool) -> Iterable[int]:
    if not progress:
        return firsts
    from tqdm.auto import tqdm

    steps: Iterable[int] = tqdm(firsts, desc="runs", unit=f" × {BATCH}", leave=False)
    return steps


def _reader(path: Path) -> Callable[[Path], Runs]:
    if path.is_dir():
        return _spool
    readers: dict[str, Callable[[Path], Runs]] = {
        ".csv": _csv, ".json": _json, ".jsonl": _lines, ".parquet": _parquet, ".db": _ledger,
    }  # fmt: skip
    kind = path.suffix.lower()
    if kind not in readers:
        raise ValueError(f"{', '.join(readers)} or a spool's folder can be imported, not {path.name[-40:]!r}")
    return readers[kind]


def _csv(path: Path) -> Runs:
    csv.field_size_limit(2**31 - 1)  # a run's JSON may be long
    # What is no UTF-8 costs its letters, not the file.
    with path.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        reader = csv.DictReader(text.replace("\0", "") for text in file)
        try:
            columns = frozenset(reader.fieldnames or ())
        except csv.Error:
            columns = frozenset()
        if "run" in columns and "energy_j" in columns:
            read_one: Callable[[Any], Run] = _whole
        elif codecarbon.is_one(columns):
            read_one = codecarbon.read
        else:
            lacks = ", ".join(sorted(codecarbon.NEEDED - columns))
            raise ValueError(f"{path.name[-60:]} is no table of runs: as CodeCarbon's it lacks {lacks}")
        yield from _each(reader, read_one)


def _each(records: Iterable[Any], read_one: Callable[[Any], Run]) -> Runs:
    records = iter(records)
    while True:
        try:
            yield read_one(next(records))
        except StopIteration:
            return
        except (ValueError, TypeError, LookupError, OverflowError, csv.Error):
            yield None


def _whole(record: Any) -> Run:
    return Run.from_dict(json.loads(record["run"]))


def _json(path: Path) -> Runs:
    try:
        d = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name[-60:]} is no JSON") from error
    if not isinstance(d, dict) or d.get("format") != export.FORMAT or not isinstance(d.get("runs"), list):
        raise ValueError(f"{path.name[-60:]} is no export of carbon_magic")
    if d.get("version", 0) > export.VERSION:
        raise ValueError(f"{path.name[-60:]} was written by a newer version of carbon_magic")
    return _each(d["runs"], Run.from_dict)


def _lines(path: Path) -> Runs:
    return (line.run for line in lines.read(path.read_bytes()) if line.run is not None)


def _spool(path: Path) -> Runs:
    for file in sorted(path.glob("*.jsonl")):
        yield from _lines(file)


def _parquet(path: Path) -> Runs:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise OSError("Parquet needs pyarrow: pip install 'carbon_magic[parquet]'") from error
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path.name[-60:]} is no Parquet file") from error
    if "run" not in table.column_names:
        raise ValueError(f"{path.name[-60:]} is no export of carbon_magic")
    return _each(({"run": text} for text in table.column("run").to_pylist()), _whole)


def _ledger(path: Path) -> Runs:
    from .files import Files, unfit

    reason = unfit(path)
    if reason is not None:
        raise ValueError(f"{path.name[-60:]} {reason}")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there")
    return iter(Files(path).load(curves=True))
