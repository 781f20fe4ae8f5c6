"""Sensors that show what was drawn a while ago: the sum is set right by what they show at the edges, or widened."""

import os
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import Gpu, SimulatedMachine, square, step
from test_gpu import CPU, cells, gpu_of, without

from carbon_magic.meters import nvml
from carbon_magic.meters.lag import Lag
from carbon_magic.meters.site import Site

MOST_W = 300.0
DT_S = 0.01


def shown(trace, window_s, hold_s, t_s):
    """What the sensor shows at a moment: the mean of its window up to the last update."""
    at_s = t_s - t_s % hold_s if hold_s else t_s
    return trace.joules(at_s - window_s, at_s) / window_s


@given(
    window_s=st.sampled_from([0.025, 0.1, 1.0]),
    before_w=st.floats(20, MOST_W),
    during_w=st.floats(20, MOST_W),
    seconds=st.floats(0.05, 4.0),
    begins_s=st.floats(10.0, 10.2),
)
def test_work_that_begins_with_the_cell_lies_in_the_range(window_s, before_w, during_w, seconds, begins_s):
    """The usual cell: rest before, one load within it."""
    hold_s, ends_s = 0.1, begins_s + seconds
    trace = step(begins_s, before_w, during_w)
    looks = [begins_s + i * seconds / 400 for i in range(401)]
    watts = [shown(trace, window_s, hold_s, t) for t in looks]
    summed_j = sum((a + b) / 2 for a, b in pairwise(watts)) * seconds / 400
    lacks_j, off_j = Lag(window_s, hold_s).late(watts[0], watts[-1], summed_j / seconds, seconds, MOST_W)
    assert abs(trace.joules(begins_s, ends_s) - (summed_j + lacks_j)) <= off_j + 0.02 * during_w * DT_S + 1e-6


def test_a_mean_of_a_second_is_set_right_and_no_longer_far_off():
    """It showed 38 % less than the truth in a cell of one second, and a range of 10 %."""
    rise = step(10.0, 50, 280)
    board = Gpu(rise, architecture=7, name="NVIDIA RTX A6000", limit_w=300, faults=without("no_energy", "no_fields"))
    for seconds, rel in ((1.0, 0.05), (3.0, 0.02)):
        with cells(board) as sim:
            sim.clock.advance(10.0 - (sim.clock.monotonic() - 1_000.0))
            gpu = gpu_of(sim.cell(seconds))
            low, high = gpu.energy_j_range
            assert gpu.energy_j == pytest.approx(280 * seconds, rel=rel)
            assert low < 280 * seconds < high
            assert high - low < 0.7 * 280 * seconds


def test_a_cell_shorter_than_its_window_holds_the_truth():
    rise = step(10.0, 50, 280)
    board = Gpu(rise, architecture=7, name="NVIDIA RTX A6000", limit_w=300, faults=without("no_energy", "no_fields"))
    with cells(board) as sim:
        sim.clock.advance(10.0 - (sim.clock.monotonic() - 1_000.0))
        low, high = gpu_of(sim.cell(0.3)).energy_j_range
        assert low < 84 < high


def test_steady_work_is_not_made_wider_than_the_sensor_is():
    board = Gpu(
        square(200, 280, 0.53), architecture=5, name="Tesla P100", limit_w=300, tick_s=0.02, window_s=0.02, instant_s=0.02,
        faults=without("no_energy"),
    )  # fmt: skip
    with cells(board) as sim:
        gpu = gpu_of(sim.cell(8.0))
        assert gpu.energy_j == pytest.approx(240 * 8, rel=0.02)
        assert gpu.energy_j_range[1] < 1.13 * gpu.energy_j


def test_the_helper_does_not_wake_a_board_that_sleeps(tmp_path):
    """It asked 25 times a second, and the board of a laptop never slept while a cell ran."""
    status = tmp_path / "sys/bus/pci/devices/0000:01:00.0/power/runtime_status"
    status.parent.mkdir(parents=True)
    status.write_text("active\n")
    gpu = Gpu(square(90, 110, 0.3), pci="00000000:01:00.0", limit_w=300, faults=without("no_energy"))
    with SimulatedMachine([CPU], [gpu]) as simulated, simulated.here():
        [meter] = nvml.find(Site(os.environ, time.monotonic, sys=tmp_path / "sys")).meters
        meter.watch(True)
        try:

            def until(true):
                ends = time.monotonic() + 10
                while not true() and time.monotonic() < ends:
                    meter.read()
                    time.sleep(0.01)
                return true()

            assert until(lambda: meter.slow and meter.shown_w() > 50)
            status.write_text("suspended\n")
            assert until(lambda: meter.slow and meter.shown_w() == 0.0)  # it draws 100 W: nobody asked it
            status.write_text("active\n")
            assert until(lambda: meter.shown_w() > 50)
        finally:
            meter.close()
