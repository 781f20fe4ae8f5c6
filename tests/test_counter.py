"""Two readings become joules: never more than was possible, never less than was surely used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic.meters.counter import HEADROOM, Reading, difference

MAX_W, TICK_S, RANGE_J = 1000.0, 0.001, 65_536.0


def step(old_j, new_j, seconds, mean_w=None, wraps_at_j=RANGE_J):
    return difference(
        Reading(old_j, 10.0), Reading(new_j, 10.0 + seconds),
        max_w=MAX_W, tick_s=TICK_S, wraps_at_j=wraps_at_j, mean_w=mean_w,
    )  # fmt: skip


def test_an_ordinary_step_is_the_difference():
    assert step(100.0, 170.0, 1.0).joules == 70.0
    assert step(100.0, 170.0, 1.0).fault is None


def test_a_wrap_goes_on_counting():
    result = step(RANGE_J - 20.0, 30.0, 1.0)
    assert result.joules == pytest.approx(50.0)
    assert result.fault is None


def test_a_reset_is_not_taken_for_a_wrap():
    """50 kJ, then 1 J: as a wrap that would be 15 kJ in a second."""
    result = step(50_000.0, 1.0, 1.0, mean_w=60.0)
    assert result.fault == "reset"
    assert result.joules == pytest.approx(60.0)
    assert result.low == 1.0
    assert result.high <= HEADROOM * MAX_W + MAX_W * TICK_S


def test_a_counter_without_a_range_that_goes_down_was_reset():
    assert step(50.0, 40.0, 1.0, wraps_at_j=None).fault == "reset"


def test_an_impossible_jump_is_not_believed():
    result = step(0.0, 9e6, 1.0, mean_w=60.0, wraps_at_j=None)
    assert (result.fault, result.joules) == ("implausible", 60.0)


def test_a_tiny_counter_that_went_round_more_than_once_follows_the_mean_power():
    """At 100 W a counter of 100 J wraps each second; after 3.5 s it stands half-way, as it does after 0.5 s."""
    result = step(0.0, 50.0, 3.5, mean_w=100.0, wraps_at_j=100.0)
    assert result.joules == pytest.approx(350.0)
    assert result.low <= 50.0
    assert result.high >= 350.0


power = st.floats(0.0, MAX_W)
seconds = st.floats(0.0005, 3600.0)


@given(
    start=st.floats(0, RANGE_J - 1),
    watts=power,
    dt=seconds,
    wraps=st.sampled_from([RANGE_J, 262_144.0, None]),
    known=st.booleans(),
)
def test_the_truth_is_always_between_low_and_high(start, watts, dt, wraps, known):
    used = watts * dt
    end = start + used if wraps is None else (start + used) % wraps
    result = step(start, end, dt, mean_w=watts if known else None, wraps_at_j=wraps)
    slack = 1e-6 * max(1.0, used, start)
    assert result.low - slack <= used <= result.high + slack
    if known:
        assert result.joules == pytest.approx(used, abs=max(slack, 1e-3))


@given(
    old=st.floats(0, RANGE_J), new=st.floats(0, RANGE_J), dt=st.floats(0, 1e5), mean_w=st.none() | power,
    wraps=st.none() | st.just(RANGE_J),
)  # fmt: skip
def test_whatever_a_counter_says_the_step_stays_possible(old, new, dt, mean_w, wraps):
    result = step(old, new, dt, mean_w, wraps)
    most = HEADROOM * MAX_W * dt + MAX_W * TICK_S
    assert 0.0 <= result.low <= result.joules <= result.high <= most * (1 + 1e-9) + 1e-9
