"""How far the truth at one socket may lie from a published annual average: the 90 % range of an intensity.

An annual average hides the hour (on mixed grids hourly figures spread by a quarter around their mean), the place within
the grid, imports, and the choice of lifecycle factors (IPCC, UNECE and national ones differ by about a tenth). Figures
of one place by different publishers bear that out: the UK is 217 (Ember) and 245 (DESNZ), the US 350 (direct) and 384.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Range = tuple[float, float]

# Low and high as factors, and grams to add at the high end. Whatever comes first in the basis decides.
_BY_BASIS: tuple[tuple[str, float, float, float], ...] = (
    # A mix times median factors, without trade: other publishers' figures for the same provinces are 0.8 to 1.9 of it.
    ("lifecycle, derived", 0.5, 2.0, 30.0),
    # Generation types that nobody reported count as zero, and small zones import much.
    ("lifecycle, lower bound", 0.7, 1.6, 20.0),
    ("lifecycle", 0.7, 1.3, 0.0),
    # Only building the power plants is missing: 10 to 20 g/kWh for wind, sun and water.
    ("direct + ", 0.7, 1.3, 20.0),
    # Stacks only: fuel supply adds 10 to 25 % to coal and gas, and clean plants are not zero either.
    ("direct", 0.7, 1.5, 30.0),
)
# Made in a state is not used in a state: power crosses state lines, and Vermont buys more than half of what it uses.
_STATE = ("in-state", 0.5, 2.0, 60.0)
# Even the cleanest grid is not known better than this: factors for water and nuclear power differ by so much.
_FLOOR_G = 10.0
# A grid drifts by about 3 % a year (world: 533 g in 2015, 458 g in 2025; many countries faster).
_DRIFT_PER_YEAR = 0.03
_FRESH_YEARS = 2


def of(g_per_kwh: float, basis: str, boundary: str, age_years: int) -> Range:
    """The range around one published figure, so many years older than the newest of its table."""
    low, high, extra = next((rest for start, *rest in _BY_BASIS if basis.startswith(start)), (0.5, 2.0, 30.0))
    if _STATE[0] in boundary:
        low, high, extra = _STATE[1:]
    stale = _DRIFT_PER_YEAR * max(0, age_years - _FRESH_YEARS)
    bottom = min(g_per_kwh * (low - stale), g_per_kwh - _FLOOR_G)
    top = max(g_per_kwh * (high + stale) + extra, g_per_kwh + _FLOOR_G)
    return round(max(bottom, g_per_kwh / 5), 2), round(top, 2)


# Of an hourly figure the hour is known; what is left are the factors, which differ by about a tenth between the IPCC's,
# the UNECE's and national ones, and the place within the grid. An hour that the service estimated by its own model is
# as uncertain as a forecast of the next hours (see ahead.py).
_LIVE = {"lifecycle": (0.85, 1.15, 0.0), "direct": (0.85, 1.4, 30.0)}
_ESTIMATED = 0.2


def live(g_per_kwh: float, basis: str, estimated: float) -> Range:
    """The range around a mean of hourly figures, of which a part, 0 to 1, is estimated."""
    low, high, extra = _LIVE[basis]
    more = _ESTIMATED * estimated
    bottom = min(g_per_kwh * (1 - math.hypot(1 - low, more)), g_per_kwh - _FLOOR_G)
    top = max(g_per_kwh * (1 + math.hypot(high - 1, more)) + extra, g_per_kwh + _FLOOR_G)
    return round(max(bottom, g_per_kwh / 5), 2), round(top, 2)


def among(values: Iterable[float], share: float = 0.9) -> Range:
    """The middle `share` of these values: where one of them lies if nobody knows which."""
    ordered = sorted(values)
    tail = (1 - share) / 2
    return round(_quantile(ordered, tail), 2), round(_quantile(ordered, 1 - tail), 2)


def union(ranges: Iterable[Range]) -> Range:
    """The range from the lowest to the highest of all."""
    pairs = list(ranges)
    return min(low for low, _ in pairs), max(high for _, high in pairs)


def _quantile(ordered: Sequence[float], q: float) -> float:
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
