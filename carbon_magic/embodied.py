"""The making of the machine: what of it falls to a run, by the SCI formula. Off unless its kilograms are given.

ISO/IEC 21031:2024 (Software Carbon Intensity): M = TE x (TiR / EL) x (RR / ToR), the machine's total embodied emissions
by the time reserved over the lifetime expected and by the resources reserved over all there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .ranges import Range
from .units import USUAL_YEARS

_S_PER_YEAR = 365.25 * 86400
_HALF_TO_DOUBLE = (0.5, 2.0)
"""A judgement, as nobody publishes a range: footprints of like machines differ by two, and lifetimes are plans."""


@dataclass(frozen=True, slots=True)
class Embodied:
    """A machine's making, and the part of it that a run is charged with."""

    total_kg: float
    """TE: all that its making emitted, kg of CO2e."""
    lifetime_years: float = USUAL_YEARS
    """EL."""
    share: float = 1.0
    """RR / ToR: the part of the machine that was reserved for this work."""

    def g(self, duration_s: float) -> float:
        """M, in grams of CO2e, of so many seconds (TiR)."""
        return 1000 * self.total_kg * duration_s / (self.lifetime_years * _S_PER_YEAR) * self.share

    def g_range(self, duration_s: float) -> Range:
        """Its 90 % range."""
        low, high = _HALF_TO_DOUBLE
        return low * self.g(duration_s), high * self.g(duration_s)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Embodied:
        """The reverse of dataclasses.asdict."""
        return cls(float(d["total_kg"]), float(d["lifetime_years"]), float(d["share"]))
