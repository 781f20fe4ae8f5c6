"""One look at a run in progress, as the watcher publishes it."""

from __future__ import annotations

from dataclasses import dataclass

from .ranges import Range


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of what may be spent is spent, for a bar: both in one unit, which `label` names."""

    used: float
    limit: float
    label: str
    """What is counted, in words: "43.1 of 50.0 g CO2e", "8 of 10 min"."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Figures so far, and each device's mean watts since the last tick (None: a gap)."""

    n: int
    t_s: float
    watts: dict[str, float | None]
    energy_j: float
    energy_j_range: Range
    co2e_g: float
    co2e_g_range: Range
    budget: Budget | None = None
    """None where there is none, so that no bar is shown."""
