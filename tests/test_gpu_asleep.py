"""A machine of several GPUs of which some are suspended: those sleep on, the others are measured."""

import os

import pynvml
import pytest
from machine import Gpu, InjectedClock, SimulatedMachine, steady

from carbon_magic.meters import nvml
from carbon_magic.meters.site import Site

PCI = ("0000:01:00.0", "0000:41:00.0")


def spied(name, real, asked):
    def spy(what):
        asked.append((name, what))
        return real(what)

    return spy


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two boards: their runtime_status files, the site, and the handles that NVML was asked for."""
    for pci in PCI:
        folder = tmp_path / "sys/bus/pci/devices" / pci
        (folder / "power").mkdir(parents=True)
        (folder / "vendor").write_text("0x10de\n")
        (folder / "class").write_text("0x030200\n")
        (folder / "power/runtime_status").write_text("active\n")
    clock = InjectedClock()
    boards = [Gpu(steady(100.0 * (i + 1)), pci=f"0000{pci}") for i, pci in enumerate(PCI)]
    asked = []
    for name in ("Index", "UUID", "PciBusId"):
        function = f"nvmlDeviceGetHandleBy{name}"
        monkeypatch.setattr(pynvml, function, spied(name, getattr(pynvml, function), asked))
    with SimulatedMachine([], boards, clock=clock) as simulated, simulated.here():
        states = [tmp_path / "sys/bus/pci/devices" / pci / "power/runtime_status" for pci in PCI]
        yield states, Site(dict(os.environ), clock.monotonic, sys=tmp_path / "sys"), clock, asked


@pytest.mark.parametrize("sleeper", [0, 1])
def test_the_one_that_sleeps_is_not_touched_and_the_other_is_measured(two, sleeper):
    states, site, clock, asked = two
    states[sleeper].write_text("suspended\n")
    meters = list(nvml.find(site).meters)
    awake = 1 - sleeper
    assert sorted(meter.name.split()[1] for meter in meters) == ["0", "1"]
    by_number = {int(meter.name.split()[1]): meter for meter in meters}
    assert asked == [("PciBusId", PCI[awake].encode())]
    assert by_number[sleeper].asleep()
    assert not by_number[awake].asleep()
    before = by_number[awake].read()
    clock.advance(2.0)
    assert by_number[awake].read() - before == pytest.approx(200 * (awake + 1), rel=0.06)
    assert by_number[sleeper].read() == 0.0
    assert len(asked) == 1


def test_once_somebody_woke_it_it_is_measured_too(two):
    states, site, clock, asked = two
    states[1].write_text("suspended\n")
    sleeper = next(meter for meter in nvml.find(site).meters if meter.name.startswith("GPU 1 "))
    assert sleeper.read() == 0.0
    states[1].write_text("active\n")
    clock.advance(1.0)
    assert sleeper.read() == 0.0  # from here on
    clock.advance(2.0)
    assert sleeper.read() == pytest.approx(400, rel=0.06)
    assert ("Index", 1) in asked


def test_of_two_sleepers_the_one_that_wakes_leaves_the_other_alone(two):
    states, site, clock, asked = two
    for state in states:
        state.write_text("suspended\n")
    first, second = nvml.find(site).meters
    assert (first.read(), second.read(), asked) == (0.0, 0.0, [])
    states[0].write_text("active\n")
    first.read()
    second.read()
    clock.advance(2.0)
    assert first.read() == pytest.approx(200, rel=0.06)
    assert second.read() == 0.0
    assert asked == [("PciBusId", PCI[0].encode())]


@pytest.mark.parametrize(("setting", "counted"), [("1", [False, True]), ("0", [True, False]), ("", [False, False])])
def test_a_sleeper_that_this_kernel_may_not_use_is_not_counted(two, setting, counted):
    states, site, _, _ = two
    states[1].write_text("suspended\n")
    site.environ.update(CUDA_VISIBLE_DEVICES=setting, CUDA_DEVICE_ORDER="PCI_BUS_ID")
    meters = sorted(nvml.find(site).meters, key=lambda meter: meter.name)
    assert [meter.counted for meter in meters] == counted


def test_where_sysfs_shows_other_boards_than_nvml_they_are_taken_by_number(two, tmp_path):
    """A container with one of the host's boards: which of those in sysfs it is, their order does not tell."""
    _, site, _, asked = two
    extra = tmp_path / "sys/bus/pci/devices/0000:81:00.0"
    (extra / "power").mkdir(parents=True)
    (extra / "vendor").write_text("0x10de\n")
    (extra / "class").write_text("0x030200\n")
    (extra / "power/runtime_status").write_text("suspended\n")
    assert len(nvml.find(site).meters) == 2
    assert asked == [("Index", 0), ("Index", 1)]
