"""The making of the machine, by the SCI formula of ISO/IEC 21031."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looks import run

from carbon_magic.embodied import Embodied
from carbon_magic.run import Run
from carbon_magic.totals import Session

HOURS = 4 * 365.25 * 24


def test_the_formula() -> None:
    """1,000 kg over four years: 28.5 g an hour; an eighth of the machine, an eighth of that."""
    assert Embodied(1000.0).g(3600.0) == pytest.approx(1e6 / HOURS)
    assert Embodied(1000.0, 4.0, 0.125).g(3600.0) == pytest.approx(1e6 / HOURS / 8)
    assert Embodied(1000.0, 8.0).g(3600.0) == pytest.approx(1e6 / HOURS / 2)
    assert Embodied(1000.0).g(HOURS * 3600) == pytest.approx(1e6), "a whole life is the whole making"


@given(st.floats(0.001, 1e6), st.floats(0.1, 50), st.floats(0, 1), st.floats(0, 1e9))
def test_the_range_holds_the_figure_and_time_adds_up(kg: float, years: float, share: float, seconds: float) -> None:
    making = Embodied(kg, years, share)
    low, high = making.g_range(seconds)
    assert low <= making.g(seconds) <= high
    assert making.g(seconds) == pytest.approx(making.g(seconds / 3) + making.g(seconds * 2 / 3))


def test_a_run_is_charged_only_where_the_making_was_given() -> None:
    assert run().embodied_g is None
    assert run().embodied_g_range is None
    assert run().to_dict()["embodied_g"] is None
    assert run(seconds=3600.0, embodied=Embodied(1000.0)).embodied_g == pytest.approx(1e6 / HOURS)


def test_to_json_and_back() -> None:
    made = run(seconds=60.0, embodied=Embodied(350.0, 5.0, 0.5), pue=1.2, pue_range=(1.1, 1.4), pue_source="who")
    again = Run.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.embodied == made.embodied
    assert again.embodied_g == made.embodied_g
    assert (again.pue_range, again.pue_source) == (made.pue_range, "who")
    old = {k: v for k, v in made.to_dict().items() if k not in ("embodied", "embodied_g", "pue_source")}
    assert Run.from_dict(old).embodied_g is None


def test_a_session_charges_a_machines_seconds_once() -> None:
    making = Embodied(1000.0)
    outer = run("outer", seconds=3600.0, started_at=0.0, embodied=making)
    inner = run("inner", seconds=1800.0, started_at=900.0, embodied=making)
    later = run("later", seconds=3600.0, started_at=7200.0, embodied=making)
    other = run("other host", seconds=3600.0, started_at=0.0, embodied=making, host="there")
    assert Session((inner, outer)).embodied_g == pytest.approx(outer.embodied_g)
    assert Session((outer, later, other)).embodied_g == pytest.approx(3 * 1e6 / HOURS)
    assert Session((outer, run("not given", started_at=9e4))).embodied_g == pytest.approx(1e6 / HOURS)
    assert Session((run(),)).embodied_g is None
    assert Session().embodied_g is None
