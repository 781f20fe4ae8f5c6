"""%carbon: the session summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import process, screen
from ..desk import Desk
from . import no_more

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """The runs of this process, and their total."""
    no_more("session", words)
    now = process.current()
    now.settings({})  # the units may have been chosen a moment ago
    screen.show_session(shell, now.session(), Desk(now))
