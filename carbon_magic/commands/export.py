"""%carbon export FILE: the runs on record as CSV, JSON, Parquet, or a ledger's file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import ledger_file

if TYPE_CHECKING:
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from ..store.ledger import Ledger

USAGE = "%carbon export FILE [PROJECT]: a name that ends in .csv, .json, .parquet or .db says what to write"


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Write them, of one project or of all."""
    ledger_file.run(shell, "export", words, USAGE, _write)


def _write(ledger: Ledger, path: Path, project: str | None) -> str:
    count = ledger.export(path, project)
    return f"{count:,} run{'s' if count != 1 else ''} written to {path}"
