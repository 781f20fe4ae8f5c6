"""The widgets without a browser: what they send, how much of it, and that a bad view never hurts."""

import gzip
import json
import math
import subprocess
import sys
import threading
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import pytest
from jupyter_client.session import Session as Wire
from looks import device, modelled, rapl, run, server, session, tick

from carbon_magic import report
from carbon_magic.curve import Curve
from carbon_magic.tick import Budget
from carbon_magic.totals import Session
from carbon_magic.widgets import live
from carbon_magic.widgets.live import LiveView, wire
from carbon_magic.widgets.summary import SummaryView
from carbon_magic.widgets.view import STATIC


@pytest.fixture
def sent(monkeypatch):
    """Every message that a widget sends to the page."""
    messages = []
    monkeypatch.setattr(ipywidgets.Widget, "_send", lambda self, msg, buffers=None: messages.append(msg))
    return messages


def on_the_wire(content):
    """Bytes of a comm message with its headers, as ipykernel serializes it while a cell runs."""
    kernel = Wire(key=b"x" * 16)
    parent = kernel.msg("execute_request", {})
    message = kernel.msg("comm_msg", {"comm_id": "0" * 32, "data": content}, parent=parent)
    return sum(map(len, kernel.serialize(message)))


def started(devices):
    return replace(run("train", devices, 0.05, state="running"), curve=Curve())


def roles(html):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(value for name, value in attrs if name == "data-c")

    Reader().feed(html)
    return found


def test_a_tick_goes_to_the_page_in_short(sent):
    view = LiveView("t1", started(rapl()))
    view.tick(tick(n=3, joules=123.456))
    state = sent[-1]["state"]["now"]
    assert state["n"] == 3
    assert state["w"] == [41.3, 4.6]
    assert state["p"] == 45.9
    assert state["e"] == [123.5, 111.1, 135.8]
    assert state["g"] == [0.02, 0.01, 0.03]
    assert state["k"] == "≈ 12.0 cm by car"
    assert "b" not in state


def test_a_budget_goes_with_the_tick_as_a_part_and_words(sent):
    view = LiveView("t1", started(rapl()))
    view.tick(replace(tick(), budget=Budget(43.1, 50.0, "43.1 of 50.0 g CO2e")))
    assert sent[-1]["state"]["now"]["b"] == [0.862, "43.1 of 50.0 g CO2e"]
    view.tick(replace(tick(2), budget=Budget(1.0, 0.0, "of nothing")))
    assert "b" not in sent[-1]["state"]["now"]


@pytest.mark.parametrize("devices", [rapl(), server()])
def test_a_tick_is_at_most_a_kilobyte_with_its_headers(sent, devices):
    view = LiveView("t1", started(devices))
    sent.clear()
    spent = Budget(430.0, 500.0, "430 of 500 kg CO2e")
    for n in (1, 123_456):
        view.tick(replace(tick(n, {d.name: 123.456789 for d in devices}, joules=1.23456789e9), budget=spent))
    assert len(sent) == 2
    assert max(map(on_the_wire, sent)) <= 1024


def test_gaps_and_what_is_not_finite_are_unknown_not_zero():
    names = ["CPU 0", "DRAM 0", "GPU 0"]
    sent = wire(tick(watts={"CPU 0": None, "DRAM 0": math.nan}), names)
    assert sent["w"] == [None, None, None]
    json.dumps(sent, allow_nan=False)
    assert wire(tick(watts={"CPU 0": None}), names)["p"] is None


def test_a_device_that_was_not_there_at_the_beginning_counts_in_the_total():
    sent = wire(tick(watts={"CPU 0": 40.0, "GPU 7": 200.0}), ["CPU 0"])
    assert sent["w"] == [40.0]
    assert sent["p"] == 240.0


def test_the_live_card_has_a_place_for_everything_that_changes():
    view = LiveView("t1", started(server()))
    assert view.target == "t1"
    found = roles(view.html)
    for role in ("state", "elapsed", "power", "energy", "co2e", "beside", "chart", "top", "aside", "end"):
        assert found.count(role) == 1
    assert [found.count(role) for role in ("watts", "joules", "share")] == [12, 12, 12]
    assert [look["name"] for look in view.looks] == [d.name for d in server()]
    assert view.html.count('<output aria-live="off"') == 3


def test_what_is_saved_has_no_marks_of_the_live_view():
    for thing in (run(), session(), Session()):
        assert roles(report.bundle(thing, "t1")["text/html"]) == []
    assert roles(report.waiting("train", "t1")["text/html"]) == []


def test_modelled_devices_are_told_to_the_page_as_such():
    view = LiveView("t1", started(modelled()))
    assert [look["fill"] for look in view.looks] == ["hatch", "hatch"]
    assert [look["limit"] for look in view.looks] == [16.0, None]


def test_the_idle_power_of_each_device_is_told_to_the_page():
    devices = [replace(d, idle_w=9.0) for d in rapl()]
    assert [look["idle"] for look in LiveView("t1", started(devices)).looks] == [9.0, 9.0]
    assert [look["idle"] for look in LiveView("t1", started(rapl())).looks] == [None, None]


def test_the_curve_before_the_view_was_there_is_sent_once():
    early = run("train", rapl(), 2.0, points=5, gap=(2,))
    view = LiveView("t1", early)
    assert [t for t, _ in view.past] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert view.past[2][1] == [None, None]
    assert len(LiveView("t2", run("long", rapl(), 9000.0, points=1500)).past) <= 300


def test_a_view_is_made_in_another_thread_and_holds_no_view():
    made = []
    thread = threading.Thread(target=lambda: made.append(LiveView("t1", started(rapl()))))
    thread.start()
    thread.join()
    made[0].tick(tick())
    made[0].close()
    assert made[0].comm is None


def test_a_view_is_closed_once_the_page_has_it(monkeypatch):
    view = LiveView("t1", started(rapl()))
    view.retire()
    assert view.comm is not None
    view.set_state({"ready": True})
    assert view.comm is None
    loaded = LiveView("t2", started(rapl()))
    loaded.set_state({"ready": True})
    loaded.retire()
    assert loaded.comm is None
    unseen = LiveView("t3", started(rapl()))
    unseen.retire()
    monkeypatch.setattr(live, "LOADING_S", -1.0)
    LiveView("t4", started(rapl())).retire()
    assert unseen.comm is None
    assert live._retired == []


def test_a_model_is_small(sent):
    view = LiveView("t1", started(rapl()))
    assert len(json.dumps(view.get_state(), default=str)) < 40_000
    assert len(json.dumps(LiveView("t2", started(server())).get_state(), default=str)) < 64_000


def test_the_bundle_is_small_and_runs_under_a_strict_policy():
    bundle = {path.name: path.read_text(encoding="utf-8") for path in sorted(STATIC.iterdir())}
    assert set(bundle) == {"live.js", "live.css", "summary.js", "summary.css", "project.js", "project.css"}
    assert sum(len(gzip.compress(text.encode())) for text in bundle.values()) <= 25 * 1024
    for name, text in bundle.items():
        for forbidden in ("eval(", "Function(", "http://", "https://", "import(", "document.write", "@import", "url("):
            assert forbidden not in text.replace("http://www.w3.org/2000/svg", "").replace("`url(#${", ""), name


def test_names_in_the_live_card_are_data():
    evil = '"><script>alert(1)</script>'
    view = LiveView("t1", started([device(evil, source=evil, notes=(evil,))]))
    assert "<script" not in view.html
    assert "<script" not in SummaryView("t1", Session((run(evil, tags={evil: evil}),))).html


def test_the_summary_sends_every_row_even_where_the_saved_table_leaves_some_out():
    view = SummaryView("t1", session(130))
    assert len(view.rows) == 130
    assert view.html.count("<tr") == report.bundle(session(130))["text/html"].count("<tr") + 29
    first = view.rows[0]
    assert first["name"] == "run 0"
    assert [part["name"] for part in first["parts"]] == ["CPU 0", "DRAM 0"]
    json.dumps(view.rows, allow_nan=False)


def test_unknown_figures_of_a_row_are_null():
    row = SummaryView("t1", Session((run(devices=[]),))).rows[0]
    assert row["e"] is None
    assert row["g"] is None


def test_runs_picked_in_the_page_are_added_up_each_joule_once(sent):
    outer, inner, apart = (
        run("outer", seconds=60.0),
        run("inner", seconds=10.0),
        run("apart", seconds=5.0, started_at=1.8e9),
    )
    view = SummaryView("t1", Session((outer, inner, apart)))
    view.set_state({"picked": [0, 1, 2]})
    assert view.sum["e"] == pytest.approx(outer.energy_j + apart.energy_j)
    assert view.sum["picked"] == [0, 1, 2]
    view.set_state({"picked": [1]})
    assert view.sum["e"] == pytest.approx(inner.energy_j)


def test_what_a_page_must_not_ask_for_is_left_out():
    view = SummaryView("t1", session(3))
    view.set_state({"picked": [-1, 99, "x", None, 1]})
    assert view.sum["picked"] == [1]


class Desk:
    """Remembers what it was asked for, and does it."""

    def __init__(self, *runs):
        self.runs, self.preferred = {run.id: run for run in runs}, []

    def amend(self, run_id, *, name=None, tags=None):
        if name == "bad":
            raise ValueError("a name is not bad")
        self.runs[run_id] = replace(self.runs[run_id], name=name, tags=tags)
        return self.runs[run_id]

    def prefer(self, setting, value):
        self.preferred.append((setting, value))


def interactive(*runs):
    desk, changed = Desk(*runs), []
    return SummaryView("t1", Session(runs), desk, changed.append), desk, changed


def test_a_run_renamed_and_tagged_in_the_page_is_amended_and_shown_anew():
    one, two = run("one", tags={"lr": 0.1, "n": 2}), run("two", started_at=1.8e9)
    view, desk, changed = interactive(one, two)
    view.set_state(
        {"asked": {"n": "a", "do": "amend", "i": 0, "name": "best <b>", "tags": [["lr", "0.1"], ["new", "x"]]}}
    )
    assert view.answer == {"n": "a", "error": None}
    assert desk.runs["one"].name == "best <b>"
    assert desk.runs["one"].tags == {"lr": 0.1, "new": "x"}  # what was left as it stood is still a number
    assert view.rows[0]["name"] == "best <b>"
    assert view.rows[0]["tags"] == [["lr", "0.1"], ["new", "x"]]
    assert "best &lt;b&gt;" in view.html
    assert [run.name for run in changed[-1].runs] == ["best <b>", "two"]
    assert view.rows[1]["name"] == "two"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"do": "amend", "i": 0, "name": "bad"}, "a name is not bad"),
        ({"do": "amend", "i": 9, "name": "x"}, "there is no such run any more"),
        ({"do": "amend", "i": -1, "name": "x"}, "there is no such run any more"),
        ({"do": "amend", "i": "0", "name": "x"}, "there is no such run any more"),
        ({"do": "prefer", "setting": "ledger", "value": "/etc/passwd"}, "this page asks for something that is not known here"),
        ({"do": "prefer", "setting": "hz", "value": "50"}, "this page asks for something that is not known here"),
        ({"do": "shell"}, "this page asks for something that is not known here"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_answered_in_a_sentence_and_changes_nothing(asked, error):
    view, desk, changed = interactive(run("one"))
    view.set_state({"asked": {"n": "a", **asked}})
    assert view.answer == {"n": "a", "error": error}
    assert (desk.runs["one"].name, desk.preferred, changed) == ("one", [], [])


def test_a_summary_without_a_desk_says_so_and_takes_nothing():
    view = SummaryView("t1", session(2))
    assert view.answers is False
    view.set_state({"asked": {"n": "a", "do": "prefer", "setting": "units", "value": "J g"}})
    assert view.answer["error"] == "this summary can only be looked at"


def test_units_and_comparisons_are_chosen_in_the_page():
    view, desk, changed = interactive(run("one"))
    view.set_state({"asked": {"n": "a", "do": "prefer", "setting": "units", "value": "J lb"}})
    view.set_state({"asked": {"n": "b", "do": "prefer", "setting": "equivalents", "value": "kettle led"}})
    assert desk.preferred == [("units", "J lb"), ("equivalents", "kettle led")]
    assert len(changed) == 2
    assert ["kettle", "water boiled", False] in view.things


def test_the_same_electricity_on_other_grids_is_told():
    assert "on other grids" in SummaryView("t1", session(2)).elsewhere
    assert SummaryView("t1", Session((run(devices=[]),))).elsewhere == ""


def test_importing_the_report_loads_no_widget_machinery():
    code = "import sys, carbon_magic.report; sys.exit('anywidget' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[1]).returncode == 0
