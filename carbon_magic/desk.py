"""What may be changed after the fact: a run's name and tags, and how figures are shown from now on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import config, labels

if TYPE_CHECKING:
    from .process import Process
    from .run import Run


class Desk:
    """Takes the changes that a reader asks for, in the session summary say."""

    def __init__(self, now: Process) -> None:
        self._now = now

    def amend(self, run_id: str, *, name: str | None = None, tags: Mapping[str, Any] | None = None) -> Run:
        """Give a run of this session another name or other tags, here and in the ledger; returns it as it is now.

        A Run that somebody holds stays as it was. KeyError where there is no such run, ValueError or TypeError in a
        sentence for a bad argument.
        """
        runs, now = self._now.runs, self._now
        i = next((i for i, run in enumerate(runs) if run.id == run_id), None)
        if i is None:
            raise KeyError(run_id)
        before = runs[i]
        run = replace(
            before,
            name=before.name if name is None else labels.name(name, before.name),
            tags=before.tags if tags is None else labels.tags(tags),
        )
        runs[i] = run
        if now.last is before:
            now.last = run
        if now.pump is not None:
            now.pump.put(run)
        return run

    def prefer(self, setting: str, value: str) -> None:
        """How figures are shown from now on: as %config would set it. ValueError in a sentence for a bad value."""
        config.overrides[setting] = config.CHECKS[setting](value)
        self._now.settings({})
