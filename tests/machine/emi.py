"""Windows' energy meters as emi.h describes their answers, with known truth."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.faults import Fault, active, counted, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machine.clock import InjectedClock
    from machine.truth import Trace

J_PER_PWH = 3.6e-9


@dataclass(frozen=True)
class Channel:
    """One counter of a device."""

    name: str
    trace: Trace
    start_j: float = 121_573.6
    unit: int = 0
    faults: tuple[Fault, ...] = ()


def names(oem: str = "Microsoft", model: str = "RAPL") -> bytes:
    """HardwareOEM and HardwareModel."""
    return b"".join(text.encode("utf-16-le").ljust(32, b"\0") for text in (oem, model))


def metadata_v1(name: str, unit: int = 0) -> bytes:
    """EMI_METADATA_V1: one channel, named after the hardware."""
    text = (name + "\0").encode("utf-16-le")
    return struct.pack("<I", unit) + names() + struct.pack("<HH", 1, len(text)) + text


def metadata_v2(channels: Sequence[Channel]) -> bytes:
    """EMI_METADATA_V2."""
    body = names() + struct.pack("<HH", 1, len(channels))
    for channel in channels:
        text = (channel.name + "\0").encode("utf-16-le")
        body += struct.pack("<IH", channel.unit, len(text)) + text
    return body


class EmiMachine:
    """Stands for emi_api.Windows. `devices`: each a list of channels; `version` is theirs."""

    def __init__(self, clock: InjectedClock, devices: Sequence[Sequence[Channel]], version: int = 2) -> None:
        self._clock, self._origin = clock, clock.monotonic()
        self._devices = {f"\\\\?\\emi#{i}": device for i, device in enumerate(devices)}
        self.version = version
        self.metadata = {
            path: metadata_v2(device) if version == 2 else metadata_v1(device[0].name, device[0].unit)
            for path, device in self._devices.items()
        }
        self.refused: set[str] = set()
        self.handles: dict[int, str] = {}
        self._next = 64

    def paths(self) -> list[str]:
        """The devices."""
        return list(self._devices)

    def open(self, path: str) -> int:
        """As CreateFileW."""
        if path in self.refused:
            raise OSError(5, "Access is denied")
        self._next += 4
        self.handles[self._next] = path
        return self._next

    def control(self, handle: int, code: int, size: int) -> bytes:
        """As DeviceIoControl."""
        path = self.handles[handle]
        answers = {
            0x224000: struct.pack("<H", self.version),
            0x224004: struct.pack("<I", len(self.metadata[path])),
            0x224008: self.metadata[path],
        }
        if code in answers:
            return answers[code][:size]
        assert code == 0x22400C
        t = self._clock.monotonic() - self._origin
        if any(active(channel.faults, "io_error", t) for channel in self._devices[path]):
            raise OSError(31, "A device attached to the system is not functioning")
        data = b""
        for channel in self._devices[path]:
            joules = counted(channel.trace, channel.faults, tick(t, 0.001, 0.0), start_j=channel.start_j)
            data += struct.pack("<QQ", round(joules / J_PER_PWH), round(t * 1e7))
        return data[:size]

    def close(self, handle: int) -> None:
        """As CloseHandle."""
        del self.handles[handle]
