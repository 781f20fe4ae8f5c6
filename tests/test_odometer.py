"""An odometer never falls, never invents, and is exact at a cell's edges however slowly its counter ticks."""

import math
import random

import pytest
from machine.clock import InjectedClock
from machine.truth import square, steady

from carbon_magic.meters.machine import Machine
from carbon_magic.meters.meter import Meter


class Counter(Meter):
    """An energy counter over a known truth that ticks every `tick_s`; `faults` maps a time to what read() does then."""

    kind, method, source, gain, group = "gpu", "counter", "test", (1.0, 1.0), "test"

    def __init__(self, clock, trace, tick_s=0.001, phase_s=0.0, told_tick_s=None, wraps_at_j=None):
        self.name, self.clock, self.trace = "GPU 0", clock, trace
        self.true_tick_s, self.phase_s = tick_s, phase_s
        self.tick_s = told_tick_s or tick_s
        self.wraps_at_j = wraps_at_j
        self.offset_j = 0.0
        self.broken = None

    def read(self):
        if self.broken is not None:
            return self.broken()
        t = self.clock.monotonic()
        ticked = math.floor((t - self.phase_s) / self.true_tick_s) * self.true_tick_s + self.phase_s
        joules = self.trace.joules(0.0, ticked) - self.offset_j
        return joules % self.wraps_at_j if self.wraps_at_j else joules


def marked(machine):
    return machine.mark(edge=True)[0]


def cell(clock, machine, seconds, dense=True, looks=()):
    """A cell of so many seconds: both edges as the tracker does them; returns the device and the true edges."""
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    while dense and clock.monotonic() - t0 < seconds - 1e-6 and machine.settle():
        clock.advance(min(0.004, seconds - (clock.monotonic() - t0)))
    for at in [*looks, seconds]:
        clock.advance(max(0.0, at - (clock.monotonic() - t0)))
        if at != seconds:
            machine.mark()
    end, t1 = machine.mark(edge=True)[0], clock.monotonic()
    while clock.monotonic() - t1 < 0.25 and machine.settle():
        clock.advance(0.004)
    return machine.odometers[0].device(begin, end, t0_s=t0, now_s=t1), t0, t1


def test_a_fast_counter_is_exact_for_a_cell_of_50_ms():
    clock = InjectedClock()
    trace = steady(60.0)
    device, t0, t1 = cell(clock, Machine([Counter(clock, trace)], clock), 0.05)
    assert device.energy_j == pytest.approx(trace.joules(t0, t1), rel=0.03)
    assert device.notes == ()


@pytest.mark.parametrize(
    ("tick_s", "seconds", "median", "worst"),
    [(0.1, 0.2, 0.05, 0.25), (0.1, 1.0, 0.005, 0.03), (0.02, 1.0, 0.005, 0.02)],
)
def test_a_slow_counter_is_exact_at_its_edges(tick_s, seconds, median, worst):
    """The tick is not known at first: 100 ms is told, 20 ms may be true."""
    rng = random.Random(1)
    errors, covered = [], 0
    clock = InjectedClock()
    for trace in [steady(250.0), steady(90.0) + square(0.0, 200.0, 0.7)]:
        meter = Counter(clock, trace, tick_s, rng.random() * tick_s, told_tick_s=0.1)
        machine = Machine([meter], clock)
        cell(clock, machine, 2.0)  # the first cell learns the tick
        for _ in range(60):
            clock.advance(rng.random())
            device, t0, t1 = cell(clock, machine, seconds)
            truth = trace.joules(t0, t1)
            errors.append(abs(device.energy_j - truth) / truth)
            covered += device.energy_j_range[0] <= truth <= device.energy_j_range[1]
    errors.sort()
    assert errors[len(errors) // 2] <= median
    assert errors[int(len(errors) * 0.95)] <= worst
    assert covered >= 0.9 * len(errors)


def test_a_cell_shorter_than_the_tick_is_told_as_a_range_that_holds_the_truth():
    rng = random.Random(2)
    clock, trace = InjectedClock(), steady(200.0)
    machine = Machine([Counter(clock, trace, 0.1, 0.03)], clock)
    cell(clock, machine, 2.0)
    covered = 0
    for _ in range(40):
        clock.advance(rng.random())
        device, t0, t1 = cell(clock, machine, 0.01)
        low, high = device.energy_j_range
        assert high > 0
        covered += low <= trace.joules(t0, t1) <= high
    assert covered >= 36


def test_a_read_that_fails_loses_nothing():
    clock, trace = InjectedClock(), steady(100.0)
    meter = Counter(clock, trace)
    machine = Machine([meter], clock)

    def fail():
        raise OSError("I/O error")

    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    clock.advance(1.0)
    meter.broken = fail
    machine.mark()
    clock.advance(1.0)
    meter.broken = None
    machine.mark()
    clock.advance(1.0)
    device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
    assert device.energy_j == pytest.approx(300.0, abs=0.3)
    assert device.notes == ("from 1.0 s to 2.0 s gave no reading; its counter went on, so the energy is complete",)


@pytest.mark.parametrize("answer", [None, float("nan"), -1.0, float("inf"), "garbage"])
def test_a_device_that_is_lost_keeps_what_it_had_and_says_when(answer):
    clock, trace = InjectedClock(), steady(100.0)
    meter = Counter(clock, trace)
    machine = Machine([meter], clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    clock.advance(2.0)
    machine.mark()
    meter.broken = lambda: answer
    clock.advance(1.0)
    machine.mark()
    clock.advance(1.0)
    device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
    assert device.energy_j == pytest.approx(200.0, abs=0.3)
    assert device.energy_j_range[0] <= 200.0
    assert device.energy_j_range[1] >= 390.0
    assert device.notes == ("lost after 2.0 s: energy after that is not counted",)


def test_a_reset_is_filled_in_and_told():
    clock, trace = InjectedClock(), steady(100.0)
    meter = Counter(clock, trace)
    machine = Machine([meter], clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    for _ in range(4):
        clock.advance(0.5)
        machine.mark()
    meter.offset_j = trace.joules(0.0, clock.monotonic() + 0.25)
    clock.advance(0.5)
    device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
    assert device.energy_j == pytest.approx(250.0, rel=0.05)
    assert device.energy_j_range[0] <= 250.0 <= device.energy_j_range[1]
    assert any("reset" in note for note in device.notes)


def test_a_counter_that_stands_still_is_told():
    clock = InjectedClock()
    meter = Counter(clock, steady(100.0))
    machine = Machine([meter], clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    clock.advance(1.0)
    machine.mark()
    stuck_at = meter.read()
    meter.broken = lambda: stuck_at
    for _ in range(8):
        clock.advance(0.5)
        machine.mark()
    device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
    assert any("stands still" in note for note in device.notes)
    assert device.energy_j == pytest.approx(100.0, abs=0.3)
    assert device.energy_j_range[1] >= 450.0
    meter.broken = None
    device = machine.odometers[0].device(begin, marked(machine), t0_s=t0, now_s=clock.monotonic())
    assert device.energy_j == pytest.approx(500.0, abs=0.5)
    assert any("moves again" in note for note in device.notes)


def test_idle_time_between_runs_is_nobodys():
    clock, trace = InjectedClock(), steady(100.0)
    machine = Machine([Counter(clock, trace, wraps_at_j=1000.0)], clock)
    first, *_ = cell(clock, machine, 1.0)
    clock.advance(3600.0)  # 360 times round
    second, *_ = cell(clock, machine, 1.0)
    assert first.energy_j == pytest.approx(100.0, abs=0.3)
    assert second.energy_j == pytest.approx(100.0, abs=0.3)
