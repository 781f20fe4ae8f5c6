"""The live card in a bare page: read by keys and by pointer, zoomed, folded, and readable under odd conditions."""

import re

import pytest
from browser.page import Bare
from looks import rapl, server
from states import live, state, together

pytestmark = pytest.mark.browser
STRICT = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:"
STRICTEST = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:"

TWICE = """() => {
    const all = [...document.querySelectorAll('main *')].map(e => [e, getComputedStyle(e).fontSize, getComputedStyle(e).lineHeight]);
    for (const [e, size, line] of all) {
        e.style.setProperty('font-size', `${2 * parseFloat(size)}px`, 'important');
        if (line.endsWith('px')) e.style.setProperty('line-height', `${2 * parseFloat(line)}px`, 'important');
    }
}"""

SIDEWAYS = """() => [...document.querySelectorAll('main *')].filter(e =>
    /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth && e.localName !== 'textarea').map(e => e.outerHTML.slice(0, 100))"""
CUT = """() => [...document.querySelectorAll('.carbon-magic output, .carbon-magic-figure, td, th, li, strong, [data-c=budget] > *')].filter(e => {
    const card = e.closest('.carbon-magic').getBoundingClientRect(), box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > card.right || box.left < card.left);
}).map(e => e.outerHTML.slice(0, 100))"""
SEEN = """row => [...row.cells].filter(cell => {  // a figure of it is to be seen, and none lies upon another
    const boxes = [...row.cells].filter(other => other !== cell).map(other => other.getBoundingClientRect());
    const box = cell.getBoundingClientRect();
    return box.width === 0 || cell.textContent.trim() === '' || cell.scrollWidth > cell.clientWidth + 1
        || boxes.some(other => box.left < other.right - 1 && other.left < box.right - 1 && box.top < other.bottom - 1 && other.top < box.bottom - 1);
}).map(cell => cell.outerHTML.slice(0, 120))"""


@pytest.fixture
def show(browser):
    """A state in a page of its own; keywords go to the browser's context, or to the page's document."""
    contexts = []

    def make(shown, width=940, policy=None, theme="light", direction="ltr", **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, **options))
        return Bare(contexts[-1].new_page(), shown, policy, theme=theme, direction=direction)

    yield make
    for context in contexts:
        context.close()


def role(bare, name):
    return bare.page.locator(f'[data-c="{name}"]').first


def box(bare):
    return role(bare, "chart").bounding_box()


def moment(text):
    """Seconds in '12.4 s: 45.9 W' and in '1 min 02 s'."""
    minutes, seconds = re.search(r"(?:(\d+) min )?([\d.]+) s", text).groups()
    return 60 * int(minutes or 0) + float(seconds)


def test_arrows_read_a_moment_and_say_it_once(show):
    bare = show(live(rapl))
    chart = role(bare, "chart")
    assert chart.get_attribute("role") == "slider"
    assert chart.get_attribute("aria-valuetext") == "now"
    chart.focus()
    bare.page.keyboard.press("Home")
    first = role(bare, "aside").inner_text()
    bare.page.keyboard.press("ArrowRight")
    second = role(bare, "aside").inner_text()
    assert moment(first) < moment(second) < 2
    assert re.fullmatch(r"\d\.\d\d s: [\d.]+ W", second)
    said = chart.get_attribute("aria-valuetext")
    assert said.startswith(second)
    assert "CPU 0" in said
    assert "DRAM 0" in said
    assert role(bare, "when").inner_text() == "Power then"
    rows = [bare.page.locator('[data-c="watts"]').nth(i).inner_text() for i in (0, 1)]
    assert sum(float(text.removesuffix(" W")) for text in rows) == pytest.approx(
        float(second.split(": ")[1].removesuffix(" W")), abs=0.11
    )
    bare.page.keyboard.press("End")
    assert moment(role(bare, "aside").inner_text()) == pytest.approx(60, abs=1)
    bare.page.keyboard.press("Escape")
    assert role(bare, "when").inner_text() == "Power now"
    assert not bare.page.locator(".carbon-magic-cursor").is_visible()
    assert bare.errors == []


def test_up_and_down_read_one_device_alone_and_its_band_stands_out(show):
    bare = show(live(server))
    role(bare, "chart").focus()
    bare.page.keyboard.press("ArrowDown")
    assert ": CPU 0 " in role(bare, "aside").inner_text()
    dimmed = bare.page.locator('svg > rect[opacity="0.25"]')
    assert dimmed.count() == 11
    bare.page.keyboard.press("ArrowUp")
    assert dimmed.count() == 0
    bare.page.keyboard.press("ArrowUp")
    assert "GPU 7" in role(bare, "aside").inner_text()
    bare.page.locator("tbody tr").nth(2).hover()
    assert dimmed.count() == 11


def test_hovering_reads_and_leaving_does_not(show):
    bare = show(live(rapl))
    place = box(bare)
    bare.page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 40)
    assert moment(role(bare, "aside").inner_text()) == pytest.approx(30, abs=0.5)
    line = bare.page.locator(".carbon-magic-cursor").bounding_box()
    assert line["x"] == pytest.approx(place["x"] + place["width"] / 2, abs=1.5)
    height = bare.card.bounding_box()["height"]
    bare.page.mouse.move(5, 5)
    assert role(bare, "aside").inner_text() == ""
    assert bare.card.bounding_box()["height"] == height


def test_a_stretch_drawn_up_is_shown_alone_until_it_is_given_back(show):
    bare = show(live(rapl))
    place = box(bare)
    mouse = bare.page.mouse
    mouse.move(place["x"] + 0.25 * place["width"], place["y"] + 40)
    mouse.down()
    mouse.move(place["x"] + 0.5 * place["width"], place["y"] + 60)
    assert bare.page.locator(".carbon-magic-brush").is_visible()
    mouse.up()
    assert not bare.page.locator(".carbon-magic-brush").is_visible()
    assert moment(role(bare, "start").inner_text()) == pytest.approx(15, abs=0.3)
    assert moment(role(bare, "end").inner_text()) == pytest.approx(30, abs=0.3)
    bare.feed([{**bare.shown.models[0].ticks[-1], "n": 241, "t": 61.0}])
    assert moment(role(bare, "end").inner_text()) == pytest.approx(30, abs=0.3)  # what is looked at stays
    bare.page.get_by_role("button", name="show the whole run").click()
    assert role(bare, "start").inner_text() == "0 s"
    assert moment(role(bare, "end").inner_text()) == pytest.approx(61)
    mouse.move(place["x"] + 0.25 * place["width"], place["y"] + 40)
    mouse.down()
    mouse.move(place["x"] + 0.25 * place["width"] + 3, place["y"] + 40)
    mouse.up()
    assert role(bare, "start").inner_text() == "0 s"  # a click is no stretch


def test_keys_zoom_around_the_moment_that_is_read(show):
    bare = show(live(rapl))
    role(bare, "chart").focus()
    bare.page.keyboard.press("Home")
    for _ in range(3):
        bare.page.keyboard.press("+")
    assert moment(role(bare, "end").inner_text()) < 10
    bare.page.keyboard.press("-")
    assert 10 < moment(role(bare, "end").inner_text()) < 20
    bare.page.keyboard.press("0")
    assert role(bare, "end").inner_text() == "1 min 00 s"


def test_keys_that_are_not_the_charts_go_on(show):
    bare = show(live(rapl))
    bare.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    role(bare, "chart").focus()
    for key in ("ArrowLeft", "a", "Escape", "Escape", "Control+0"):
        bare.page.keyboard.press(key)
    assert bare.page.evaluate("() => heard") == ["a", "Escape", "Control", "0"]


def test_it_folds_into_one_line_and_the_page_remembers(show):
    bare = show(live(rapl))
    tall = bare.card.bounding_box()["height"]
    button = bare.page.locator(".carbon-magic-fold")
    button.focus()
    bare.page.keyboard.press("Enter")
    assert bare.card.bounding_box()["height"] < 45 < tall
    text = bare.card.inner_text()
    for words in ("train", "W", "Wh", "CO₂e", "running"):
        assert words in text
    assert button.get_attribute("aria-expanded") == "false"
    bare.feed([{**bare.shown.models[0].ticks[-1], "n": 300, "t": 75.0, "p": 123.0}])
    assert "123 W" in bare.card.inner_text()
    bare.page.evaluate("""() => {  // another view of the same output
        const copy = document.createElement('div');
        copy.className = 'carbon-magic live carbon-magic-waiting second';
        document.querySelector('main').append(copy);
    }""")
    bare.page.wait_for_selector(".second.carbon-magic-folded")
    bare.page.locator(".second .carbon-magic-fold").click()
    assert bare.page.locator(".second svg").is_visible()
    assert bare.page.evaluate("() => Object.keys(localStorage)") == []


def test_a_page_that_forbids_to_remember_still_folds(show):
    bare = show(state("waiting"))
    bare.page.evaluate("() => Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    shown = live(rapl)
    bare.page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", shown.html)
    bare.page.evaluate("state => window.begin(state)", shown.models[0].state)
    bare.feed(shown.models[0].ticks)
    bare.page.locator(".carbon-magic-fold").click()
    assert bare.page.locator(".carbon-magic-folded").count() == 1
    assert bare.errors == []


def test_a_budget_is_a_bar_with_words(show):
    bare = show(state("budget"))
    meter = bare.page.get_by_role("meter")
    assert meter.get_attribute("aria-valuenow") == "62"
    assert role(bare, "budget").inner_text().startswith("62 % of budget: 31.0 of 50.0 g")
    assert role(show(state("over-budget")), "budget").inner_text().startswith("over budget: 53.5 of 50.0 g CO₂e")
    assert not role(show(live(rapl)), "budget").is_visible()


def test_idle_is_a_band_and_the_limit_a_line(show):
    assert role(show(state("busy")), "aside").inner_text() == "band: idle 13.8 W"
    assert role(show(state("eight-gpus")), "aside").inner_text() == "dotted: power limit 5.60 kW"


@pytest.mark.parametrize("width", [1700, 940, 600, 420, 320])
@pytest.mark.parametrize("text", ["as it is", "twice as large"])
def test_no_state_is_wider_than_the_page(show, width, text):
    names = ["first-tick", "busy", "eight-gpus", "over-budget", "ended", "interrupted", "summary-20", "saved-summary-5"]
    bare = show(together(names), width=width)
    if text == "twice as large":  # as Firefox' text zoom does; zooming the page is the same as a narrower one
        bare.page.evaluate(TWICE)
    assert bare.page.evaluate("() => document.documentElement.scrollWidth") <= width
    over = bare.page.evaluate(
        "() => Array.from(document.querySelectorAll('.carbon-magic'), e => e.scrollWidth - e.clientWidth)"
    )
    assert max(over) <= 0
    assert bare.page.evaluate(SIDEWAYS) == []
    assert bare.page.evaluate(CUT) == []


@pytest.mark.parametrize("width", [320, 420, 700])
@pytest.mark.parametrize("name", ["summary-20", "project", "saved-summary-5"])
def test_every_figure_of_a_table_is_seen_at_every_width(show, name, width):
    bare = show(state(name), width=width)
    rows = bare.page.locator("tbody tr:visible").filter(has_not=bare.page.locator("[colspan]"))
    lines = {height // 18 for height in rows.evaluate_all("all => all.map(row => row.offsetHeight - 8)")}
    assert lines <= {1, 2, 3}
    assert rows.first.evaluate(SEEN) == []


def test_a_budget_in_a_narrow_card_is_told_in_full(show):
    bare = show(state("over-budget"), width=320)
    words = role(bare, "budget").locator("span").first
    assert words.inner_text() == "over budget: 53.5 of 50.0 g CO₂e"
    assert words.evaluate(
        "e => e.getBoundingClientRect().right <= e.closest('.carbon-magic').getBoundingClientRect().right"
    )
    assert role(bare, "beside").is_visible()
    assert role(bare, "beside").evaluate("e => e.scrollWidth - e.clientWidth") <= 0


def test_a_card_that_was_folded_stays_folded_when_its_report_takes_its_place(show):
    bare = show(live(rapl))
    bare.page.locator(".carbon-magic-fold").click()
    report = state("ended").html.replace('class="carbon-magic', 'class="carbon-magic live', 1)
    bare.page.evaluate("html => { document.querySelector('main').innerHTML = html; models[0].close(); }", report)
    bare.page.wait_for_selector(".live.carbon-magic-folded")
    text = bare.card.inner_text()
    for words in ("train", "45.9 W · 436 mWh · 24.4 mg CO₂e", "done"):
        assert words in text
    assert bare.card.bounding_box()["height"] < 45
    bare.page.get_by_role("button", name="Chart and devices").click()
    assert bare.page.locator("img[alt^=Power]").is_visible()
    assert bare.page.evaluate("() => Object.keys(localStorage)") == []
    bare.page.evaluate(
        "html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", state("ended").html
    )
    bare.frame()
    assert bare.page.locator(".carbon-magic-fold").count() == 1  # others are none of its business


def test_on_a_page_from_right_to_left_the_card_reads_as_ever(show):
    left, right = show(live(rapl)), show(live(rapl), direction="rtl")
    assert left.card.inner_text() == right.card.inner_text()
    first, second = left.card.bounding_box(), right.card.bounding_box()
    assert first["height"] == second["height"]
    role(right, "chart").focus()
    right.page.keyboard.press("Home")
    right.page.keyboard.press("ArrowRight")
    line, place = right.page.locator(".carbon-magic-cursor").bounding_box(), box(right)
    assert line["x"] - place["x"] < 20  # time still runs to the right


def test_who_wants_no_motion_gets_none(show):
    moving = "() => document.getAnimations().length + [...document.querySelectorAll('.carbon-magic-part')].filter(e => getComputedStyle(e).transitionDuration !== '0s').length"
    assert show(live(rapl)).page.evaluate(moving) > 0
    assert show(live(rapl), reduced_motion="reduce").page.evaluate(moving) == 0


def test_forced_colours_keep_the_chart_and_the_bars(show):
    bare = show(live(rapl), forced_colors="active")
    colours = bare.page.evaluate(
        "() => [...document.querySelectorAll('.carbon-magic-part')].map(e => getComputedStyle(e).backgroundColor)"
    )
    assert colours[:1] != colours[1:2] or len(set(colours)) > 1
    assert bare.page.locator("svg pattern rect").first.evaluate("e => getComputedStyle(e).fill") == "rgb(58, 108, 184)"


@pytest.mark.parametrize("policy", [STRICT, STRICTEST])
def test_a_strict_policy_for_content_stops_nothing_that_matters(show, policy):
    bare = show(together(["busy", "summary-20"]), policy=policy)
    role(bare, "chart").focus()
    bare.page.keyboard.press("Home")
    assert " W" in role(bare, "aside").inner_text()
    assert bare.page.locator("svg path[d^=M]").count() > 0
    assert not [error for error in bare.errors if "script" in error.lower() and "style" not in error.lower()]
    if policy == STRICT:
        assert bare.errors == []
        assert bare.card.bounding_box()["height"] < 500
    else:  # style attributes are gone, as on a code host: plain lines and tables, and everything still there
        assert "running" in bare.card.inner_text()
