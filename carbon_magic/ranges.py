"""Uncertainty: how the 90 % ranges of parts become the 90 % range of a whole."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

Range = tuple[float, float]
"""(low, high): the truth lies between them in 90 % of cases."""


class Part(NamedTuple):
    """One summand. Parts of the same group err together (one sensor design, one model); groups err apart."""

    value: float
    low: float
    high: float
    group: str


def total(parts: Iterable[Part]) -> Range:
    """The range of a sum: linear within a group, in quadrature between groups, each side for itself."""
    value = 0.0
    below: defaultdict[str, float] = defaultdict(float)
    above: defaultdict[str, float] = defaultdict(float)
    for part in parts:
        value += part.value
        below[part.group] += max(0.0, part.value - part.low)
        above[part.group] += max(0.0, part.high - part.value)
    return max(0.0, value - math.hypot(*below.values())), value + math.hypot(*above.values())


def product(*factors: tuple[float, Range]) -> Range:
    """The range of a product of independent factors: relative errors add in quadrature, each side for itself.

    In logarithms, so that "half to double" stays half to double. A factor whose low end is 0 makes the low end 0.
    """
    value = math.prod([mid for mid, _ in factors])
    if value <= 0:
        return 0.0, math.prod([high for _, (_, high) in factors])
    below = math.hypot(*[math.log(mid / low) if low > 0 else math.inf for mid, (low, _) in factors])
    above = math.hypot(*[math.log(high / mid) if high > mid else 0.0 for mid, (_, high) in factors])
    return value * math.exp(-below), value * math.exp(above)
