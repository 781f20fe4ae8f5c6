"""A joule is counted once, however runs overlap."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import Run, Session
from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.grid import intensity
from carbon_magic.totals import COLUMNS, own_fractions

FR = intensity("FR")


def run(begin, seconds, watts=100.0, host="a", curve=None):
    joules = watts * seconds
    device = Device("CPU 0", "cpu", joules, (0.9 * joules, 1.1 * joules), "test", "counter")
    return Run(id=f"{begin}-{seconds}", name="r", state="done", started_at=float(begin), duration_s=float(seconds), energy_j_range=device.energy_j_range,
               grid=FR, devices=(device,), host=host, curve=curve or Curve())  # fmt: skip


def test_a_run_within_a_run_adds_nothing_and_one_beside_it_adds_all():
    session = Session((run(0, 10), run(2, 3), run(20, 5)))
    assert own_fractions(session.runs) == [1.0, 0.0, 1.0]
    assert session.energy_j == pytest.approx(1500)
    assert session.duration_s == 15
    assert session.energy_j_range == pytest.approx((1350, 1650))


def test_two_hosts_do_not_share_joules():
    assert Session((run(0, 10), run(0, 10, host="b"))).energy_j == pytest.approx(2000)


def test_what_sticks_out_is_weighed_by_the_power_curve():
    late = Curve((5.0, 10.0), {"CPU 0": (20.0, 180.0)})
    assert own_fractions([run(0, 11), run(6, 10, curve=late)]) == pytest.approx([1.0, 0.9])


def test_two_equal_runs_count_once():
    assert Session((run(0, 10), run(0, 10))).energy_j == pytest.approx(1000)


def test_runs_of_no_length_do_no_harm():
    assert Session((run(0, 0), run(0, 10), run(5, 0))).energy_j == pytest.approx(1000)
    assert Session(()).energy_j == 0
    assert Session((run(0, 0),)).measured_fraction == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=30), st.randoms())
def test_on_a_machine_of_steady_power_the_total_is_the_time_covered(spans, random):
    runs = [run(begin, seconds) for begin, seconds in spans]
    random.shuffle(runs)
    covered = {second for begin, seconds in spans for second in range(begin, begin + seconds)}
    session = Session(tuple(runs))
    assert session.energy_j == pytest.approx(100.0 * len(covered))
    assert session.duration_s == pytest.approx(len(covered))
    assert session.energy_j_range[0] <= session.energy_j <= session.energy_j_range[1]


def test_the_frame_has_a_row_per_run_and_runs_attributes():
    frame = Session((run(0, 10), replace(run(20, 5), tags={"lr": 0.1}))).to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["energy_j"].tolist() == [1000, 500]
    assert frame["tags"].tolist() == [{}, {"lr": 0.1}]
    assert list(Session(()).to_frame().columns) == list(COLUMNS)
