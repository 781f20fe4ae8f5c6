"""A run as one line of an account: what sums, groups and choices need, without devices and curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..ranges import Range
    from ..run import Run, Tag


class Entry(NamedTuple):
    """Named as Run's attributes; ranges as two numbers, as a ledger's columns have them."""

    id: str
    host: str
    name: str
    stage: str | None
    state: str
    started_at: float
    duration_s: float
    energy_j: float
    energy_j_low: float
    energy_j_high: float
    co2e_g: float
    co2e_g_low: float
    co2e_g_high: float
    method: str
    measured_fraction: float
    gpus: int
    told_tags: Mapping[str, Tag] | str
    """A mapping, or JSON that has not been read yet: of thousands of runs most are never asked."""
    cost: float | None = None
    """Money by the run's first price, in whatever currency; None where none is known."""
    basis: str = ""
    """What the grid's figure counts, as Intensity.basis says it."""

    @property
    def tags(self) -> Mapping[str, Tag]:
        if not isinstance(self.told_tags, str):
            return self.told_tags
        try:
            tags = json.loads(self.told_tags)
        except ValueError:
            return {}
        return tags if isinstance(tags, dict) else {}

    @property
    def energy_j_range(self) -> Range:
        return self.energy_j_low, self.energy_j_high

    @property
    def co2e_g_range(self) -> Range:
        return self.co2e_g_low, self.co2e_g_high

    @property
    def ended_at(self) -> float:
        return self.started_at + self.duration_s

    @classmethod
    def of(cls, run: Run) -> Entry:
        """A run's line."""
        return cls(
            run.id,
            run.host,
            run.name,
            run.stage,
            run.state,
            run.started_at,
            run.duration_s,
            run.energy_j,
            *run.energy_j_range,
            run.co2e_g,
            *run.co2e_g_range,
            run.method,
            run.measured_fraction,
            run.gpus,
            run.tags,
            run.cost.amount if run.cost else None,
            run.grid.basis,
        )
