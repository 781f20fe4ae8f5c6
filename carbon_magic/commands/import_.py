"""%carbon import FILE: runs from an export, another ledger, a spool, or CodeCarbon's emissions.csv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import ledger_file

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

USAGE = "%carbon import FILE [PROJECT]: a .csv (ours or CodeCarbon's), .json, .parquet, .db, or a spool's folder"


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Bring them in, under their own project or another."""
    ledger_file.run(
        shell, "import", words, USAGE, lambda ledger, path, project: str(ledger.merge(path, project, progress=True))
    )
