"""A whole machine: a powercap tree and GPUs on one clock, whose true energy is known."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from machine import nvml
from machine.clock import InjectedClock, RealClock
from machine.faults import Fault
from machine.files import FileTree
from machine.live import LiveTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from machine.nvml import Gpu
    from machine.powercap import Zone
    from machine.truth import Trace

ROOT = "CARBON_MAGIC_POWERCAP"
SYS = "CARBON_MAGIC_SYS"


class SimulatedMachine:
    """In a `with`: live on the real clock, or, given an InjectedClock, as old as the test makes it.

    Devices have names: "package-0", "package-0/dram", "psys", "mmio:package-0", "gpu0". Times in traces and faults
    are machine time, 0 when the machine was made; times given to `joules` and the like are clock.monotonic().
    """

    tree: LiveTree | FileTree

    def __init__(
        self,
        zones: Sequence[Zone],
        gpus: Sequence[Gpu] = (),
        *,
        clock: InjectedClock | RealClock | None = None,
        fuse: bool = True,
        driver_error: int = 0,
    ) -> None:
        self.zones = {_label(zone, zones): zone for zone in zones}
        self.gpus = {f"gpu{i}": gpu for i, gpu in enumerate(gpus)}
        self.clock = clock or RealClock()
        self.origin = self.clock.monotonic()
        self._fuse = fuse
        self._driver_error = driver_error
        self._loads = 0
        self._config: Path | None = None
        self._clock_file: Path | None = None
        self._opened = contextlib.ExitStack()

    def now(self) -> float:
        """Machine time."""
        return self.clock.monotonic() - self.origin

    @property
    def counted(self) -> list[str]:
        """The devices that add up to the machine: packages, their DRAM, GPUs; no part of these and no copy."""
        packages = [label for label in self.zones if label.startswith("package-")]
        return [label for label in packages if label.endswith("/dram") or "/" not in label] + list(self.gpus)

    def trace(self, device: str) -> Trace:
        """The true power of one device, in machine time."""
        return self.gpus[device].trace if device in self.gpus else self.zones[device].trace

    def joules(self, device: str, t0: float, t1: float) -> float:
        """The true energy of one device between two times of the clock."""
        return self.trace(device).joules(t0 - self.origin, t1 - self.origin)

    def watts(self, device: str, t: float) -> float:
        """The true power of one device at a time of the clock."""
        return self.trace(device).watts(t - self.origin)

    def total(self, t0: float, t1: float) -> float:
        """The true energy of the machine between two times of the clock."""
        return sum(self.joules(device, t0, t1) for device in self.counted)

    @property
    def root(self) -> Path:
        """What stands for /sys/class/powercap."""
        return self.tree.root

    @property
    def environment(self) -> dict[str, str]:
        """What a subprocess must find in its environment to run on this machine; the rest is as it was."""
        return self._roots | nvml.environment(self._config)

    @property
    def _roots(self) -> dict[str, str]:
        """Nothing of the real machine is seen: no battery of its laptop, no counter of its processor."""
        return {ROOT: str(self.root), SYS: str(self.root.parents[1])}

    @contextlib.contextmanager
    def here(self) -> Iterator[SimulatedMachine]:
        """Let this very process run on the machine: its environment, and its pynvml."""
        before = {name: os.environ.get(name) for name in self._roots}
        os.environ.update(self._roots)
        try:
            with nvml.loaded(self._config):
                yield self
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value

    def strike(self, device: str, *faults: Fault) -> None:
        """Give a device these faults and no others, from now on; `Fault(kind, at=machine.now())` begins at once."""
        if device in self.gpus:
            self.gpus[device] = replace(self.gpus[device], faults=faults)
            self._configure()
        else:
            self.zones[device] = replace(self.zones[device], faults=faults)
            self.tree.set_zones(tuple(self.zones.values()))

    def unload_driver(self) -> None:
        """From now on every call to NVML fails."""
        self._driver_error = 9
        self._configure()

    def load_driver(self) -> None:
        """The driver is back: counters begin at 0, and whoever uses it opens it anew."""
        self._driver_error, self._loads = 0, self._loads + 1
        for name, gpu in self.gpus.items():
            self.gpus[name] = replace(gpu, faults=(*gpu.faults, Fault("reset", at=self.now())))
        self._configure()

    def __enter__(self) -> SimulatedMachine:
        with contextlib.ExitStack() as opening:
            self._folder = opening.enter_context(tempfile.TemporaryDirectory(prefix="carbon-machine-"))
            zones = tuple(self.zones.values())
            if isinstance(self.clock, InjectedClock):
                clock_file = nvml.ClockFile(self.clock, self._folder)
                self._clock_file = clock_file.path
                tree = opening.enter_context(FileTree(self._folder, zones))
                for listener in (clock_file.write, lambda monotonic: tree.set_time(monotonic - self.origin)):
                    self.clock.listeners.append(listener)
                    opening.callback(self.clock.listeners.remove, listener)
                self.tree = tree
            else:
                self.tree = opening.enter_context(LiveTree(self._folder, zones, origin=self.origin, fuse=self._fuse))
            self._configure()
            self._opened = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._opened.close()

    def _configure(self) -> None:
        if self.gpus or self._driver_error:
            self._config = nvml.configure(
                tuple(self.gpus.values()),
                self._folder,
                origin=self.origin,
                clock_file=self._clock_file,
                init_error=self._driver_error,
                loads=self._loads,
            )


def _label(zone: Zone, zones: Sequence[Zone]) -> str:
    """ "package-0/dram" for the zone named "dram" in "package-0"."""
    parents = [other for other in zones if other.id == zone.parent]
    if parents:
        return f"{_label(parents[0], zones)}/{zone.name}"
    return f"mmio:{zone.name}" if zone.control.endswith("-mmio") else zone.name
