"""What a grid emits per kWh, where the figure comes from, and how the place was chosen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .series import Series


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Intensity(Record):
    """Carbon intensity of electricity at one place, in grams of CO2e per kWh, with its 90 % range."""

    intensity_g_per_kwh: float
    intensity_range: tuple[float, float]
    place: str
    """The key of the place: "FR", "US-CA", "EGRID:SRSO", "aws:eu-west-1", "WORLD"."""
    name: str
    year: int
    basis: str
    """"lifecycle" or "direct" (at the power plants only), and what else to know before two figures are compared."""
    source: str
    boundary: str
    licence: str
    how: str
    """How the place was chosen, in plain words."""
    series: Series | None = None
    """The live figures of a run's own hours, of which the intensity is the mean; None of an annual figure."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"intensity_range": list(self.intensity_range)}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Intensity:
        """The reverse of to_dict; fields it does not know are left out. Raises KeyError where one is missing."""
        fields = {name: d[name] for name in cls.__dataclass_fields__ if name != "series"}
        low, high = fields["intensity_range"]
        found = cls(**{**fields, "intensity_range": (float(low), float(high))})
        if not d.get("series"):
            return found
        from .series import Series

        return replace(found, series=Series.from_dict(d["series"]))
