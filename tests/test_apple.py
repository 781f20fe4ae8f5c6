"""Apple silicon, from answers in the form of zeus_apple_silicon's, with counters that tick as slowly as they do."""

import sys
from types import SimpleNamespace

import pytest
from machine import InjectedClock, ramp, steady
from machine.faults import tick

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import apple
from carbon_magic.meters.site import Site
from carbon_magic.tracker import Tracker

LOAD = ramp(0, 40, 10, 50)


class Monitor:
    """AppleEnergyMonitor: integers of mJ, None for what a chip does not tell."""

    clock, tick_s, fields = None, 0.33, {}

    def __init__(self):
        self.t0, self.samples = self.clock.monotonic(), 0

    def get_cumulative_energy(self):
        type(self).samples_taken += 1
        t = self.clock.monotonic() - self.t0
        told = {
            name: None if trace is None else int(1000 * (5000 + trace.joules(0, tick(t, tick_s, 0.0))))
            for name, (trace, tick_s) in self.fields.items()
        }
        return SimpleNamespace(**told)


@pytest.fixture
def mac(monkeypatch):
    """A Mac with these fields: (trace, tick)."""
    clock = InjectedClock()

    def make(**fields):
        monitor = type("AppleEnergyMonitor", (Monitor,), {"clock": clock, "fields": fields, "samples_taken": 0})
        monkeypatch.setitem(sys.modules, "zeus_apple_silicon", SimpleNamespace(AppleEnergyMonitor=monitor))
        monkeypatch.setattr(apple.platform, "machine", lambda: "arm64")
        monkeypatch.setattr(meters, "INSTRUMENTS", {"apple": ""})
        return SimpleNamespace(clock=clock, monitor=monitor, site=Site({}, clock.monotonic))

    return make


def cell(mac, seconds):
    tracker = Tracker(lambda environ, now: meters.survey(mac.site).meters, mac.clock, {}, threaded=False)
    tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
    t0 = mac.clock.monotonic()
    while mac.clock.monotonic() - t0 < seconds - 1e-9:
        mac.clock.advance(0.004 if tracking.machine.settle() else 0.05)
        tracker.look(tracker.active)
    seconds = mac.clock.monotonic() - t0  # what is waited for after it is not the cell's
    return tracker.end(tracking, "done"), seconds


@pytest.mark.parametrize("tick_s", [0.33, 2.1], ids=["M1 Ultra", "M5 Max"])
def test_parts_add_up_and_the_slow_tick_is_in_the_range(mac, tick_s):
    machine = mac(cpu_total_mj=(LOAD, tick_s), gpu_mj=(steady(12), 0.001), dram_mj=(steady(2), tick_s))
    run, seconds = cell(machine, 20.0)
    parts = {d.kind: d for d in run.devices}
    assert set(parts) == {"cpu", "gpu", "dram"}
    truth = {"cpu": LOAD.joules(0, seconds), "gpu": 12 * seconds, "dram": 2 * seconds}
    for kind, device in parts.items():
        # Neither end of the cell can be told to better than a tick where no tick falls close to it.
        assert device.energy_j == pytest.approx(truth[kind], rel=0.02 + tick_s / seconds), kind
        assert device.energy_j_range[0] <= truth[kind] <= device.energy_j_range[1]
        assert device.method == "counter"
    assert run.notes == ()


def test_a_short_cell_on_a_slow_counter_has_an_honest_range(mac):
    machine = mac(cpu_total_mj=(steady(30), 2.1))
    run, seconds = cell(machine, 0.5)
    [cpu] = [d for d in run.devices if d.kind == "cpu"]
    assert cpu.energy_j_range[0] <= 30 * seconds <= cpu.energy_j_range[1]


def test_one_sample_serves_all_parts_and_dense_readings(mac):
    machine = mac(cpu_total_mj=(steady(30), 0.33), gpu_mj=(steady(5), 0.001), dram_mj=(steady(2), 0.33))
    found = apple.find(machine.site)
    taken = machine.monitor.samples_taken
    for _ in range(100):
        for meter in found.meters:
            meter.read()
        machine.clock.advance(0.004)
    assert machine.monitor.samples_taken - taken <= 9  # 0.4 s


def test_an_earlier_version_s_names_are_known(mac):
    machine = mac(cpu_mj=(steady(30), 0.33), gpu_mj=(steady(5), 0.001))
    assert [m.name for m in apple.find(machine.site).meters] == ["CPU", "GPU"]


def test_what_a_chip_does_not_tell_is_modelled_or_missing(mac):
    machine = mac(cpu_total_mj=(steady(30), 0.33))
    kinds = {m.kind: m.method for m in meters.survey(machine.site).meters}
    assert kinds == {"cpu": "counter", "dram": "modelled"}
    machine = mac()
    assert "tells none" in apple.find(machine.site).missing[0].why


def test_without_the_extra_its_installation_is_told(mac, monkeypatch):
    machine = mac()
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", None)
    [missing] = apple.find(machine.site).missing
    assert missing.step == "%pip install 'carbon_magic[apple]'"
    [cpu] = [m for m in meters.survey(machine.site).meters if m.kind == "cpu"]
    assert any("carbon_magic[apple]" in note for note in cpu.notes)


def test_an_intel_mac_is_told_so(mac, monkeypatch):
    machine = mac()
    monkeypatch.setattr(apple.platform, "machine", lambda: "x86_64")
    [missing] = apple.find(machine.site).missing
    assert (missing.step, "Intel" in missing.why) == ("", True)


def test_a_failing_sample_is_no_reading_and_not_an_old_one(mac):
    machine = mac(cpu_total_mj=(steady(30), 0.33))
    [cpu] = apple.find(machine.site).meters
    machine.clock.advance(1.0)

    def fail(self):
        raise RuntimeError("IOReport")

    machine.monitor.get_cumulative_energy = fail
    with pytest.raises(RuntimeError):
        cpu.read()
