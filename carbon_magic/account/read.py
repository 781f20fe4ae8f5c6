"""A project's account, read from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .entry import Entry
from .project import Project

if TYPE_CHECKING:
    from ..run import Run
    from ..store.ledger import Ledger


def read(ledger: Ledger, name: str) -> Project:
    """All that is on record under a name; an account of no runs where there are none.

    Raises OSError in plain words where the ledger cannot be read.
    """
    runs = ledger.load(name)
    place = {(run.id, run.host): i for i, run in enumerate(runs)}

    def details(some: Sequence[int]) -> list[Run]:
        found = list(runs)
        for run in ledger.load(name, curves=True):
            if (i := place.get((run.id, run.host))) is not None:
                found[i] = run
        return [found[i] for i in some]

    return Project.from_entries(name, [Entry.of(run) for run in runs], details)
