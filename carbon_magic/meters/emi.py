"""Windows' Energy Meter Interface: picowatt-hours of each processor package, for every user. Not tested on hardware.

Structures and codes: emi.h, https://learn.microsoft.com/windows-hardware/drivers/powermeter/energy-meter-interface
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from ..ranges import Range
from . import mirrors
from .meter import Meter
from .powercap import package_vendor
from .site import Found, Missing, Site

WHAT = "Windows' Energy Meter Interface"
J_PER_PWH = 3.6e-9
VERSION, METADATA_SIZE, METADATA, MEASUREMENT = (0x224000 | 4 * n for n in range(4))
"""CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_READ_ACCESS)."""
NAMES_BYTES = 2 * 2 * 16
"""HardwareOEM and HardwareModel: 16 characters of two bytes each."""
CHANNEL_BYTES = 16
INTEL_GAIN: Range = (0.95, 1.05)
AMD_GAIN: Range = (0.85, 1.15)
"""The same registers as RAPL, see rapl.py."""

_CHANNEL = re.compile(r"^RAPL_Package(\d+)(?:_Die(\d+))?_(PKG|DRAM)$", re.IGNORECASE)


class Api(Protocol):
    """What is asked of Windows."""

    def paths(self) -> Sequence[str]:
        """The energy meters that are there."""
        ...

    def open(self, path: str) -> int:
        """A handle. OSError where it is refused."""
        ...

    def control(self, handle: int, code: int, size: int) -> bytes:
        """What a request answers, `size` bytes at most. OSError where it fails."""
        ...

    def close(self, handle: int) -> None: ...


class Channel(NamedTuple):
    """One counter of a device."""

    name: str
    unit: int
    """0: picowatt-hours, the only one there is."""


class EmiCounter(Meter):
    """One channel of one device."""

    method = "counter"
    group = "RAPL"

    def __init__(self, api: Api, handle: int, index: int, count: int, name: str, kind: str, gain: Range) -> None:
        self.name, self.kind, self.gain = name, kind, gain
        self.source = "RAPL through EMI"
        self.contains = ("igpu",) if kind == "cpu" else ()
        self._api, self._handle, self._index, self._count = api, handle, index, count

    def read(self) -> float | None:
        answer = self._api.control(self._handle, MEASUREMENT, self._count * CHANNEL_BYTES)
        energy, _time = struct.unpack_from("<QQ", answer, self._index * CHANNEL_BYTES)
        return float(energy) * J_PER_PWH

    def close(self) -> None:
        handle, self._handle = self._handle, 0
        if handle:
            self._api.close(handle)


def find(site: Site, api: Api | None = None) -> Found:
    """The package and DRAM channels of all devices: cores are parts of their package, whichever device has them."""
    if api is None:
        from .emi_api import Windows

        api = Windows()
    gain = AMD_GAIN if package_vendor(site.cpuinfo) else INTEL_GAIN
    meters: list[EmiCounter] = []
    refused: OSError | None = None
    for path in api.paths():
        try:
            channels = _channels(api, path)
        except (OSError, ValueError, struct.error) as error:
            refused = error if isinstance(error, OSError) else refused
            continue
        for index, channel in enumerate(channels):
            match = _CHANNEL.match(channel.name)
            if match is None or channel.unit != 0:
                continue
            package, die, part = match.groups()
            which = f"{package}-die-{die}" if die else package
            name, kind = (f"CPU {which}", "cpu") if part.upper() == "PKG" else (f"DRAM {which}", "dram")
            meters.append(EmiCounter(api, api.open(path), index, len(channels), name, kind, gain))
    meters = _once(meters, site)
    if any(meter.kind == "cpu" for meter in meters):
        return Found(meters)
    why = "no meter of a processor is there: Windows 11 has them for Intel and AMD, outside virtual machines"
    if refused is not None:
        why = f"a meter is there but does not answer ({refused.strerror or refused})"
    return Found((), (Missing(WHAT, why, kind="cpu"),))


def _once(meters: list[EmiCounter], site: Site) -> list[EmiCounter]:
    """Without dead channels, and without those that show again what another shows."""
    kept: list[EmiCounter] = []
    for meter in sorted(meters, key=lambda meter: (meter.kind, meter.name)):
        twin = None
        try:
            living = mirrors.alive(meter, site.pause)
        except (OSError, struct.error):
            living = False
        if living:
            same = [other for other in kept if other.kind == meter.kind and mirrors.close(other, meter)]
            twin = next((other for other in same if mirrors.mirrored(other, meter, site.pause)), None)
            if twin is None:
                kept.append(meter)
                continue
            twin.notes = (*twin.notes, f"{meter.name} shows the same counter, which is counted once")
        meter.close()
    return kept


def _channels(api: Api, path: str) -> list[Channel]:
    """What a device counts, by its own description."""
    handle = api.open(path)
    try:
        [version] = struct.unpack_from("<H", api.control(handle, VERSION, 2))
        [size] = struct.unpack_from("<I", api.control(handle, METADATA_SIZE, 4))
        return channels(version, api.control(handle, METADATA, size))
    finally:
        api.close(handle)


def channels(version: int, metadata: bytes) -> list[Channel]:
    """EMI_METADATA_V1 tells one channel, EMI_METADATA_V2 any number. ValueError or struct.error where it is neither."""
    if version == 1:
        [unit] = struct.unpack_from("<I", metadata)
        [size] = struct.unpack_from("<H", metadata, 4 + NAMES_BYTES + 2)
        return [Channel(_text(metadata, 4 + NAMES_BYTES + 4, size), unit)]
    if version != 2:
        raise ValueError(f"EMI version {version}")
    [count] = struct.unpack_from("<H", metadata, NAMES_BYTES + 2)
    found, at = [], NAMES_BYTES + 4
    for _ in range(count):
        unit, size = struct.unpack_from("<IH", metadata, at)
        found.append(Channel(_text(metadata, at + 6, size), unit))
        at += 6 + size
    return found


def _text(data: Any, at: int, size: int) -> str:
    if at + size > len(data):
        raise ValueError("the metadata ends within a name")
    return bytes(data[at : at + size]).decode("utf-16-le", "replace").rstrip("\0")
