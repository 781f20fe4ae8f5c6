"""The best hours of a forecast, and whether they are worth a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic.grid.ahead import Point, best_window

T = 1.9e9


def hourly(*grams, start=T, **fields):
    return [Point(start + 3600 * i, start + 3600 * (i + 1), float(g), **fields) for i, g in enumerate(grams)]


def test_the_cleanest_hours_and_what_they_save():
    window = best_window(hourly(400, 400, 100, 100, 300), 2)
    assert (window.start_s, window.end_s) == (T + 7200, T + 14400)
    assert (window.g_per_kwh, window.now_g_per_kwh, window.saves) == (100, 400, 0.75)
    assert window.g_range == pytest.approx((80, 120))
    assert window.saves_range == pytest.approx((0.679, 0.821), abs=0.001)
    assert window.sure


def test_a_small_difference_is_not_worth_a_word():
    assert not best_window(hourly(400, 390, 350), 1).sure
    assert not best_window(hourly(100, 400), 1).sure  # now is best
    assert best_window(hourly(100, 400), 1).saves == 0


def test_marginal_figures_are_less_sure():
    average, marginal = best_window(hourly(400, 290), 1), best_window(hourly(400, 290, marginal=True), 1)
    assert average.sure
    assert marginal.marginal
    assert not marginal.sure


def test_a_window_need_not_begin_with_an_hour():
    assert best_window(hourly(400, 100, 100, 300), 1.5).start_s in (T + 3600, T + 5400)
    assert best_window(hourly(400, 100, 200), 0.25).g_per_kwh == 100


def test_none_where_the_forecast_does_not_cover_it():
    assert best_window([], 1) is None
    assert best_window(hourly(100, 100), 3) is None
    assert best_window(hourly(100), 0) is None
    gap = hourly(100) + hourly(10, start=T + 7200)
    assert best_window(gap, 2) is None
    assert best_window(gap, 1).g_per_kwh == 10


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=30), st.floats(0.1, 5))
def test_no_window_is_cleaner(grams, hours):
    points = hourly(*grams)
    best = best_window(points, hours)
    if hours > len(grams):
        assert best is None
        return
    for k in range(4 * len(grams)):
        begin = k / 4
        if begin + hours > len(grams):
            break
        mean = sum(g * max(0, min(begin + hours, i + 1) - max(begin, i)) for i, g in enumerate(grams)) / hours
        assert best.g_per_kwh <= mean * (1 + 1e-9)
    assert best.g_per_kwh <= best.now_g_per_kwh * (1 + 1e-9)
