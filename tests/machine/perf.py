"""The perf `power` PMU: its description in /sys, and the kernel that opens and counts its events."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.faults import Fault, active, counted, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machine.sysfs import SysTree
    from machine.truth import Trace

PMU = "bus/event_source/devices/power"
TYPE = 9
SCALE_J = 2.0**-32
CONFIG = {"energy-cores": 1, "energy-pkg": 2, "energy-ram": 3, "energy-gpu": 4, "energy-psys": 5}
UNIT_J = 2.0**-14


@dataclass(frozen=True)
class Event:
    """One energy event on one CPU."""

    name: str
    cpu: int
    trace: Trace
    start_j: float = 4_321.5
    faults: tuple[Fault, ...] = ()


class PerfPmu:
    """Stands for perf.Kernel. As linux arch/x86/events/rapl.c: the register of 32 bits is brought to 64 by adding up.

    `dies`: (package, die) of each CPU of the mask. `refused`: the errno of opening. A fault's reset makes the kernel
    count the register's fall as negative, which is what it does when less than half the register is lost.
    """

    def __init__(
        self, tree: SysTree, events: Sequence[Event], dies: dict[int, tuple[int, int]], refused: int = 0
    ) -> None:
        self._tree, self._events, self.refused = tree, {(CONFIG[e.name], e.cpu): e for e in events}, refused
        self.opened: dict[int, tuple[int, int]] = {}
        self._base: dict[int, int] = {}
        self._next_fd = 1000
        tree.put(f"{PMU}/type", f"{TYPE}\n")
        tree.put(f"{PMU}/cpumask", ",".join(map(str, dies)) + "\n")
        tree.put(f"{PMU}/format/event", "config:0-7\n")
        for name in dict.fromkeys(event.name for event in events):
            tree.put(f"{PMU}/events/{name}", f"event=0x{CONFIG[name]:02x}\n")
            tree.put(f"{PMU}/events/{name}.unit", "Joules\n")
            tree.put(f"{PMU}/events/{name}.scale", "2.3283064365386962890625e-10\n")
        for cpu, (package, die) in dies.items():
            tree.put(f"devices/system/cpu/cpu{cpu}/topology/physical_package_id", f"{package}\n")
            tree.put(f"devices/system/cpu/cpu{cpu}/topology/die_id", f"{die}\n")

    def open(self, pmu: int, config: int, cpu: int) -> int:
        """As perf_event_open(2)."""
        if self.refused:
            raise OSError(self.refused, os.strerror(self.refused))
        if pmu != TYPE or (config, cpu) not in self._events:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._next_fd += 1
        self.opened[self._next_fd] = (config, cpu)
        self._base[self._next_fd] = self._register(config, cpu)
        return self._next_fd

    def count(self, fd: int) -> int:
        """As read(2) of eight bytes."""
        if fd not in self.opened:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        config, cpu = self.opened[fd]
        if active(self._events[config, cpu].faults, "io_error", self._tree.now()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._register(config, cpu) - self._base[fd]

    def close(self, fd: int) -> None:
        """As close(2)."""
        del self.opened[fd]

    def _register(self, config: int, cpu: int) -> int:
        event = self._events[config, cpu]
        joules = counted(event.trace, event.faults, tick(self._tree.now(), 0.001, 0.0), start_j=event.start_j)
        return round(int(joules / UNIT_J + 1e-6) * UNIT_J / SCALE_J)
