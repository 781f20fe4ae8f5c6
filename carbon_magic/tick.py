"""One look at a run in progress, as the watcher publishes it."""

from __future__ import annotations

from dataclasses import dataclass

from .ranges import Range


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
