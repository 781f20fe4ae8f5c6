"""Boards that tell watts or joules by hwmon, and batteries: each joule once, whatever overlaps."""

import os
import threading
import time

import pytest
from machine import Fault, InjectedClock, hwmon, ramp, square, steady
from machine.sysfs import SysTree
from tries import until

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import battery, rapl
from carbon_magic.meters import hwmon as instrument
from carbon_magic.meters.meter import Meter
from carbon_magic.meters.site import Found, Site
from carbon_magic.meters.watts import Watts
from carbon_magic.tracker import Tracker
from carbon_magic.tracking import UNSEEN_HZ

SLOW = ramp(0, 20, 20, 120)
"""What a look five times a second can follow."""


class Board:
    """A simulated board without RAPL, and cells on it."""

    def __init__(self, folder, monkeypatch):
        self.clock = InjectedClock()
        self.tree = SysTree(folder, self.clock)
        self.more = []
        monkeypatch.setattr(rapl, "find", lambda site: Found(self.more))
        monkeypatch.setattr(meters, "INSTRUMENTS", {"rapl": "", "hwmon": "", "battery": ""})

    def find(self):
        return meters.survey(Site({}, self.clock.monotonic, "", self.tree.root, self.clock.advance)).meters

    def cell(self, seconds):
        tracker = Tracker(lambda environ, now: self.find(), self.clock, os.environ, threaded=False)
        tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
        t0 = self.tree.now()
        while self.tree.now() - t0 < seconds - 1e-9:
            self.clock.advance(0.05)
            tracker.look(tracker.active)
        run = tracker.end(tracking, "done")
        return {d.name: d for d in run.devices}, {d.name: d for d in run.others}, run


class Counter(Meter):
    """Another instrument."""

    method, gain, source, group = "counter", (1.0, 1.0), "a test", "test"

    def __init__(self, clock, trace, name, kind, **more):
        self.name, self.kind = name, kind
        self.read = lambda: 9.0 + trace.joules(0, clock.monotonic())
        vars(self).update(more)

    def read(self):
        raise NotImplementedError


@pytest.fixture
def board(tmp_path, monkeypatch):
    return Board(tmp_path / "sys", monkeypatch)


def within(device, truth, rel=0.02):
    assert device.energy_j == pytest.approx(truth, rel=rel)
    assert device.energy_j_range[0] <= truth <= device.energy_j_range[1]


# ---- ACPI power meters ----


def test_a_grace_socket_counts_its_memory_and_the_module_stands_beside(board):
    hwmon.grace_hopper(board.tree, SLOW, steady(400))
    devices, others, run = board.cell(10)
    assert list(devices) == ["CPU 0 Grace"]  # and no model: its DRAM is in it
    within(devices["CPU 0 Grace"], SLOW.joules(0, 10))
    assert devices["CPU 0 Grace"].method == "polled"
    within(others["Module 0"], SLOW.joules(0, 10) + 4000)
    assert others["Module 0"].scope == "platform"
    assert run.notes == ()


def test_a_gpu_counter_of_the_whole_module_takes_the_socket_s_place(board):
    hwmon.grace_hopper(board.tree, SLOW, steady(400))
    board.more = [Counter(board.clock, steady(500), "GPU 0 GH200", "gpu", contains=("cpu", "dram"))]
    devices, others, run = board.cell(5)
    assert list(devices) == ["GPU 0 GH200"]
    assert run.energy_j == pytest.approx(2500, rel=0.01)
    assert set(others) == {"CPU 0 Grace", "Module 0"}


def test_without_a_socket_s_sum_its_parts_are_summed(board):
    hwmon.power_meter(board.tree, 0, "CPU Power Socket 0", steady(50))
    hwmon.power_meter(board.tree, 1, "SysIO Power Socket 0", steady(10))
    devices, *_ = board.cell(4)
    assert sum(d.energy_j for d in devices.values() if d.kind == "cpu") == pytest.approx(240, rel=0.01)
    assert [d.method for d in devices.values() if d.kind == "dram"] == ["modelled"]


def test_a_chassis_meter_is_the_whole_machine_and_its_firmware_keeps_nobody_waiting(board, monkeypatch):
    """In real time: a thread asks it, as its answer may take seconds."""
    hwmon.power_meter(board.tree, 0, "", steady(300), window_s=1.0)
    board.tree.put("class/hwmon/hwmon0/device/power1_accuracy", "97.5%\n")
    asked, answer = [], threading.Event()

    def slow(chip, attribute):
        asked.append(attribute)
        return lambda: 300.0 if answer.wait(10) else 0.0

    monkeypatch.setattr(instrument.Chip, "micro", slow)
    [meter] = instrument.find(Site({}, time.monotonic, "", board.tree.root)).meters
    first = meter.read()  # which would be 3 kJ if it waited for the firmware, which has not answered yet
    answer.set()
    until(lambda: meter._follower.known)
    t0, a, t1 = time.monotonic(), meter.read(), time.monotonic()
    meter._thread.join(0.2)
    t2, b, t3 = time.monotonic(), meter.read(), time.monotonic()
    meter.close()
    meter._thread.join(5)
    assert not meter._thread.is_alive()
    assert asked == ["power1_average"]
    assert first == 0
    assert first <= a < b
    assert 0.95 * 300 * (t2 - t1) <= b - a <= 1.05 * 300 * (t3 - t0)
    assert (meter.scope, meter.counted, meter.method) == ("whole machine", False, "polled")
    assert meter.gain == pytest.approx((0.975, 1.025))


@pytest.mark.parametrize("kind", ["io_error", "vanish"])
def test_a_gap_is_filled_between_what_came_before_and_after(board, kind):
    hwmon.power_meter(board.tree, 0, "Grace Power Socket 0", SLOW, faults=[Fault(kind, at=3, until=5)])
    devices, _, run = board.cell(10)
    grace = devices["CPU 0 Grace"]
    within(grace, SLOW.joules(0, 10), rel=0.05)
    assert any("filled in" in note for note in run.notes)
    low, high = grace.energy_j_range
    assert high - low > 0.1 * grace.energy_j + SLOW.joules(3, 5)  # half of the gap either way


def test_a_sensor_gone_for_good_is_marked(board):
    hwmon.power_meter(board.tree, 0, "Grace Power Socket 0", steady(80), faults=[Fault("vanish", at=3)])
    devices, _, run = board.cell(10)
    low, high = devices["CPU 0 Grace"].energy_j_range
    assert low <= 240 <= high
    assert any("lost after" in note for note in run.notes)


def test_slow_firmware_is_asked_seldom(board):
    asked = []

    def slow():
        asked.append(board.clock.monotonic())
        return 100.0

    meter = Watts(slow, board.clock.monotonic, name="x", kind="cpu", source="", gain=(1, 1), every_s=1.0)
    for _ in range(100):
        joules = meter.read()
        board.clock.advance(0.1)
    assert len(asked) == 10
    assert joules == pytest.approx(990)


GRACE = "CPU implementer\t: 0x41\nCPU part\t: 0xd4f\n"


@pytest.mark.parametrize(("vendor", "told"), [("NVIDIA", 1), ("Supermicro", 1), ("Amazon EC2", 0), ("Google", 0)])
def test_grace_without_its_driver_is_told_the_option(board, vendor, told):
    board.tree.put("class/dmi/id/sys_vendor", f"{vendor}\n")
    site = Site({}, board.clock.monotonic, GRACE, board.tree.root)
    missing = instrument.find(site).missing
    assert len(missing) == told
    assert all("acpi_power_meter force_cap_on=y" in each.step for each in missing)
    hwmon.grace_hopper(board.tree, steady(90), steady(300))
    assert instrument.find(site).missing == ()


# ---- Jetson ----


JETSONS = {
    "Orin NX": ([{"VDD_IN": steady(18), "VDD_CPU_GPU_CV": steady(9), "VDD_SOC": steady(4)}], 18),
    "Nano": ([{"POM_5V_IN": steady(7), "POM_5V_GPU": steady(2), "POM_5V_CPU": steady(3)}], 7),
    "AGX Orin": (
        [{"VDD_GPU_SOC": steady(20), "VDD_CPU_CV": steady(8), "VIN_SYS_5V0": steady(6)},
         {"NC": steady(0), "VDDQ_VDD2_1V8AO": steady(1)}], 34,
    ),
    "AGX Xavier": (
        [{"GPU": steady(10), "CPU": steady(5), "SOC": steady(3)},
         {"CV": steady(1), "VDDRQ": steady(2), "SYS5V": steady(4)}], 25,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("chips", "watts"), JETSONS.values(), ids=JETSONS)
def test_a_jetson_s_input_is_counted_or_else_its_rails(board, chips, watts):
    for n, rails in enumerate(chips):
        hwmon.ina3221(board.tree, n, rails)
    devices, others, _ = board.cell(4)
    assert list(devices) == ["Jetson module"]  # CPU, GPU and memory are in it
    within(devices["Jetson module"], watts * 4)
    assert others == {}


def test_a_jetson_follows_its_load(board):
    hwmon.ina3221(board.tree, 0, {"VDD_IN": SLOW})
    devices, *_ = board.cell(10)
    within(devices["Jetson module"], SLOW.joules(0, 10))


# ---- energy counters ----


def test_amd_energy_counts_sockets_and_only_where_rapl_does_not(board):
    inputs = {1: ("Ecore000", steady(5)), 2: ("Ecore001", steady(6)), 3: ("Esocket0", SLOW)}
    hwmon.energy(board.tree, 0, "amd_energy", inputs)
    devices, *_ = board.cell(5)
    within(devices["CPU 0"], SLOW.joules(0, 5))
    assert devices["CPU 0"].source == "hwmon energy3_input (amd_energy)"
    board.more = [Counter(board.clock, SLOW, "CPU 0", "cpu")]
    assert [m.source for m in board.find() if m.kind == "cpu"] == ["a test"]


def test_an_intel_card_counts_by_itself(board):
    hwmon.energy(board.tree, 0, "i915", {1: (None, SLOW)})
    hwmon.energy(board.tree, 1, "i915_gt0", {1: (None, SLOW * 0.9)})
    hwmon.pci(board.tree, 0, "0000:03:00.0")
    board.tree.put("class/hwmon/hwmon0/power1_max", "190000000\n")
    devices, others, _ = board.cell(5)
    within(devices["GPU 0 Intel"], SLOW.joules(0, 5))
    assert (devices["GPU 0 Intel"].limit_w, others) == (190, {})


def test_xe_counts_the_card_not_its_package_too(board):
    hwmon.energy(board.tree, 0, "xe", {1: ("card", SLOW), 2: ("pkg", SLOW * 0.8)})
    hwmon.energy(board.tree, 1, "xe", {2: ("pkg", steady(30))})
    devices, *_ = board.cell(5)
    within(devices["GPU 0 Intel"], SLOW.joules(0, 5))
    within(devices["GPU 1 Intel"], 150)


def test_an_integrated_gpu_is_inside_the_package(board):
    board.more = [Counter(board.clock, steady(40), "CPU 0", "cpu", contains=("igpu",))]
    hwmon.energy(board.tree, 0, "xe", {1: ("card", steady(9))})
    hwmon.pci(board.tree, 0, "0000:00:02.0")
    devices, others, run = board.cell(5)
    assert [d.kind for d in devices.values()] == ["cpu", "dram"]
    assert others["GPU 0 Intel"].energy_j == pytest.approx(45, rel=0.01)
    assert any("CPU 0 holds it already" in note for note in run.notes)


def test_a_suspended_card_is_not_read(board):
    hwmon.energy(board.tree, 0, "xe", {1: ("card", steady(9))})
    hwmon.pci(board.tree, 0, "0000:03:00.0", "suspended")
    board.tree.put("class/hwmon/hwmon0/energy1_input", lambda t: 5)  # whoever reads it gets an error
    [gpu] = [m for m in board.find() if m.kind == "gpu"]
    assert gpu.asleep()
    assert gpu.read() is None


def test_sensors_that_mean_nothing_to_us_are_left_alone(board):
    board.tree.put("class/hwmon/hwmon0/name", "coretemp\n")
    board.tree.put("class/hwmon/hwmon0/temp1_input", "41000\n")
    board.tree.put("class/hwmon/hwmon1/name", 5)
    board.tree.put("class/hwmon/hwmon2/name", "ina3221\n")
    hwmon.energy(board.tree, 3, "amd_energy", {1: (None, steady(3))})
    assert {meter.method for meter in board.find()} == {"modelled"}
    assert instrument.find(Site({}, board.clock.monotonic, sys=board.tree.root / "nowhere")) == Found([], ())


# ---- batteries ----


@pytest.mark.parametrize("options", [{}, {"by_current": True}, {"by_current": True, "sign": -1}, {"sign": -1}])
def test_a_discharging_battery_is_the_whole_machine(board, options):
    load = ramp(0, 40, 20, 120)
    hwmon.battery(board.tree, "BAT0", load, **options)
    devices, others, _ = board.cell(20)
    within(others["Battery"], load.joules(0, 20), rel=0.05)
    assert (others["Battery"].scope, others["Battery"].method) == ("whole machine", "polled")
    assert {d.kind for d in devices.values()} == {"cpu", "dram"}


def test_two_batteries_are_one_figure_and_a_mouse_is_none(board):
    hwmon.battery(board.tree, "BAT0", steady(9))
    hwmon.battery(board.tree, "BAT1", steady(6))
    hwmon.battery(board.tree, "hid-mouse", steady(100), scope="Device")
    board.tree.put("class/power_supply/AC/type", "Mains\n")
    _, others, _ = board.cell(10)
    within(others["Battery"], 150)


def test_on_mains_there_is_no_figure_and_no_complaint(board):
    hwmon.battery(board.tree, "BAT0", steady(9), discharging=lambda t: False)
    _, others, run = board.cell(5)
    assert others == {}
    assert not any("Battery" in note for note in run.notes)


def test_plugging_in_adds_nothing_afterwards(board):
    hwmon.battery(board.tree, "BAT0", steady(10), discharging=lambda t: t < 10)
    _, others, run = board.cell(30)
    assert others["Battery"].energy_j == pytest.approx(100, abs=25)  # asked once a second
    assert any(note.startswith("Battery: lost after") for note in run.notes)


def test_a_time_on_mains_between_is_not_filled_in(board):
    hwmon.battery(board.tree, "BAT0", steady(10), discharging=lambda t: not 10 <= t < 20)
    _, others, _ = board.cell(30)
    assert others["Battery"].energy_j == pytest.approx(200, abs=45)


def test_a_machine_without_battery_says_nothing(tmp_path):
    assert battery.find(Site({}, lambda: 0.0, sys=tmp_path)) == Found()


def test_the_battery_does_not_make_the_watcher_look_more_often(board):
    hwmon.battery(board.tree, "BAT0", square(5, 9, 1.0))
    tracker = Tracker(lambda environ, now: board.find(), board.clock, os.environ, threaded=False)
    tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
    assert tracking.rate_hz() == UNSEEN_HZ
    tracker.end(tracking, "done")


def test_a_container_may_have_its_host_s_sys_elsewhere(board):
    hwmon.energy(board.tree, 0, "xe", {1: ("card", steady(9))})
    site = Site({"CARBON_MAGIC_SYS": str(board.tree.root)}, board.clock.monotonic)
    assert [meter.name for meter in instrument.find(site).meters] == ["GPU 0 Intel"]
