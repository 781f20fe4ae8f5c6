"""The ledger as a file for other programs: CSV, JSON, Parquet, or a ledger's file of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..alive import NOBODY
from . import rows, texts

if TYPE_CHECKING:
    import pandas as pd

    from ..run import Run

FORMAT = "carbon_magic runs"
VERSION = 1
COLUMNS = (*(name for name in rows.FIGURES if name not in ("boot_id", "pid", "pid_started", "parts", "more")), "run")
"""Of a CSV or Parquet file; `run` is the whole of it as JSON, which import reads back."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula or a command, full-width forms too (OWASP, CSV Injection)."""
_SPACES = " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"


def export(runs: Iterable[Run], path: Path) -> int:
    """Write runs to a file by its name's end; returns how many. Whole or not at all. Raises OSError, ValueError."""
    kind = path.suffix.lower()
    if kind not in WRITERS:
        raise ValueError(f"a name that ends in {', '.join(WRITERS)} says what to write, not {path.name[-40:]!r}")
    part = path.with_name(f".{path.name[-80:]}.{os.urandom(4).hex()}.part")
    try:
        count = WRITERS[kind](runs, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def _csv(runs: Iterable[Run], path: Path) -> int:
    import csv

    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for count, run in enumerate(runs, 1):  # noqa: B007
            writer.writerow([guarded(value) for value in _cells(run)])
    return count


def guarded(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it: shown as text."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(_SPACES).startswith(FORMULA) else value


def _cells(run: Run) -> Iterator[Any]:
    figures = dict(zip(rows.FIGURES, rows.figures(run, NOBODY), strict=True))
    figures |= {"run": texts.dump(run.to_dict()), "ended_at": run.started_at + run.duration_s}
    return (figures[name] for name in COLUMNS)


def _json(runs: Iterable[Run], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"format": {json.dumps(FORMAT)}, "version": {VERSION}, "runs": [')
        for run in runs:
            file.write("\n" if count == 0 else ",\n")
            file.write(texts.dump(run.to_dict(samples=True)))
            count += 1
        file.write("\n]}\n")
    return count


def _parquet(runs: Iterable[Run], path: Path) -> int:
    frame = _frame(runs)
    try:
        frame.to_parquet(path, index=False, engine="pyarrow")
    except ImportError as error:
        raise OSError("Parquet needs pyarrow: pip install 'carbon_magic[parquet]'") from error
    return len(frame)


def _frame(runs: Iterable[Run]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame([tuple(_cells(run)) for run in runs], columns=list(COLUMNS))
    frame["seed"] = frame["seed"].map(lambda seed: None if seed is None else str(seed))  # a number or a text: one type
    return frame


def _ledger(runs: Iterable[Run], path: Path) -> int:
    from .sqlite import SqliteStore

    store = SqliteStore(path)
    try:
        found = list(runs)
        store.put_all(found, NOBODY)
    finally:
        store.close()
    return len(found)


WRITERS: dict[str, Callable[[Iterable[Run], Path], int]] = {
    ".csv": _csv, ".json": _json, ".parquet": _parquet, ".db": _ledger,
}  # fmt: skip
"""What the end of a file's name asks for."""
