"""What %carbon can do: one file per subcommand, each with a `run(shell, words)`, and one line here.

A module is imported when its command is first asked for. It raises UsageError in a sentence for words it cannot take,
and shows its answer through `screen.show_bundle`, so that a terminal and a notebook say the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

from IPython.core.error import UsageError

from .. import labels

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

COMMANDS: dict[str, str] = {
    "session": "the runs of this notebook and their total: what %carbon alone shows",
    "project": "everything that a project took, by stage, week or tag, and its development multiplier",
    "report": "the account of a project for a paper, a checklist, a model card; %carbon report lists the forms",
    "meters": "what measures this machine, what is missing, and what would open it",
    "calibrate": "measure this machine at rest for a minute, and with --load at work: better figures from then on",
    "where": "which grid the electricity is from, why, and how to set it; --compare: the session on other grids",
    "ruler": "this session, or a project, on one scale from a phone charge to GPT-3; -o poster.pdf",
    "export": "the runs on record to a file: .csv, .json, .parquet or .db",
    "import": "runs from such a file, another ledger, or CodeCarbon's emissions.csv",
    "help": "this list",
}
"""Each subcommand, the name of its module too, and what it is for."""
MODULES = {"import": "import_"}
"""Where a word of Python's own cannot be a module's name."""


class Command(Protocol):
    """What the module of a subcommand holds."""

    def run(self, shell: InteractiveShell, words: Sequence[str]) -> None:
        """Do it. `words` are what follows the command's name, split as a shell splits."""
        ...


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Do what the words of a %carbon line say. UsageError in a sentence where there is no such command."""
    name, rest = (words[0], words[1:]) if words else ("session", ())
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f" (did you mean %carbon {near[0]}?)" if near else ""
        raise UsageError(
            f"%carbon has no command {labels.clean(name)!r}{hint}: %carbon help lists them; "
            "to measure a cell, put %%carbon on its first line."
        )
    cast("Command", importlib.import_module(f".{MODULES.get(name, name)}", __name__)).run(shell, rest)


def no_more(name: str, words: Sequence[str], but: str = "") -> None:
    """Refuse words after a command that takes none, or none `but` some."""
    if words:
        raise UsageError(
            f"%carbon {name} takes no arguments{but and f' {but}'}, {labels.clean(' '.join(words))!r} here."
        )
