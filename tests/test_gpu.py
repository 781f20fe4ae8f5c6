"""NVIDIA GPUs: which are this kernel's, how each is measured, and what happens when one goes away."""

import os
from contextlib import contextmanager

import pytest
from machine import Fault, Gpu, InjectedClock, SimulatedMachine, Zone, square, steady

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.data import gpus as table
from carbon_magic.labels import Label
from carbon_magic.meters import nvml
from carbon_magic.meters.nvml.driver import power_folders, suspended
from carbon_magic.meters.site import Site
from carbon_magic.tracker import Tracker

LABEL = Label("test", None, {}, "project", "host")
CPU = Zone("intel-rapl:0", "package-0", steady(50), 150)


class Cells:
    """Cells on a simulated machine whose clock the test moves."""

    def __init__(self, simulated, clock, environ):
        self.simulated, self.clock = simulated, clock
        self.tracker = Tracker(meters.find, clock, os.environ | environ, threaded=False)

    def begin(self, **settings):
        return self.tracker.begin(LABEL, Settings(**settings), grid.intensity("FR"))

    def go(self, tracking, seconds):
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 1e-9:
            dense = tracking.machine.settle() or tracking.machine.awaits_tick()
            self.clock.advance(min(left, 0.004 if dense else 0.05))
            self.tracker.look(self.tracker.active)

    def cell(self, seconds, **settings):
        tracking = self.begin(**settings)
        self.go(tracking, seconds)
        return self.tracker.end(tracking, "done")


@contextmanager
def cells(*gpus, zones=(CPU,), **environ):
    clock = InjectedClock()
    with SimulatedMachine(zones, gpus, clock=clock) as simulated, simulated.here():
        yield Cells(simulated, clock, environ)


def gpu_of(run, number=0):
    return next(d for d in (*run.devices, *run.others) if d.name.startswith(f"GPU {number} "))


def test_gpus_that_are_not_ours_stand_beside_and_a_guess_is_a_note():
    fast, slow = (
        Gpu(steady(300), name="NVIDIA A100-SXM4-80GB"),
        Gpu(steady(60), name="Tesla T4", cores=2560, limit_w=70),
    )
    with cells(slow, fast, CUDA_VISIBLE_DEVICES="0") as sim:
        run = sim.cell(3.0)
        assert [d.name for d in run.devices if d.kind == "gpu"] == ["GPU 1 NVIDIA A100-SXM4-80GB"]
        assert [d.name for d in run.others] == ["GPU 0 Tesla T4"]
        assert any("CUDA_DEVICE_ORDER=PCI_BUS_ID" in note for note in run.notes)
    with cells(slow, fast, CUDA_VISIBLE_DEVICES="0", CUDA_DEVICE_ORDER="PCI_BUS_ID") as sim:
        run = sim.cell(3.0)
        assert [d.name for d in run.devices if d.kind == "gpu"] == ["GPU 0 Tesla T4"]
        assert run.notes == ()


# ---- how it is measured ----


def test_a_board_with_instances_is_measured_as_a_whole_and_says_so():
    with cells(Gpu(steady(200), mig=3)) as sim:
        gpu = gpu_of(sim.cell(3.0))
        assert gpu.energy_j == pytest.approx(600, rel=0.01)
        assert gpu.notes == ("MIG: the energy is the whole board's, 3 instances share it",)


def test_a_superchip_holds_its_processor_which_is_not_counted_twice():
    with cells(Gpu(steady(400), name="NVIDIA GH200 480GB", module=True)) as sim:
        run = sim.cell(3.0)
        assert [d.kind for d in run.devices] == ["gpu"]
        assert run.energy_j == pytest.approx(1200, rel=0.01)
        assert [d.kind for d in run.others] == ["cpu"]


@pytest.mark.parametrize(
    ("name", "wide"),
    [
        ("NVIDIA A100-SXM4-80GB", True),
        ("NVIDIA H100 80GB HBM3", True),
        ("NVIDIA RTX A3000 Laptop GPU", False),
        ("Tesla V100-SXM2-16GB", False),
        ("NVIDIA H200", True),
    ],
)
def test_the_range_is_the_sensor_s_and_no_wider_than_asked(name, wide):
    with cells(Gpu(steady(200), name=name)) as sim:
        sim.cell(2.0)
        gpu = gpu_of(sim.cell(4.0))
        low, high = (x / gpu.energy_j - 1 for x in gpu.energy_j_range)
        most = 0.30 if wide else 0.15
        assert -most <= low < -0.05
        assert 0.05 < high <= most + 0.035 * wide  # the edges' part


def without(*kinds):
    return tuple(Fault(kind) for kind in kinds)


@pytest.mark.parametrize("gone", [("no_energy",), ("no_energy", "no_fields")])
def test_without_a_counter_its_watts_are_summed(gone):
    with cells(Gpu(square(50, 250, 4.0), window_s=0.1, limit_w=300, faults=without(*gone))) as sim:
        run = sim.cell(8.0)
        gpu = gpu_of(run)
        assert gpu.method == "polled"
        assert gpu.source == ("NVML power, polled" if "no_fields" in gone else "NVML instant power, polled")
        assert gpu.energy_j == pytest.approx(1200, rel=0.04)


def test_a_virtual_gpu_is_modelled_from_its_load_and_says_so():
    virtual = Gpu(steady(125), name="GRID T4-8Q", memory_gb=8, limit_w=250, faults=without("no_energy", "no_power"))
    with cells(virtual) as sim:
        gpu = gpu_of(sim.cell(4.0))
        assert gpu.method == "modelled"
        assert gpu.source == "model: GPU load × 250 W, its power limit"
        low, high = gpu.energy_j_range
        assert low <= 500 <= high
        assert any("neither its energy nor its power" in note for note in gpu.notes)
    with cells(Gpu(steady(0), name="GRID T4-8Q", memory_gb=8, limit_w=0, faults=virtual.faults)) as sim:
        gpu = gpu_of(sim.cell(4.0))
        assert gpu.source == "model: GPU load × 35 W, the part of Tesla T4 that its memory is"
    with cells(Gpu(steady(0), name="Nobody Knows", limit_w=0, faults=virtual.faults)) as sim:
        assert any("250 W is assumed" in note for note in gpu_of(sim.cell(4.0)).notes)


@pytest.mark.parametrize(
    ("name", "watts"),
    [("Tesla V100-SXM2-16GB", 300), ("GRID V100D-8Q", 300), ("NVIDIA A100-40C", 400), ("NVIDIA H100 NVL", 400)],
)
def test_boards_are_found_by_the_names_their_drivers_give(name, watts):
    assert table.look_up(name).tdp_w == watts


def test_a_name_that_is_nobody_s_is_not_found():
    assert table.look_up("Matrox G200") is None


# ---- what goes wrong ----


def test_a_gpu_that_falls_off_the_bus_and_comes_back():
    with cells(Gpu(steady(100), limit_w=300), Gpu(steady(40))) as sim:
        tracking = sim.begin()
        sim.go(tracking, 3.0)
        sim.simulated.strike("gpu0", Fault("lost", at=sim.simulated.now(), until=sim.simulated.now() + 4.0))
        sim.go(tracking, 10.0)
        run = sim.tracker.end(tracking, "done")
        assert gpu_of(run).energy_j == pytest.approx(1300, rel=0.02)
        assert gpu_of(run, 1).energy_j == pytest.approx(520, rel=0.02)
        assert any("gave no reading; its counter went on" in note for note in gpu_of(run).notes)


def test_a_gpu_that_is_lost_keeps_what_it_had_and_says_when():
    with cells(Gpu(steady(100), limit_w=300)) as sim:
        tracking = sim.begin()
        sim.go(tracking, 3.6)  # the watcher has just read it
        sim.simulated.strike("gpu0", Fault("lost", at=sim.simulated.now()))
        sim.go(tracking, 2.0)
        run = sim.tracker.end(tracking, "done")
        assert gpu_of(run).energy_j == pytest.approx(360, rel=0.06)
        assert gpu_of(run).energy_j_range[1] > 460
        assert any("lost after" in note for note in gpu_of(run).notes)


def test_a_driver_that_is_unloaded_and_loaded_again():
    with cells(Gpu(steady(100), limit_w=300)) as sim:
        tracking = sim.begin()
        sim.go(tracking, 4.0)
        sim.simulated.unload_driver()
        sim.go(tracking, 4.0)
        sim.simulated.load_driver()
        sim.go(tracking, 12.0)
        run = sim.tracker.end(tracking, "done")
        assert gpu_of(run).energy_j == pytest.approx(2000, rel=0.05)
        assert gpu_of(run).energy_j_range[0] <= 2000 <= gpu_of(run).energy_j_range[1]
        assert any("reset" in note for note in gpu_of(run).notes)


@pytest.mark.parametrize("kind", ["denied", "io_error", "stuck", "jump", "reset"])
def test_every_fault_of_a_counter_is_right_within_five_percent_or_told(kind):
    with cells(Gpu(steady(100), limit_w=300)) as sim:
        tracking = sim.begin()
        sim.go(tracking, 4.0)
        now = sim.simulated.now()
        ends = {"until": now + 2.5} if kind in ("denied", "io_error", "stuck") else {}
        sim.simulated.strike("gpu0", Fault(kind, at=now, joules=1e6, **ends))
        sim.go(tracking, 6.0)
        gpu = gpu_of(sim.tracker.end(tracking, "done"))
        assert gpu.energy_j == pytest.approx(1000, rel=0.05)
        assert gpu.energy_j_range[0] <= 1000 <= gpu.energy_j_range[1]
        assert gpu.notes or kind == "stuck"  # it shows all of it once it moves again


def test_a_board_whose_meters_may_not_be_read_is_modelled():
    with cells(Gpu(steady(100), faults=without("denied"))) as sim:
        run = sim.cell(1.0)
        assert [(d.kind, d.method) for d in run.devices][-1] == ("gpu", "modelled")


# ---- sleep ----


@pytest.fixture
def bus(tmp_path):
    """A sysfs with one NVIDIA display device, and a way to let it sleep."""
    folder = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    (folder / "power").mkdir(parents=True)
    (folder / "vendor").write_text("0x10de\n")
    (folder / "class").write_text("0x030000\n")
    (folder / "power/runtime_status").write_text("suspended\n")
    return folder / "power/runtime_status"


def test_a_sleeping_gpu_is_left_alone_and_counted_once_somebody_woke_it(bus):
    clock = InjectedClock()
    gpu = Gpu(steady(100), pci="00000000:01:00.0")
    with SimulatedMachine([CPU], [gpu], clock=clock) as simulated, simulated.here():
        import pynvml

        site = Site(os.environ, clock.monotonic, sys=bus.parents[5])
        assert power_folders(site.sys) == [bus.parent]
        [meter] = nvml.find(site).meters
        assert meter.asleep()
        assert meter.read() == 0.0
        assert pynvml._nvmlLib_refcount == 0  # NVML, which would wake it, was not opened
        bus.write_text("active\n")
        assert not suspended(bus.parent)
        assert meter.read() == 0.0
        clock.advance(2.0)
        assert meter.read() == pytest.approx(200, abs=11)
        before = meter.read()
        bus.write_text("suspended\n")
        clock.advance(2.0)
        assert meter.read() == before
        meter.close()
