"""The helper process of sampler.py: python -I -S sample.py LIBRARY FD PERIOD BOARD... Standard library only.

Reads orders from its standard input ("+": sample, "-": rest) and ends at its end, or with its parent.
"""

import ctypes
import mmap
import os
import select
import struct
import sys
import time

SEAT = struct.Struct("=QdddQ")
POWER_INSTANT = 186
IDLE_S = 2.0
"""While it rests, it looks this often whether its parent still lives: a forked sibling may hold the pipe open."""


class FieldValue(ctypes.Structure):
    """nvmlFieldValue_t (nvml.h)."""

    _fields_ = [
        ("field", ctypes.c_uint),
        ("scope", ctypes.c_uint),
        ("timestamp", ctypes.c_longlong),
        ("latency_us", ctypes.c_longlong),
        ("type", ctypes.c_uint),
        ("error", ctypes.c_uint),
        ("value", ctypes.c_ulonglong),
    ]


class Board:
    """One board's seat: its joules so far, summed by the trapezoid between samples."""

    def __init__(self, nvml: ctypes.CDLL, page: mmap.mmap, seat: int, what: str) -> None:
        self._nvml, self._page, self._at = nvml, page, seat * SEAT.size
        how, uuid, power_folder = what.split(":", 2)
        self._instant = how == "instant"
        self._status = power_folder and f"{power_folder}/runtime_status"
        self._handle = ctypes.c_void_p()
        nvml.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(self._handle))
        self._count, self._joules = 0, 0.0
        self._last: tuple[float, float] | None = None

    def _watts(self) -> float:
        """Negative where the board does not answer; 0 of one that is suspended, which a question would wake."""
        if self._asleep():
            return 0.0
        if self._instant:
            value = FieldValue(field=POWER_INSTANT)
            failed = self._nvml.nvmlDeviceGetFieldValues(self._handle, 1, ctypes.byref(value)) or value.error
            return -1.0 if failed else (value.value & 0xFFFFFFFF) / 1000
        mw = ctypes.c_uint()
        return -1.0 if self._nvml.nvmlDeviceGetPowerUsage(self._handle, ctypes.byref(mw)) else mw.value / 1000

    def _asleep(self) -> bool:
        if not self._status:
            return False
        try:
            with open(self._status, "rb", buffering=0) as file:
                return file.read(16).startswith(b"suspend")
        except OSError:
            return False

    def look(self) -> None:
        """One sample."""
        before_s = time.monotonic()
        watts = self._watts()
        t_s = (before_s + time.monotonic()) / 2
        if watts < 0:
            self._last = None
        else:
            if self._last is not None:
                self._joules += (self._last[1] + watts) / 2 * (t_s - self._last[0])
            self._last = t_s, watts
        self._count += 1
        # The counts at both ends differ while this is being written: a reader then looks again.
        self._page[self._at : self._at + 8] = struct.pack("=Q", self._count)
        self._page[self._at + 8 : self._at + SEAT.size] = struct.pack("=dddQ", self._joules, t_s, watts, self._count)

    def rest(self) -> None:
        """What passes until the next sample is nobody's."""
        self._last = None


def main() -> None:
    """Sample until the pipe or the parent ends."""
    parent = os.getppid()
    library, shared, period, *what = sys.argv[1:]
    nvml = ctypes.CDLL(library)
    if nvml.nvmlInit_v2():
        return
    page = mmap.mmap(int(shared), len(what) * SEAT.size)
    os.close(int(shared))
    boards = [Board(nvml, page, seat, each) for seat, each in enumerate(what)]
    counting, due_s = False, time.monotonic()
    while os.getppid() == parent:
        wait_s = max(0.0, due_s - time.monotonic()) if counting else IDLE_S
        if select.select([0], [], [], wait_s)[0]:
            order = os.read(0, 64)
            if not order:
                return
            counting = order.endswith(b"+")
            due_s = time.monotonic()
        if counting and time.monotonic() >= due_s:
            due_s = max(due_s + float(period), time.monotonic())
            for board in boards:
                board.look()
        elif not counting:
            for board in boards:
                board.rest()


if __name__ == "__main__":
    main()
