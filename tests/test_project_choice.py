"""The final model's runs: which they are, of which kind, and how a choice is made again."""

import re

import pytest
from project_runs import project_run

from carbon_magic import report
from carbon_magic.account import Project
from carbon_magic.report import project_words as say
from carbon_magic.widgets.project import ProjectView


def named(*names, **fields):
    """Runs of these names, one after the other, none of them final."""
    return [project_run(i, 9000 * i, name=name, **fields) for i, name in enumerate(names)]


def test_a_final_run_that_is_not_done_is_told_as_what_it_is():
    for state in ("failed", "interrupted", "running"):
        text = report.bundle(Project.of([*named("a"), project_run(7, 1e5, name="best", stage="final", state=state)]))
        for said in text.values():
            assert f"1 final run (best, {state}):" in said
    done = project_run(8, 2e5, name="again", stage="final")
    both = Project.of([project_run(7, 1e5, name="best", stage="final", state="failed"), done])
    assert "1 final run (again):" in report.bundle(both)["text/plain"]


@pytest.mark.parametrize(
    ("made", "picked", "words"),
    [
        (named("a", "b", "c"), [1], ["id:00000000000000000000000000000001"]),
        ([*named("a", "b"), project_run(9, 1e5, stage="train")], [2], ["stage:train"]),
        ([*named("a", "b"), project_run(9, 1e5, tags={"lr": 0.1, "best": True})], [2], ["tag:lr=0.1"]),
        ([*named("a", tags={"lr": 0.1}), project_run(9, 1e5, tags={"lr": 0.1, "best": True})], [1], ["tag:best=true"]),
        ([*named("a"), project_run(9, 1e5, stage="a stage; $(rm)")], [1], ["id:00000000000000000000000000000009"]),
        ([project_run(i, 9000 * i, id=f"{i}abcdef0123456789") for i in range(9)], [2, 3], ["id:2abcdef0", "id:3abcdef0"]),
        (named("a", "b"), [], []),
    ],
)  # fmt: skip
def test_a_choice_is_told_in_words_that_make_it_again(made, picked, words):
    from carbon_magic.account import choice

    thing = Project.of(made).choose_entries(picked)
    assert choice.in_words(thing.entries, thing.final) == words
    if words:
        assert Project.of(made).choose(*words).final == thing.final


def test_the_widget_tells_how_a_report_takes_what_was_ticked():
    thing = Project.of([*named("a", "b"), project_run(9, 1e5, name="the model", stage="final")], "p")
    view = ProjectView("t1", thing, ("stage",))
    assert "--final" not in view.answer.get("said", "") + view.html.partition('data-c="final"')[2][:300]
    row = {line["n"]: i for i, line in enumerate(view.lines)}
    view.set_state({"picked": [row["a"], row["b"]]})
    assert "This choice is this view's: %carbon report takes the same by --final stage:tune" in view.answer["said"]
    asked = re.findall(r"--final (\S+)", view.answer["said"])
    assert [thing.entries[i].name for i in thing.choose(*asked).final] == ["a", "b"]
    view.set_state({"picked": [row["the model"]]})
    assert view.answer["said"].startswith("1 final run (the model):")
    assert "--final" not in view.answer["said"]
    view.set_state({"picked": []})
    assert "Which run made the final model?" in view.answer["said"]


def test_many_that_have_nothing_in_common_are_not_listed():
    thing = Project.of([project_run(i, 9000 * i, id=f"{i:02}abcdef", stage="tune") for i in range(20)])
    said = say.kept(thing.choose_entries(range(10)))
    assert said == "This choice is this view's: a tag that just these runs have would name them to %carbon report."


def test_what_is_handed_in_says_nothing_of_commands():
    thing = Project.of([*named("a", "b"), project_run(9, 1e5, name="the model", stage="final")], "p").choose("a")
    assert "--final" in report.bundle(thing)["text/plain"]
    for form in ("html", "markdown", "latex", "huggingface"):
        assert "--final" not in thing.report(form)
