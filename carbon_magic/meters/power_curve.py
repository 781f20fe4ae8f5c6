"""Watts of processors by their load: a few points, straight between them, each with its 90 % range."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from .. import data
from ..ranges import Range, product


class PowerCurve(NamedTuple):
    """Of all the processors, or the part of them, that this machine owns."""

    basis: str
    """What the watts are taken from."""
    loads: tuple[float, ...]
    """From 0 to 1, rising."""
    watts: tuple[float, ...]
    low_w: tuple[float, ...]
    high_w: tuple[float, ...]
    notes: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    """Parts whose watts are in these ("dram")."""

    def at(self, load: float) -> tuple[float, float, float]:
        """Watts at a load, and their 90 % range; outside of the curve, those of its end."""
        i = min(max(1, bisect_left(self.loads, load)), len(self.loads) - 1)
        part = (load - self.loads[i - 1]) / (self.loads[i] - self.loads[i - 1])
        part = min(1.0, max(0.0, part))
        watts, low_w, high_w = (
            line[i - 1] + part * (line[i] - line[i - 1]) for line in (self.watts, self.low_w, self.high_w)
        )
        return watts, low_w, high_w


def of_tdp(tdp_w: float, tdp_range: Range, basis: str, notes: Sequence[str] = ()) -> PowerCurve:
    """The curve of data/cpu_load_curve.csv, as many watts high as the thermal design power says.

    `tdp_range` is the 90 % range of truth ÷ that power: (1, 1) where the processor's own is known.
    """
    rows = list(data.rows("cpu_load_curve"))
    watts = [tdp_w * float(row["of_tdp"]) for row in rows]
    ranges = [product((1.0, (float(row["low"]), float(row["high"]))), (1.0, tdp_range)) for row in rows]
    return PowerCurve(
        basis,
        tuple(float(row["load"]) for row in rows),
        tuple(watts),
        tuple(watt * low for watt, (low, _) in zip(watts, ranges, strict=True)),
        tuple(watt * high for watt, (_, high) in zip(watts, ranges, strict=True)),
        tuple(notes),
    )
