"""A project's account: parts add up, nothing is counted twice, and the multiplier is what it says."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbon_magic
from carbon_magic import Run, process
from carbon_magic.account import Entry, Project
from carbon_magic.account.groups import KEYS
from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.grid import intensity
from carbon_magic.store.sqlite import SqliteStore

FR = intensity("FR")
NOON = 1_790_000_000.0


def run(begin=0.0, seconds=10.0, watts=100.0, name="r", stage=None, gpus=0, method="counter", **fields):
    joules = watts * seconds
    kinds = ["cpu", *["gpu"] * gpus]
    each = joules / len(kinds)
    devices = tuple(
        Device(f"{kind} {i}", kind, each, (0.9 * each, 1.2 * each), "test", method) for i, kind in enumerate(kinds)
    )
    d = {"id": f"{name}-{begin}", "state": "done", "grid": FR, "host": "a", "curve": Curve(), "project": "p"} | fields
    return Run(name=name, stage=stage, started_at=NOON + begin, duration_s=seconds, devices=devices,
               energy_j_range=(0.9 * joules, 1.2 * joules), **d)  # fmt: skip


RUNS = st.lists(
    st.builds(
        run,
        begin=st.integers(0, 400),
        seconds=st.integers(0, 60),
        watts=st.sampled_from([0.0, 40.0, 350.0]),
        stage=st.sampled_from([None, "explore", "tune", "final", "a word of one's own"]),
        gpus=st.integers(0, 2),
        host=st.sampled_from(["a", "b"]),
        state=st.sampled_from(["done", "failed", "interrupted", "running"]),
        tags=st.sampled_from([{}, {"lr": 0.1}, {"lr": "0.2", "b": True}]),
        method=st.sampled_from(["counter", "modelled"]),
    ),
    max_size=15,
)


@given(RUNS)
def test_the_parts_of_every_grouping_add_up_to_the_total(runs):
    project = Project.of(runs)
    for what in (*KEYS, "tag:lr", "tag:none"):
        groups = project.groups(what)
        assert sum(g.energy_j for g in groups) == pytest.approx(project.energy_j)
        assert sum(g.co2e_g for g in groups) == pytest.approx(project.co2e_g)
        assert sum(g.runs for g in groups) == len(runs)
        assert sum(g.gpu_hours for g in groups) == pytest.approx(project.gpu_hours)
        assert sum(g.duration_s for g in groups) == pytest.approx(_covered_s(runs))
        for end in (0, 1):
            assert sum(g.energy_j_range[end] for g in groups) == pytest.approx(project.energy_j_range[end])
        assert all(g.energy_j_range[0] <= g.energy_j * (1 + 1e-9) for g in groups)
        assert all(0 <= project.share(g) <= 1 + 1e-9 for g in groups)
    assert sum(g.failed for g in project.groups("state")) == sum(r.state == "failed" for r in runs)


def _covered_s(runs):
    """Whole seconds of each host in which a run was going."""
    return len({(r.host, t) for r in runs for t in range(int(r.started_at), int(r.started_at + r.duration_s))})


@given(RUNS)
def test_the_whole_is_at_most_the_sum_and_what_a_session_of_the_same_runs_says(runs):
    project = Project.of(runs)
    assert project.energy_j <= sum(r.energy_j for r in runs) * (1 + 1e-9)
    assert project.energy_j == pytest.approx(carbon_magic.Session(tuple(runs)).energy_j)
    assert 0 <= project.measured_fraction <= 1 + 1e-9
    assert project.gpu_hours <= sum(r.gpus * r.duration_s for r in runs) / 3600 + 1e-9


@given(RUNS, st.sets(st.integers(0, 14)))
def test_the_multiplier_is_at_least_one_and_one_where_all_is_final(runs, picked):
    project = Project.of(runs)
    chosen = project.choose_entries([i for i in picked if i < len(runs)])
    if chosen.multiplier is not None:
        assert chosen.multiplier >= 1
        assert chosen.energy_j / chosen.final_energy_j >= 1 - 1e-9
    everything = project.choose_entries(range(len(runs)))
    if project.energy_j > 0:
        assert everything.multiplier == pytest.approx(1)
        assert everything.final_co2e_g == pytest.approx(project.co2e_g)


def test_the_time_of_a_search_and_of_the_trials_in_it_counts_once():
    sweep, trials = run(0, 100, stage="tune"), [run(10 * i, 10, stage="explore") for i in range(9)]
    project = Project.of([sweep, *trials, run(50, 100, host="b")])
    assert project.total.duration_s == pytest.approx(200)
    assert {g.key: g.duration_s for g in project.groups("stage")} == pytest.approx(
        {"explore": 90, "tune": 10, None: 100}
    )
    unseen = replace(run(20, 30), devices=(), id="nothing was read")
    assert Project.of([sweep, unseen]).total.duration_s == pytest.approx(100)


def test_the_multiplier_of_a_small_project():
    project = Project.of([
        run(0, 100, stage="explore"), run(200, 300, stage="tune", state="failed"), run(600, 500, stage="tune"),
        run(2000, 100, stage="final", state="interrupted"), run(3000, 100, stage="final"),
    ])  # fmt: skip
    assert project.final == (4,)  # the attempt before it is not the final model
    assert project.multiplier == pytest.approx(11)
    assert project.tuning.energy_j == pytest.approx(80_000)
    assert (project.tuning.runs, project.tuning.failed) == (2, 1)
    assert [g.key for g in project.groups("stage")] == ["explore", "tune", "final"]
    assert project.choose("last").final == (4,)
    assert project.choose("stage:tune").multiplier == pytest.approx(1100 / 800)


def test_a_final_run_with_an_evaluation_inside_it_keeps_its_whole_energy():
    project = Project.of([run(0, 100, stage="final"), run(20, 30, stage="evaluate"), run(200, 100, stage="tune")])
    assert project.final_energy_j == pytest.approx(10_000)
    assert project.multiplier == pytest.approx(2)
    by_stage = {g.key: g.energy_j for g in project.groups("stage")}
    assert by_stage == pytest.approx({"tune": 10_000, "evaluate": 3_000, "final": 7_000})


def test_a_final_run_inside_a_longer_one_is_what_it_measured():
    project = Project.of([run(0, 100), run(20, 30, stage="final")])
    assert project.final_energy_j == pytest.approx(3000)
    assert project.multiplier == pytest.approx(100 / 30)


def test_runs_nested_a_thousand_deep_do_no_harm():
    runs = [run(i, 4000 - 2 * i, stage="final" if i == 1500 else None) for i in range(1999)]
    project = Project.of(runs)
    assert project.final_energy_j == pytest.approx(100 * 1000)
    assert project.multiplier == pytest.approx(4)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("best model", [1]), ("name:best model", [1]), ("best*", [1]), ("stage:tune", [0, 2]), ("tag:lr=0.1", [0]),
        ("tag:lr", [0, 1]), ("tag:ok=true", [2]), ("id:abcd", [1]), ("last", [2]), ("[x] 'odd', \"name\"", [2]), ("abcdef", [1]),
    ],
)  # fmt: skip
def test_final_runs_are_chosen_in_words(selector, found):
    project = Project.of([
        run(0, name="try", stage="tune", tags={"lr": 0.1}), run(20, name="best model", tags={"lr": "0.2"}, id="abcdef"),
        run(40, name="[x] 'odd', \"name\"", stage="tune", tags={"ok": True}),
    ])  # fmt: skip
    assert list(project.choose(selector).final) == found


@pytest.mark.parametrize("selector", ["nothing", "stage:", "tag:", "id:abc", "id:x", "tag:lr=9", "", "<b>", "x" * 999])
def test_a_choice_that_names_no_run_is_told_in_a_sentence(selector):
    with pytest.raises(ValueError, match="no run of this project is") as error:
        Project.of([run(tags={"lr": 1})]).choose(selector)
    assert len(str(error.value)) < 300


def test_without_a_final_run_there_is_no_multiplier_and_no_zero():
    project = Project.of([run()])
    assert (project.multiplier, project.final_energy_j, project.tuning) == (None, None, None)
    assert Project.of([run(watts=0.0, stage="final")]).multiplier is None
    empty = Project.of([])
    assert (empty.energy_j, empty.groups("stage"), empty.multiplier) == (0, [], None)
    with pytest.raises(ValueError, match="runs are grouped by"):
        empty.groups("colour")


def test_tags_are_in_the_order_of_their_numbers_and_stages_in_that_of_a_projects_life():
    lr = Project.of([run(i, 0.5, tags={"lr": v}) for i, v in enumerate(["1e-3", 10, "0.5", "auto", 2.0, "nan"])])
    assert [g.key for g in lr.groups("tag:lr")] == ["1e-3", "0.5", 2.0, 10, "auto", "nan"]
    stages = Project.of([run(i, 0.5, stage=s) for i, s in enumerate(["zz", None, "final", "explore", "a"])])
    assert [g.key for g in stages.groups("stage")] == ["explore", "final", "a", "zz", None]


def test_weeks_are_those_of_the_calendar_on_the_wall(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")  # 5 h 45 min ahead
    time.tzset()
    try:
        sunday = 1_767_550_499  # 2026-01-04 23:59:59 there
        project = Project.of(
            [replace(run(), started_at=sunday + 0.5, duration_s=0.2), replace(run(), started_at=sunday + 1.5)]
        )
        assert time.strftime("%F %T", time.localtime(sunday)) == "2026-01-04 23:59:59"
        assert [(g.key, g.runs) for g in project.groups("week")] == [("2026-W01", 1), ("2026-W02", 1)]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_frames_have_a_row_per_group_and_per_run():
    project = Project.of([run(0, 100, stage="tune", gpus=2), run(20, 30, stage="final", gpus=2)])
    frame = project.by("stage")
    assert frame["stage"].tolist() == ["tune", "final"]
    assert frame["energy_kwh"].sum() == pytest.approx(project.energy_kwh)
    assert frame["gpu_hours"].tolist() == pytest.approx([2 * 70 / 3600, 2 * 30 / 3600])
    assert frame["share"].sum() == pytest.approx(1)
    runs = project.to_frame()
    assert runs["own_energy_kwh"].sum() == pytest.approx(project.energy_kwh)
    assert runs["energy_kwh"].sum() > project.energy_kwh
    assert runs["final"].tolist() == [False, True]
    assert list(Project.of([]).by("week").columns) == ["week", *frame.columns[1:]]


def test_an_entry_says_what_its_run_says_and_reads_tags_late():
    one = run(tags={"lr": 0.1}, gpus=2, method="modelled")
    entry = Entry.of(one)
    for name in ("energy_j", "energy_j_range", "co2e_g", "co2e_g_range", "tags", "gpus", "method", "measured_fraction"):
        assert getattr(entry, name) == getattr(one, name)
    assert entry._replace(told_tags='{"lr":0.1}').tags == {"lr": 0.1}
    assert entry._replace(told_tags="{broken").tags == {}
    assert entry._replace(told_tags="[1]").tags == {}


def test_a_project_is_read_from_the_ledger_with_the_curves_of_what_overlaps(own_ledger):
    store = SqliteStore(own_ledger)
    late = Curve((50.0, 100.0), {"cpu 0": (0.0, 200.0)})
    for one in (
        run(0, 100, curve=late, id="outer"),
        run(60, 110, name="inner", stage="final"),
        run(name="x", project="q"),
    ):
        store.put(one)
    store.close()
    project = carbon_magic.project("p")
    assert len(project.entries) == 2
    # The longer run counts whole, 11,000 J; of the other's 10,000 J those of the first 60 s: 2,000 J by its curve.
    assert project.energy_j == pytest.approx(13_000)
    assert carbon_magic.ledger().totals("p")["energy_kwh"].item() == pytest.approx(project.energy_kwh)
    assert project.multiplier == pytest.approx(13 / 11)
    assert [r.name for r in project.runs] == ["r", "inner"]
    assert carbon_magic.project("p", final="r").multiplier == pytest.approx(13 / 10)
    assert carbon_magic.project("p", final=["r", "last"]).multiplier == pytest.approx(1)
    assert carbon_magic.project("nobody's").entries == ()


def test_what_is_read_from_the_ledger_says_what_its_grid_figures_count(own_ledger):
    store = SqliteStore(own_ledger)
    store.put(run())
    store.put(run(100, grid=replace(FR, basis="direct, at the plants", place="XX")))
    store.close()
    project = carbon_magic.project("p")
    assert [entry.basis for entry in project.entries] == ["lifecycle", "direct, at the plants"]
    assert "mixes direct and lifecycle grid figures" in carbon_magic.report.bundle(project)["text/plain"].replace(
        "\n    ", " "
    )
    assert [Entry.of(one) for one in project.runs] == [e._replace(told_tags={}) for e in project.entries]


def test_the_project_at_hand_is_the_one_that_runs_are_filed_under(monkeypatch):
    monkeypatch.setattr(process, "_current", None)  # one whose ledger is this test's
    with carbon_magic.track("a", project="other"):
        pass
    with carbon_magic.track("b", stage="final"):
        pass
    assert [e.name for e in carbon_magic.project().entries] == ["b"]
    assert carbon_magic.project().name == carbon_magic.last.project
    assert [e.name for e in carbon_magic.project("other").entries] == ["a"]


def test_four_thousand_seven_hundred_and_eighty_nine_runs_are_summed_up_at_once():
    entries = [Entry.of(run(20 * i, 10, stage="tune" if i % 3 else "train", tags={"lr": i % 7})) for i in range(4789)]
    took_s = []
    for _ in range(5):
        begin = time.process_time()
        project = Project.from_entries("p", entries, list)
        assert project.energy_j == pytest.approx(4789 * 1000)
        assert len(project.groups("stage")) == 2
        assert project.multiplier is None
        took_s.append(time.process_time() - begin)
    assert min(took_s) < 0.1  # some 15 ms on an idle machine
