"""CUDA_VISIBLE_DEVICES set by the notebook itself: from the next run on, and told where it was in the midst of one."""

import os

from machine import Gpu, InjectedClock, SimulatedMachine, steady
from test_gpu import CPU, Cells

GPUS = Gpu(steady(100)), Gpu(steady(200))


def counted(run):
    return [device.name[:5] for device in run.devices if device.kind == "gpu"]


def test_a_choice_made_in_a_cell_holds_from_the_next_run_on(monkeypatch):
    """The meters were looked for once, by what was set when the first run began."""
    clock = InjectedClock()
    with SimulatedMachine([CPU], GPUS, clock=clock) as simulated, simulated.here():
        sim = Cells(simulated, clock, {})
        sim.tracker._environ = os.environ  # as a kernel has it: what a cell sets is seen
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        assert counted(sim.cell(1.0)) == ["GPU 0", "GPU 1"]
        tracking = sim.begin()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        inner = sim.begin()
        sim.go(tracking, 1.0)
        assert counted(sim.tracker.end(inner, "done")) == ["GPU 0", "GPU 1"]  # no meter changes under a run
        run = sim.tracker.end(tracking, "done")
        assert counted(run) == ["GPU 0", "GPU 1"]
        assert any("was changed during the run" in note for note in run.notes)
        run = sim.cell(1.0)
        assert counted(run) == ["GPU 1"]
        assert not any("was changed" in note for note in run.notes)


def test_a_machine_without_gpus_says_nothing_of_them(monkeypatch):
    clock = InjectedClock()
    with SimulatedMachine([CPU], (), clock=clock) as simulated, simulated.here():
        sim = Cells(simulated, clock, {})
        sim.tracker._environ = os.environ
        tracking = sim.begin()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        assert not any("was changed" in note for note in sim.tracker.end(tracking, "done").notes)
