"""The project's account in a page: searched, sorted, its final runs chosen, by mouse and by keyboard; no notebook needed.

The page's side of the model is a stand-in: what it sets is given to the real Python widget, and its answers go back.
"""

import json
import os
from pathlib import Path

import pytest
from project_runs import nasty, project

from carbon_magic import report
from carbon_magic.widgets.project import ProjectView
from carbon_magic.widgets.view import STATIC

pytestmark = pytest.mark.browser
ARTEFACTS = Path(os.environ.get("CARBON_TESTS_ARTEFACTS") or Path(__file__).parents[2] / "artefacts")

PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>%s</style><body>%s<script type="module">
const state = %s, heard = {};
const model = { get: (k) => state[k], set: (k, v) => { state[k] = v; }, save_changes: () => window.asked(JSON.stringify(state.picked)),
  on: (e, f) => { heard[e] = f; }, off: (e) => { delete heard[e]; } };
window.answer = (text) => { state.answer = JSON.parse(text); heard["change:answer"]?.(); };
const url = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
const widget = (await import(url)).default;
window.close_view = widget.initialize({ model });
window.ready = true;
</script></body>"""


def opened(browser, thing, scheme="light", wide=960):
    view = ProjectView("t1", thing, ("stage",))
    names = ("target", "html", "lines", "picked", "answer")
    state = json.dumps({name: getattr(view, name) for name in names}).replace("</", "<\\/")
    script = json.dumps((STATIC / "project.js").read_text()).replace("</", "<\\/")
    look = "html{color-scheme:light dark;font-family:sans-serif}" + (STATIC / "project.css").read_text()
    page = browser.new_context(color_scheme=scheme, viewport={"width": wide, "height": 1000}).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))

    def asked(picked):
        view.set_state({"picked": json.loads(picked)})
        page.evaluate("(text) => setTimeout(() => window.answer(text))", json.dumps(view.answer))

    page.expose_function("asked", asked)
    page.set_content(PAGE % (look, report.project_bundle(thing, ("stage",), "t1")["text/html"], state, script))
    page.wait_for_function("window.ready")
    return page


def names(page):
    return page.evaluate("[...document.querySelectorAll('[data-c=runs] tbody tr')].filter(r => !r.hidden && r.cells.length > 1)"
                         ".map(r => r.cells[0].innerText.trim())")  # fmt: skip


def test_runs_are_searched_sorted_and_chosen(browser):
    thing = project(120)
    page = opened(browser, thing)
    assert len(names(page)) == 121
    page.fill(".carbon-magic-search", "tune failed")
    shown = names(page)
    assert len(shown) == sum(e.stage == "tune" and e.state == "failed" for e in thing.entries)
    assert f"{len(shown)} of 121" in page.inner_text("[data-c=filter]")
    page.fill(".carbon-magic-search", "")
    page.click("[data-c=runs] thead th:nth-child(7) button")
    longest = max(thing.entries, key=lambda e: e.duration_s).name
    assert names(page)[0] == longest
    assert page.get_attribute("[data-c=runs] thead th:nth-child(7)", "aria-sort") == "descending"
    page.click("[data-c=runs] thead th:nth-child(1) button")
    assert names(page) == sorted(names(page), key=str.lower)

    assert "46.9" not in page.inner_text("[data-c=multiplier]")
    page.fill(".carbon-magic-search", "explore")
    ticked = names(page)[0]
    page.check("[data-c=runs] tbody tr:not([hidden]) input >> nth=0")
    page.wait_for_function("document.querySelector('[data-c=final]').innerText.startsWith('2 final runs')")
    chosen = thing.choose(ticked, "stage:final")
    assert page.inner_text("[data-c=multiplier]") == report.project_words.multiplier(chosen)
    page.fill(".carbon-magic-search", "")
    for box in page.query_selector_all("[data-c=runs] input:checked"):
        box.uncheck()
    page.wait_for_function("document.querySelector('[data-c=multiplier]').innerText === '\N{EN DASH}'")
    assert "--final NAME" in page.inner_text("[data-c=final]")
    assert page.errors == []


def test_arrows_go_from_row_to_row_past_those_that_are_hidden(browser):
    page = opened(browser, project(60))
    page.fill(".carbon-magic-search", "train")
    page.focus("[data-c=runs] tbody tr:not([hidden]) input >> nth=0")
    page.keyboard.press("ArrowDown")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == f"{names(page)[1]} is a run of the final model"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.checked")
    assert page.errors == []


def test_when_the_model_is_closed_what_is_saved_stands_there_again(browser):
    page = opened(browser, project(60))
    page.evaluate("window.close_view()")
    assert page.query_selector("input, button, [data-c]") is None
    assert "Project thesis" in page.inner_text(".carbon-magic")
    assert page.errors == []


@pytest.mark.parametrize(("scheme", "wide"), [("light", 960), ("dark", 960), ("light", 380)])
def test_it_fits_the_page_whatever_the_names(browser, scheme, wide):
    ARTEFACTS.mkdir(exist_ok=True)
    for name, thing in (("project", project(120)), ("hostile", nasty())):
        page = opened(browser, thing, scheme, wide)
        page.screenshot(path=ARTEFACTS / f"{name}-{scheme}-{wide}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
        assert page.query_selector("[data-c=runs] b") is None
        assert page.errors == []
