"""An odometer never falls, never invents, and is exact at a cell's edges however slowly its counter ticks."""

import math
import random

import pytest
from machine.clock import InjectedClock
from machine.truth import square, steady, step

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
        self.window_s = None

    def watts(self):
        """Like POWER_INSTANT: the mean of a window that ends at the last tick."""
        if self.window_s is None:
            return None
        t = self.ticked(self.clock.monotonic())
        return self.trace.joules(t - self.window_s, t) / self.window_s

    def ticked(self, t):
        return math.floor((t - self.phase_s) / self.true_tick_s) * self.true_tick_s + self.phase_s

    def read(self):
        if self.broken is not None:
            return self.broken()
        joules = self.trace.joules(0.0, self.ticked(self.clock.monotonic())) - self.offset_j
        return joules % self.wraps_at_j if self.wraps_at_j else joules


def marked(machine):
    return machine.mark(edge=True)[0]


def cell(clock, machine, seconds, dense=True, looks=()):
    """A cell of so many seconds: both edges as the tracker does them; returns the device and the true edges."""
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    while dense and clock.monotonic() - t0 < seconds - 1e-6 and (machine.settle() or machine.awaits_tick()):
        clock.advance(min(0.004, seconds - (clock.monotonic() - t0)))
    for at in [*looks, seconds]:
        clock.advance(max(0.0, at - (clock.monotonic() - t0)))
        if at != seconds:
            machine.mark()
    end, t1 = machine.mark(edge=True)[0], clock.monotonic()
    while clock.monotonic() - t1 < 0.25 and machine.settle():
        clock.advance(0.001)
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


@pytest.mark.parametrize(("seconds", "median", "worst"), [(0.2, 0.02, 0.15), (1.0, 0.004, 0.02), (5.0, 0.001, 0.005)])
def test_work_that_begins_and_stops_with_the_cell_is_the_cell_s(seconds, median, worst):
    """Idle, then 300 W for just the cell, then idle: the ticks at both edges hold some of each."""
    rng, clock, errors, covered = random.Random(4), InjectedClock(), [], 0
    meter = Counter(clock, steady(60.0), 0.1, 0.03)
    meter.window_s = 0.025
    machine = Machine([meter], clock)
    cell(clock, machine, 2.0)
    for _ in range(60):
        clock.advance(rng.random())
        t0 = clock.monotonic()
        meter.trace = steady(60.0) + step(t0, 0.0, 240.0) + step(t0 + seconds, 0.0, -240.0)
        device, t0, t1 = cell(clock, machine, seconds)
        truth = meter.trace.joules(t0, t1)
        errors.append(abs(device.energy_j - truth) / truth)
        covered += device.energy_j_range[0] <= truth <= device.energy_j_range[1]
    errors.sort()
    assert errors[30] <= median
    assert errors[-1] <= worst
    assert covered >= 54


@pytest.mark.parametrize("tick_s", [0.016, 0.02, 0.05, 0.1, 0.33])
def test_the_tick_is_measured_and_a_later_look_at_the_device_knows_it(tick_s):
    clock = InjectedClock()

    def machine():
        meter = Counter(clock, steady(100.0), tick_s, 0.013, told_tick_s=0.1)
        meter.key = f"GPU-{tick_s}"
        return Machine([meter], clock)

    first = machine()
    cell(clock, first, 3.0)
    assert first.odometers[0].tick_s == pytest.approx(tick_s, rel=0.03)
    assert machine().odometers[0].tick_s == first.odometers[0].tick_s


def test_precise_waits_for_a_tick_and_never_for_long():
    clock = InjectedClock()
    meter = Counter(clock, steady(100.0), 0.1, 0.03)
    machine = Machine([meter], clock)
    machine.restart()
    clock.advance(0.05)
    before = meter.ticked(clock.monotonic())
    machine.next_tick(2.5)
    assert meter.ticked(clock.monotonic()) == pytest.approx(before + 0.1)
    assert clock.monotonic() - meter.ticked(clock.monotonic()) < 0.002
    still = meter.read()
    meter.broken = lambda: still
    began = clock.monotonic()
    machine.next_tick(2.5)
    assert 0.2 <= clock.monotonic() - began <= 0.3
    meter.told_tick_s = meter.tick_s = 0.001
    began = clock.monotonic()
    machine.next_tick(2.5)  # a fast counter is not waited for
    assert clock.monotonic() == began


def test_one_wild_reading_is_left_out_and_told():
    clock, trace = InjectedClock(), steady(100.0)
    meter = Counter(clock, trace)
    machine = Machine([meter], clock)
    for wild in (0.0, 9e9):
        machine.restart()
        begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
        clock.advance(1.0)
        machine.mark()
        meter.broken = lambda wild=wild: wild
        clock.advance(1.0)
        machine.mark()
        meter.broken = None
        clock.advance(1.0)
        device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
        assert device.energy_j == pytest.approx(300.0, abs=0.3)
        assert device.notes == ("at 2.0 s gave an impossible reading, which is left out",)


@pytest.mark.parametrize("where", ["begin", "end"])
def test_a_read_that_fails_once_at_an_edge_is_done_again(where):
    clock, trace = InjectedClock(), steady(100.0)
    meter = Counter(clock, trace)
    machine = Machine([meter], clock)

    def once():
        meter.broken = None
        raise OSError("I/O error")

    machine.restart()
    clock.advance(0.5)
    meter.broken = once if where == "begin" else None
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    clock.advance(1.0)
    meter.broken = once if where == "end" else None
    device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
    assert device.energy_j == pytest.approx(100.0, abs=0.3)
    assert not any("lost" in note for note in device.notes)


def test_what_a_counter_gains_while_the_machine_sleeps_is_nobody_s():
    clock, trace = InjectedClock(), steady(100.0)
    meter = Counter(clock, trace)
    machine = Machine([meter], clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    clock.advance(1.0)
    machine.mark()
    clock.suspend(3600.0)
    meter.offset_j -= 20_000.0
    clock.advance(1.0)
    device = machine.odometers[0].device(begin, machine.mark(edge=True)[0], t0_s=t0, now_s=clock.monotonic())
    assert device.energy_j == pytest.approx(200.0, abs=1.0)
    assert device.notes == ("at 2.0 s what its counter gained while the machine slept is left out",)


def test_a_tick_that_cannot_be_learnt_is_not_looked_for_for_ever():
    clock = InjectedClock()
    meter = Counter(clock, steady(0.0), 0.1)
    machine = Machine([meter], clock)
    looked = []
    for _ in range(8):
        machine.restart()
        clock.advance(0.5)
        looked.append(machine.awaits_tick())
        clock.advance(1.0)
        assert not machine.awaits_tick()
    assert looked == [True] * 5 + [False] * 3
