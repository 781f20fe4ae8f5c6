"""The paper's two equations, and the constants in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..units import G_PER_LB

PUE = 1.58
"""Global mean of data centres in 2018 by the Uptime Institute, as the paper takes it (section 2)."""
LB_PER_KWH = 0.954
"""Pounds of CO2 per kWh, US mean by the EPA in 2018, as the paper takes it (equation 2): 432.7 g/kWh."""
USD_PER_KWH = 0.12
"""Mean price of electricity in the US (footnote 9)."""


MOST = 1e15
"""Beyond all watts and hours of the world; products of such numbers stay finite."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a training took by the paper's method."""

    energy_kwh: float
    """Data centre included: power x hours x PUE."""
    co2e_lb: float

    @property
    def co2e_kg(self) -> float:
        return self.co2e_lb * G_PER_LB / 1000

    @property
    def electricity_usd(self) -> float:
        """At the paper's 0.12 USD per kWh."""
        return self.energy_kwh * USD_PER_KWH


def estimate(power_w: float, hours: float, pue: float = PUE) -> Estimate:
    """kWh and CO2e of `power_w` watts (CPUs, DRAM and all GPUs together) over `hours`: the paper's equations 1 and 2.

    Raises TypeError or ValueError in a sentence for what is no such number.
    """
    for value, what, least in ((power_w, "power in watts", 0.0), (hours, "time in hours", 0.0), (pue, "PUE", 1.0)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"a {what} is a number, not {type(value).__name__}")
        if not least <= value < math.inf:
            raise ValueError(f"a {what} is a number from {least:g} upwards, not {value:g}")
        if value > MOST:
            raise ValueError(f"a {what} is a number up to {MOST:g}")
    energy_kwh = pue * hours * power_w / 1000
    return Estimate(energy_kwh, LB_PER_KWH * energy_kwh)


def from_components(cpu_w: float, dram_w: float, gpu_w: float, gpus: int, hours: float, pue: float = PUE) -> Estimate:
    """The same from mean watts of all CPU sockets, of all DRAM, and of one of so many GPUs: p_c + p_r + g p_g."""
    if isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 0:
        raise ValueError(f"a number of GPUs is a whole number from 0 upwards, not {gpus!r}")
    for watts in (cpu_w, dram_w, gpu_w):
        estimate(watts, 0.0)
    return estimate(cpu_w + dram_w + gpus * gpu_w, hours, pue)
