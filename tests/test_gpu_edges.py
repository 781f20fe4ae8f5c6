"""A GPU at a run's edges: the interpreter, queued work, ticks and what lies below them."""

import gc
import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from machine import Gpu, SimulatedMachine, bursts, steady
from test_gpu import CPU, cells, gpu_of, without
from tries import tried

from carbon_magic import units
from carbon_magic.meters import nvml
from carbon_magic.meters.site import Site
from carbon_magic.report import run_html, text


@tried(3)
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
            return sum(began + 0.01 < at < began + 0.05 for at in list(seen))

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


@tried(3)
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
        assert process.wait(60) is not None
        assert not Path(f"/proc/{process.pid}").exists()
    assert len(os.listdir("/proc/self/fd")) <= before


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
