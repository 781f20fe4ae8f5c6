"""How ranges combine."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic.ranges import Part, product, total

amount = st.floats(0, 1e9)


def test_parts_that_err_together_add_up_and_parts_that_err_apart_partly_cancel():
    together = total([Part(100, 90, 110, "RAPL"), Part(100, 90, 110, "RAPL")])
    apart = total([Part(100, 90, 110, "GPU 0"), Part(100, 90, 110, "GPU 1")])
    assert together == pytest.approx((180, 220))
    assert apart == pytest.approx((200 - math.hypot(10, 10), 200 + math.hypot(10, 10)))


def test_half_to_double_stays_half_to_double():
    assert product((10.0, (5.0, 20.0)), (2.0, (2.0, 2.0))) == pytest.approx((10.0, 40.0))


def test_nothing_used_is_nothing_known_to_be_used():
    assert total([]) == (0.0, 0.0)
    assert product((0.0, (0.0, 3.0)), (2.0, (1.0, 4.0))) == (0.0, 12.0)


@given(st.lists(st.tuples(amount, st.floats(0, 1), st.floats(1, 5), st.sampled_from("abc"))))
def test_a_total_lies_in_its_range_which_is_no_wider_than_the_ends_added(parts):
    parts = [Part(v, v * low, v * high, group) for v, low, high, group in parts]
    low, high = total(parts)
    value = sum(p.value for p in parts)
    slack = 1e-9 * (1 + value)
    assert sum(p.low for p in parts) - slack <= low <= value + slack
    assert value - slack <= high <= sum(p.high for p in parts) + slack


@given(st.lists(st.tuples(st.floats(1e-6, 1e6), st.floats(0.01, 1), st.floats(1, 100)), min_size=1, max_size=4))
def test_a_product_lies_in_its_range_which_is_no_wider_than_the_ends_multiplied(factors):
    low, high = product(*((v, (v * lo, v * hi)) for v, lo, hi in factors))
    value = math.prod(v for v, _, _ in factors)
    assert math.prod(v * lo for v, lo, _ in factors) * (1 - 1e-9) <= low <= value * (1 + 1e-9)
    assert value * (1 - 1e-9) <= high <= math.prod(v * hi for v, _, hi in factors) * (1 + 1e-9)
