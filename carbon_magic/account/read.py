"""A project's account, read from the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from ..device import Device
from ..grid import Intensity
from ..run import Run
from .entry import Entry
from .project import Project

if TYPE_CHECKING:
    from ..store.ledger import Ledger


COLUMNS = (
    "id", "host", "name", "stage", "state", "started_at", "duration_s", "energy_j", "energy_j_low", "energy_j_high",
    "co2e_g", "co2e_g_low", "co2e_g_high", "method", "measured_fraction", "gpus", "tags", "cost", "more",
)  # fmt: skip
"""The ledger's columns in the order of Entry's fields; `more` is JSON of what has no column, the grid's basis in it."""


def read(ledger: Ledger, name: str) -> Project:
    """All that is on record under a name; an account of no runs where there are none.

    Raises OSError in plain words where the ledger cannot be read.
    """
    basis = cache(_basis)  # one text for most runs
    entries = [Entry._make((*line, basis(more))) for *line, more in ledger.lines(name, COLUMNS)]

    def details(some: Sequence[int]) -> list[Run]:
        keys = [(entries[i].id, entries[i].host) for i in some]
        found = {(run.id, run.host): run for run in ledger.load(name, curves=True, only=keys)}
        return [found.get(key) or _bare(entries[i]) for i, key in zip(some, keys, strict=True)]

    return Project.from_entries(name, entries, details)


def _basis(more: str | None) -> str:
    """What the grid's figure counts; empty in a ledger of an earlier version."""
    try:
        told = json.loads(more or "{}")
    except ValueError:
        return ""
    return str(told.get("basis") or "") if isinstance(told, dict) else ""


def _bare(entry: Entry) -> Run:
    """A run of which only its line can be read."""
    return Run(
        id=entry.id,
        name=entry.name,
        state="done",
        started_at=entry.started_at,
        duration_s=entry.duration_s,
        energy_j_range=entry.energy_j_range,
        grid=Intensity(0.0, (0.0, 0.0), "", "", 0, "", "", "", "", ""),
        devices=(Device("", "cpu", entry.energy_j, entry.energy_j_range, "", "modelled"),),
        host=entry.host,
    )
