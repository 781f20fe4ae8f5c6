"""A CPU without a meter: watts modelled from its load. A guess, and labelled as one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from .integral import Integral
from .meter import Meter
from .power_curve import PowerCurve
from .processor import name_of

__all__ = ["CpuModel", "cpuinfo", "name_of"]

SHORT_S = 0.05
"""Intervals shorter than this are too short for the kernel's 10-ms ticks: this process's own CPU time is a floor."""


class CpuModel(Meter):
    """The whole machine's CPUs: a curve of watts by load, the load from the kernel's own account of CPU time."""

    kind = "cpu"
    method = "modelled"
    group = "CPU model"
    gain = (1.0, 1.0)  # the curve's range depends on the load, so it is summed with the joules: see slack_j

    def __init__(
        self,
        curve: PowerCurve,
        cpu_times: Callable[[], tuple[float, float]],
        hint: str | None,
        now: Callable[[], float],
        cpus: int = 1,
    ) -> None:
        self.name = "CPU"
        self.source = f"model: {curve.watts[0]:.3g} to {curve.watts[-1]:.3g} W by load, {curve.basis}"
        self.idle_w = curve.watts[0]
        self.max_w = 2 * max(curve.watts)
        self.notes = (*curve.notes, hint) if hint else curve.notes
        self.contains = curve.contains
        self._curve, self._cpu_times, self._now = curve, cpu_times, now
        self._cpus = cpus
        self._joules, self._low_j, self._high_j = Integral(now), Integral(now), Integral(now)
        self._slack_j = 0.0, 0.0
        self._last: tuple[float, float, float, float] | None = None

    def read(self) -> float | None:
        # First of all: while the kernel is asked others may have their turn, and the joules are those of when it began.
        now, own = self._now(), time.process_time()
        busy, total = self._cpu_times()
        if self._last is None or total < self._last[1]:
            load = 0.0
        else:
            busy_0, total_0, now_0, own_0 = self._last
            load = (busy - busy_0) / (total - total_0) if total > total_0 else 0.0
            if now - now_0 < SHORT_S and now > now_0:
                load = max(load, (own - own_0) / ((now - now_0) * self._cpus))
        self._last = busy, total, now, own
        watts, low_w, high_w = self._curve.at(load)
        joules = self._joules.step(watts, now)
        self._slack_j = joules - self._low_j.step(low_w, now), self._high_j.step(high_w, now) - joules
        return joules

    def slack_j(self) -> tuple[float, float]:
        return self._slack_j


def cpuinfo() -> str:
    """The kernel's words on the first processor, in the form of Linux on every system."""
    if sys.platform == "linux":
        try:
            with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
                return file.read(8192)  # the first processor is enough; 256 of them take milliseconds
        except OSError:
            return ""
    if sys.platform == "darwin":
        import subprocess

        try:
            asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return "model name : " + subprocess.run(asked, capture_output=True, text=True, timeout=2).stdout
        except (OSError, subprocess.SubprocessError):
            return ""
    import platform

    return f"model name : {platform.processor()}"
