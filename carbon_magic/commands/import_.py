"""%carbon import FILE: runs from an export, another ledger, a spool, or CodeCarbon's emissions.csv."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from .. import labels, process, screen

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

USAGE = "%carbon import FILE [PROJECT]: a .csv (ours or CodeCarbon's), .json, .parquet, .db, or a spool's folder"


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Bring them in, under their own project or another."""
    if not 1 <= len(words) <= 2:
        raise UsageError(USAGE)
    path = Path(words[0]).expanduser()
    try:
        with process.current().ledger() as ledger:
            merged = ledger.merge(path, words[1] if words[1:] else None, progress=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"%carbon import: {labels.clean(str(error))}") from None
    told = str(merged)
    screen.show_bundle(shell, {"text/plain": told, "text/html": f"<p>{escape(told)}</p>"})
