"""A CPU without a meter: watts modelled from its load and its TDP. A guess, and labelled as one."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from ..data.cpus import look_up
from ..ranges import Range, product
from .integral import Integral
from .meter import Meter

LOADS = (0.0, 0.1, 0.5, 1.0)
FRACTIONS_OF_TDP = (0.09, 0.24, 0.56, 0.76)
"""Watts ÷ TDP at these loads: the shape published by Teads (2021) for cloud servers, scaled by 0.74 to be unbiased on
86 RAPL measurements of four CPUs (CodeCarbon's cpu_load_profiling data, MIT)."""
CURVE_RANGE: Range = (0.55, 1.95)
"""90 % of truth ÷ model on those points, each CPU predicted by the other three."""
THREAD_W = 4.0
THREAD_RANGE: Range = (0.44, 2.5)
"""TDP ÷ hardware threads where the model is not known: median and 5th to 95th percentile of the server CPUs in
data/cpu_tdp.csv are 4.2 and 1.9 to 12 W, of laptops 3.4 and 0.9 to 8.8 W."""
SHORT_S = 0.05
"""Intervals shorter than this are too short for the kernel's 10-ms ticks: this process's own CPU time is a floor."""


class Cpu(NamedTuple):
    """What is known of the processor. `tdp_w` is of what this machine owns: a guest owns its virtual CPUs only."""

    basis: str
    """What the watts at full load are taken from."""
    tdp_w: float
    tdp_range: Range
    notes: tuple[str, ...]


class CpuModel(Meter):
    """The whole machine's CPUs: TDP x a load curve, the load from the kernel's own account of CPU time."""

    kind = "cpu"
    method = "modelled"
    group = "CPU model"

    def __init__(
        self, cpu: Cpu, cpu_times: Callable[[], tuple[float, float]], hint: str | None, now: Callable[[], float]
    ) -> None:
        self.name = "CPU"
        self.source = f"model: load × {cpu.tdp_w:.3g} W, {cpu.basis}"
        self.gain = product((1.0, CURVE_RANGE), (1.0, cpu.tdp_range))
        self.max_w = 3 * cpu.tdp_w
        self.idle_w = cpu.tdp_w * FRACTIONS_OF_TDP[0]
        self.notes = (*cpu.notes, hint) if hint else cpu.notes
        self._cpu, self._cpu_times, self._now = cpu, cpu_times, now
        self._cpus = os.cpu_count() or 1
        self._integral = Integral(now)
        self._last: tuple[float, float, float, float] | None = None

    def read(self) -> float | None:
        busy, total = self._cpu_times()
        now, own = self._now(), time.process_time()
        if self._last is None or total < self._last[1]:
            load = 0.0
        else:
            busy_0, total_0, now_0, own_0 = self._last
            load = (busy - busy_0) / (total - total_0) if total > total_0 else 0.0
            if now - now_0 < SHORT_S and now > now_0:
                load = max(load, (own - own_0) / ((now - now_0) * self._cpus))
        joules = self._integral.step(self._cpu.tdp_w * fraction_of_tdp(min(1.0, max(0.0, load))))
        self._last = busy, total, now, own
        return joules


def fraction_of_tdp(load: float) -> float:
    """Watts ÷ TDP at a load between 0 and 1."""
    for i in range(1, len(LOADS)):
        if load <= LOADS[i]:
            step = (load - LOADS[i - 1]) / (LOADS[i] - LOADS[i - 1])
            return FRACTIONS_OF_TDP[i - 1] + step * (FRACTIONS_OF_TDP[i] - FRACTIONS_OF_TDP[i - 1])
    return FRACTIONS_OF_TDP[-1]


def cpu_of(cpuinfo: str, packages: int, threads: int) -> Cpu:
    """The processor by its name: its TDP, or a share of it in a virtual machine, or a guess by thread count."""
    name = name_of(cpuinfo)
    virtual = bool(re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE))
    found = look_up(name)
    if found is not None and not virtual:
        return Cpu(f"the TDP of {name}", found.tdp_w * packages, (1.0, 1.0), ())
    if found is not None and found.threads:
        part = f"the part of {name} that {threads} virtual CPUs are"
        return Cpu(part, found.tdp_w * threads / found.threads, (1.0, 1.0), ())
    what = "virtual CPUs" if virtual else "hardware threads"
    note = f"its power is not known: {THREAD_W:g} W for each of {threads} {what} is assumed"
    return Cpu(f"assumed for {threads} {what} of {name or 'an unknown CPU'}", THREAD_W * threads, THREAD_RANGE, (note,))


def name_of(cpuinfo: str) -> str:
    """The processor's name; "" where it is not told."""
    match = re.search(r"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return match.group(1).strip() if match else ""


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
