"""The calls to Windows that emi.py needs: SetupDi* finds the meters, DeviceIoControl asks them. Not tested there."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from typing import Any

GUID = struct.pack("<IHH8B", 0x45BD8344, 0x7ED6, 0x49CF, 0xA4, 0x40, 0xC2, 0x76, 0xC9, 0x33, 0xB0, 0x53)
"""GUID_DEVICE_ENERGY_METER of emi.h."""
PRESENT_INTERFACES = 0x02 | 0x10
GENERIC_READ = 0x80000000
SHARE_READ_WRITE = 0x01 | 0x02
OPEN_EXISTING = 3
INVALID = ctypes.c_void_p(-1).value
DETAIL_BYTES = 8 if ctypes.sizeof(ctypes.c_void_p) == 8 else 6
"""sizeof SP_DEVICE_INTERFACE_DETAIL_DATA_W; the path itself begins after four bytes."""
POINTER = ctypes.c_void_p
DWORD = ctypes.c_uint32


class Interface(ctypes.Structure):
    """SP_DEVICE_INTERFACE_DATA."""

    _fields_ = (("size", DWORD), ("guid", ctypes.c_ubyte * 16), ("flags", DWORD), ("reserved", ctypes.c_size_t))


class Windows:
    """The machine's own. `setupapi` and `kernel32` may be given, by tests."""

    def __init__(self, setupapi: Any = None, kernel32: Any = None) -> None:
        loader = getattr(ctypes, "WinDLL", None)
        if loader is None and (setupapi is None or kernel32 is None):
            raise OSError("this is not Windows")
        self._setup = setupapi or loader("setupapi", use_last_error=True)  # type: ignore[misc]
        self._kernel = kernel32 or loader("kernel32", use_last_error=True)  # type: ignore[misc]
        self._setup.SetupDiGetClassDevsW.restype = POINTER
        self._kernel.CreateFileW.restype = POINTER

    def paths(self) -> Sequence[str]:
        """The energy meters that are there."""
        guid = (ctypes.c_ubyte * 16).from_buffer_copy(GUID)
        devices = self._setup.SetupDiGetClassDevsW(ctypes.byref(guid), None, None, PRESENT_INTERFACES)
        if devices in (None, INVALID):
            return []
        paths: list[str] = []
        try:
            interface = Interface(size=ctypes.sizeof(Interface))
            while self._setup.SetupDiEnumDeviceInterfaces(
                POINTER(devices), None, ctypes.byref(guid), len(paths), ctypes.byref(interface)
            ):
                paths.append(self._path(devices, interface))
        finally:
            self._setup.SetupDiDestroyDeviceInfoList(POINTER(devices))
        return [path for path in paths if path]

    def _path(self, devices: int, interface: Interface) -> str:
        size = DWORD()
        ask = self._setup.SetupDiGetDeviceInterfaceDetailW
        ask(POINTER(devices), ctypes.byref(interface), None, DWORD(0), ctypes.byref(size), None)
        detail = ctypes.create_string_buffer(max(size.value, DETAIL_BYTES))
        struct.pack_into("<I", detail, 0, DETAIL_BYTES)
        if not ask(POINTER(devices), ctypes.byref(interface), detail, size, None, None):
            return ""
        return detail.raw[4 : size.value].decode("utf-16-le", "replace").partition("\0")[0]

    def open(self, path: str) -> int:
        """A handle. OSError where it is refused."""
        handle = self._kernel.CreateFileW(
            ctypes.c_wchar_p(path), DWORD(GENERIC_READ), DWORD(SHARE_READ_WRITE), None, DWORD(OPEN_EXISTING), 0, None
        )
        if handle in (None, INVALID):
            raise _error(path)
        return int(handle)

    def control(self, handle: int, code: int, size: int) -> bytes:
        """What a request answers, `size` bytes at most. OSError where it fails."""
        answer, length = ctypes.create_string_buffer(size), DWORD()
        if not self._kernel.DeviceIoControl(
            POINTER(handle), DWORD(code), None, DWORD(0), answer, DWORD(size), ctypes.byref(length), None
        ):
            raise _error("energy meter")
        return answer.raw[: length.value]

    def close(self, handle: int) -> None:
        self._kernel.CloseHandle(POINTER(handle))


def _error(what: str) -> OSError:
    code = getattr(ctypes, "get_last_error", lambda: 0)()
    return OSError(code, os.strerror(code) if os.name != "nt" else f"Windows error {code}", what)
