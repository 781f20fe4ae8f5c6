"""What a short cell used on a slow counter: never off by more than it must be, and a range that holds the truth."""

import random

import pytest
from machine.clock import InjectedClock
from machine.truth import Trace, steady
from test_odometer import Counter, cell

from carbon_magic.meters.cut import FAR_OFF
from carbon_magic.meters.machine import Machine

TICK_S, CELL_S, IDLE_W, BURST_W, BURST_S = 0.1, 0.2, 50.0, 250.0, 0.02
TIMING = 0.03
"""The moment of a tick is known to 4 ms, which is 2 % of 200 ms; and it counts whole millijoules."""


class Cells:
    """200-ms cells at odd moments of a GPU's ticks; what is drawn is said anew for each, in seconds of its own."""

    def __init__(self, seed):
        self.rng, self.clock = random.Random(seed), InjectedClock(0.0)
        self.meter = Counter(self.clock, steady(IDLE_W), TICK_S)
        self.meter.window_s, self.meter.max_w = 0.025, 800.0
        self.machine = Machine([self.meter], self.clock)
        cell(self.clock, self.machine, 2.0)

    def measured(self, draw):
        """The error of one cell, and whether its range holds the truth; its first tick began at `after_s` before it."""
        self.clock.advance(1 + self.rng.random())
        after_s = (self.clock.monotonic() - self.meter.phase_s) % TICK_S
        self.meter.trace = draw(self.clock.monotonic(), after_s)
        device, t0, t1 = cell(self.clock, self.machine, CELL_S)
        truth = self.meter.trace.joules(t0, t1)
        low, high = device.energy_j_range
        return (device.energy_j - truth) / truth, low <= truth <= high


def pulse(at_s, seconds=BURST_S, watts=BURST_W):
    return Trace((("ramp", at_s, at_s, 0.0, watts), ("ramp", at_s + seconds, at_s + seconds, 0.0, -watts)))


def test_wherever_bursts_fall_the_figure_is_as_near_as_can_be_and_its_range_holds_the_truth():
    cells = Cells(1)

    def bursts(t0, after_s):
        first = t0 - after_s + cells.rng.uniform(-BURST_S, 2 * TICK_S)
        return steady(IDLE_W) + pulse(first) + pulse(first + cells.rng.uniform(0.03, 0.3))

    found = [cells.measured(bursts) for _ in range(400)]
    idle_j, burst_j = IDLE_W * CELL_S, BURST_W * BURST_S
    # Each of the two may lie in the cell or not, and each such case looks the same to the counter.
    floor = (idle_j + 2 * burst_j - idle_j) / (idle_j + 2 * burst_j + idle_j)
    assert max(abs(error) for error, _ in found) <= max(FAR_OFF, floor) + TIMING
    assert sum(inside for _, inside in found) >= 0.95 * len(found)


@pytest.mark.parametrize("watts", [60.0, 240.0])
def test_a_load_that_begins_and_stops_with_the_cell_is_no_burst_that_may_lie_elsewhere(watts):
    cells = Cells(2)
    found = [cells.measured(lambda t0, _: steady(IDLE_W) + pulse(t0, CELL_S, watts)) for _ in range(100)]
    assert max(abs(error) for error, _ in found) <= 0.1
    assert sum(inside for _, inside in found) >= 0.9 * len(found)


def test_a_steady_load_is_shared_evenly():
    cells = Cells(3)
    found = [cells.measured(lambda *_: steady(200.0)) for _ in range(50)]
    assert max(abs(error) for error, _ in found) <= 0.02
    assert all(inside for _, inside in found)
