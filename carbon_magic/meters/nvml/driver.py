"""NVML opened: every call optional, the two at a cell's edge made without giving up the interpreter."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBRARIES = {"win32": "nvml.dll", "linux": "libnvidia-ml.so.1"}
POWER_INSTANT = 186
"""NVML_FI_DEV_POWER_INSTANT (nvml.h): the latest window of the sensor, in mW."""
SCOPE_GPU, SCOPE_MODULE = 0, 1
POWER_SAMPLES = {SCOPE_GPU: 0, SCOPE_MODULE: 7}
"""NVML_TOTAL_POWER_SAMPLES and NVML_MODULE_POWER_SAMPLES (nvml.h): the driver's own record, some 120 samples long."""
LACKING = (3, 13)
"""Not supported, function not found (nvml.h)."""
GONE = (1, 2, 9, 15, 18, 999)
"""Uninitialized, invalid argument, driver not loaded, GPU is lost, library and driver differ, unknown (nvml.h)."""
QUICK_S = 0.002
"""A call that has ever taken longer gives up the interpreter from then on, as others wait for it meanwhile."""
AGAIN_S = 5.0
"""A driver or a GPU that went away is looked for this often."""

WHAT = "NVIDIA GPU through NVML"


class Driver:
    """NVML through `pynvml`."""

    def __init__(self, nvml: Any, now: Callable[[], float]) -> None:
        self.nvml = nvml
        self._now = now
        self._tried_s: float | None = None
        # ctypes lets go of the interpreter around each call, and in a busy one comes back 5 ms later, per GPU and call.
        self._quick = _without_letting_go(nvml)
        self._fields: dict[int, Any] = {}

    def energy_j(self, handle: Any) -> float:
        """Joules since the driver was loaded. Raises NVMLError."""
        quick = self._quick
        if quick is None:
            return float(self.nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
        mj = ctypes.c_ulonglong()
        self._check(quick.nvmlDeviceGetTotalEnergyConsumption, handle, ctypes.byref(mj))
        return mj.value / 1000

    def power_w(self, handle: Any) -> float:
        """nvmlDeviceGetPowerUsage: of now, or since Ampere (GA100 apart) of the last second. Raises NVMLError."""
        if self._quick is None:
            return float(self.nvml.nvmlDeviceGetPowerUsage(handle)) / 1000
        mw = ctypes.c_uint()
        self._check(self._quick.nvmlDeviceGetPowerUsage, handle, ctypes.byref(mw))
        return mw.value / 1000

    def instant_w(self, handle: Any, scope: int = SCOPE_GPU) -> float:
        """The sensor's latest window. Raises NVMLError where the driver or the board has no such field."""
        nvml = self.nvml
        if self._quick is None:
            value = nvml.nvmlDeviceGetFieldValues(handle, [(POWER_INSTANT, scope)])[0]
        else:
            value = self._fields.get(scope)
            if value is None:
                value = self._fields[scope] = nvml.c_nvmlFieldValue_t(fieldId=POWER_INSTANT, scopeId=scope)
            value.nvmlReturn = 0
            self._check(self._quick.nvmlDeviceGetFieldValues, handle, 1, ctypes.byref(value))
        if value.nvmlReturn:
            raise nvml.NVMLError(value.nvmlReturn)
        return float(value.value.uiVal) / 1000

    def samples_w(self, handle: Any, since_s: float, scope: int = SCOPE_GPU) -> list[tuple[float, float]]:
        """The driver's own record since then: when, and the watts seen. Raises NVMLError where it keeps none."""
        ahead_s = _day_ahead_s()  # it stamps them by the time of day
        since_us = max(0, int((since_s + ahead_s) * 1e6))
        _, samples = self.nvml.nvmlDeviceGetSamples(handle, POWER_SAMPLES[scope], since_us)
        return [(each.timeStamp / 1e6 - ahead_s, each.sampleValue.uiVal / 1000) for each in samples]

    def _check(self, call: Any, *arguments: Any) -> None:
        began_s = time.perf_counter()
        code = call(*arguments)
        if time.perf_counter() - began_s > QUICK_S:
            self._quick = None
        if code:
            raise self.nvml.NVMLError(code)

    def ask(self, name: str, *arguments: Any) -> Any:
        """Any other function's answer; None where it has none: each call is optional."""
        try:
            return getattr(self.nvml, name)(*arguments)
        except Exception:
            return None

    def text(self, name: str, handle: Any) -> str | None:
        """An answer in words."""
        answer = self.ask(name, handle)
        if answer is None:
            return None
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)

    def milli(self, name: str, handle: Any) -> float | None:
        """An answer in thousandths."""
        answer = self.ask(name, handle)
        return float(answer) / 1000 or None if answer is not None else None

    def open_again(self, uuid: str, pci: str) -> Any | None:
        """After the driver or the GPU went away: its handle anew, looked for now and then; None while it is gone."""
        now_s = self._now()
        if self._tried_s is not None and now_s - self._tried_s < AGAIN_S:
            return None
        self._tried_s = now_s
        self.ask("nvmlShutdown")
        try:
            self.nvml.nvmlInit()
        except Exception:
            return None
        found = self.ask("nvmlDeviceGetHandleByUUID", uuid.encode()) if uuid else None
        if found is None and pci:
            found = self.ask("nvmlDeviceGetHandleByPciBusId", pci.encode())
        return found

    @property
    def library(self) -> str | None:
        """The file of the library, for another process."""
        name = getattr(getattr(self.nvml, "nvmlLib", None), "_name", None)
        return name if isinstance(name, str) else None


def _day_ahead_s() -> float:
    """The time of day less the monotonic clock's; whoever lost the processor between the two looks again."""
    found = []
    for _ in range(3):
        before_s, day_s, after_s = time.monotonic(), time.time(), time.monotonic()
        found.append((after_s - before_s, day_s - (before_s + after_s) / 2))
    return min(found)[1]


def _without_letting_go(nvml: Any) -> Any | None:
    library = getattr(nvml, "nvmlLib", None)
    if not isinstance(library, ctypes.CDLL):
        return None
    try:
        quick = ctypes.PyDLL(library._name, handle=library._handle)  # noqa: SLF001 - ctypes has no other way
        for name in ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues"):
            getattr(quick, name)  # a driver too old for one of them is asked through pynvml, which says so
    except (AttributeError, OSError):
        return None
    return quick


def present() -> bool:
    """A look for the library itself: cheaper than importing pynvml (26 ms) on the many machines without a GPU."""
    try:
        ctypes.CDLL(LIBRARIES[sys.platform])
    except (OSError, KeyError):
        return False
    return True


def power_folders(sys_folder: Path) -> list[Path]:
    """The runtime power management of every NVIDIA display device on the bus."""
    found = []
    for folder in sorted((sys_folder / "bus/pci/devices").glob("*")):
        try:
            display = (folder / "class").read_bytes().startswith(b"0x03")
            if display and (folder / "vendor").read_bytes().strip() == b"0x10de":
                found.append(folder / "power")
        except OSError:
            continue
    return found


def suspended(power_folder: Path) -> bool:
    """Whether that device sleeps; a look at sysfs does not wake it."""
    try:
        return (power_folder / "runtime_status").read_bytes().startswith(b"suspend")
    except OSError:
        return False
