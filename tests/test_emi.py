"""Windows' energy meters, from answers as emi.h lays them out and as machines have been seen to give them."""

import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import Fault, InjectedClock, square, steady
from machine.emi import J_PER_PWH, Channel, EmiMachine, metadata_v1, metadata_v2

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import emi, emi_api
from carbon_magic.meters.site import Found, Site
from carbon_magic.tracker import Tracker

LOAD = steady(30) + square(0, 60, 0.41)


@pytest.fixture
def clock():
    return InjectedClock()


def find(clock, api, cpuinfo="GenuineIntel"):
    return emi.find(Site({}, clock.monotonic, cpuinfo, pause=clock.advance), api)


def cell(clock, api, monkeypatch, seconds=5.0):
    monkeypatch.setattr(meters, "survey", lambda site: Found(find(clock, api).meters))
    tracker = Tracker(lambda environ, now: meters.survey(None).meters, clock, {}, threaded=False)
    tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
    t0 = clock.monotonic()
    while clock.monotonic() - t0 < seconds - 1e-9:
        clock.advance(0.05)
        tracker.look(tracker.active)
    run = tracker.end(tracking, "done")
    tracker.close()
    return run


def intel(load=LOAD, **more):
    parts = [("RAPL_Package0_PP0", 0.6), ("RAPL_Package0_PP1", 0.1)]
    return [
        Channel("RAPL_Package0_PKG", load, **more),
        Channel("RAPL_Package0_DRAM", steady(4)),
        *(Channel(name, load * part) for name, part in parts),
    ]


def test_a_laptop_s_package_and_memory_are_counted_and_no_part_of_them(clock, monkeypatch):
    api = EmiMachine(clock, [intel()])
    start = clock.monotonic()
    run = cell(clock, api, monkeypatch)
    end = clock.monotonic() - start
    assert [d.name for d in run.devices] == ["CPU 0", "DRAM 0"]
    assert run.devices[0].energy_j == pytest.approx(LOAD.joules(end - 5, end), rel=0.01)
    assert run.devices[1].energy_j == pytest.approx(20, rel=0.01)
    assert run.devices[0].method == "counter"
    assert api.handles == {}


def test_cores_on_devices_of_their_own_are_not_packages(clock):
    """A Threadripper under Windows 11: 16 devices, of which one has the package, and each a core."""
    devices = [[Channel("RAPL_Package0_PKG", LOAD), Channel("RAPL_Package0_Core0_CORE", steady(7))]]
    devices += [[Channel(f"RAPL_Package0_Core{i}_CORE", steady(7))] for i in range(1, 16)]
    found = find(clock, EmiMachine(clock, devices), "AuthenticAMD")
    assert [(m.name, m.gain) for m in found.meters] == [("CPU 0", emi.AMD_GAIN)]


def test_mirrored_channels_are_counted_once(clock):
    api = EmiMachine(clock, [[Channel("RAPL_Package0_PKG", LOAD)], [Channel("RAPL_Package1_PKG", LOAD)]])
    found = find(clock, api)
    assert [m.name for m in found.meters] == ["CPU 0"]
    assert "same counter" in found.meters[0].notes[0]
    assert len(api.handles) == 1


def test_two_sockets_under_the_same_load_are_two(clock):
    api = EmiMachine(clock, [[Channel("RAPL_Package0_PKG", LOAD)], [Channel("RAPL_Package1_PKG", LOAD, start_j=99.0)]])
    assert [m.name for m in find(clock, api).meters] == ["CPU 0", "CPU 1"]


@pytest.mark.parametrize(
    "fault", [Fault("io_error", at=2, until=3.5), Fault("reset", at=3), Fault("jump", at=3, joules=1e7)]
)
def test_faults_are_filled_in_and_marked(clock, monkeypatch, fault):
    api = EmiMachine(clock, [intel(faults=(fault,))])
    start = clock.monotonic()
    run = cell(clock, api, monkeypatch, 8.0)
    end = clock.monotonic() - start
    assert run.devices[0].energy_j == pytest.approx(LOAD.joules(end - 8, end), rel=0.05)
    assert run.devices[0].notes


def test_an_old_driver_tells_one_channel(clock):
    api = EmiMachine(clock, [[Channel("RAPL_Package0_PKG", LOAD)]], version=1)
    assert [m.name for m in find(clock, api).meters] == ["CPU 0"]


def test_what_a_driver_really_said():
    """Energy of a core as a machine of January 2023 gave it: 33770455183333 pWh are 121.6 kJ."""
    assert pytest.approx(121_573.6, rel=1e-6) == 33_770_455_183_333 * emi.J_PER_PWH
    assert emi.J_PER_PWH == J_PER_PWH
    assert (emi.VERSION, emi.MEASUREMENT) == (0x224000, 0x22400C)


@pytest.mark.parametrize("devices", [[], [[Channel("RAPL_Package0_Core0_CORE", steady(7))]], [[Channel("Surface", steady(7))]],
                                     [[Channel("RAPL_Package0_PKG", steady(7), unit=9)]],
                                     [[Channel("RAPL_Package0_PKG", steady(0), start_j=0)]]])  # fmt: skip
def test_without_a_package_it_says_what_is_missing(clock, devices):
    api = EmiMachine(clock, devices)
    found = find(clock, api)
    assert found.meters == ()
    assert "Windows 11" in found.missing[0].why
    assert api.handles == {}


def test_a_device_that_refuses_hides_no_other(clock):
    api = EmiMachine(clock, [intel(), [Channel("RAPL_Package1_PKG", LOAD, start_j=99.0)]])
    api.refused = {api.paths()[1]}
    assert [m.name for m in find(clock, api).meters] == ["CPU 0", "DRAM 0"]
    api.refused = set(api.paths())
    assert "Access is denied" in find(clock, api).missing[0].why


@given(st.binary(max_size=200), st.integers(0, 3))
def test_metadata_that_is_no_metadata_raises_only_what_is_expected(data, version):
    try:
        found = emi.channels(version, data)
    except (ValueError, struct.error):
        return
    assert all(isinstance(channel.name, str) for channel in found)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30), max_size=20))
def test_names_come_back_as_they_were_told(texts):
    told = [Channel(text, steady(1)) for text in texts]
    assert [channel.name for channel in emi.channels(2, metadata_v2(told))] == texts
    for text in texts:
        assert emi.channels(1, metadata_v1(text)) == [(text, 0)]


# ---- the calls to Windows, against libraries that answer as Windows' do ----


class SetupApi:
    """Two interfaces; the detail's size is asked first."""

    PATHS = ("\\\\?\\acpi#one", "\\\\?\\acpi#two")

    class Function:
        """A function of a library, with a restype to set."""

        def __init__(self, call):
            self.call, self.restype = call, None

        def __call__(self, *arguments):
            return self.call(*arguments)

    def __init__(self):
        self.destroyed = 0
        self.SetupDiGetClassDevsW = self.Function(lambda guid, *_: 7 if bytes(guid._obj) == emi_api.GUID else None)
        self.SetupDiEnumDeviceInterfaces = self._enum
        self.SetupDiGetDeviceInterfaceDetailW = self._detail

    def _enum(self, devices, _info, _guid, index, interface):
        assert devices.value == 7
        assert interface._obj.size == ctypes.sizeof(emi_api.Interface)
        interface._obj.reserved = index
        return index < len(self.PATHS)

    def _detail(self, _devices, interface, detail, size, required, _info):
        path = (self.PATHS[interface._obj.reserved] + "\0").encode("utf-16-le")
        if detail is None:
            required._obj.value = 4 + len(path)
            return 0
        assert struct.unpack_from("<I", detail)[0] == emi_api.DETAIL_BYTES
        assert size.value == 4 + len(path)
        ctypes.memmove(ctypes.addressof(detail) + 4, path, len(path))
        return 1

    def SetupDiDestroyDeviceInfoList(self, devices):
        self.destroyed += 1


class Kernel32:
    """One device that answers 16 bytes."""

    def __init__(self, works=True):
        self.works, self.closed = works, []
        self.CreateFileW = SetupApi.Function(lambda path, *_: 40 if self.works else emi_api.INVALID)

    def DeviceIoControl(self, handle, code, _in, _in_size, answer, size, length, _overlapped):
        if not self.works or code.value != emi.MEASUREMENT:
            return 0
        struct.pack_into("<QQ", answer, 0, 1234, 5678)
        length._obj.value = 16
        return 1

    def CloseHandle(self, handle):
        self.closed.append(handle.value)


def test_windows_is_asked_as_it_wants_to_be():
    setup, kernel = SetupApi(), Kernel32()
    windows = emi_api.Windows(setup, kernel)
    assert windows.paths() == list(SetupApi.PATHS)
    assert setup.destroyed == 1
    handle = windows.open("one")
    assert struct.unpack("<QQ", windows.control(handle, emi.MEASUREMENT, 64)) == (1234, 5678)
    windows.close(handle)
    assert kernel.closed == [40]


def test_windows_refusals_are_oserrors():
    windows = emi_api.Windows(SetupApi(), Kernel32(works=False))
    with pytest.raises(OSError, match="one"):
        windows.open("one")
    with pytest.raises(OSError, match="energy meter"):
        windows.control(40, emi.MEASUREMENT, 16)
    assert emi_api.GUID.hex() == "4483bd45d67ecf49a440c276c933b053"


def test_elsewhere_there_is_no_windows():
    if not hasattr(ctypes, "WinDLL"):
        with pytest.raises(OSError, match="not Windows"):
            emi_api.Windows()
