"""NVIDIA GPUs through NVML (`pynvml`): their energy counter, or their watts where they have none.

Reference: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from ..ranges import Range
from . import gpu_processes
from .integral import Integral
from .meter import Meter, Split
from .site import Found, Site

COUNTER_GAIN: Range = (0.93, 1.07)
"""Each board's sensor is off by up to 5 %, by its own constant: Yang et al., SC24, arXiv 2312.02741; 2 % to spare."""
QUARTER_GAIN: Range = (0.75, 1.3)
"""A100, H100 and GH200 look at their power for a quarter of the time only (same source)."""
POLLED_GAIN: Range = (0.9, 1.1)
"""The same sensor, and what happens between two looks."""
QUARTER_TIME = ("A100", "A800", "A30", "H100", "H800", "H200", "GH200", "H20")
DEFAULT_TICK_S = 0.1
"""How often the counter moves until it has been seen to move: 20 to 100 ms by generation."""
DEFAULT_MAX_W = 1500.0


class Gpu(Meter):
    """What both kinds of GPU meter share: a handle, a name, and care not to wake a sleeping device."""

    kind = "gpu"
    source = "NVML"

    def __init__(self, nvml: Any, handle: Any, name: str, counted: bool, power_folder: Path | None) -> None:
        self._nvml, self._handle = nvml, handle
        self._status = power_folder / "runtime_status" if power_folder is not None else None
        self.name = name
        self.group = name  # each board errs by its own constant
        self.counted = counted
        self.limit_w = _milli(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        self.max_w = 2 * self.limit_w if self.limit_w else DEFAULT_MAX_W

    def asleep(self) -> bool:
        if self._status is None:
            return False
        try:
            return self._status.read_bytes().startswith(b"suspend")
        except OSError:
            return False

    def split(self, since: object, pids: Collection[int], allotted: float) -> Split:
        if self.asleep():
            return Split(since, allotted, allotted)
        return gpu_processes.split(self._nvml, self._handle, since, pids, allotted)


class GpuCounter(Gpu):
    """Millijoules since the driver was loaded (Volta and later)."""

    method = "counter"
    tick_s = DEFAULT_TICK_S
    source = "NVML energy counter"

    def __init__(self, nvml: Any, handle: Any, name: str, counted: bool, power_folder: Path | None) -> None:
        super().__init__(nvml, handle, name, counted, power_folder)
        self.gain = QUARTER_GAIN if any(chip in name for chip in QUARTER_TIME) else COUNTER_GAIN
        self._last: float | None = None

    def read(self) -> float | None:
        if not self.asleep():
            self._last = float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1000
        return self._last


class GpuWatts(Gpu):
    """Watts, polled and summed: for boards without a counter."""

    method = "polled"
    source = "NVML power, polled"
    gain = POLLED_GAIN

    def __init__(
        self, nvml: Any, handle: Any, name: str, counted: bool, power_folder: Path | None, now: Callable[[], float]
    ) -> None:
        super().__init__(nvml, handle, name, counted, power_folder)
        self._integral = Integral(now)

    def read(self) -> float | None:
        watts = 0.0 if self.asleep() else float(self._nvml.nvmlDeviceGetPowerUsage(self._handle)) / 1000
        return self._integral.look(watts)


def find(site: Site) -> Found:
    """The GPUs: those this kernel may use counted, the others not. No driver, no GPU: nothing."""
    if "pynvml" not in sys.modules and not _driver_present():
        return Found()
    if _all_asleep():
        return Found()  # even nvmlInit would wake them
    try:
        import pynvml

        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
    except Exception:  # whatever a driver answers, there is no GPU to measure
        return Found()
    meters: list[Meter] = []
    visible = _visible(site.environ)
    for index in range(count):
        try:
            meters.append(_gpu(pynvml, index, visible, site.now))
        except Exception:  # noqa: S112 - a board that does not even tell its handle cannot be measured
            continue
    return Found(meters)


def _gpu(nvml: Any, index: int, visible: list[str] | None, now: Callable[[], float]) -> Meter:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = f"GPU {index} {_text(nvml.nvmlDeviceGetName, handle) or 'NVIDIA'}"
    uuid = _text(nvml.nvmlDeviceGetUUID, handle) or ""
    counted = visible is None or any(_names(entry, index, uuid) for entry in visible)
    folder = _pci_folder(nvml, handle)
    try:
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except nvml.NVMLError:
        return GpuWatts(nvml, handle, name, counted, folder, now)
    return GpuCounter(nvml, handle, name, counted, folder)


def _visible(environ: Mapping[str, str]) -> list[str] | None:
    """The entries of CUDA_VISIBLE_DEVICES that CUDA would take: it stops at the first that is not valid (-1, say)."""
    setting = environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return None
    entries = []
    for entry in setting.split(","):
        entry = entry.strip()
        if not entry or entry.startswith("-"):
            break
        entries.append(entry)
    return entries


def _names(entry: str, index: int, uuid: str) -> bool:
    """Whether an entry (an index, a UUID or its beginning, with or without GPU-) means this board."""
    if entry.isdecimal():
        return int(entry) == index
    return bool(uuid) and (uuid.startswith(entry) or uuid.removeprefix("GPU-").startswith(entry.removeprefix("GPU-")))


def _driver_present() -> bool:
    """A look for the library itself: cheaper than importing pynvml (26 ms) on the many machines without a GPU."""
    names = ["nvml.dll"] if sys.platform == "win32" else ["libnvidia-ml.so.1"] if sys.platform == "linux" else []
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def _all_asleep() -> bool:
    """Whether there are NVIDIA display devices on the bus and every one of them is suspended."""
    states = []
    for folder in Path("/sys/bus/pci/devices").glob("*"):
        try:
            if (folder / "vendor").read_bytes().strip() == b"0x10de" and (folder / "class").read_bytes().startswith(
                b"0x03"
            ):
                states.append((folder / "power" / "runtime_status").read_bytes().strip())
        except OSError:
            continue
    return bool(states) and all(state == b"suspended" for state in states)


def _pci_folder(nvml: Any, handle: Any) -> Path | None:
    try:
        bus = nvml.nvmlDeviceGetPciInfo(handle).busId
    except Exception:
        return None
    bus = bus.decode() if isinstance(bus, bytes) else bus
    folder = Path("/sys/bus/pci/devices") / bus.lower()[-12:] / "power"  # NVML's domain has 8 digits, Linux' has 4
    return folder if folder.is_dir() else None


def _milli(ask: Any, handle: Any) -> float | None:
    try:
        return float(ask(handle)) / 1000 or None
    except Exception:
        return None


def _text(ask: Any, handle: Any) -> str | None:
    try:
        answer = ask(handle)
    except Exception:
        return None
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
