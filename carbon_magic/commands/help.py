"""%carbon help: what %carbon can do."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .. import screen
from ..report.html import TEXT, card, heading, row, table
from . import COMMANDS, no_more

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """The commands, a line each."""
    no_more("help", words)
    longest = max(map(len, COMMANDS))
    text = "\n".join(f"%carbon {name.ljust(longest)}  {what}" for name, what in COMMANDS.items())
    rows = [row((f"%carbon {name}", escape(what)), (TEXT, TEXT)) for name, what in COMMANDS.items()]
    html = card(None, "Commands", heading("%carbon", "") + table(("Command", "What it does"), (TEXT, TEXT), rows))
    screen.show_bundle(shell, {"text/plain": text, "text/html": html})
