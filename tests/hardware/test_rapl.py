"""The processor's own counters: alive, steady in what they count, dearer under load, and cheap to read."""

import itertools
import os
import statistics
import subprocess
import sys
import time

import pytest

from carbon_magic import grid, meters
from carbon_magic.clock import SystemClock
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import cpu_model, doctor, mirrors, powercap, rapl
from carbon_magic.meters.site import Site
from carbon_magic.tracker import Tracker

SECONDS = 1.5
BUSY = f"import time; end = time.monotonic() + {SECONDS + 1}\nwhile time.monotonic() < end: pass"


@pytest.fixture
def site():
    own = {name: value for name, value in os.environ.items() if not name.startswith("CARBON_MAGIC_")}
    return Site(own, time.monotonic, cpu_model.cpuinfo())


@pytest.fixture
def found(site):
    found = rapl.find(site).meters
    yield found
    for meter in found:
        meter.close()


def track(site, seconds):
    tracker = Tracker(lambda environ, now: rapl.find(site).meters, SystemClock(), dict(os.environ))
    tracking = tracker.begin(Label("hardware", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
    time.sleep(seconds)
    run = tracker.end(tracking, "done")
    tracker.close()
    return run


def packages(run):
    return [device for device in run.devices if device.kind == "cpu"]


def test_every_counter_moves_within_its_tick_and_never_back(found):
    for meter in found:
        seen = [meter.read() for _ in range(200) if not time.sleep(0.001)]
        assert len(set(seen)) > 50, meter.name
        steps = [b - a for a, b in itertools.pairwise(seen)]
        assert sum(step < 0 for step in steps) <= 1, meter.name  # one wrap may fall into it


def test_a_package_draws_what_a_package_can_draw(found, site):
    run = track(site, SECONDS)
    for device in packages(run):
        watts = device.energy_j / run.duration_s
        limit = next(meter.max_w for meter in found if meter.name == device.name)
        assert 0.1 < watts < limit
    assert not any("reset" in note or "impossibl" in note for note in run.notes)


def test_work_costs_more_than_rest(site):
    rest = sum(device.energy_j for device in packages(track(site, SECONDS)))
    workers = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    time.sleep(0.5)
    work = sum(device.energy_j for device in packages(track(site, SECONDS)))
    for worker in workers:
        worker.wait()
    assert work > 1.1 * rest


def test_two_views_of_the_same_seconds_agree(site):
    """Two trackers at once, each with its own edges: within 2 % or each other's range."""
    outer = Tracker(lambda environ, now: rapl.find(site).meters, SystemClock(), dict(os.environ))
    tracking = outer.begin(Label("outer", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
    inner = track(site, SECONDS)
    run = outer.end(tracking, "done")
    outer.close()
    for a, b in zip(packages(inner), packages(run), strict=True):
        assert a.energy_j / inner.duration_s == pytest.approx(b.energy_j / run.duration_s, rel=0.02)


def test_no_two_packages_are_one_register(found):
    counted = [meter for meter in found if meter.kind == "cpu"]
    for i, one in enumerate(counted):
        assert not any(mirrors.mirrored(one, other, time.sleep) for other in counted[i + 1 :])


def test_powercap_and_perf_count_the_same_joules(site):
    """Where both are open: the same registers, so the same energy to half a percent."""
    from carbon_magic.meters import perf

    zones = powercap.find(site, rapl.INTEL_GAIN, package_counters=False).found.meters
    events = perf.find(site, rapl.INTEL_GAIN).meters
    pairs = [(z, e) for z in zones for e in events if z.name == e.name and z.kind == "cpu"]
    first = [(z.read(), e.read()) for z, e in pairs]
    time.sleep(SECONDS)
    second = [(z.read(), e.read()) for z, e in pairs]
    for (a, b), (c, d) in zip(first, second, strict=True):
        if c > a:  # else the zone has wrapped
            assert c - a == pytest.approx(d - b, rel=0.005)
    for event in events:
        event.close()


def test_the_doctor_measures_a_tick_of_about_a_millisecond_and_a_cheap_read(site):
    tried = [one for one in doctor.examine(site, SystemClock()).tried if one.meter.kind == "cpu"]
    assert tried
    assert statistics.median(one.tick_s for one in tried) < 0.01
    assert max(one.read_s for one in tried) < 0.002


def test_the_machine_is_found_with_its_counters_first(site):
    assert meters.survey(site).meters[0].method == "counter"
