"""How instruments are found together: each joule once, models for the rest, and one in trouble stops no other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import meters
from carbon_magic.device import Device
from carbon_magic.meters.meter import Meter
from carbon_magic.meters.site import Found, Missing, Site

NOWHERE = Path("/nonexistent")


class Some(Meter):
    """An instrument that says what the test wants."""

    source, method, gain, group = "a test", "counter", (1.0, 1.0), "test"

    def __init__(self, name, kind, **more):
        self.name, self.kind = name, kind
        vars(self).update(more)

    def read(self):
        return 0.0


@pytest.fixture
def survey(monkeypatch):
    """What is found where the instruments are these functions of a site."""

    def look(*finds):
        modules = {f"i{n}": type("module", (), {"find": staticmethod(find)}) for n, find in enumerate(finds)}
        monkeypatch.setattr(meters, "INSTRUMENTS", dict.fromkeys(modules, ""))
        monkeypatch.setattr(meters.importlib, "import_module", lambda name, package: modules[name[1:]])
        return meters.survey(Site({}, lambda: 0.0, sys=NOWHERE))

    return look


def counted(found):
    return [meter.name for meter in found.meters if meter.counted]


def test_what_another_figure_holds_is_shown_beside_the_total(survey):
    module = Some("GPU module", "gpu", contains=("cpu", "dram"))
    grace, ram = Some("Grace", "cpu", contains=("dram",)), Some("DRAM", "dram")
    found = survey(lambda site: Found([grace, ram]), lambda site: Found([module]))
    assert counted(found) == ["GPU module"]
    assert "GPU module holds it already" in grace.notes[-1]
    assert all(meter.method == "counter" for meter in found.meters)  # and no model of a part that is in the module


def test_a_whole_that_does_not_count_takes_nothing_away(survey):
    hidden = Some("GPU module", "gpu", contains=("cpu", "dram"), counted=False)
    found = survey(lambda site: Found([Some("Grace", "cpu", contains=("dram",))]), lambda site: Found([hidden]))
    assert counted(found) == ["Grace"]


def test_the_part_decides_not_the_kind(survey):
    package = Some("CPU", "cpu", contains=("igpu",))
    found = survey(lambda site: Found([package, Some("inside", "gpu", part="igpu"), Some("card", "gpu")]))
    assert counted(found) == ["CPU", "RAM", "card"]


PARTS = ["module", "cpu", "gpu", "dram", "igpu"]


@st.composite
def some(draw):
    """An instrument that may hold parts that come later in the list: nothing holds what it lies in."""
    kind = draw(st.sampled_from(PARTS))
    inside = PARTS[PARTS.index(kind) + 1 :]
    contains = tuple(draw(st.lists(st.sampled_from(inside), max_size=3))) if inside else ()
    scope = draw(st.sampled_from(["device", "device", "platform", "whole machine", "wall"]))
    return Some(kind, kind, contains=contains, counted=draw(st.booleans()), spare=draw(st.booleans()), scope=scope)


@given(st.lists(some(), max_size=7))
def test_whatever_holds_what_no_part_is_counted_within_another_and_none_is_lost(given_meters):
    wanted = {m.kind for m in given_meters if m.counted and m.scope == "device"}
    found = meters.count_once(given_meters)
    counted = [m for m in found if m.counted]
    for meter in counted:
        assert meter.scope == "device"
        assert not any(meter.kind in whole.contains for whole in counted if whole is not meter)
    assert wanted <= {m.kind for m in counted} | {part for m in counted for part in m.contains}
    for spare in (m for m in counted if m.spare):
        assert not any(m.kind == spare.kind and not m.spare for m in counted)


@pytest.mark.parametrize("scope", ["platform", "whole machine", "wall"])
def test_wider_scopes_never_count_and_never_stand_for_a_part(survey, scope):
    found = survey(lambda site: Found([Some("wide", "cpu", scope=scope)]))
    assert counted(found) == ["CPU", "RAM"]  # the models


def test_one_in_trouble_takes_no_other_with_it(survey):
    def broken(site):
        raise RuntimeError("no such bus")

    found = survey(broken, lambda site: Found([Some("CPU 0", "cpu")]))
    assert counted(found) == ["CPU 0", "RAM"]
    assert "RuntimeError: no such bus" in found.missing[0].why


def test_a_model_says_why_there_is_no_meter(survey):
    closed = Missing("counter", "it may be read by root only", "chgrp", kind="cpu")
    found = survey(lambda site: Found((), [closed]))
    assert "it may be read by root only" in found.meters[0].notes
    assert found.missing == [closed]


def test_a_device_written_before_there_were_scopes_is_read():
    old = {"name": "CPU", "kind": "cpu", "energy_j": 1.0, "energy_j_range": [1, 1], "source": "", "method": "counter"}
    assert Device.from_dict({**old, "notes": []}).scope == "device"
