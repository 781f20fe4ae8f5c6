"""A run as the ledger writes it in JSON: whatever is put into words once only, the text says what the run says."""

import json
import math
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_runs import GRID, run

from carbon_magic import Run
from carbon_magic.cost import Price
from carbon_magic.device import Device
from carbon_magic.embodied import Embodied
from carbon_magic.grid.series import Series
from carbon_magic.run import Share
from carbon_magic.store import rows, texts

NUMBERS = st.floats(0, 1e12) | st.integers(0, 10**6)
TEXTS = st.text(max_size=8)
RANGES = st.tuples(NUMBERS, NUMBERS)
DEVICES = st.lists(
    st.builds(
        Device, TEXTS, st.sampled_from(["cpu", "gpu"]), NUMBERS, RANGES, TEXTS, st.sampled_from(["counter", "modelled"]),
        st.lists(TEXTS, max_size=2).map(tuple), st.none() | NUMBERS, st.none() | NUMBERS,
    ),
    max_size=4,
).map(tuple)  # fmt: skip
RUNS = st.builds(
    Run, TEXTS, TEXTS, st.sampled_from(["running", "done"]), NUMBERS, NUMBERS, RANGES,
    st.builds(lambda n, text: replace(GRID, intensity_g_per_kwh=n, name=text,
                                      series=Series("s", text, (1.0, n), (2.0, n))), NUMBERS, TEXTS) | st.just(GRID),
    DEVICES, DEVICES,
    tags=st.dictionaries(TEXTS, NUMBERS | TEXTS | st.booleans(), max_size=3),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    share=st.none() | st.builds(Share, NUMBERS, RANGES, TEXTS),
    embodied=st.none() | st.builds(Embodied, NUMBERS),
    prices=st.just(()) | st.just((Price(0.3, (0.2, 0.4), "EUR", "kWh", "a source", "2025"),)),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(RUNS)
def test_the_text_is_the_run(one):
    told = json.loads(texts.document(one))
    whole = json.loads(json.dumps(one.to_dict()))
    assert told == {name: whole[name] for name in told}
    assert told.keys() == Run.__dataclass_fields__.keys() - {"curve"}
    assert Run.from_dict(told) == one


@settings(max_examples=40, deadline=None)
@given(RUNS)
def test_the_joules_are_those_of_its_devices(one):
    devices, others, share = json.loads(texts.parts(one))
    for told, its in ((devices, one.devices), (others, one.others)):
        assert told == [[d.name, d.kind, d.energy_j, *d.energy_j_range] for d in its]
    assert share == (one.share and [one.share.energy_j, *one.share.energy_j_range])


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_no_number_costs_no_run(odd):
    one = run()
    one = replace(one, devices=(replace(one.devices[0], energy_j=odd, energy_j_range=(odd, odd)),))
    (back,) = Run.from_dict(json.loads(texts.document(one))).devices
    assert str(back.energy_j) == str(odd)
    assert len(json.loads(texts.parts(one))[0]) == 1
    assert len(rows.figures(one, rows.Owner("", 0, None))) == len(rows.FIGURES)


def test_numbers_and_mappings_of_other_kinds_are_told_as_json_knows_them():
    tags = MappingProxyType({"a": np.float32(0.5), "b": np.int64(3), "c": True})
    one = run(energy_j=np.float32(2.0), tags=tags)
    told = json.loads(texts.document(one))
    assert told["tags"] == {"a": 0.5, "b": 3.0, "c": True}
    assert told["devices"][0]["energy_j"] == 2.0
    assert json.loads(texts.parts(one))[0][0][2] == 2.0


@settings(max_examples=40, deadline=None)
@given(RUNS, RUNS)
def test_what_only_moves_has_nothing_else_that_is_new(one, other):
    later = replace(one, duration_s=one.duration_s + 1, energy_j_range=(0.0, 1.0))
    assert rows.moves_only(later, one)
    assert not rows.moves_only(replace(one, notes=(*one.notes, "x")), one)
    if one.devices:
        first = replace(one.devices[0], source=one.devices[0].source + "x")
        assert not rows.moves_only(replace(one, devices=(first, *one.devices[1:])), one)
    if one.share != other.share and None in (one.share, other.share):
        assert not rows.moves_only(replace(one, share=other.share), one)
