"""The power curve keeps its energy however long a run gets."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic.curve import Curve, Recorder, Spending

steps = st.lists(st.tuples(st.floats(0.01, 5), st.floats(0, 500)), min_size=1, max_size=300)


def joules(curve):
    edges = [0.0, *curve.t_s]
    return sum((w or 0) * (b - a) for a, b, w in zip(edges, edges[1:], curve.total_w(), strict=False))


def recorded(steps, limit):
    recorder, t = Recorder(limit), 0.0
    for dt, watts in steps:
        t += dt
        recorder.add(t, {"CPU": watts})
    return recorder.curve(), t


@given(steps, st.integers(8, 40))
def test_thinning_loses_no_joule_and_keeps_the_limit(steps, limit):
    curve, end = recorded(steps, limit)
    assert len(curve.t_s) <= limit
    assert joules(curve) == pytest.approx(sum(dt * w for dt, w in steps), rel=1e-4, abs=1e-3 * (1 + end))  # 1 mW
    assert curve.t_s[-1] == pytest.approx(end, abs=1e-5)
    assert list(curve.t_s) == sorted(curve.t_s)


def test_a_week_at_one_hertz_fits():
    recorder = Recorder()
    for second in range(1, 7 * 24 * 3600, 7):
        recorder.add(float(second), {"CPU": 50.0, "GPU 0": 300.0})
    curve = recorder.curve()
    assert 500 <= len(curve.t_s) <= 1500
    assert len(json.dumps(curve.to_dict())) < 100_000


def test_a_device_that_is_silent_leaves_a_gap_and_one_that_comes_later_starts_with_one():
    recorder = Recorder()
    recorder.add(1.0, {"CPU": 10.0})
    recorder.add(2.0, {"CPU": None, "GPU 0": 200.0})
    curve = recorder.curve()
    assert curve.watts == {"CPU": (10.0, None), "GPU 0": (None, 200.0)}
    assert curve.total_w() == [10.0, 200.0]
    assert curve.to_frame()["CPU"].isna().tolist() == [False, True]


def test_fraction_weighs_by_energy_not_by_time():
    curve = Curve((1.0, 2.0), {"CPU": (10.0, 30.0)})
    assert Spending(curve).fraction(0.0, 1.0) == pytest.approx(0.25)
    assert Spending(curve).fraction(0.5, 1.5) == pytest.approx((5 + 15) / 40)
    assert Spending(curve).fraction(-5.0, 50.0) == pytest.approx(1.0)
    assert Spending(Curve((1.0, 2.0), {"CPU": (None, None)})).fraction(0.0, 1.0) == pytest.approx(0.5)


def test_round_trip():
    curve = Curve((0.5, 1.0), {"CPU": (10.0, None)})
    assert Curve.from_dict(json.loads(json.dumps(curve.to_dict()))) == curve


@pytest.mark.parametrize(("hz", "seconds", "devices"), [(10, 3600, 12), (1, 7 * 86400, 2)])
def test_an_hour_at_10_hz_and_a_week_at_1_hz_stay_below_two_megabytes(hz, seconds, devices):
    tracemalloc.start()
    recorder = Recorder()
    names = [f"device {i}" for i in range(devices)]
    step = max(1, seconds * hz // 15_000)  # as many points as fill it many times over, spread over all of the time
    for n in range(step, seconds * hz + 1, step):
        recorder.add(n / hz, {name: 100.0 + n % 7 + i for i, name in enumerate(names)})
    curve = recorder.curve()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(curve.t_s) <= 1500
    assert curve.t_s[-1] == pytest.approx(seconds)
    assert used <= 2e6
