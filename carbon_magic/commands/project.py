"""%carbon project: what everything took that was tried, and how much of it the final model's run was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from .. import labels, process, screen
from ..account.groups import KEYS, key_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..account import Project

DEFAULT = ("stage",)
"""The weeks are in the picture below it."""


def parser(command: str) -> Any:
    """What %carbon project and %carbon report both take: a project and its final runs."""
    made = MagicArgumentParser(f"%carbon {command}")
    made.allow_abbrev = False
    made.add_argument("--final", action="append", metavar="SELECTOR")
    return made


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Show a project: %carbon project [NAME] [--final SELECTOR]... [--by stage|week|month|state|host|tag:NAME]..."""
    asked = parser("project")
    asked.add_argument("name", nargs="?")
    asked.add_argument("--by", action="append", metavar="|".join((*KEYS, "tag:NAME")))
    try:
        options = asked.parse_args(list(words))
        for what in options.by or ():
            key_of(what)
        found = chosen(options.name, options.final)
    except (ValueError, OSError) as error:
        raise UsageError(f"%carbon project: {error}") from None
    screen.show_project(shell, found, options.by or DEFAULT)


def chosen(name: str | None, final: Sequence[str] | None) -> Project:
    """A project that has runs, with its final ones. ValueError in a sentence where there is none."""
    found = process.current().project(name)
    if not found.entries and name is not None:
        raise ValueError(f"there is no project {labels.clean(name)!r} on record{_near(name)}")
    return found.choose(*final) if final else found


def _near(name: str) -> str:
    """The names on record that come close."""
    import difflib

    known = sorted(process.current().ledger().projects()["project"])
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:5]
    return f"; there are {', '.join(map(repr, near))}" if near else ""
