"""CPU-seconds worked and passed since boot, over all CPUs: what the load of a CPU model is made of."""

from __future__ import annotations

import os
import sys
import time

from .sysfs import content

FRESH_S = 0.002
"""The model and the share ask within a moment of each other, and for the kernel an answer is a long text to write; its
ticks are five times as long."""

if sys.platform == "linux":

    def busy_and_total() -> tuple[float, float]:
        """From /proc/stat itself: psutil tells the same, but its import (16 ms) would be half of a first cell's wait.

        Guests are inside user time; stolen time was another guest's (proc_stat(5)).
        """
        global _seen
        now_s, seen = time.monotonic(), _seen
        if now_s - seen[0] < FRESH_S:
            return seen[1], seen[2]
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, content("/proc/stat", 256).split(None, 9)[1:9])
        busy = user + nice + system + irq + softirq
        _seen = now_s, busy / _HZ, (busy + idle + iowait + steal) / _HZ
        return _seen[1], _seen[2]

    def cpus_shown() -> int:
        """How many CPUs busy_and_total() is of: fewer than the machine's in a container that is shown its own only."""
        count = 0
        with open("/proc/stat", "rb") as file:
            for line in file:
                if not line.startswith(b"cpu"):
                    break
                count += 1
        return max(1, count - 1)

    _HZ = os.sysconf("SC_CLK_TCK")
    _seen = (float("-inf"), 0.0, 0.0)
    """When it was read, and what it said."""

else:

    def busy_and_total() -> tuple[float, float]:
        """From psutil; Windows reports interrupts inside its system time as well."""
        import psutil

        fields = psutil.cpu_times()._asdict()
        total = sum(fields.values()) - fields.get("interrupt", 0.0) - fields.get("dpc", 0.0)
        return total - fields["idle"], total

    def cpus_shown() -> int:
        """How many CPUs busy_and_total() is of."""
        return os.cpu_count() or 1


def busy_s() -> float:
    """CPU-seconds worked since boot, by everybody."""
    return busy_and_total()[0]


def memory_bytes() -> int:
    """All memory that the system has."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    import psutil

    return int(psutil.virtual_memory().total)
