"""Memory without a meter: watts modelled from its size."""

from __future__ import annotations

from collections.abc import Callable

from ..ranges import Range
from .integral import Integral
from .meter import Meter

W_PER_GB = 0.2
SIZE_RANGE: Range = (0.4, 2.5)
"""Models by size alone differ 2.5-fold among themselves: 0.375 W/GB (Green Algorithms, Lannelongue et al. 2021, for
servers of 2015) down to 0.1 W/GB for today's laptop memory."""


class RamModel(Meter):
    """All memory that the system sees, used or not: refresh does not ask whether a page is in use."""

    kind = "dram"
    method = "modelled"
    group = "RAM model"
    gain = SIZE_RANGE

    def __init__(self, size_bytes: int, now: Callable[[], float]) -> None:
        size_gb = size_bytes / 1e9
        self._watts = W_PER_GB * size_gb
        self.name = "RAM"
        self.source = f"model: {W_PER_GB:g} W for each of {size_gb:.3g} GB"
        self.idle_w = self._watts
        self.max_w = max(1.0, 5 * self._watts)
        self._integral = Integral(now)

    def read(self) -> float | None:
        return self._integral.step(self._watts)
