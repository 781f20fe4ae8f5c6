"""Every state that people see, drawn by a real JupyterLab: pictures to look at, and what must hold of them."""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
PICTURES = Path(os.environ.get("CARBON_TESTS_ARTEFACTS") or Path(__file__).parents[2] / "artefacts")

BEGIN = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import itertools, math, threading
from dataclasses import replace
from IPython.display import display, update_display
from looks import device, modelled, rapl, run, server, session, tick
from carbon_magic import report
from carbon_magic.curve import Curve
from carbon_magic.tick import Tick
from carbon_magic.totals import Session
from carbon_magic.widgets.live import LiveView
from carbon_magic.widgets.summary import SummaryView

def show(thing, target=None):
    display(report.bundle(thing, target=target), raw=True)

class Live:
    "A run in progress: a tick of power goes to the page every 50 ms until stop()."
    def __init__(self, target, devices):
        self.target, self.end, self.last = target, threading.Event(), run(devices=devices(3.0), seconds=3.0)
        display(report.waiting("train", target, like=self.last), raw=True, display_id=target)
        self.view = LiveView(target, replace(self.last, state="running", duration_s=0.05, curve=Curve()))
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()
    def feed(self):
        for n in itertools.count(1):
            if self.end.wait(0.05):
                return
            watts = {{d.name: d.energy_j / 3 * (1 + 0.3 * math.sin(n / 9 + i)) for i, d in enumerate(self.last.devices)}}
            joules = sum(d.energy_j for d in self.last.devices) * n / 60
            self.view.tick(Tick(n, n / 20, watts, joules, (0.9 * joules, 1.1 * joules), joules / 7e4, (joules / 9e4, joules / 5e4)))
    def stop(self):
        self.end.set()
        self.thread.join()
        update_display(report.bundle(self.last, target=self.target), raw=True, display_id=self.target)
        self.view.close()
"""
STATES = {
    "counted": "show(run(others=(device('Platform (psys)', 'platform', 2400.0),), stage='tune', tags={'lr': 0.1}))",
    "modelled": "show(run(devices=modelled()))",
    "one-device": "show(run(devices=rapl()[:1], seconds=0.42, points=3))",
    "eight-gpus": "show(run('eight GPUs', devices=server(18000), seconds=18000, points=1500))",
    "failed-with-a-gap": "show(run(state='failed', gap=range(60, 90), notes=('GPU 3: lost at 12.3 s',)))",
    "interrupted": "show(run('x' * 90 + ' <b>bold</b> \\u202e \\u05d0\\u05d1', state='interrupted'))",
    "unknown": "show(run(devices=[]))",
    "waiting": "display(report.waiting('train', 'none'), raw=True)",
    "empty": "show(Session())",
    "session": "show(session(5))",
    "session-20": "show(session(20))",
}
IN_KERNEL = """async code => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    await kernel.requestExecute({ code }).done;
}"""
OVERFLOW = "() => Array.from(document.querySelectorAll('.carbon-magic'), e => e.scrollWidth - e.clientWidth)"


def picture(element, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    element.screenshot(path=PICTURES / f"{name}.png")


@pytest.mark.parametrize(("look", "width"), [("light", 1100), ("dark", 1100), ("narrow", 440), ("wide", 1700)])
def test_no_state_is_wider_than_its_place(notebook, look, width):
    nb = notebook(f"states-{look}", BEGIN, *STATES.values(), width=width, height=1400)
    nb.theme("JupyterLab Dark" if look == "dark" else "JupyterLab Light")
    nb.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    nb.run()
    cards = nb.page.locator(".carbon-magic")
    for i, state in enumerate(STATES):
        cards.nth(i).scroll_into_view_if_needed()
        picture(cards.nth(i), f"{state}-{look}")
    over = nb.page.evaluate(OVERFLOW)
    assert len(over) == len(STATES)
    assert max(over) <= 0
    nb.theme("JupyterLab Light")


@pytest.mark.parametrize(("devices", "width"), [("rapl", 1100), ("server", 1100), ("server", 640)])
def test_from_waiting_to_report_the_page_stands_still(notebook, devices, width):
    nb = notebook(
        f"still-{devices}-{width}", BEGIN, f"live = Live('still', {devices})", "'below'", width=width, height=1400
    )
    nb.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    nb.page.evaluate("""() => {
        window.heights = {};
        const look = () => {
            const card = document.querySelector('.still');
            const phase = card && (card.querySelector('svg') ? 'live' : card.matches('.carbon-magic-waiting') ? 'waiting' : 'report');
            if (card) (window.heights[phase] ??= new Set()).add(card.offsetHeight);
            requestAnimationFrame(look);
        };
        look();
    }""")
    nb.run()
    nb.page.wait_for_selector(".still svg")
    nb.page.wait_for_function(
        "() => Number.parseFloat(document.querySelector('.still [data-c=elapsed]').textContent) > 2"
    )
    picture(nb.page.locator(".still"), f"live-{devices}-{width}")
    nb.page.evaluate(IN_KERNEL, "live.stop()")
    nb.page.wait_for_selector(".still img[alt^=Power]")
    heights = nb.page.evaluate("() => Object.entries(window.heights).map(([phase, seen]) => [phase, [...seen]])")
    assert {phase for phase, _ in heights} == {"waiting", "live", "report"}
    assert len({height for _, seen in heights for height in seen}) == 1, heights


def test_a_live_card_is_told_once_when_it_ends_and_leaves_nothing(notebook):
    nb = notebook("end", BEGIN, "live = Live('ending', rapl)")
    nb.run()
    nb.page.wait_for_selector(".ending svg")
    assert nb.page.locator(".ending output[aria-live=off]").count() == 3
    assert nb.page.locator(".carbon-magic-announcement").count() == 0
    nb.page.evaluate(IN_KERNEL, "live.stop()")
    said = nb.page.locator(".carbon-magic-announcement", has_text="Wh")
    said.wait_for(state="attached")
    assert said.count() == 1
    nb.page.wait_for_function("() => !document.querySelector('.carbon-magic-announcement')")
    assert nb.page.locator(".carbon-magic [data-c], .carbon-magic svg").count() == 0


def test_two_views_of_an_output_are_both_live_and_so_is_one_that_was_away(notebook):
    nb = notebook("views", BEGIN, "live = Live('seen', rapl)", *["print('\\n' * 40)"] * 12)
    nb.run()
    nb.page.wait_for_selector(".seen svg")
    nb.page.evaluate("""async () => {
        const notebook = window.notebook = window.jupyterapp.shell.currentWidget;
        notebook.content.activeCellIndex = 1;
        await window.jupyterapp.commands.execute('notebook:create-output-view');
        window.jupyterapp.shell.activateById(notebook.id);
    }""")
    moving = "() => document.querySelectorAll('.seen svg').length === %d && window.before !== (window.before = document.querySelector('.seen output').textContent)"
    nb.page.wait_for_function(moving % 2)
    texts = nb.page.evaluate("() => Array.from(document.querySelectorAll('.seen output'), e => e.textContent)")
    assert texts[:3] == texts[3:]
    nb.page.evaluate("""async () => {
        await window.notebook.content.scrollToItem(window.notebook.content.widgets.length - 1);
        const away = document.querySelector('.jp-Notebook .seen');
        window.holder = away.parentNode;
        away.remove();  // as virtual scrolling does, for certain
        await window.notebook.content.scrollToItem(0);
        window.holder.append(away);
    }""")
    nb.page.wait_for_function(moving % 2)
    nb.page.evaluate(IN_KERNEL, "live.stop()")
    nb.page.wait_for_function("() => document.querySelectorAll('.seen img[alt^=Power]').length === 2")


def test_a_folded_card_stays_folded_as_the_report(notebook):
    nb = notebook("folding", BEGIN, "live = Live('folding', rapl)")
    nb.run()
    nb.page.wait_for_selector(".folding svg")
    nb.page.locator(".folding .carbon-magic-fold").click()
    low = nb.page.locator(".folding").bounding_box()["height"]
    nb.page.evaluate(IN_KERNEL, "live.stop()")
    nb.page.wait_for_selector(".folding img[alt^=Power]", state="attached")
    nb.page.wait_for_selector(".folding.carbon-magic-folded")
    report = nb.page.locator(".folding")
    assert report.bounding_box()["height"] == low < 45
    assert "45.9 W · " in report.inner_text()
    assert "done" in report.inner_text()
    picture(report, "folded-report")
    nb.page.locator(".folding .carbon-magic-fold").click()
    assert nb.page.locator(".folding img[alt^=Power]").is_visible()
    saved = nb.saved()["cells"][1]["outputs"][0]["data"]["text/html"]
    assert "button" not in saved
    assert "folded" not in saved


def test_silence_is_told(notebook):
    nb = notebook("silence", BEGIN, "live = Live('silent', rapl)")
    nb.run()
    nb.page.wait_for_selector(".silent svg")
    nb.page.evaluate(IN_KERNEL, "live.end.set()")
    nb.page.locator(".silent", has_text="no figures for").wait_for()
    nb.page.evaluate(IN_KERNEL, "live.stop()")


def test_the_summary_is_used_by_keyboard_alone(notebook):
    overlap = "s = session(4); s = Session((*s.runs, replace(s.runs[2], id='in', name='inner', duration_s=30.0)))"
    nb = notebook("keys", BEGIN, f"{overlap}\nshow(s, 'keys')\nview = SummaryView('keys', s)", height=1200)
    nb.run()
    page = nb.page
    boxes, line = page.locator(".keys tbody .carbon-magic-pick"), page.locator(".keys [role=status]")
    boxes.first.wait_for()
    before = page.locator(".keys").bounding_box()["height"]
    boxes.first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert "2 runs selected" in line.inner_text()
    assert page.locator(".keys").bounding_box()["height"] == before
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    details = page.locator(".keys .carbon-magic-details")
    assert "RAM" in details.inner_text()
    picture(page.locator(".keys"), "summary-used")
    page.keyboard.press("Enter")
    assert details.count() == 0
    page.locator(".keys thead .carbon-magic-pick").focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('.keys [role=status]').textContent.includes('kWh')")
    total = page.locator(".keys tfoot td").nth(1).inner_text()
    assert f"5 runs selected: {page.locator('.keys tfoot td').nth(5).inner_text()} · {total}" in line.inner_text()
    page.locator(".keys th button", has_text="Power").focus()
    page.keyboard.press("Enter")
    assert page.locator(".keys th[aria-sort=descending]").inner_text() == "Power"
    page.evaluate(IN_KERNEL, "view.close()")
    page.wait_for_function("() => !document.querySelector('.keys button, .keys input')")
    assert page.locator(".keys tbody tr").first.inner_text().startswith("run 0")
