"""NVIDIA GPUs: which are this kernel's, how each is measured, and what happens when one goes away."""

import gc
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import Fault, Gpu, InjectedClock, SimulatedMachine, Zone, bursts, square, steady

from carbon_magic import grid, meters, units
from carbon_magic.config import Settings
from carbon_magic.data import gpus as table
from carbon_magic.labels import Label
from carbon_magic.meters import nvml
from carbon_magic.meters.nvml.driver import power_folders, suspended
from carbon_magic.meters.nvml.visible import Board, visible
from carbon_magic.meters.site import Site
from carbon_magic.report import run_html, text
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


# ---- CUDA_VISIBLE_DEVICES ----

UUIDS = ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-89aa0000-d72c-4106-c12f-000000000001", "GPU-1b000000-0-0-0-2")
MIG = ("MIG-6a7d0000-1111-5222-8333-000000000000", "MIG-6a7e0000-1111-5222-8333-000000000001")
SAME = [Board(i, "NVIDIA A100", uuid, speed=5.0, mig=MIG if i == 2 else ()) for i, uuid in enumerate(UUIDS)]
MIXED = [board._replace(name=f"GPU {board.number}", speed=float(board.number)) for board in SAME]


@pytest.mark.parametrize(
    ("setting", "boards"),
    [
        (None, {0, 1, 2}),
        ("0,1,2", {0, 1, 2}),
        ("2", {2}),
        (" 1 , 2 ", {1, 2}),
        ("2,1", {1, 2}),
        ("", set()),
        ("-1", set()),
        ("NoDevFiles", set()),
        ("0,-1,1", {0}),
        ("0,7,1", {0}),
        ("0,gpu,1", {0}),
        ("1gpu2,2ampere", {1, 2}),  # strtoul: what stands behind the digits is not looked at
        ("0,0", set()),
        ("1,2,1", set()),
        (UUIDS[0], {0}),
        (f"{UUIDS[1]},{UUIDS[0]}", {0, 1}),
        ("GPU-8932", {0}),
        ("GPU-89", set()),  # the beginning of two
        ("GPU-1b,GPU-89", {2}),
        ("GPU-1B", {2}),
        ("GPU-", set()),
        ("GPU-ffff,GPU-1b", set()),
        ("GPU-1b,0", {2}),  # the kinds are not mixed: 0 is no UUID
        ("0,GPU-1b", {0}),
        (f"{UUIDS[0]},{UUIDS[0]}", set()),
        (MIG[0], {2}),
        (",".join(MIG), {2}),
        ("MIG-6a7e", {2}),
        ("MIG-6a7", set()),
        (f"MIG-{UUIDS[1]}/1/0", {1}),
        (f"MIG-{UUIDS[1]}/1", set()),
        ("MIG-GPU-ffffffff-d72c-4106-c12f-20bd9faed9f6/1/0", set()),
    ],
)
def test_every_form_of_the_setting_means_what_cuda_takes_it_for(setting, boards):
    environ = {} if setting is None else {"CUDA_VISIBLE_DEVICES": setting}
    assert visible(environ, SAME) == (boards, True)


def test_boards_of_different_kinds_are_counted_from_the_fastest_and_that_is_said():
    assert visible({"CUDA_VISIBLE_DEVICES": "0"}, MIXED) == ({2}, False)
    assert visible({"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, MIXED) == ({0}, True)
    assert visible({"CUDA_VISIBLE_DEVICES": "2,1,0"}, MIXED) == ({0, 1, 2}, True)
    assert visible({"CUDA_VISIBLE_DEVICES": UUIDS[1]}, MIXED) == ({1}, True)
    assert visible({"CUDA_VISIBLE_DEVICES": "-1"}, MIXED) == (set(), True)


@given(st.text(st.sampled_from("0123-+, GPUMIGabf/é\n"), max_size=40))
def test_no_setting_is_too_strange(setting):
    assert visible({"CUDA_VISIBLE_DEVICES": setting}, SAME).boards <= {0, 1, 2}


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


def test_a_board_that_tells_nothing_is_named_as_missing():
    with cells(Gpu(steady(1), faults=without("no_energy", "no_power", "no_load"))) as sim:
        found = nvml.find(Site(os.environ, sim.clock.monotonic))
        assert (list(found.meters), [m.why for m in found.missing]) == (
            [],
            ["it tells neither energy nor power nor load"],
        )


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


# ---- the interpreter ----


def test_an_edge_keeps_the_interpreter_while_calls_are_quick_and_no_longer(monkeypatch):
    """Else each of them costs 5 ms in a busy one; but a driver that takes its time must not keep others waiting."""
    with SimulatedMachine([CPU], [Gpu(steady(100), limit_w=300, call_s=0.06)]) as simulated, simulated.here():
        monkeypatch.setattr("carbon_magic.meters.nvml.driver.QUICK_S", 10.0)
        [meter] = nvml.find(Site(os.environ, time.monotonic)).meters
        seen, ends = [], threading.Event()

        def others():
            while not ends.is_set():
                seen.append(time.monotonic())
                time.sleep(0.001)

        def ran_meanwhile():
            began = time.monotonic()
            meter.read()
            ended = time.monotonic()
            return sum(began + 0.01 < at < ended - 0.01 for at in list(seen))

        worker = threading.Thread(target=others)
        worker.start()
        try:
            assert ran_meanwhile() == 0
            monkeypatch.setattr("carbon_magic.meters.nvml.driver.QUICK_S", 0.002)
            assert ran_meanwhile() == 0  # this one showed how slow the driver is
            assert ran_meanwhile() > 0
        finally:
            ends.set()
            worker.join()


def sample(meter):
    return meter._sampler.read(meter._seat, time.monotonic())


def test_the_helper_samples_while_the_interpreter_is_held(tmp_path):
    trace = bursts(40, 240, 0.5, width_s=0.2)
    gpu = Gpu(trace, tick_s=0.02, instant_s=0.02, limit_w=300, faults=without("no_energy"))
    with SimulatedMachine([CPU], [gpu]) as simulated, simulated.here():
        [meter] = nvml.find(Site(os.environ, time.monotonic)).meters
        meter.watch(True)
        process = meter._sampler._process
        try:
            until = time.monotonic() + 10
            while not meter.slow and time.monotonic() < until:
                meter.read()
                time.sleep(0.01)
            assert meter.slow
            t0, begin = time.monotonic(), meter.read()
            while time.monotonic() - t0 < 1.5:
                pow(7, 40_000)  # C calls that keep the interpreter
            t1, end = time.monotonic(), meter.read()
            assert end - begin == pytest.approx(simulated.joules("gpu0", t0, t1), rel=0.15)
            meter.watch(False)
            time.sleep(0.1)
            still = sample(meter)
            time.sleep(0.2)
            assert sample(meter) == still  # between runs it rests
            meter.watch(True)
            process.kill()
            process.wait()
            until = time.monotonic() + 10
            while meter.slow and time.monotonic() < until:
                meter.read()
                time.sleep(0.01)
            assert not meter.slow  # and without it the board is looked at from here
            last = meter.read()
            time.sleep(0.1)
            assert meter.read() > last
        finally:
            meter.close()
        assert process.returncode is not None


def test_the_helper_ends_with_its_pipe_and_leaves_nothing_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with SimulatedMachine([CPU], [Gpu(steady(50), faults=without("no_energy"))]) as simulated, simulated.here():
        [meter] = nvml.find(Site(os.environ, time.monotonic)).meters
        meter.watch(True)
        process = meter._sampler._process
        meter.close()
        assert process.wait(5) is not None
        assert not Path(f"/proc/{process.pid}").exists()
    assert len(os.listdir("/proc/self/fd")) <= before


# ---- edges, as a run sees them ----


class FakeCuda:
    """torch.cuda of a process that queued a second of work on one of two boards."""

    def __init__(self, clock, started=True, capturing=False):
        self.clock, self.started, self.capturing, self.waited = clock, started, capturing, []

    def is_initialized(self):
        return self.started

    def is_current_stream_capturing(self):
        return self.capturing

    def device_count(self):
        return 2

    def synchronize(self, device=None):
        self.waited.append(device)
        self.clock.advance(1.0)


@pytest.fixture
def torch(monkeypatch):
    def make(clock, **how):
        cuda = FakeCuda(clock, **how)
        internals = SimpleNamespace(_cuda_hasPrimaryContext=lambda device: device == 1)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, _C=internals))
        return cuda

    return make


def test_work_that_torch_has_queued_is_waited_for_at_both_edges_and_counted(torch):
    with cells(Gpu(steady(100), limit_w=300)) as sim:
        cuda = torch(sim.clock)
        run = sim.cell(2.0)
        assert cuda.waited == [1, 1]  # and no context was made on the other board
        assert run.duration_s == pytest.approx(3.0, abs=0.01)
        assert gpu_of(run).energy_j == pytest.approx(300, rel=0.02)


@pytest.mark.parametrize("how", [{"started": False}, {"capturing": True}])
def test_torch_that_has_not_begun_or_captures_a_graph_is_left_alone(torch, how):
    with cells(Gpu(steady(100), limit_w=300)) as sim:
        cuda = torch(sim.clock, **how)
        sim.cell(1.0)
        assert cuda.waited == []


def test_a_gpu_in_trouble_is_told_by_the_user_s_own_call(torch):
    with cells(Gpu(steady(100), limit_w=300)) as sim:
        cuda = torch(sim.clock)
        cuda.synchronize = lambda device: 1 / 0
        assert sim.cell(1.0).state == "done"


def test_a_machine_without_gpus_asks_nobody(torch):
    with cells() as sim:
        cuda = torch(sim.clock)
        sim.cell(1.0)
        assert cuda.waited == []


def test_precise_begins_at_a_tick_and_waits_only_where_it_was_asked():
    with cells(Gpu(steady(100), tick_s=0.1, phase_s=0.03)) as sim:
        sim.cell(1.0)
        for precise in (False, True):
            sim.clock.advance(0.1234)
            asked = sim.clock.monotonic()
            tracking = sim.begin(precise=precise)
            waited = tracking.t0_s - asked
            after_tick = (sim.clock.monotonic() - sim.simulated.origin - 0.03) % 0.1
            sim.go(tracking, 0.5)
            sim.tracker.end(tracking, "done")
            assert (waited > 0, after_tick < 0.003) == (precise, precise)
            assert waited < 0.11


def test_an_interrupt_while_it_waits_leaves_no_run_behind():
    with cells(Gpu(steady(100))) as sim:
        sim.cell(0.5)
        sleep, sim.tracker.clock.sleep = sim.clock.sleep, interrupted
        try:
            with pytest.raises(KeyboardInterrupt):
                sim.begin(precise=True)
        finally:
            sim.tracker.clock.sleep = sleep
        assert sim.tracker.active == []


def interrupted(seconds):
    raise KeyboardInterrupt


def test_below_the_resolution_the_most_is_shown_and_the_middle_counted():
    with cells(Gpu(steady(200), tick_s=0.1, limit_w=300)) as sim:
        sim.cell(2.0)
        for _ in range(20):
            sim.clock.advance(0.0137)
            run = sim.cell(0.01)
            gpu = gpu_of(run)
            if gpu.below_resolution:
                break
        low, high = gpu.energy_j_range
        assert (low, gpu.below_resolution) == (0.0, True)
        assert gpu.energy_j == pytest.approx(high / gpu_gain(gpu) / 2)
        shown = units.energy(high)
        assert f"≤{shown}" in text.run_text(run).replace("\N{NO-BREAK SPACE}", " ")
        assert f"≤ {shown}" in run_html.final(run, None).replace("\N{NO-BREAK SPACE}", " ")
        assert any("resolution" in note for note in run.notes)


def gpu_gain(gpu):
    return 1.3 if "A100" in gpu.name else 1.07


def test_a_thousand_cells_leave_no_file_thread_or_memory():
    with cells(Gpu(steady(100), tick_s=0.02, limit_w=300), zones=()) as sim:

        def run(times):
            for _ in range(times):
                tracking = sim.begin()
                sim.clock.advance(0.3)
                sim.tracker.look(sim.tracker.active)
                sim.tracker.end(tracking, "done")

        run(300)
        gc.collect()
        before = len(os.listdir("/proc/self/fd")), threading.active_count()
        blocks = sys.getallocatedblocks()
        run(700)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= before[0]
        assert threading.active_count() <= before[1]
        assert sys.getallocatedblocks() - blocks < 700  # less than one object a cell
