"""Apple silicon: the energy model of the chip by `zeus_apple_silicon` (the extra `apple`). Not tested on hardware.

https://github.com/ml-energy/zeus-apple-silicon: millijoules so far, from IOReport's "Energy Model" group, without root.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from ..ranges import Range
from .meter import Meter
from .site import Found, Missing, Site

WHAT = "Apple silicon's energy counters"
GAIN: Range = (0.9, 1.1)
"""Apple publishes no accuracy: a judgement."""
SAMPLE_S = 0.05
"""One sample holds all parts and takes 4 ms (github.com/lablup/all-smi#424); readings closer together share one."""
CPU_TICK_S = 2.1
"""Until it has been seen to move: 0.33 s on an M1 Ultra, 2 s on an M5 Max (all-smi#410, #412); the longest is safe."""
PARTS = (
    ("CPU", "cpu", ("cpu_total_mj", "cpu_mj"), CPU_TICK_S),
    ("DRAM", "dram", ("dram_mj",), CPU_TICK_S),
    ("GPU", "gpu", ("gpu_mj",), SAMPLE_S),
    ("Neural Engine", "npu", ("ane_mj",), CPU_TICK_S),
)
"""A part's field in today's and in earlier versions. GPU SRAM's is left out: it may be inside the GPU's."""


class Sampler:
    """All counters at one moment, asked for at most so often."""

    def __init__(self, monitor: Any, now: Callable[[], float]) -> None:
        self._monitor, self._now = monitor, now
        self._sample: Any = None
        self._at_s = float("-inf")

    def sample(self) -> Any:
        """The counters now, or a moment ago."""
        if self._now() - self._at_s >= SAMPLE_S:
            self._sample = None
            self._sample = self._monitor.get_cumulative_energy()
            self._at_s = self._now()
        return self._sample


class AppleCounter(Meter):
    """One part of the chip."""

    method = "counter"
    gain = GAIN
    group = "Apple energy model"

    def __init__(self, sampler: Sampler, name: str, kind: str, field: str, tick_s: float) -> None:
        self.name, self.kind, self.tick_s = name, kind, tick_s
        self.max_w = 400.0  # an M-series Ultra with all its parts draws some 300 W at the wall
        self.source = f"Apple's energy model ({field.removesuffix('_mj')})"
        self._sampler, self._field = sampler, field

    def read(self) -> float | None:
        millijoules = getattr(self._sampler.sample(), self._field)
        return None if millijoules is None else millijoules / 1000


def find(site: Site) -> Found:
    """The parts that this chip tells of; each is apart from the others."""
    if platform.machine() == "x86_64":
        return Found((), (Missing(WHAT, "this is a Mac with an Intel processor, which has none", kind="cpu"),))
    try:
        from zeus_apple_silicon import AppleEnergyMonitor
    except ImportError:
        step = "%pip install 'carbon_magic[apple]'"
        why = "the package that reads them is not installed; it needs no root"
        return Found((), (Missing(WHAT, why, step, "cpu", f"modelled: {step} gives measured figures"),))
    sampler = Sampler(AppleEnergyMonitor(), site.now)
    first = sampler.sample()
    meters = []
    for name, kind, fields, tick_s in PARTS:
        field = next((field for field in fields if getattr(first, field, None) is not None), None)
        if field is not None:
            meters.append(AppleCounter(sampler, name, kind, field, tick_s))
    if not meters:
        return Found((), (Missing(WHAT, "this version of macOS tells none of them", kind="cpu"),))
    return Found(meters)
