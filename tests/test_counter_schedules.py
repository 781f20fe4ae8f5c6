"""Whatever the schedule of reads and faults: never more than was physically possible, never less than was surely used."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from machine.clock import InjectedClock

from carbon_magic.meters.counter import HEADROOM
from carbon_magic.meters.machine import Machine
from carbon_magic.meters.meter import Meter

MAX_W = 500.0


class Struck(Meter):
    """A counter whose true energy a test adds by hand, and which can be struck by everything that befalls counters."""

    name, kind, method, source, gain, group, max_w = "X", "cpu", "counter", "test", (1.0, 1.0), "test", MAX_W

    def __init__(self, start_j, wraps_at_j):
        self.wraps_at_j = wraps_at_j
        self.value, self.offset, self.used = start_j, 0.0, 0.0
        self.frozen = self.answer = None
        self.fails = False

    def use(self, joules):
        self.used += joules
        self.value += joules

    def read(self):
        if self.fails:
            raise OSError("I/O error")
        if self.answer is not None:
            return self.answer
        shown = self.value if self.frozen is None else self.frozen
        return shown % self.wraps_at_j if self.wraps_at_j else shown


# Not st.floats: it also draws what stands as a constant in whatever is imported, another thing in each run.
seconds = st.sampled_from([round(0.01 * 1.21**i, 3) for i in range(43)])
watts = st.sampled_from([float(w) for w in (1, 2, 3, *range(5, 500, 7), MAX_W)])
starts = st.sampled_from([0.0, 0.37, 5.0, *(1234.567 * i for i in range(49))])
fault = st.sampled_from(
    ["", "", "", "missing", "reset", "wild", "zero", "gone and reset", "slept", "stands still", "ntp"]
)
schedule = st.lists(st.tuples(seconds, watts, fault), min_size=1, max_size=25)
SOUND = ("", "missing", "wild", "zero", "slept", "stands still", "ntp")


def unseen(meter, last_j, seconds):
    """Whether a reset looks like a counter that just went on, or round: nobody could tell."""
    shown, last = (x % meter.wraps_at_j if meter.wraps_at_j else x for x in (meter.value, last_j))
    wrapped = shown - last + (meter.wraps_at_j or float("inf"))
    return shown >= last or wrapped <= 1.1 * HEADROOM * MAX_W * seconds + MAX_W


@given(schedule=schedule, start=starts, wraps=st.sampled_from([None, 65_536.0, 262_144.0, 20_000.0]))
@example(schedule=[(1.0, 100.0, ""), (1.0, 100.0, "wild"), (1.0, 100.0, "reset")], start=5.0, wraps=None)
@example(schedule=[(1.0, 100.0, "zero"), (1.0, 100.0, "zero"), (30.0, 400.0, "")], start=50.0, wraps=65_536.0)
@example(schedule=[(30.0, 500.0, "missing"), (30.0, 500.0, "missing"), (30.0, 500.0, "")], start=0.0, wraps=20_000.0)
@example(schedule=[(1.0, 86.0, ""), (29.0, 2.0, "reset"), (29.0, 1.0, "reset")], start=0.0, wraps=20_000.0)
@example(schedule=[(10.0, 1.0, "reset"), (24.0, 1.0, "missing"), (10.0, 1.0, "reset")], start=14_005.0, wraps=20_000.0)
@example(schedule=[(1.0, 1.0, ""), (14.0, 404.0, "")], start=14_342.0, wraps=20_000.0)
@example(schedule=[(16.228, 500.0, ""), (30.0, 1.0, "")], start=11_855.0, wraps=20_000.0)  # ends on a bare 0
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_sum_stays_between_what_was_surely_used_and_what_was_possible(schedule, start, wraps):
    clock, meter = InjectedClock(), Struck(start, wraps)
    machine = Machine([meter], clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    sure_j, hidden, resets, seen_j, seen_s, bare = 0.0, False, [], start, t0, False
    for length_s, power_w, kind in schedule:
        clock.advance(length_s)
        before_j = meter.value
        if kind in ("reset", "gone and reset"):
            meter.use(power_w * length_s / 2)
            meter.value = 0.0
            meter.use(power_w * length_s / 2)
            resets.append(None)
        else:
            meter.use(power_w * length_s)
        if kind in SOUND:
            sure_j += power_w * length_s
        if kind == "slept":
            clock.suspend(3600.0)
        if kind == "ntp":
            clock.step_wall(-1e6)
        meter.fails = kind in ("missing", "gone and reset")
        meter.answer = {"wild": 9e12 + 1e11 * clock.monotonic(), "zero": 0.0}.get(kind)
        meter.frozen = before_j if kind == "stands still" and seen_j == before_j and not resets else None
        machine.mark()
        if kind in ("", "reset", "slept", "ntp"):
            hidden = hidden or (bool(resets) and unseen(meter, seen_j, clock.monotonic() - seen_s))
            resets.clear()
            seen_j, seen_s = meter.value, clock.monotonic()
        meter.fails, meter.answer, meter.frozen = False, None, None
        bare = bare or meter.read() == 0.0
    clock.advance(0.01)
    meter.use(0.01 * 100.0)
    hidden = hidden or (bool(resets) and unseen(meter, seen_j, clock.monotonic() - seen_s))
    end = machine.mark(edge=True)[0]
    t1 = clock.monotonic()
    device = machine.odometers[0].device(begin, end, t0_s=t0, now_s=t1)
    low, high = device.energy_j_range
    slack = 1e-6 * max(start, meter.used, 1.0) + MAX_W * 0.001
    assert low <= device.energy_j <= high
    assert device.energy_j <= HEADROOM * MAX_W * (t1 - t0) + slack * (len(schedule) + 2)
    assert hidden or low - slack <= meter.used
    assert hidden or meter.used <= high + slack
    clean = all(kind in SOUND for *_, kind in schedule)
    # A counter that may have gone round more than once between two reads that worked says so by its range.
    if clean and (wraps is None or "several wraps" not in str(device.notes)):
        assert low - slack <= meter.used
        # One that stands at a bare 0 just when it has gone round is not believed; what that hides is in the range.
        once = wraps is None or sum(length for length, *_ in schedule) * HEADROOM * MAX_W < wraps
        if once and not bare and meter.read() != 0:
            assert device.energy_j == pytest.approx(meter.used, abs=slack)
    else:
        assert device.notes or low < high
    assert hidden or high + slack >= sure_j


@given(gaps=st.lists(seconds, min_size=1, max_size=40), power=watts)
def test_looking_more_or_less_often_changes_nothing(gaps, power):
    """The sum does not depend on when it was looked at."""
    clock, meter = InjectedClock(), Struck(60_000.0, 65_536.0)
    machine = Machine([meter], clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True)[0], clock.monotonic()
    for gap in gaps:
        clock.advance(gap)
        meter.use(power * gap)
        machine.mark()
    end = machine.mark(edge=True)[0]
    device = machine.odometers[0].device(begin, end, t0_s=t0, now_s=clock.monotonic())
    assert end.joules - begin.joules == pytest.approx(power * sum(gaps), rel=1e-6)
    assert device.energy_j_range[0] <= power * sum(gaps) + 1e-6
