"""Runs on a grid whose intensity changes: integrated over the run's own hours, or the annual figure and a note."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import InjectedClock, SimulatedMachine, Zone, square, steady
from services import Answer, serve, shapes

from carbon_magic import Run, grid, meters, report
from carbon_magic.config import Settings
from carbon_magic.curve import Curve
from carbon_magic.grid import live, spread
from carbon_magic.grid.ahead import Point
from carbon_magic.grid.during import Live
from carbon_magic.grid.feed import Feed
from carbon_magic.grid.live.electricitymaps import ElectricityMaps
from carbon_magic.grid.live.gb import CarbonIntensityGB
from carbon_magic.grid.live.watttime import WattTime
from carbon_magic.grid.series import HOLD_S, MOST, pieces, series
from carbon_magic.labels import Label
from carbon_magic.process import Process
from carbon_magic.tracker import Tracker

SECRET = "s3cret-KEY-0123456789"
LABEL = Label("test", None, {}, "project", "host")
FR = grid.intensity("FR")
T = 1_750_000_000.0


def hourly(*grams, start=T, step=3600.0):
    return tuple(Point(start + step * i, start + step * (i + 1), float(g)) for i, g in enumerate(grams))


def mean(found):
    return sum(piece.weight * piece.g_per_kwh for piece in found)


def test_energy_goes_with_the_hour_in_which_it_was_used():
    curve = Curve((3600.0, 7200.0), {"CPU": (100.0, 300.0)})
    found = pieces(hourly(400, 40), T, 7200, curve)
    assert mean(found) == pytest.approx((400 + 3 * 40) / 4)
    assert [piece.weight for piece in found] == pytest.approx([0.25, 0.75])
    assert mean(pieces(hourly(400, 40), T, 7200, Curve())) == pytest.approx(220)  # by time, where no power is known


def test_a_short_run_has_its_hours_figure():
    assert mean(pieces(hourly(400, 40), T + 3599, 0.5, Curve())) == 400
    assert mean(pieces(hourly(400, 40), T + 3600, 0.0, Curve())) in (400, 40)
    assert len(pieces(hourly(400, 40), T + 3600, 1e-9, Curve())) >= 1


def test_the_nearest_figure_stands_in_for_some_hours_and_is_marked():
    late = pieces(hourly(400), T + 3600, HOLD_S, Curve())
    assert (mean(late), [p.estimated for p in late]) == (400, [True])
    assert pieces(hourly(400), T + 3600, HOLD_S + 60, Curve()) is None
    assert pieces(hourly(400), T - HOLD_S - 60, 30, Curve()) is None
    gap = hourly(100) + hourly(300, start=T + 3 * 3600)
    found = pieces(gap, T, 4 * 3600, Curve())
    assert [(p.g_per_kwh, p.estimated) for p in found] == [(100, False), (100, True), (300, True), (300, False)]
    assert mean(found) == pytest.approx(200)
    wide = hourly(100) + hourly(300, start=T + 24 * 3600)
    assert pieces(wide, T, 25 * 3600, Curve()) is None
    assert pieces((), T, 10, Curve()) is None


@given(
    st.lists(st.floats(0, 1500), min_size=1, max_size=12),
    st.lists(st.floats(0, 500), min_size=1, max_size=20),
    st.floats(-1.5, 12), st.floats(0.01, 12),
)  # fmt: skip
def test_weights_are_whole_and_the_mean_is_the_integral(grams, watts, begin_h, hours):
    points = hourly(*grams)
    duration_s = 3600 * hours
    ends = tuple(duration_s * (i + 1) / len(watts) for i in range(len(watts)))
    found = pieces(points, T + 3600 * begin_h, duration_s, Curve(ends, {"CPU": tuple(watts)}))
    if begin_h + hours > len(grams) + HOLD_S / 3600 + 0.01 or begin_h > len(grams) + HOLD_S / 3600:
        assert found is None
        return
    if found is None:  # by a rounding, at the very end of what can be known
        assert begin_h + hours > len(grams) + HOLD_S / 3600 - 0.01
        return
    assert sum(piece.weight for piece in found) == pytest.approx(1)
    assert found[-1].end_s == pytest.approx(duration_s)
    assert min(grams) - 1e-9 <= mean(found) <= max(grams) + 1e-9
    if sum(watts) < 1:
        return
    steps = 2000  # a sum over small steps, that knows nothing of pieces
    joules = total = 0.0
    for k in range(steps):
        at = (k + 0.5) / steps
        watt = watts[min(int(at * len(watts)), len(watts) - 1)]
        hour = min(max(int((begin_h + at * hours) // 1), 0), len(grams) - 1)
        joules += watt
        total += watt * grams[hour]
    biggest = max(watts) / joules * (len(watts) + len(grams) + 2)
    assert mean(found) == pytest.approx(total / joules, abs=max(grams) * min(1.0, biggest) + 1e-6)


def test_a_series_is_small_and_keeps_the_mean():
    found = pieces(hourly(*[i % 400 for i in range(2000)], step=300.0), T, 2000 * 300.0, Curve())
    kept = series(found, "s", "z")
    assert len(kept.t_s) <= MOST
    assert kept.t_s[-1] == 600_000
    widths = [b - a for a, b in zip((0.0, *kept.t_s), kept.t_s, strict=False)]
    assert sum(w * g for w, g in zip(widths, kept.g_per_kwh, strict=True)) / 600_000 == pytest.approx(
        mean(found), rel=0.01
    )
    assert series(pieces(hourly(50, 50, 50), T, 9000, Curve()), "s", "z").g_per_kwh == (50,)


def test_a_live_range_is_narrower_than_the_years_and_wider_where_estimated():
    low, high = spread.live(400, "lifecycle", 0)
    assert (low, high) == (340, 460)
    assert spread.live(400, "lifecycle", 1)[0] < low
    assert spread.live(400, "direct", 0)[1] > high + 100  # the stacks are not all of it
    assert spread.live(20, "lifecycle", 0)[0] <= 10


def feed(*points, service=None, problem=None):
    """A feed that holds these points and asks nobody."""
    made = Feed(service or ElectricityMaps(), "FR", {}, lambda *_: (points, 0.0), problem)
    made.points = points
    made._due_s = float("inf")
    return made


def track(power, seconds, fed, place=FR, named=False, look_s=1.0, suspend=0.0):
    clock = InjectedClock()
    with SimulatedMachine([Zone("intel-rapl:0", "package-0", power, 300)], clock=clock) as simulated, simulated.here():
        tracker = Tracker(meters.find, clock, os.environ, threaded=False)
        tracking = tracker.begin(LABEL, Settings(), place, during=Live(fed, place, named))
        t0 = clock.monotonic()
        for _ in range(int(seconds / look_s)):
            clock.advance(look_s)
            tracker.look(tracker.active)
        clock.suspend(suspend)
        run = tracker.end(tracking, "done")
        joules = simulated.joules
        return run, lambda a, b: joules("package-0", t0 + a, t0 + b)


def test_a_run_of_hours_is_integrated_over_the_changing_grid():
    """Full power in the dirty hour, rest in the clean ones: neither the mean of the hours nor the last one is right."""
    steps = hourly(500, 50, 50)
    run, joules = track(square(50, 200, 7200), 3 * 3600.0, feed(*steps), look_s=5.0)
    true_g = sum(joules(3600 * i, 3600 * (i + 1)) * g for i, g in enumerate((500, 50, 50))) / 3.6e6
    package = next(d for d in run.devices if d.kind == "cpu")
    others_g = (run.energy_j - package.energy_j) * 200 / 3.6e6  # the memory's model is steady
    assert run.co2e_g == pytest.approx(true_g + others_g, rel=0.005)
    assert run.co2e_g == pytest.approx(run.energy_kwh * run.pue * run.grid.intensity_g_per_kwh)
    assert run.grid.series.g_per_kwh == (500, 50)
    assert run.grid.series.t_s == (3600, 3 * 3600)
    assert run.notes == ()
    low, high = run.grid.intensity_range
    assert low < run.grid.intensity_g_per_kwh < high
    assert (run.grid.basis, run.grid.year, run.grid.place) == ("lifecycle", 2025, "FR")
    assert "Electricity Maps" in run.grid.source
    assert "50 to 500 g" in run.grid.how
    assert "annual figure is 41 g (lifecycle, 2025)" in run.grid.how
    # What is stored says the same: curve and series, hour by hour.
    again = Run.from_dict(json.loads(json.dumps(run.to_dict(samples=True))))
    assert again.grid == run.grid
    stored = [Point(again.started_at + a, again.started_at + b, g)
              for a, b, g in zip((0.0, *again.grid.series.t_s), again.grid.series.t_s, again.grid.series.g_per_kwh, strict=False)]  # fmt: skip
    assert mean(pieces(stored, again.started_at, again.duration_s, again.curve)) == pytest.approx(
        run.grid.intensity_g_per_kwh, rel=1e-3
    )


def test_a_run_that_the_service_does_not_cover_has_the_annual_figure_and_a_note():
    run, _ = track(steady(50), 60.0, feed(*hourly(500, start=T - 24 * 3600)))
    assert run.grid == FR
    assert run.notes == ("Electricity Maps has no figures for all of this time; the annual figure is used",)
    run, _ = track(steady(50), 60.0, feed(problem="Electricity Maps asks for fewer questions"))
    assert run.notes == ("Electricity Maps asks for fewer questions; the annual figure is used",)
    assert "the annual figure is used" in report.bundle(run)["text/plain"].replace("\n  ", " ")


def test_after_a_sleep_the_hours_are_not_known():
    short, _ = track(steady(50), 60.0, feed(*hourly(500)), suspend=600.0)
    assert short.grid.intensity_g_per_kwh == 500
    long, _ = track(steady(50), 60.0, feed(*hourly(500)), suspend=7200.0)
    assert long.grid == FR
    assert long.notes[-1] == "after its sleep the hours of this run are not known; the annual figure is used"


def test_an_interrupt_in_the_last_moment_costs_the_wait_and_not_the_run(monkeypatch):
    fed = feed()
    monkeypatch.setattr(fed, "wait", interrupted := Interrupted())
    run, _ = track(steady(50), 60.0, fed)
    assert interrupted.asked == [0.1]
    assert run.state == "done"
    assert run.grid == FR


class Interrupted:
    def __init__(self):
        self.asked = []

    def __call__(self, seconds):
        self.asked.append(seconds)
        raise KeyboardInterrupt


def test_a_figure_of_a_zone_that_somebody_named_is_not_the_places():
    run, _ = track(steady(50), 60.0, feed(*hourly(500)), place=grid.intensity("WORLD"), named=True)
    assert (run.grid.place, run.grid.intensity_g_per_kwh) == ("electricitymaps:FR", 500)
    assert "live_zone" in run.grid.how


def test_reports_say_that_the_grid_is_live():
    run, _ = track(steady(50), 60.0, feed(*hourly(500)))
    for text in report.bundle(run).values():
        assert "live grid" in text
        assert "grid mean" not in text
    annual, _ = track(steady(50), 60.0, feed())
    assert "grid mean" in report.bundle(annual)["text/plain"]


def test_marginal_figures_never_enter_the_account():
    marginal = [point._replace(marginal=True) for point in hourly(500)]
    fed = Feed(WattTime(), "CAISO_NORTH", {}, lambda *_: (marginal, 0.0))
    fed._work()
    assert fed.points == ()
    assert "never counted" in fed.problem


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CARBON_MAGIC_LIVE", "electricitymaps")
    monkeypatch.setenv("CARBON_MAGIC_ELECTRICITYMAPS_KEY", SECRET)
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "FR")
    with serve() as running:
        monkeypatch.setattr(live, "make", lambda name: ElectricityMaps(running.url))
        now_h = shapes.hour(time.time())
        running.says["/carbon-intensity/history"] = Answer(
            shapes.electricitymaps("history", [35, 36, 123], now_h - 7200)
        )
        running.says["/carbon-intensity/forecast"] = Answer(shapes.electricitymaps("forecast", [400, 30], now_h))
        yield running


def once(process, then=None, **options):
    tracking = process.begin(process.wanted("run", None, None, options))
    if then is not None:
        then(tracking)
    return process.end(tracking, "done")


def fetched(tracking):
    tracking.during._feed.wait(10)


def test_a_run_in_a_process_gets_its_figure_off_its_path(server):
    process = Process(dict(os.environ))
    run = once(process, fetched)
    assert run.grid.intensity_g_per_kwh == 123
    assert not any("annual" in note for note in run.notes)
    again = once(process)
    assert again.grid.intensity_g_per_kwh == 123
    assert len(server.asked) == 1  # once in a quarter of an hour
    other = once(Process(dict(os.environ)), fetched)  # another kernel finds it on disk
    assert (other.grid.intensity_g_per_kwh, len(server.asked)) == (123, 1)
    assert set(process.ledger().runs()["intensity_g_per_kwh"]) == {123}


def test_the_beginning_never_waits_and_the_end_a_tenth_of_a_second(server):
    server.says["/"] = Answer(None, trouble="hang")
    server.says["/carbon-intensity/history"] = server.says["/"]
    process = Process(dict(os.environ))
    once(process, quiet=True)  # imports
    for feed_ in process._feeds._feeds.values():
        feed_.wait(0)
    wanted = process.wanted("run", None, None, {})
    began_s = time.monotonic()
    tracking = process.begin(wanted)
    assert time.monotonic() - began_s < 2.0  # the server says nothing for much longer
    began_s = time.monotonic()
    run = process.end(tracking, "done")
    assert time.monotonic() - began_s < 2.0  # a quarter for a slow counter's tick, a tenth for the grid
    assert run.grid.place == "FR"
    assert run.grid.series is None
    assert run.notes[-1] == "Electricity Maps had not answered when this run ended; the annual figure is used"


@pytest.mark.parametrize(
    ("answer", "words"),
    [(Answer({"error": SECRET}, 401), "does not accept the key"), (Answer({}, 403), "does not allow"),
     (Answer({}, 429, {"Retry-After": "3600"}), "fewer questions"), (Answer(b"<html>"), "no JSON"),
     (Answer({"zone": "FR", "history": None}), "null where a list was expected"),
     (Answer({}, 301, {"Location": "http://127.0.0.1:1/"}), "redirect"),
     (Answer(shapes.electricitymaps("history", [512], 1.7e9, estimationMethod="SANDBOX_MODE_DATA")), "made-up figures")],
)  # fmt: skip
def test_when_the_service_fails_the_annual_figure_takes_over_and_the_run_says_so(server, answer, words):
    server.says["/carbon-intensity/history"] = answer
    process = Process(dict(os.environ))
    run = once(process, fetched)
    assert run.grid.intensity_g_per_kwh == FR.intensity_g_per_kwh
    assert words in run.notes[-1]
    assert run.notes[-1].endswith("; the annual figure is used")
    asked = len(server.asked)
    assert once(process).notes == run.notes
    assert len(server.asked) == asked  # not asked again at once


def test_a_place_without_a_zone_says_what_to_set_and_asks_nobody(server):
    process = Process(dict(os.environ))
    run = once(process, place="US-CA")
    assert run.notes[-1] == (
        "Electricity Maps has no zone that US-CA would tell: the setting live_zone names one; the annual figure is used"
    )
    assert server.asked == []
    process = Process({**os.environ, "CARBON_MAGIC_LIVE_ZONE": "FR"})
    named = once(process, fetched, place="US-CA")
    assert (named.grid.place, named.grid.intensity_g_per_kwh) == ("electricitymaps:FR", 123)
    region = once(process, fetched, place="aws:eu-west-3")  # Paris
    assert (region.grid.place, region.grid.intensity_g_per_kwh) == ("aws:eu-west-3", 123)


def test_without_a_key_the_run_says_where_to_put_one(server, monkeypatch):
    monkeypatch.setattr("carbon_magic.grid.live.key._from_keyring", lambda name: None)
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_KEY")}
    run = once(Process(environ), fetched)
    assert "set CARBON_MAGIC_ELECTRICITYMAPS_KEY" in run.notes[-1]
    assert server.asked == []


def test_the_key_is_in_no_output(server, own_ledger, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    process = Process(dict(os.environ))
    good = once(process, fetched)
    server.says["/carbon-intensity/history"] = Answer({"error": SECRET}, 401)
    bad = once(Process({**os.environ, "CARBON_MAGIC_LIVE_ZONE": "DE"}), fetched)
    assert "does not accept the key" in bad.notes[-1]
    assert process.pump.flush(10)
    for run in (good, bad):
        said = f"{run!r} {run.to_dict(samples=True)} {report.bundle(run)} {run.notes}"
        assert SECRET not in said
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert own_ledger in kept
    assert any(path.name == "electricitymaps-FR.json" for path in kept)
    assert not any(SECRET.encode() in path.read_bytes() for path in kept)
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())


def test_a_forecast_by_the_settings(server):
    process = Process(dict(os.environ))
    found = process.forecast(24)
    assert found.points[-1].g_per_kwh == 30
    assert grid.best_window(found.points, 0.5).g_per_kwh == 30
    assert Process({}).forecast(24, "FR") is None
    with pytest.raises(live.LiveError, match="live_zone"):
        process.forecast(24, "US-CA")


def test_a_feed_asks_in_one_thread_at_a_time_and_pauses_longer_after_each_failure():
    gate, calls = threading.Event(), []

    def fetch(service, zone, environ):
        calls.append(zone)
        gate.wait(10)
        raise live.LiveError("no")

    fed = Feed(CarbonIntensityGB(), "GB", {}, fetch)
    for _ in range(5):
        fed.refresh()
    gate.set()
    fed.wait(10)
    assert calls == ["GB"]
    pauses = []
    for _ in range(8):
        fed._work()
        pauses.append(fed._due_s - time.monotonic())
    assert pauses == pytest.approx([120, 240, 480, 900, 900, 900, 900, 900], abs=1)
    fed.refresh()
    assert len(calls) == 9


def test_a_feed_that_comes_back_fills_what_was_missed():
    fed = feed(*hourly(100, 200))
    fed._take(hourly(210, 300, start=T + 3600))
    assert [p.g_per_kwh for p in fed.points] == [100, 210, 300]
    fed._take(hourly(90, start=T))
    assert [p.g_per_kwh for p in fed.points] == [90, 210, 300]


def test_threads_end_and_leave_nothing_behind(server):
    process = Process(dict(os.environ))
    once(process, fetched)
    for _ in range(3):
        for fed in process._feeds._feeds.values():
            fed._due_s = 0.0
            fed.refresh()
            fed.wait(10)
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("Dummy") for name in names)
    for thread in threading.enumerate():
        if thread.name == "carbon_magic live":
            thread.join(5)
    assert "carbon_magic live" not in [thread.name for thread in threading.enumerate()]


def test_without_httpx_the_run_says_what_to_install(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    run = once(Process(dict(os.environ)), fetched)
    assert "live figures need httpx: pip install 'carbon_magic[live]'" in run.notes[-1]


def test_a_broken_proxy_is_told(server, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "nonsense://x")
    run = once(Process(dict(os.environ)), fetched)
    assert "see to the proxy" in run.notes[-1]


def test_the_interpreter_ends_at_once_while_a_service_hangs(server, tmp_path):
    server.says["/carbon-intensity/history"] = Answer(None, trouble="hang")
    program = f"""
import carbon_magic
from carbon_magic.grid import live
from carbon_magic.grid.live.electricitymaps import ElectricityMaps
live.make = lambda name: ElectricityMaps({server.url!r})
with carbon_magic.track("x") as run:
    pass
print(run.notes[-1])
"""
    began_s = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert "had not answered when this run ended" in done.stdout
    assert time.monotonic() - began_s < 15


def test_no_socket_is_opened_where_nothing_is_configured(tmp_path):
    """A whole tracked run, its ledger and its report, with sockets forbidden."""
    program = """
import socket, sys
def forbidden(*a, **k): raise AssertionError("a socket")
socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = forbidden
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = forbidden
import carbon_magic
with carbon_magic.track("quiet", place="DE") as run:
    sum(range(200000))
print(run.cost.currency, run.co2e_g > 0, carbon_magic.ledger().runs().shape[0])
carbon_magic.report.bundle(carbon_magic.last); carbon_magic.report.bundle(carbon_magic.session())
print(sorted(name for name in sys.modules if name.split(".")[0] in ("httpx", "keyring", "httpcore")))
print(sorted(name for name in sys.modules if name.startswith("carbon_magic.grid.live.")))
"""
    environ = {**os.environ, "CARBON_MAGIC_LEDGER": str(tmp_path / "l.db")}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["EUR True 1", "[]", "[]"]
