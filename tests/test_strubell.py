"""The paper, reproduced."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_runs import project_run

import carbon_magic
from carbon_magic import strubell
from carbon_magic.account import Project
from carbon_magic.literature import published
from carbon_magic.strubell.case import runs


@pytest.mark.parametrize(("n", "rows"), [(1, 8), (2, 6), (3, 8), (4, 3)])
def test_the_tables_are_there(n, rows):
    assert len(strubell.table(n)) == rows


@pytest.mark.parametrize("n", [0, 5, -1, "1", True, 1.5, None])
def test_there_are_four(n):
    with pytest.raises(ValueError, match="tables 1 to 4"):
        strubell.table(n)


def test_printed_values():
    one = strubell.table(1).set_index("label")["co2e_lb"]
    assert one["Car, avg incl. fuel, 1 lifetime"] == 126_000
    assert one["Air travel, 1 passenger, NY<->SF"] == 1_984
    assert one.iloc[-1] == 626_155
    two = strubell.table(2).set_index("consumer")
    assert list(two.loc["Germany", ["renewable_pct", "gas_pct", "coal_pct", "nuclear_pct"]]) == [40, 7, 38, 13]
    three = strubell.table(3)
    assert three.loc[three.model == "ELMo", "power_w"].item() == 517.66
    assert list(strubell.table(4)["gpu_hours"]) == [120, 2880, 239_942]


def test_tpu_rows_are_empty_as_in_the_paper():
    three = strubell.table(3)
    tpu = three[three.device.str.startswith("TPU")]
    assert len(tpu) == 3
    assert tpu[["power_w", "energy_kwh", "co2e_lb"]].isna().all().all()
    assert strubell.recomputed().loc[tpu.index, ["energy_kwh", "co2e_lb"]].isna().all().all()


def test_each_gpu_row_comes_out_to_rounding_or_says_why_not():
    anew = strubell.recomputed()
    gpu = anew[~anew.hardware.str.startswith("TPU")]
    assert list(gpu.loc[~gpu.reproduces, "model"]) == ["BERT (base)"]
    assert "79.2 h" in gpu.loc[~gpu.reproduces, "reason"].item()
    for row in gpu[gpu.reproduces].itertuples():
        assert round(row.energy_kwh) == row.energy_kwh_printed
        assert round(row.co2e_lb) == row.co2e_lb_printed
        assert row.reason == ""
    assert all(anew.loc[~anew.reproduces, "reason"])
    text = strubell.estimate(12041.51, 79.2)
    assert (round(text.energy_kwh), round(text.co2e_lb)) == (1507, 1438)


def test_the_equations():
    found = strubell.estimate(1415.78, 12)
    assert found.energy_kwh == pytest.approx(26.843, abs=1e-3)
    assert found.co2e_lb == pytest.approx(25.608, abs=1e-3)
    assert found.co2e_kg == pytest.approx(found.co2e_lb * 0.45359237)
    assert strubell.from_components(100, 20, 180, 8, 12) == strubell.estimate(1560, 12)
    assert strubell.estimate(1000, 1, pue=1.0).energy_kwh == 1.0
    assert carbon_magic.strubell is strubell


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 3))
def test_energy_grows_with_all_three(power_w, hours, pue):
    found = strubell.estimate(power_w, hours, pue)
    assert found.energy_kwh == pytest.approx(power_w * hours * pue / 1000)
    assert found.co2e_lb == pytest.approx(0.954 * found.energy_kwh)
    assert found.electricity_usd == pytest.approx(0.12 * found.energy_kwh)


@pytest.mark.parametrize("bad", [(-1, 1), (1, -1), (math.nan, 1), (1, math.inf), (1, 1, 0.9), (10**400, 1), (1, 1e308)])
def test_impossible_numbers_are_refused(bad):
    with pytest.raises(ValueError, match=r"is a number (from|up to)"):
        strubell.estimate(*bad)


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match="is a number, not str"):
        strubell.estimate("300", 1)
    with pytest.raises(ValueError, match="number of GPUs"):
        strubell.from_components(1, 1, 1, -1, 1)


def test_the_later_correction_stands_beside():
    found = strubell.correction().set_index("what")["times_too_high"]
    assert found.iloc[0] == 1
    assert found.iloc[1] == pytest.approx(18.7, abs=0.05)
    assert found.iloc[2] == pytest.approx(88, abs=0.5)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return strubell.case_study(tmp_path_factory.mktemp("case") / "case.db")


class TestCaseStudy:
    def test_the_jobs_have_the_papers_properties(self):
        hours = [run.duration_s / 3600 for run in runs()]
        assert len(hours) == 4789
        assert sum(hours) == pytest.approx(239_942, abs=0.01)
        assert min(hours) == pytest.approx(0.05)
        assert max(hours) == pytest.approx(216)
        ends = max(run.started_at + run.duration_s for run in runs()) - min(run.started_at for run in runs())
        assert 160 <= ends / 86400 <= 175  # the paper's 172 days

    def test_table_4_comes_out_of_the_ledger(self, case):
        found, printed = case.table, strubell.table(4)
        assert list(found.models) == list(printed.models)
        for row, told in zip(found.itertuples(), printed.itertuples(), strict=True):
            assert row.gpu_hours == pytest.approx(told.gpu_hours, abs=0.5)
            whole = 1000 if told.cloud_cost_low_usd >= 100_000 else 1  # printed as "103k"
            assert round(row.cloud_cost_low_usd / whole) == told.cloud_cost_low_usd / whole
            assert round(row.cloud_cost_high_usd / whole) == told.cloud_cost_high_usd / whole
            assert round(row.electricity_cost_usd) == told.electricity_cost_usd
        assert list(found.co2e_lb.round(0)) == [39, 942, 78_468]

    def test_the_development_multiplier_is_that_of_the_paper(self, case):
        assert case.project.multiplier == pytest.approx(239_942 / 120, rel=1e-6)

    def test_it_is_the_ledger_that_tells(self, case, tmp_path):
        """One run less on record is one run less in the table."""
        from dataclasses import replace

        from carbon_magic.account import Project
        from carbon_magic.strubell.case import CaseStudy

        fewer = CaseStudy(Project.of(list(runs())[1:]))
        assert fewer.table.models.iloc[-1] == 4788
        assert fewer.table.co2e_lb.iloc[-1] < case.table.co2e_lb.iloc[-1]
        twice = [replace(run, energy_j_range=run.energy_j_range, pue=2 * run.pue) for run in runs()]
        assert CaseStudy(Project.of(twice)).table.co2e_lb.iloc[-1] == pytest.approx(2 * 78_468, rel=1e-4)


def test_published_figures_say_where_they_come_from():
    frame = published()
    assert len(frame) >= 40
    assert (frame.source != "").all()
    assert frame.co2e_t.notna().sum() >= 30
    assert pd.api.types.is_float_dtype(frame.energy_mwh)
    gpt3 = frame[frame.model == "GPT-3 175B"].iloc[0]
    assert gpt3.energy_mwh == 1287
    assert gpt3.co2e_t == pytest.approx(552.1)
    assert carbon_magic.published().equals(frame)


def test_published_power_hours_and_grid_agree_with_the_printed_energy():
    """Rows that tell accelerator-hours, watts and PUE: their product is their energy, within the printed rounding."""
    frame = published()
    told = frame.dropna(subset=["accelerator_hours", "power_w", "pue", "energy_mwh"])
    assert len(told) >= 5
    product = told.accelerator_hours * told.power_w * told.pue / 1e6
    assert ((product - told.energy_mwh).abs() <= 0.02 * told.energy_mwh + 0.5).all()


@pytest.mark.parametrize("n", [5, 0, 1.0, True, "1", None])
def test_there_is_no_other_table(n):
    with pytest.raises(ValueError, match="tables 1 to 4"):
        strubell.table(n)


def test_a_project_of_ones_own_in_the_manner_of_table_4():
    search, trial = project_run(0, 0, 3600, stage="tune", gpus=2), project_run(1, 600, 1200, stage="tune", gpus=2)
    best = project_run(2, 9000, 1800, stage="final", gpus=2)
    thing = Project.of([search, trial, best, project_run(3, 20_000, 7200, stage="explore", gpus=0, state="failed")])
    table = strubell.own_table(thing).set_index("what")
    assert list(table["runs"]) == [1, 3, 4]
    assert list(table["hours"]) == pytest.approx([0.5, 1.5, 3.5])
    assert list(table["gpu_hours"]) == pytest.approx([1, 3, 3])
    assert table.loc["everything", "energy_kwh"] == pytest.approx(thing.energy_kwh)
    assert table.loc["final model", "co2e_lb"] == pytest.approx(best.co2e_g / 453.59237)
    assert table.loc["everything", "energy_kwh"] / table.loc["final model", "energy_kwh"] == pytest.approx(
        thing.multiplier
    )
    assert list(strubell.own_table(Project.of([search, trial]))["what"]) == ["everything"]
    assert list(strubell.own_table(Project.of([best]))["what"]) == ["final model", "everything"]
    assert strubell.own_table(Project.of([])).empty
