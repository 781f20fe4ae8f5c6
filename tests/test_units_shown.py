"""The units that a user chose, in every text: a figure is never cut, as what is left would be another number."""

import re

import pytest
from looks import device
from looks import run as made
from project_runs import project, project_run

from carbon_magic import report, units
from carbon_magic.account import Project
from carbon_magic.grid import elsewhere, intensity
from carbon_magic.report import elsewhere as comparison
from carbon_magic.report import ruler
from carbon_magic.report.plain import ELLIPSIS, width
from carbon_magic.totals import Session

CHOICES = ("SI", "J lb", "MWh kg", "kWh t", "J t", "MWh lb")


@pytest.fixture(params=CHOICES)
def chosen(request):
    units.use(request.param)
    yield request.param
    units.use("SI")


def small(seconds=0.02):
    return made(seconds=seconds, devices=[device("CPU", joules=0.18 * seconds / 0.02), device("GPU 0", "gpu", 1e-3)])


def texts():
    """Everything that has columns, from a cell of milliseconds to a project of months."""
    yield report.bundle(small())["text/plain"]
    yield report.bundle(Session((small(), made(seconds=40_000.0))))["text/plain"]
    for thing in (project(), Project.of([project_run(seconds=0.001, stage="final")], "tiny")):
        yield report.project_bundle(thing, ("stage", "week", "tag:lr"))["text/plain"]
        yield ruler.text(ruler.Here(f"{thing.name}, now", thing.co2e_g, thing.co2e_g_range))
    for kwh in (1e-10, 1e4):
        grids = elsewhere.others(intensity("FR"))
        yield comparison.bundle(comparison.Comparison(kwh, "A session", grids))["text/plain"]


def test_no_figure_is_cut_and_no_line_is_too_long(chosen):
    for text in texts():
        assert max(map(width, text.splitlines())) <= 80
        assert not re.search(r"^ *[kMGmµn]?(Wh|J|g|t|lb)\b(?!/)", text, re.MULTILINE)  # a unit that lost its figure
        for cut in re.findall(rf"(\S*){ELLIPSIS}", text):
            assert not any(letter.isdigit() for letter in cut), text


def test_the_chosen_units_are_those_that_are_shown(chosen):
    energy, mass = (chosen if chosen != "SI" else "Wh g").split()
    for thing in (project(), Session(project().runs[:2])):
        text = report.bundle(thing)["text/plain"]
        assert f" {units.grams(thing.co2e_g)} " in text
        assert re.search(rf"\d [kMGmµ]?{mass}\b", text)
        assert re.search(rf"\d [kMGmµ]?{energy}\b", text)


def test_the_ruler_and_the_comparison_take_the_mass(chosen):
    mass = chosen.split()[-1] if chosen != "SI" else "g"
    here = ruler.text(ruler.Here("p, now", 4360.0, (3000.0, 5900.0)))
    assert re.search(rf"p, now.* \d\S* k?{mass}\n", here)
    grids = elsewhere.others(intensity("FR"))
    assert re.search(rf"\d k?{mass} ", comparison.bundle(comparison.Comparison(1.0, "x", grids))["text/plain"])
