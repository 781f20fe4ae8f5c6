"""Another choice of final runs: the same account, not reckoned again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_runs import run

from carbon_magic.account import Entry, Project

RUNS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from(["tune", "final", None])), min_size=1, max_size=10
)


def project(spans):
    runs = [
        run(str(i), started_at=1e9 + begin, duration_s=float(seconds), stage=stage, energy_j=10.0 * seconds)
        for i, (begin, seconds, stage) in enumerate(spans)
    ]
    asked = []

    def details(some):
        asked.append(list(some))
        return [runs[i] for i in some]

    return Project.from_entries("p", [Entry.of(one) for one in runs], details), asked


@settings(max_examples=50)
@given(RUNS, st.sets(st.integers(0, 9), min_size=1))
def test_it_says_what_a_fresh_account_says(spans, picked):
    picked = sorted(i for i in picked if i < len(spans)) or [0]
    before, _ = project(spans)
    assert before.total.runs == len(spans)
    first = before.final_energy_j
    chosen, fresh = before.choose_entries(picked), project(spans)[0].choose_entries(picked)
    assert chosen.final == fresh.final == tuple(picked)
    assert chosen.total == fresh.total
    assert (chosen.multiplier, chosen.final_energy_j) == (fresh.multiplier, fresh.final_energy_j)
    assert chosen.groups("stage") == fresh.groups("stage")
    assert before.final_energy_j == first


def test_runs_that_overlap_are_read_once():
    it, asked = project([(0, 20, None), (5, 5, "tune"), (100, 5, "final")])
    assert it.multiplier == pytest.approx(250 / 50)
    assert it.choose("last").choose("stage:tune").multiplier == pytest.approx(250 / 50)
    assert it.choose_entries([0]).multiplier == pytest.approx(250 / 200)
    assert asked == [[0, 1]]
