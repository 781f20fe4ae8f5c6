"""How a project looks: as text, as HTML that can be saved, and by %carbon project."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from project_runs import NASTY, nasty, on_record, project, project_run

import carbon_magic
from carbon_magic import report
from carbon_magic.account import Project
from carbon_magic.report import project_html, project_svg
from carbon_magic.report.plain import width

VOID = {"img", "br", "input"}


class Page(HTMLParser):
    """What a browser would see: tags that match, their attributes, the text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_view_tells_the_total_the_multiplier_and_what_tuning_took():
    thing = project()
    text = report.bundle(thing)["text/plain"]
    page = Page(report.bundle(thing, "t1")["text/html"])
    for said in (text, page.text.replace("CO₂e", "CO2e")):
        assert "77.9" in said
        assert "46.9" in said
        assert "35 failed, 10 interrupted" in said
        assert "Tuning (stage tune) took 58.9 kWh, 3.30 kg CO2e, 76 % of everything" in re.sub(r"\s+", " ", said)
        assert "by car" in said
        assert "flight" in said
    assert max(width(line) for line in text.splitlines()) <= 80
    assert "77.9 kWh" in repr(thing)


def test_what_is_saved_has_no_script_style_or_live_marks():
    html = report.bundle(project(), "t1")["text/html"]
    page = Page(html)
    assert not {"script", "style", "svg", "button", "input"} & set(page.tags)
    assert "data-c" not in page.attributes
    assert len(html) < 60_000
    assert 'class="carbon-magic t1"' in html


@pytest.mark.parametrize("by", [("stage",), ("week",), ("tag:lr", "state"), (f"tag:{NASTY}",)])
def test_hostile_names_are_text(by):
    bundle = report.project_bundle(nasty(), by, "t1")
    page = Page(bundle["text/html"])
    assert not {"b", "script"} & set(page.tags)
    assert not any(name.startswith("on") for name in page.attributes)
    assert '<b onmouseover="x()">R&D</b>' in page.text
    assert "\u202e" not in bundle["text/plain"] + bundle["text/html"]
    assert max(width(line) for line in bundle["text/plain"].splitlines()) <= 80


def test_an_empty_project_says_how_to_fill_it():
    bundle = report.bundle(Project.of([], "nothing yet"))
    assert "-p NAME" in bundle["text/plain"]
    assert "-p NAME" in Page(bundle["text/html"]).text
    assert "0 Wh" not in bundle["text/plain"]


def test_without_a_final_run_it_says_how_to_choose_one():
    text = report.bundle(Project.of([project_run()], "p"))["text/plain"]
    assert "--final NAME" in text
    assert "multiplier" not in text
    assert "the final run is not chosen" in Page(report.bundle(Project.of([project_run()], "p"))["text/html"]).text


def test_runs_without_figures_are_told_and_never_zero():
    nothing = project_run(1, 9000, gpus=0)
    nothing = carbon_magic.Run.from_dict({**nothing.to_dict(), "devices": [], "energy_j_range": [0, 0]})
    both = report.bundle(Project.of([project_run(), nothing], "p"))["text/plain"]
    assert "1 run without any figure" in both
    alone = report.bundle(Project.of([nothing], "p"))
    assert "unknown" in Page(alone["text/html"]).text
    assert "energy" not in alone["text/plain"].split("\n")[1]


def test_the_picture_shows_every_week_and_every_joule():
    thing = project()
    drawn = project_svg.weeks(thing)
    picture = ElementTree.fromstring(drawn.svg)
    rects = [r.attrib for r in picture if r.tag.endswith("rect")]
    area = sum(float(r["height"]) for r in rects) * drawn.top_j / project_svg.HIGH
    assert area == pytest.approx(thing.energy_j, rel=1e-3)
    assert sum(drawn.joules) == pytest.approx(thing.energy_j)
    assert len(drawn.joules) == 21
    assert min(float(r["y"]) for r in rects) == pytest.approx(0, abs=0.01)
    assert {r["fill"] for r in rects} == set(project_svg.COLOURS.values())
    assert base64.b64decode(drawn.uri.partition(",")[2]).decode() == drawn.svg


def test_a_project_of_years_has_a_picture_of_the_same_size():
    years = Project.of([project_run(i, i * 40 * 86400) for i in range(40)])
    drawn = project_svg.weeks(years)
    assert len(drawn.joules) <= project_svg.MOST_BARS
    assert drawn.weeks_a_bar == 4
    assert sum(drawn.joules) == pytest.approx(years.energy_j)
    assert project_svg.weeks(Project.of([project_run()])) is None


def test_the_tags_that_can_be_grouped_by_are_named():
    for text in report.bundle(project()).values():
        assert "Tags: lr, batch; %carbon project --by tag:lr groups by one" in " ".join(text.split())
    assert "Tags" not in report.bundle(Project.of([project_run()], "p"))["text/plain"]
    assert "Tags" not in project().report("markdown")


def test_many_groups_and_runs_are_cut_and_the_rest_is_named():
    many = Project.of([project_run(i, i * 700.0, stage="tune", tags={"lr": i}) for i in range(100)])
    html = report.project_bundle(many, ("tag:lr",))["text/html"]
    assert "and 60 smaller ones" in html
    assert f"and {100 - project_html.RUNS} smaller runs" in html
    assert "and 60 smaller ones" in report.project_bundle(many, ("tag:lr",))["text/plain"]


@pytest.fixture
def shell(shell, own_ledger):
    on_record(own_ledger, [*project(60).runs, project_run(999, project="other 'project'", name="x")])
    return shell


def test_the_command_shows_a_project_by_its_name(shell, capsys):
    shell.run_line_magic("carbon", "project thesis --by stage --by tag:lr")
    out = capsys.readouterr().out
    assert "project thesis: 61 runs" in out
    assert "\nlr " in out
    assert "0.0003" in out
    shell.run_line_magic("carbon", "project \"other 'project'\" --final x")
    assert "multiplier 1.00×" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("thesi", "there is no project 'thesi' on record; there are 'thesis'"), ("thesis --by colour", "runs are grouped by"),
        ("thesis --final nobody", "no run of this project is 'nobody'"), ("thesis --by", "expected one argument"),
        ("thesis two", "unrecognized arguments"), ("'<b>'", "there is no project '<b>'"),
    ],
)  # fmt: skip
def test_what_the_command_cannot_do_it_says_in_a_sentence(shell, capsys, words, said):
    shell.run_cell(f"%carbon project {words}")
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
