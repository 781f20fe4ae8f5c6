"""The project's widget without a browser: what it sends, how much of it, and what it answers."""

import json

import pytest
from kernels import kernel
from project_runs import NASTY, nasty, project, project_run

from carbon_magic.account import Project
from carbon_magic.report import project_html
from carbon_magic.widgets.project import ProjectView


def test_it_sends_a_line_for_each_row_and_the_final_runs_ticked():
    thing = project()
    view = ProjectView("t1", thing, ("stage",))
    assert len(view.lines) == 401
    assert [view.lines[i]["n"] for i in view.picked] == ["the model of the paper"]
    assert sum(line["e"] for line in view.lines) == pytest.approx(thing.energy_j)
    assert any("lr=0.0003" in line["q"] for line in view.lines if line["stage"] == "tune")
    rows = view.html.partition('data-c="runs"')[2].partition("<tbody")[2].partition("</tbody>")[0]
    assert rows.count("<tr") == 401
    json.dumps(view.lines, allow_nan=False)
    assert len(view.html) < 401 * 450 + 20_000


def test_ticked_runs_are_weighed_by_the_kernel_each_joule_once():
    outer, inner = project_run(0, 0, 1000, "outer"), project_run(1, 100, 500, "inner", "final")
    thing = Project.of([outer, inner, project_run(2, 5000, 500, "apart")], "p")
    view = ProjectView("t1", thing, ("stage",))
    row = {line["n"]: i for i, line in enumerate(view.lines)}
    assert view.answer["multiplier"] == "3.00×"
    view.set_state({"picked": [row["outer"], row["inner"]]})
    assert view.answer["picked"] == [row["outer"], row["inner"]]
    assert view.answer["multiplier"] == "1.50×"
    assert "2 final runs" in view.answer["said"]
    view.set_state({"picked": []})
    assert view.answer["multiplier"] == "\N{EN DASH}"
    assert "--final NAME" in view.answer["said"]


def test_what_a_page_must_not_ask_for_is_left_out():
    view = ProjectView("t1", project(20), ("stage",))
    view.set_state({"picked": [-1, 99, "x", None, True, 1.5, 2]})
    assert view.answer["picked"] == [2]


def test_thousands_of_runs_are_cut_but_never_the_final_one(monkeypatch):
    monkeypatch.setattr(project_html, "MOST_RUNS", 50)
    small = project_run(9999, 9e7, 0.1, "tiny but final", "final")
    thing = Project.of([*project(200).runs, small], "p")
    view = ProjectView("t1", thing, ("stage",))
    assert "tiny but final" in {view.lines[i]["n"] for i in view.picked}
    assert len(view.lines) == 51
    assert f"and {202 - 51} smaller runs" in view.html
    assert len(json.dumps(view.lines)) < 51 * 400


def test_hostile_names_are_text_in_the_page_and_plain_in_the_lines():
    view = ProjectView("t1", nasty(), ("stage",))
    assert "<b onmouseover" not in view.html
    assert "\u202e" not in json.dumps(view.lines, ensure_ascii=False)
    assert NASTY[:20].lower() in view.lines[0]["q"]


def test_the_marks_that_the_page_looks_for_are_there():
    html = ProjectView("t1", project(20), ("stage",)).html
    for role in ("runs", "filter", "final", "multiplier", "multiplier-range"):
        assert html.count(f'data-c="{role}"') == 1


@pytest.mark.kernel
def test_a_kernel_shows_the_table_and_then_makes_it_interactive(tmp_path):
    with kernel(CARBON_MAGIC_LEDGER=str(tmp_path / "ledger.db")) as k:
        k.run("%load_ext carbon_magic")
        k.run("%%carbon -q -p mine -s final -n best\nsum(range(10**6))")
        reply, outputs = k.run("%carbon project mine")
        assert reply["status"] == "ok"
        [shown] = [content["data"] for kind, content in outputs if kind == "display_data"]
        assert "1.00×" in shown["text/html"]
        assert "project mine: 1 run" in shown["text/plain"]
        assert set(shown) == {"text/html", "text/plain"}  # no widget: what is saved is static
        assert not [content for kind, content in outputs if kind == "stream"]
        # The view comes from a thread; wait for it as for anything else in the kernel.
        k.run("from carbon_magic import screen\nimport threading\n"
              "[t.join(20) for t in threading.enumerate() if t.name == 'carbon_magic view']")  # fmt: skip
        assert k.value("[type(v).__name__ for v in screen._views]") == "['ProjectView']"
        assert k.value("screen._views[0].lines[0]['n']") == "'best'"
