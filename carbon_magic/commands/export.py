"""%carbon export FILE: the runs on record as CSV, JSON, Parquet, or a ledger's file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from .. import labels, process, screen

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

USAGE = "%carbon export FILE [PROJECT]: a name that ends in .csv, .json, .parquet or .db says what to write"


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Write them, of one project or of all."""
    if not 1 <= len(words) <= 2:
        raise UsageError(USAGE)
    path = Path(words[0]).expanduser()
    try:
        with process.current().ledger() as ledger:
            count = ledger.export(path, words[1] if words[1:] else None)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"%carbon export: {labels.clean(str(error))}") from None
    told = f"{count:,} run{'s' if count != 1 else ''} written to {path}"
    screen.show_bundle(shell, {"text/plain": told, "text/html": f"<p>{escape(told)}</p>"})
