"""How runs and sessions look: what is said, what is escaped, and what survives where notebooks are opened."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looks import FRANCE, device, modelled, rapl, run, server, session

from carbon_magic import grid, report, units
from carbon_magic.embodied import Embodied
from carbon_magic.report import extremes, plain, svg, text
from carbon_magic.totals import Session

EVIL = 'a "quoted" <img src=x onerror=alert(1)> & </div><script>x</script>\u202e\u200f\x1b[31m\n\ttail'
NAMES = [
    EVIL,
    "",
    " \n ",
    "\u202e\u2066",
    "x" * 100_000,
    "模型训练" * 50,
    "e\u0301" * 60,
    "👩\u200d🔬 lab",
    "=1+1",
    "%carbon {x} $y",
]
VOID = {"img", "br", "hr", "input"}


class Page(HTMLParser):
    """Reads a report as a browser would: tags, attributes, words; unbalanced tags are an error."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def html(thing, target="t1"):
    return report.bundle(thing, target=target)["text/html"]


def everything():
    """One of each state that people get to see."""
    psys = device("Platform (psys)", "platform", 2400.0)
    return {
        "two": run(others=(psys,), stage="tune", tags={"lr": 0.1}),
        "modelled": run(devices=modelled()),
        "server": run(devices=server(), notes=("GPU 3: lost at 12.3 s",)),
        "failed": run(state="failed", gap=range(40, 60)),
        "interrupted": run(state="interrupted"),
        "running": run(state="running"),
        "nothing": run(devices=[]),
        "instant": run(seconds=0.0, devices=[device(joules=0.0)]),
        "zero": run(devices=[device(joules=0.0)]),
        "evil": run(
            EVIL, stage=EVIL, tags={EVIL: EVIL}, notes=(EVIL,), devices=[device(EVIL, source=EVIL, notes=(EVIL,))]
        ),
        "session": session(),
        "empty": Session(),
        "many": session(130),
    }


@pytest.mark.parametrize("state", everything())
def test_what_is_saved_is_plain_html_that_sanitizers_keep(state):
    page = Page(html(everything()[state]))
    assert not {"script", "style", "svg", "iframe", "object", "link", "form", "input", "button"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "id"]
    assert all(value.startswith("data:image/svg+xml;base64,") for name, value in page.attributes if name == "src")
    assert ("class", "carbon-magic t1") in page.attributes
    assert all("url(" not in value for name, value in page.attributes if name == "style")


@pytest.mark.parametrize("state", everything())
def test_plain_text_fits_a_terminal(state):
    lines = report.bundle(everything()[state])["text/plain"].splitlines()
    assert lines
    assert max(map(plain.width, lines)) <= 80
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]", "\n".join(lines))


@pytest.mark.parametrize("name", NAMES)
def test_names_are_data(name):
    thing = run(name, tags={name: name}, stage=name or None)
    saved = html(thing)
    assert "<script" not in saved
    assert "onerror" not in saved or "&lt;img" in saved
    assert len(saved) < 40_000
    Page(saved)
    Page(html(Session((thing,))))
    Page(report.waiting(name, "t1")["text/html"])
    for line in (text.line(thing), text.session_line(Session((thing,)))):
        assert "\n" not in line
        assert plain.width(line) < 160


def test_a_targets_name_cannot_leave_its_attribute():
    assert Page(html(run(), target='x" onclick="y')).attributes.count(("class", 'carbon-magic x" onclick="y')) == 1


@given(st.text(max_size=300), st.integers(1, 40))
def test_padded_texts_are_exactly_as_wide_as_asked(words, columns):
    assert plain.width(plain.left(plain.plain(words), columns)) == columns
    assert plain.width(plain.right(plain.plain(words), columns)) == columns


def test_a_run_shows_its_figures_with_ranges_and_how_they_are_known():
    thing = run()
    words = Page(html(thing)).text
    for expected in (
        units.watts(thing.power_w), units.span(*thing.energy_j_range, units.energy), units.kwh(thing.energy_j),
        units.span(*thing.co2e_g_range, units.grams), "● measured", "by car", "France 2023: 56.0 g CO₂e/kWh (45–70)",
        units.energy(thing.energy_j), units.grams(thing.co2e_g), "lifecycle", "Ember (2024)", "guessed from the time zone",
        "PUE 1", "✓ done", "34.2 s",
    ):  # fmt: skip
        assert expected in words


@pytest.mark.parametrize("state", ["done", "failed", "interrupted"])
def test_a_state_is_said_in_words(state):
    thing = run(state=state)
    assert state in Page(html(thing)).text
    assert state in report.bundle(thing)["text/plain"]
    assert state in Page(html(Session((thing,)))).text


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ([device()], "● measured"),
        ([device(method="polled")], "◕ polled"),
        ([device(method="modelled")], "○ modelled"),
        ([device(), device("RAM", "dram", 600.0, method="modelled")], "◐ part measured, 70 %"),
        ([device(), device("GPU 0", "gpu", method="polled")], "◕ measured, part polled"),
    ],
)
def test_a_guess_never_looks_like_a_measurement(devices, said):
    thing = run(devices=devices)
    assert said in Page(html(thing)).text
    assert said in report.bundle(thing)["text/plain"]
    co2e = Page(html(thing)).text
    assert "× grid mean 2023" in co2e


def test_unknown_is_not_zero():
    for shown in (report.bundle(run(devices=[])), report.bundle(Session((run(devices=[]),)))):
        words = Page(shown["text/html"]).text
        assert "unknown" in words
        assert "unknown" in shown["text/plain"]
        assert not re.search(r"(?<![\d.])0 (W|Wh|g)\b", words + shown["text/plain"])


def test_zero_is_shown_as_zero():
    words = Page(html(run(devices=[device(joules=0.0)]))).text
    assert "0 Wh" in words
    assert "0 g" in words


def test_others_stand_apart_and_are_said_not_to_be_added():
    thing = run(others=(device("Platform (psys)", "platform", 99_999.0),))
    for shown in report.bundle(thing).values():
        assert re.search("not added to the total.*Platform", shown, re.DOTALL)
        assert units.energy(thing.energy_j).split(" ")[0] in shown


def test_notes_and_hints_are_said_once():
    hint = "a udev rule gives measured figures"
    thing = run(devices=[device(f"CPU {i}", notes=[hint]) for i in range(5)], notes=("CPU 0: lost", "CPU 0: lost"))
    for shown in report.bundle(thing).values():
        assert shown.count("udev rule") == 1
        assert shown.count("CPU 0: lost") == 1
    assert "CPU 0 and 4 more: a udev rule" in Page(html(thing)).text


def pictures(thing):
    return [base64.b64decode(uri) for uri in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html(thing))]


@pytest.mark.parametrize("state", everything())
def test_pictures_are_well_formed_and_hold_no_words_and_no_scripts(state):
    for picture in pictures(everything()[state]):
        tree = ElementTree.fromstring(picture)
        assert not "".join(tree.itertext()).strip()
        assert not [e for e in tree.iter() if e.tag.endswith(("script", "style", "text", "image"))]


def test_the_chart_says_what_it_shows():
    alts = [value for name, value in Page(html(run(devices=server()))).attributes if name == "alt" and value]
    assert len(alts) == 1
    assert re.fullmatch(
        r"Power over 34\.2 s, stacked by device \(CPU 0, .*\): peak .* kW, power limit 5\.60 kW\.", alts[0]
    )


def test_the_chart_leaves_a_gap_where_nothing_was_read():
    whole, broken = svg.chart(run()), svg.chart(run(gap=range(50, 60)))
    assert not whole.gaps
    assert broken.gaps
    assert 'fill-opacity="0.18"' not in whole.svg
    shaded = re.findall(r'<rect x="([\d.]+)%" width="([\d.]+)%"', broken.svg)
    assert sum(float(width) for _, width in shaded) == pytest.approx(5, abs=0.5)
    assert min(float(x) for x, _ in shaded) == pytest.approx(25, abs=0.5)
    assert "no reading" in Page(html(run(gap=range(50, 60)))).text


def test_the_limit_is_drawn_only_where_it_does_not_flatten_the_curve():
    near = svg.chart(run(devices=[device(limit_w=60.0)]))
    far = svg.chart(run(devices=[device(limit_w=600.0)]))
    assert near.limit_w == 60.0
    assert near.top_w >= 60.0
    assert far.limit_w is None


def test_a_run_without_a_curve_has_no_chart():
    assert svg.chart(run(devices=[])) is None
    assert svg.chart(run(gap=range(200))) is None
    assert Page(html(run(gap=range(200)))).text


def test_modelled_devices_are_hatched_and_counted_ones_are_not():
    def patterns(thing):
        return svg.chart(thing).svg.count("M-1 5L5 -1")

    assert patterns(run()) == 0
    assert patterns(run(devices=modelled())) == 2


@given(st.lists(st.none() | st.floats(0, 1000), min_size=1, max_size=400), st.integers(4, 80))
def test_thinning_keeps_the_ends_of_the_range_and_the_gaps(totals, most):
    kept = [totals[i] for i in extremes.keep(totals, most)]
    known = [w for w in totals if w is not None]
    assert len(kept) <= max(most, 4)
    assert not known or max(known) in kept
    assert (None in kept) == (None in totals)
    assert None in totals or min(known) in kept


@given(st.floats(1e-6, 1e9))
def test_the_scale_ends_above_the_peak_and_not_far(peak):
    assert peak <= svg.nice_top(peak) * (1 + 1e-12)
    assert svg.nice_top(peak) <= 1.6 * peak


def test_a_report_stays_small():
    assert len(html(run(points=1500))) < 25_000
    assert len(html(run(devices=server(3600), seconds=3600, points=1500))) < 70_000
    assert len(html(session(1000))) < 300_000


def test_a_session_shows_every_run_the_total_and_cars_and_flights():
    thing = session()
    for shown in (Page(html(thing)).text, " ".join(report.bundle(thing)["text/plain"].split())):
        for item in thing.runs:
            assert item.name in shown
        assert units.energy(thing.energy_j) in shown
        assert units.kwh(thing.energy_j) in shown
        assert units.span(*thing.energy_j_range, units.energy) in shown
        assert "by car" in shown
        assert "of a flight" in shown
        assert "1 /" not in shown, "a millionth of a car's whole life is nothing to picture"
        assert "a car's lifetime with its fuel is 126,000 lb" in shown, "but what it is as the paper prints it, is"
        assert "flight 1,984 lb a passenger" in shown
        assert 3 <= shown.count("≈") <= 6


def test_overlapping_runs_are_said_to_be_counted_once():
    outer, inner = run("outer", seconds=60.0), run("inner", seconds=10.0)
    thing = Session((outer, inner))
    for shown in (Page(html(thing)).text, report.bundle(thing)["text/plain"]):
        assert "counts each joule once" in shown
        assert units.energy(outer.energy_j) in shown
    assert "counts each joule once" not in Page(html(session())).text


def test_a_long_session_names_what_it_leaves_out():
    words = Page(html(session(130))).text
    assert "and 30 smaller runs, which the total includes" in words
    assert units.energy(session(130).energy_j) in words


def test_an_empty_session_helps():
    for shown in report.bundle(Session()).values():
        assert "%%carbon" in shown
        assert len(Page(shown).text) < 200


def test_waiting_says_what_it_is_and_where_the_result_will_be():
    shown = report.waiting("train <b>", "t1")
    page = Page(shown["text/html"])
    assert "train <b>" in page.text
    assert ("class", "carbon-magic t1 carbon-magic-waiting") in page.attributes
    for words in (page.text, " ".join(shown["text/plain"].split())):
        assert "%carbon" in words
        assert "carbon_magic.ledger().runs()" in words
    assert not {"script", "style", "svg"} & set(page.tags)


def test_waiting_keeps_as_many_rows_as_the_last_run_had_devices():
    def rows(html):
        return Page(html).tags.count("tr")

    last = run(devices=server())
    assert rows(report.waiting("next", "t1", like=last)["text/html"]) == rows(html(last))


def test_a_finished_report_is_no_waiting_one():
    assert "carbon-magic-waiting" not in html(run())


def test_lines_for_a_repr():
    assert repr(run()) == "<Run train: done in 34.2 s, 436 mWh, 24.4 mg CO2e (measured)>"
    assert text.line(run(state="failed")).startswith("train: failed after 34.2 s")
    assert text.session_line(Session()) == "no runs yet"
    assert text.session_line(Session((run(),))).startswith("1 run in 34.2 s, 436 mWh")


def test_runs_display_themselves():
    thing = run()
    assert thing._repr_mimebundle_() == report.bundle(thing)
    assert Session((thing,))._repr_mimebundle_() == report.bundle(Session((thing,)))


def test_bars_of_modelled_devices_are_shaded():
    shown = report.bundle(run(devices=modelled()))["text/plain"]
    assert "░" in shown
    assert not set("█▉▊▋▌▍▎▏") & set(shown.split("total")[0])
    assert "█" in report.bundle(run(devices=rapl()))["text/plain"]


def test_a_pue_and_its_range_are_shown():
    assert "PUE 1.2 (1.1–1.3)" in Page(html(run(pue=1.2, pue_range=(1.1, 1.3)))).text


def test_a_place_without_a_range_or_a_source_leaves_no_empty_marks():
    bare = replace(FRANCE, intensity_range=(56.0, 56.0), source="", how="")
    words = Page(html(run(grid=bare))).text
    assert "· ·" not in words
    assert "(56" not in words


def test_who_says_so_stands_beside_a_pue():
    shown = run(pue=1.24, pue_range=(1.17, 1.36), pue_source="published by Amazon Web Services for this region, 2024")
    assert "PUE 1.24 (1.17–1.36), published by Amazon Web Services for this region, 2024" in Page(html(shown)).text


def test_embodied_carbon_is_a_line_of_its_own_where_it_is_given():
    making = Embodied(1000.0, 4.0, 0.25)
    plain = run(seconds=3600.0)
    made = run(seconds=3600.0, embodied=making)
    for shown in (Page(html(made)).text.replace("CO₂e", "CO2e"), " ".join(report.bundle(made)["text/plain"].split())):
        assert "Embodied, beside this and not part of it: 7.13 g CO2e (3.6–14 g) of the machine's making" in shown
        assert "1.00 t over 4 years, 25.0 % of it reserved (ISO/IEC 21031, SCI)" in shown
    assert "mbodied" not in html(plain) + report.bundle(plain)["text/plain"]
    assert made.co2e_g == plain.co2e_g
    both = Session((made, run("later", seconds=3600.0, started_at=1.8e9, embodied=making)))
    for shown in (Page(html(both)).text.replace("CO₂e", "CO2e"), " ".join(report.bundle(both)["text/plain"].split())):
        assert "Embodied, beside this and not part of it: 14.3 g CO2e" in shown


def test_a_total_over_direct_and_lifecycle_figures_says_so():
    mixed = Session((run("a"), run("b", started_at=1.8e9, grid=grid.intensity("US-CA"))))
    for shown in (Page(html(mixed)).text.replace("CO₂e", "CO2e"), " ".join(report.bundle(mixed)["text/plain"].split())):
        assert "The CO2e total mixes direct and lifecycle grid figures" in shown
    same = Session((run("a"), run("b", started_at=1.8e9, grid=grid.intensity("DE"))))
    assert "mixes" not in html(same) + report.bundle(same)["text/plain"]


def test_the_report_prints_in_the_units_that_are_chosen():
    shown = run()
    try:
        units.use("J lb")
        page, text = Page(html(shown)).text, report.bundle(shown)["text/plain"]
    finally:
        units.use("SI")
    for words in (page, text):
        assert units.joules(shown.energy_j) in words
        assert units.pounds(shown.co2e_g) in words
        assert units.kwh(shown.energy_j) in words, "kWh beside, as ever"


def test_where_nobody_knows_the_place_the_way_to_set_it_is_said():
    unknown = replace(grid.intensity("world"), how="place unknown: world average")
    assert "place unknown: world average; to set it: %carbon where" in Page(html(run(grid=unknown))).text
    assert "to set it" not in html(run())
