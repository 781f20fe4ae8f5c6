"""What %carbon export and %carbon import have in common: a file's name, a project perhaps, the ledger, an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from .. import labels, process, screen

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..store.ledger import Ledger

Do = Callable[["Ledger", Path, str | None], str]
"""With the ledger, a file and a project, or none, do something; returns what it came to."""


def run(shell: InteractiveShell, name: str, words: Sequence[str], usage: str, do: Do) -> None:
    """Do it and show the answer. UsageError in a sentence where the words or the file are not in order."""
    if not 1 <= len(words) <= 2:
        raise UsageError(usage)
    try:
        with process.current().ledger() as ledger:
            told = do(ledger, Path(words[0]).expanduser(), words[1] if words[1:] else None)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"%carbon {name}: {labels.clean(str(error))}") from None
    screen.show_bundle(shell, {"text/plain": told, "text/html": f"<p>{escape(told)}</p>"})
