"""RAPL energy counters as the kernel's perf `power` PMU counts them: 64 bits, so they never wrap.

Layout: https://docs.kernel.org/admin-guide/perf/ and linux arch/x86/events/rapl.c; perf_event_open(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from pathlib import Path

from ..ranges import Range
from . import mirrors
from .meter import Meter
from .powercap import PACKAGE_MAX_W, most_w
from .site import Found, Missing, Site

WHAT = "RAPL through perf"
PMU = Path("bus/event_source/devices/power")
SYSCALL = {"x86_64": 298, "AMD64": 298, "i686": 336, "i386": 336}
"""The number of perf_event_open(2), where there is RAPL."""
CLOEXEC = 8
EVENTS = {"energy-pkg": ("CPU", "cpu"), "energy-ram": ("DRAM", "dram"), "energy-psys": ("Platform (psys)", "platform")}
"""energy-cores and energy-gpu are parts of energy-pkg."""
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
STEP = "sudo sysctl kernel.perf_event_paranoid=0"


class Kernel:
    """The three calls to the kernel."""

    def open(self, pmu: int, config: int, cpu: int) -> int:
        """A descriptor that counts one event on one CPU. OSError as the kernel gives it."""
        number = SYSCALL.get(platform.machine())
        if number is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        # perf_event_attr as of PERF_ATTR_SIZE_VER0: type, size, config, period, sample_type, read_format, flags, ...
        attr = ctypes.create_string_buffer(struct.pack("<IIQQQQQIIQ", pmu, 64, config, 0, 0, 0, 0, 0, 0, 0), 72)
        libc = ctypes.CDLL(None, use_errno=True)
        # Everything on that CPU (pid -1): energy belongs to no process.
        fd: int = libc.syscall(
            ctypes.c_long(number), attr, ctypes.c_int(-1), ctypes.c_int(cpu), ctypes.c_int(-1), ctypes.c_ulong(CLOEXEC)
        )
        if fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return fd

    def count(self, fd: int) -> int:
        """The event's count since it was opened."""
        return int.from_bytes(os.read(fd, 8), "little", signed=True)

    def close(self, fd: int) -> None:
        os.close(fd)


class PerfEvent(Meter):
    """One energy event on one package (or die, where the hardware counts by die)."""

    method = "counter"
    tick_s = 0.001  # the register behind it, as in powercap
    group = "RAPL"
    max_w = PACKAGE_MAX_W

    def __init__(self, kernel: Kernel, fd: int, scale_j: float, event: str, cpu: int) -> None:
        self.source = f"{WHAT} ({event} on CPU {cpu})"
        self._kernel, self._fd, self._scale_j = kernel, fd, scale_j
        self._zero = self._last = 0

    def read(self) -> float | None:
        count = self._kernel.count(self._fd)
        if count < self._last:
            # The kernel takes a register that was reset for one that went back: from here on as after a reset.
            self._zero = count
        self._last = count
        return (count - self._zero) * self._scale_j

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._kernel.close(fd)


def find(site: Site, gain: Range, kernel: Kernel | None = None) -> Found:
    """An event for each package and its DRAM, psys beside them; and what closes the door where it is closed."""
    kernel = kernel or Kernel()
    folder = site.sensors / PMU
    if not (folder / "events" / "energy-pkg").exists():
        return Found()
    meters: list[PerfEvent] = []
    try:
        cpus = _cpus(_text(folder / "cpumask"))
        names = _names(site, cpus)
        pmu = int(_text(folder / "type"))
        for event, (name, kind) in EVENTS.items():
            if (folder / "events" / event).exists():
                # psys is of the whole board: the first package tells it all.
                for cpu in cpus if kind != "platform" else cpus[:1]:
                    meter = _event(kernel, folder, event, pmu, cpu, gain)
                    meter.name = f"{name} {names[cpu]}" if kind != "platform" else name
                    meter.kind = kind
                    if kind == "cpu":
                        meter.max_w = most_w(site, names[cpu])
                    meters.append(meter)
        living = [meter for meter in meters if mirrors.alive(meter, site.pause)]
    except OSError as error:
        _close(meters)
        return Found((), (_missing(error),))
    except ValueError as error:
        _close(meters)
        return Found((), (Missing(WHAT, f"{folder} is not as the kernel describes it ({error})", kind="cpu"),))
    _close(meter for meter in meters if meter not in living)
    if not any(meter.kind == "cpu" for meter in living):
        _close(living)
        why = f"the counters in {folder} stand still at zero: this machine's hypervisor does not pass them on"
        return Found((), (Missing(WHAT, why, kind="cpu"),))
    for meter in living:
        meter.scope = "platform" if meter.kind == "platform" else "device"
        meter.counted = meter.scope == "device"
        meter.contains = ("igpu",) if meter.kind == "cpu" else ()
    return Found(living)


def _event(kernel: Kernel, folder: Path, event: str, pmu: int, cpu: int, gain: Range) -> PerfEvent:
    term, _, value = _text(folder / "events" / event).partition("=")
    unit, scale_j = _text(folder / "events" / f"{event}.unit"), float(_text(folder / "events" / f"{event}.scale"))
    if term != "event" or unit != "Joules" or not 0 < scale_j < 1:
        raise ValueError(f"{event} is {term}, {unit}, {scale_j}")
    meter = PerfEvent(kernel, kernel.open(pmu, int(value, 16), cpu), scale_j, event, cpu)
    meter.gain = gain
    return meter


def _missing(error: OSError) -> Missing:
    if error.errno in (errno.EACCES, errno.EPERM):
        try:
            level = f", {PARANOID.read_text().strip()} here"
        except OSError:
            level = ""
        why = (
            f"events of a whole CPU need kernel.perf_event_paranoid ≤ 0 (it is above{level}) or the capability "
            "CAP_PERFMON; a container's seccomp profile may refuse them too. The setting opens every event of every "
            "CPU to every user of the machine: the udev rule for powercap opens less. Never give the capability to "
            "python itself: each script would have it"
        )
        hint = "this CPU counts its energy, but the kernel closes the counters: %carbon meters shows what opens them"
        return Missing(WHAT, why, STEP, "cpu", hint)
    return Missing(WHAT, f"the kernel refuses the events ({error.strerror})", kind="cpu")


def _names(site: Site, cpus: list[int]) -> dict[int, str]:
    """ "0" for the package of a CPU, "0-die-1" where a package has several counters: named as powercap names them."""
    places = {}
    for cpu in cpus:
        folder = site.sensors / f"devices/system/cpu/cpu{cpu}/topology"
        try:
            places[cpu] = (int(_text(folder / "physical_package_id")), int(_text(folder / "die_id")))
        except (OSError, ValueError):
            places[cpu] = (cpus.index(cpu), 0)
    packages = [package for package, _ in places.values()]
    return {c: f"{p}-die-{d}" if packages.count(p) > 1 else str(p) for c, (p, d) in places.items()}


def _cpus(mask: str) -> list[int]:
    """The CPUs of a list such as "0,18" or "0-1,4"."""
    cpus: list[int] = []
    for part in mask.split(","):
        first, _, last = part.partition("-")
        cpus += range(int(first), int(last or first) + 1)
    return cpus


def _close(meters: Iterable[PerfEvent]) -> None:
    for meter in meters:
        meter.close()


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace").strip()
