"""A whole tracker on simulated machines whose true energy is known, with a clock that the test moves."""

import os
import random
import statistics
from contextlib import contextmanager

import machine
import pytest
from machine import Fault, Gpu, InjectedClock, SimulatedMachine, Zone, bursts, ramp, square, steady

from carbon_magic import Session, grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.tracker import Tracker

LABEL = Label("test", None, {}, "project", "host")


class Simulation:
    """Cells of known length on a simulated machine; returns the run and its true edges."""

    def __init__(self, simulated, clock):
        self.simulated, self.clock = simulated, clock
        self.tracker = Tracker(meters.find, clock, os.environ, threaded=False)
        self.published = []
        self.tracker.subscribers.append(self.published.append)

    def cell(self, seconds, then=None, hz=None):
        tracking = self.tracker.begin(LABEL, Settings(hz=hz), grid.intensity("FR"))
        t0 = self.clock.monotonic()
        events = sorted((then or {}).items())
        while (left := t0 + seconds - self.clock.monotonic()) > 1e-9:
            dense = tracking.machine.settle() or tracking.machine.awaits_tick()
            self.clock.advance(min(left, 0.004 if dense else 0.05))
            while events and self.clock.monotonic() - t0 >= events[0][0]:
                events.pop(0)[1]()
            self.tracker.look(self.tracker.active)
        t1 = self.clock.monotonic()
        return self.tracker.end(tracking, "done"), t0, t1


@contextmanager
def simulation(make, *args, **options):
    clock = InjectedClock()
    with make(*args, clock=clock, **options) as simulated, simulated.here():
        yield Simulation(simulated, clock)


def energy(run, kind):
    return sum(device.energy_j for device in run.devices if device.kind == kind)


def truth(simulated, kind, t0, t1):
    wanted = {
        "cpu": lambda d: d.startswith("package") and "/" not in d,
        "dram": lambda d: d.endswith("dram"),
        "gpu": lambda d: d.startswith("gpu"),
    }
    return sum(simulated.joules(device, t0, t1) for device in simulated.counted if wanted[kind](device))


def test_a_server_counts_packages_and_dram_and_nothing_twice():
    with simulation(machine.server) as sim:
        run, t0, t1 = sim.cell(3.0)
        assert [d.name for d in run.devices] == ["CPU 0", "DRAM 0", "CPU 1", "DRAM 1"]
        assert {d.method for d in run.devices} == {"counter"}
        assert run.energy_j == pytest.approx(sim.simulated.total(t0, t1), rel=0.005)
        assert [d.kind for d in run.others] == ["platform"]
        assert run.others[0].energy_j > run.energy_j
        assert run.notes == ()
        assert run.measured_fraction == 1.0


def test_dies_of_two_packages_keep_their_names_apart():
    zones = [Zone(f"intel-rapl:{i}", f"package-{i // 2}-die-{i % 2}", steady(30 + i), 100) for i in range(4)]
    with simulation(SimulatedMachine, zones) as sim:
        run, t0, t1 = sim.cell(1.0)
        assert [d.name for d in run.devices][:4] == ["CPU 0-die-0", "CPU 0-die-1", "CPU 1-die-0", "CPU 1-die-1"]
        assert energy(run, "cpu") == pytest.approx(126 * (t1 - t0), rel=0.01)


def test_a_laptop_has_its_package_measured_and_its_memory_modelled():
    with simulation(machine.laptop) as sim:
        run, t0, t1 = sim.cell(2.0)
        assert [(d.kind, d.method) for d in run.devices] == [("cpu", "counter"), ("dram", "modelled")]
        assert energy(run, "cpu") == pytest.approx(truth(sim.simulated, "cpu", t0, t1), rel=0.005)
        assert run.method == "mixed"
        assert run.notes == ()


TRACES = {
    "steady": steady(60),
    "bursts": bursts(20, 120, 0.25),
    "square": square(20, 110, 1.0),
    "ramp": ramp(0, 30, 10, 120),
}


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize(("seconds", "median", "worst"), [(0.05, 0.02, 0.10), (1.0, 0.001, 0.01)])
def test_cpu_cells_are_right_and_ranges_hold_the_truth(trace, seconds, median, worst):
    rng, errors, covered = random.Random(3), [], 0
    with simulation(SimulatedMachine, [Zone("intel-rapl:0", "package-0", trace, 100)]) as sim:
        for _ in range(40):
            sim.clock.advance(rng.random())
            run, t0, t1 = sim.cell(seconds)
            true = sim.simulated.total(t0, t1)
            cpu = run.devices[0]
            errors.append(abs(cpu.energy_j - true) / true)
            covered += cpu.energy_j_range[0] <= true <= cpu.energy_j_range[1]
    assert statistics.median(errors) <= median
    assert max(errors) <= worst
    assert covered >= 36


GPU_TRACES = {
    "steady": steady(250),
    "square": square(80, 300, 0.7),
    "bursts": bursts(60, 280, 0.25),
    "ramp": ramp(0, 60, 60, 300),
}


@pytest.mark.parametrize("trace", GPU_TRACES.values(), ids=GPU_TRACES)
@pytest.mark.parametrize("tick_s", [0.02, 0.1])
@pytest.mark.parametrize(("seconds", "median", "worst"), [(0.2, 0.05, 0.25), (1.0, 0.005, 0.03), (5.0, 0.001, 0.01)])
def test_gpu_cells_are_right_and_ranges_hold_the_truth(trace, tick_s, seconds, median, worst):
    rng, errors, covered = random.Random(4), [], 0
    with simulation(SimulatedMachine, [], [Gpu(trace, tick_s=tick_s, phase_s=0.013)]) as sim:
        sim.cell(1.0)  # the first cell learns the tick
        for _ in range(24):
            sim.clock.advance(rng.random())
            run, t0, t1 = sim.cell(seconds)
            true = sim.simulated.total(t0, t1)
            [gpu] = [d for d in run.devices if d.kind == "gpu"]
            errors.append(abs(gpu.energy_j - true) / true)
            covered += gpu.energy_j_range[0] <= true <= gpu.energy_j_range[1]
    print(f"median {statistics.median(errors):.4f} worst {max(errors):.4f} coverage {covered / 24:.2f}")
    assert covered >= 22
    assert statistics.median(errors) <= median
    assert max(errors) <= worst


def test_a_counter_that_ticks_once_a_second_is_believed_and_its_range_holds_the_truth():
    rng, covered = random.Random(5), 0
    with simulation(SimulatedMachine, [], [Gpu(steady(250), tick_s=1.0, phase_s=0.4)]) as sim:
        sim.cell(3.0)
        for _ in range(20):
            sim.clock.advance(rng.random())
            run, t0, t1 = sim.cell(2.0 + rng.random())
            [gpu] = [d for d in run.devices if d.kind == "gpu"]
            covered += gpu.energy_j_range[0] <= sim.simulated.total(t0, t1) <= gpu.energy_j_range[1]
            assert gpu.notes == ()
    assert covered >= 18


def test_a_gpu_without_a_counter_is_polled():
    with simulation(SimulatedMachine, [], [Gpu(square(100, 200, 1.0), faults=(Fault("no_energy"),))]) as sim:
        run, t0, t1 = sim.cell(4.0, hz=20)
        [gpu] = [d for d in run.devices if d.kind == "gpu"]
        assert gpu.method == "polled"
        assert gpu.energy_j == pytest.approx(sim.simulated.total(t0, t1), rel=0.1)
        assert gpu.energy_j_range[0] <= sim.simulated.total(t0, t1) <= gpu.energy_j_range[1]


def test_a_lost_gpu_keeps_what_it_used_and_the_rest_goes_on():
    with simulation(machine.gpu_box, power=steady(50), gpu=steady(200)) as sim:
        sim.simulated.strike("gpu0", Fault("lost", at=sim.simulated.now() + 2.5))
        run, t0, t1 = sim.cell(5.0)
        by_name = {d.name.split()[0] + d.name.split()[1]: d for d in run.devices}
        assert by_name["GPU0"].energy_j == pytest.approx(400, rel=0.2)
        assert by_name["GPU1"].energy_j == pytest.approx(350, rel=0.02)
        assert run.energy_j_range[1] >= sim.simulated.total(t0, t1) * 0.95
        assert any("GPU 0" in note and "lost after" in note for note in run.notes)


FAULTS = {
    "reset": (Fault("reset", at=2.03), "reset"),
    "jump": (Fault("jump", at=2.03, joules=9e6), "jumped"),
    "read error": (Fault("io_error", at=2.0, until=3.4), "gave no reading"),
    "vanish": (Fault("vanish", at=2.0, until=3.4), "gave no reading"),
    "garbage": (Fault("garbage", at=2.0, until=3.4), "gave no reading"),
}


@pytest.mark.parametrize(("fault", "word"), FAULTS.values(), ids=FAULTS)
def test_every_fault_is_right_within_5_percent_and_told(fault, word):
    zone = Zone("intel-rapl:0", "package-0", steady(60), 100, start_j=50_000.0, faults=(fault,))
    with simulation(SimulatedMachine, [zone]) as sim:
        run, t0, t1 = sim.cell(5.0)
        true = sim.simulated.total(t0, t1)
        assert energy(run, "cpu") == pytest.approx(true, rel=0.05)
        assert run.energy_j_range[0] <= true + energy(run, "dram") <= run.energy_j_range[1]
        assert any(word in note for note in run.notes)


def test_a_zone_that_never_comes_back_is_lost_and_said_so():
    zone = Zone("intel-rapl:0", "package-0", steady(60), 100, faults=(Fault("vanish", at=2.8),))
    with simulation(SimulatedMachine, [zone]) as sim:
        run, *_ = sim.cell(5.0)
        assert energy(run, "cpu") == pytest.approx(162, rel=0.05)
        assert any("CPU 0" in note and "lost after" in note for note in run.notes)


def test_wraps_are_followed():
    with simulation(SimulatedMachine, [Zone("intel-rapl:0", "package-0", steady(60), 100, range_j=100.0)]) as sim:
        run, t0, t1 = sim.cell(20.0)
        assert energy(run, "cpu") == pytest.approx(sim.simulated.total(t0, t1), rel=0.01)
        assert run.notes == ()


def test_closed_counters_give_a_model_and_one_hint():
    with simulation(
        SimulatedMachine, [Zone("intel-rapl:0", "package-0", steady(60), 100, faults=(Fault("denied"),))]
    ) as sim:
        run, *_ = sim.cell(1.0)
        [cpu] = [d for d in run.devices if d.kind == "cpu"]
        assert cpu.method == "modelled"
        assert sum("udev rule" in note for note in cpu.notes) == 1


@pytest.mark.parametrize(("setting", "counted", "others"), [
    (None, [0, 1], []), ("0", [0], [1]), ("1", [1], [0]), ("", [], [0, 1]), ("-1", [], [0, 1]), ("1,0", [0, 1], []), ("0,-1,1", [0], [1]),
])  # fmt: skip
def test_the_gpus_this_kernel_may_use_are_its_devices(monkeypatch, setting, counted, others):
    if setting is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    with simulation(machine.gpu_box) as sim:
        run, *_ = sim.cell(0.5)
        assert [int(d.name.split()[1]) for d in run.devices if d.kind == "gpu"] == counted
        assert [int(d.name.split()[1]) for d in run.others if d.kind == "gpu"] == others


def test_uuids_choose_gpus(monkeypatch):
    with simulation(machine.gpu_box) as sim:
        import pynvml

        pynvml.nvmlInit()
        uuid = pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(1))
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", uuid[:12])
        run, *_ = sim.cell(0.5)
        assert [int(d.name.split()[1]) for d in run.devices if d.kind == "gpu"] == [1]


def test_a_sleep_of_the_machine_is_told():
    with simulation(machine.laptop) as sim:
        run, *_ = sim.cell(2.0, then={1.0: lambda: sim.clock.suspend(3600)})
        assert any("slept for 3600 s" in note for note in run.notes)
        assert run.duration_s == pytest.approx(2.0)


def test_a_wall_clock_set_back_moves_no_run_against_another():
    with simulation(machine.laptop) as sim:
        outer = sim.tracker.begin(LABEL, Settings(), grid.intensity("FR"))
        sim.clock.advance(1.0)
        sim.clock.step_wall(-7200)
        inner = sim.tracker.begin(LABEL, Settings(), grid.intensity("FR"))
        assert inner.run().started_at - outer.run().started_at == 1.0
        sim.clock.advance(1.0)
        b, a = sim.tracker.end(inner, "done"), sim.tracker.end(outer, "done")
        assert b.started_at - a.started_at == pytest.approx(1.0)
        assert a.duration_s == pytest.approx(2.0)


def test_partly_overlapping_runs_add_up_to_the_time_they_cover():
    with simulation(machine.server) as sim:

        def pass_time(seconds):
            for _ in range(int(seconds / 0.05)):
                sim.clock.advance(0.05)
                sim.tracker.look(sim.tracker.active)

        first = sim.tracker.begin(LABEL, Settings(hz=20), grid.intensity("FR"))
        t0 = sim.clock.monotonic()
        pass_time(2.0)
        second = sim.tracker.begin(LABEL, Settings(hz=20), grid.intensity("FR"))
        pass_time(1.0)
        a = sim.tracker.end(first, "done")
        pass_time(3.0)
        b = sim.tracker.end(second, "done")
        t1 = sim.clock.monotonic()
        assert Session((a, b)).energy_j == pytest.approx(sim.simulated.total(t0, t1), rel=0.005)
        assert a.energy_j + b.energy_j > 1.1 * sim.simulated.total(t0, t1)


def test_subscribers_see_the_run_each_second_and_at_its_end_and_may_break():
    with simulation(machine.laptop) as sim:

        def broken(run):
            raise RuntimeError

        sim.tracker.subscribers.insert(0, broken)
        run, *_ = sim.cell(5.0)
        assert [r.state for r in sim.published[:-1]] == ["running"] * (len(sim.published) - 1)
        assert len(sim.published) >= 5
        assert sim.published[-1] == run
        energies = [r.energy_j for r in sim.published]
        assert energies == sorted(energies)


def test_a_listener_hears_ticks_and_one_that_breaks_is_dropped():
    with simulation(machine.gpu_box) as sim:
        tracking = sim.tracker.begin(LABEL, Settings(), grid.intensity("FR"))
        heard = []

        def broken(tick):
            raise RuntimeError

        tracking.listen(broken)
        tracking.listen(heard.append)
        for _ in range(100):
            sim.clock.advance(0.05)
            sim.tracker.look(sim.tracker.active)
        sim.tracker.end(tracking, "done")
        assert tracking.listeners == [heard.append]
        assert len(heard) >= 35  # 8 a second while somebody looks
        assert [tick.n for tick in heard] == list(range(1, len(heard) + 1))
        watts = [tick.watts["CPU 0"] for tick in heard if tick.watts["CPU 0"] is not None]
        assert statistics.mean(watts) == pytest.approx(68, rel=0.1)


@pytest.mark.parametrize("hz", [0.1, 1.0, 20.0])
def test_the_rate_is_the_curves(hz):
    with simulation(machine.laptop) as sim:
        run, *_ = sim.cell(20.0, hz=hz)
        assert len(run.curve.t_s) == pytest.approx(20 * hz, abs=2 + 0.1 * 20 * hz)
        assert len(sim.published) >= 19
