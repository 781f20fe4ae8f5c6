"""%carbon meters: what is found, tried and missing, without disturbing or waking anything."""

import os
import re
import sys
import threading

import machine
import pytest
from IPython.core.error import UsageError
from machine import Fault, Gpu, InjectedClock, SimulatedMachine, Zone, square, steady
from machine.sysfs import SysTree

import carbon_magic
from carbon_magic import grid, meters, process
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import cpu_model, doctor, nvml, powercap
from carbon_magic.meters.meter import Meter
from carbon_magic.meters.site import Found, Missing, Site
from carbon_magic.report import instruments
from carbon_magic.tracker import Tracker


class Instrument(Meter):
    """One whose answers the test writes."""

    source, method, gain, group = "a <b>test</b>", "counter", (0.9, 1.1), "test"

    def __init__(self, answers, name="Thing", kind="cpu", **more):
        self.name, self.kind, self.answers, self.reads, self.closed = name, kind, answers, 0, False
        vars(self).update(more)

    def read(self):
        self.reads += 1
        return self.answers()

    def close(self):
        self.closed = True


@pytest.fixture
def clock():
    return InjectedClock()


def examine(monkeypatch, clock, *found, missing=()):
    """The diagnosis of a machine that has these instruments only."""
    monkeypatch.setattr(doctor, "survey", lambda site: Found(found, missing))
    return doctor.examine(Site({}, clock.monotonic), clock)


@pytest.mark.parametrize("tick_s", [0.001, 0.02, 0.1])
def test_the_period_of_a_counter_is_measured_not_assumed(monkeypatch, clock, tick_s):
    counter = Instrument(lambda: 60 * tick_s * (clock.monotonic() // tick_s), tick_s=0.5)
    [tried] = examine(monkeypatch, clock, counter).tried
    assert tried.tick_s == pytest.approx(tick_s, abs=0.0021)
    assert tried.read_s > 0
    assert counter.closed


def test_a_counter_that_does_not_move_says_so(monkeypatch, clock):
    [tried] = examine(monkeypatch, clock, Instrument(lambda: 5.0)).tried
    assert (tried.state, tried.tick_s) == ("answers", None)
    assert clock.monotonic() < 1001


def test_a_sleeping_device_is_not_read(monkeypatch, clock):
    def read():
        raise AssertionError("woken")

    asleep = Instrument(read, name="GPU 0", kind="gpu", asleep=lambda: True)
    diagnosis = examine(monkeypatch, clock, asleep)
    assert asleep.reads == 0
    assert diagnosis.tried[0].state == "asleep"
    assert re.search(r"GPU 0 +counter +asleep +not read", instruments.text(diagnosis))


def test_one_that_fails_is_shown_and_hides_no_other(monkeypatch, clock):
    def fail():
        raise OSError(5, "Input/output error")

    sound = Instrument(clock.monotonic, name="Sound")
    diagnosis = examine(monkeypatch, clock, Instrument(fail, name="Broken"), sound)
    assert [one.state for one in diagnosis.tried] == ["no reading", "answers"]
    assert "no reading" in instruments.text(diagnosis)


def test_a_model_s_range_is_that_of_what_was_seen(monkeypatch, clock):
    """Its load decides how far off it is, so its own account of it is taken over a moment."""
    t0 = clock.monotonic()
    model = Instrument(lambda: 10 * (clock.monotonic() - t0), method="modelled", gain=(1.0, 1.0))
    model.slack_j = lambda: (4 * (clock.monotonic() - t0), 15 * (clock.monotonic() - t0))
    [tried] = examine(monkeypatch, clock, model).tried
    assert tried.range == pytest.approx((0.6, 2.5))


def test_many_slow_counters_take_no_longer_than_one(monkeypatch, clock):
    t0 = clock.monotonic()
    slow = [Instrument(lambda: clock.monotonic() // 0.1, name=f"GPU {i}", kind="gpu") for i in range(16)]
    examine(monkeypatch, clock, *slow)
    assert clock.monotonic() - t0 < 16 * doctor.BRIEF_S + doctor.LONG_S + 0.1
    assert max(meter.reads for meter in slow) < 600


def test_text_is_eighty_columns_and_tells_both_sides(clock):
    zones = [Zone("intel-rapl:0", "package-0", steady(50), 150), Zone("intel-rapl:1", "psys", steady(90))]
    with SimulatedMachine(zones, [Gpu(steady(100))], clock=clock) as simulated, simulated.here():
        site = Site(os.environ, clock.monotonic, cpu_model.cpuinfo(), pause=clock.advance)
        text = instruments.text(doctor.examine(site, clock))
    assert max(map(len, text.splitlines())) <= 80
    counted, beside = text.split("Beside the total, never added")
    assert re.search(r"CPU 0 +counter +1\.\d+ ms +[\d.]+ .s +± 5\.0 %", counted)
    assert re.search(r"GPU 0 .* counter +0\.10 s", counted)
    assert re.search(r"RAM +modelled +each look", counted)
    assert "Platform (psys)" in beside
    assert "(platform)" in beside


def test_what_is_missing_is_told_with_its_exact_step(clock):
    zones = [Zone("intel-rapl:0", "package-0", steady(50), 150, faults=(Fault("denied"),))]
    with SimulatedMachine(zones, clock=clock) as simulated, simulated.here():
        diagnosis = doctor.examine(Site(os.environ, clock.monotonic, "GenuineIntel", pause=clock.advance), clock)
    bundle = instruments.bundle(diagnosis)
    for command in powercap.OPEN_STEP.splitlines():
        assert f"    {command}" in bundle["text/plain"].splitlines()
    assert max(map(len, bundle["text/plain"].splitlines())) <= 80
    assert "chgrp energy" in bundle["text/html"]


def test_a_board_without_its_driver_is_told_and_not_touched(clock, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setattr(nvml, "present", lambda: False)
    board = SysTree(tmp_path, clock)
    site = Site({}, clock.monotonic, sys=board.root)
    assert nvml.find(site) == Found()
    board.put("bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    board.put("bus/pci/devices/0000:01:00.0/class", "0x030200\n")
    [missing] = nvml.find(site).missing
    assert "driver" in missing.why
    assert "--gpus all" in missing.step
    assert "pynvml" not in sys.modules


def test_html_escapes_what_drivers_say(monkeypatch, clock):
    bad = "<script>alert(1)</script>"
    diagnosis = examine(monkeypatch, clock, Instrument(clock.monotonic, name=bad), missing=[Missing(bad, bad, bad)])
    html = instruments.html(diagnosis)
    assert "<script" not in html
    assert "<b>test" not in html
    assert html.count("&lt;script&gt;") >= 3


def test_a_run_in_progress_is_not_disturbed(clock):
    trace = steady(60) + square(0, 200, 0.7)
    with machine.gpu_box(gpu=trace, clock=clock) as simulated, simulated.here():
        tracker = Tracker(meters.find, clock, os.environ, threaded=False)
        tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
        t0 = clock.monotonic()
        clock.advance(2.0)
        doctor.examine(Site(os.environ, clock.monotonic, cpu_model.cpuinfo(), pause=clock.advance), clock)
        clock.advance(2.0)
        run = tracker.end(tracking, "done")
        assert tracker.active == []
        seconds = run.duration_s
        truth = simulated.total(t0, t0 + seconds)
        assert run.energy_j == pytest.approx(truth, rel=0.02)
        assert run.notes == ()


# ---- the command ----


def test_the_command_shows_it_without_a_run_and_starts_nothing(shell, capsys):
    before, runs = threading.active_count(), carbon_magic.session().runs
    shell.run_line_magic("carbon", "meters")
    out = capsys.readouterr().out
    assert "Counted in the total" in out
    assert "Missing, and what would open it" in out
    assert threading.active_count() == before
    assert process.current().tracker.active == []
    assert carbon_magic.session().runs == runs
    shell.run_line_magic("carbon", "help")
    assert "%carbon meters" in capsys.readouterr().out


def test_inside_a_tracked_cell_it_leaves_the_run_as_it_is(shell, capsys):
    shell.run_cell("%%carbon -n doctor\nget_ipython().run_line_magic('carbon', 'meters')")
    assert "Counted in the total" in capsys.readouterr().out
    run = carbon_magic.last
    assert (run.name, run.state) == ("doctor", "done")
    assert run.energy_j > 0
    assert not any("no reading" in note or "lost" in note for note in run.notes)


def test_the_command_takes_no_words(shell):
    with pytest.raises(UsageError, match="takes no arguments"):
        shell.run_line_magic("carbon", "meters now")
