"""Meters on the network: right where they answer, silent where they do not, and never in anybody's way."""

import gc
import itertools
import os
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import bursts, ramp, square, steady, step
from machine.plugs import Plug
from tries import tried, until

from carbon_magic import config, grid, process, units
from carbon_magic.clock import SystemClock
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import external, survey, with_wall
from carbon_magic.meters.external import wall_meter
from carbon_magic.meters.external.prometheus import METRICS, query_for, unit_of
from carbon_magic.meters.external.sample import Follower, Sample
from carbon_magic.meters.site import Site
from carbon_magic.report import bundle
from carbon_magic.run import Run
from carbon_magic.tracker import Tracker

PERIOD_S = 0.05


def found(url, **environ):
    return list(external.find(Site({"CARBON_MAGIC_WALL": url, **environ}, time.monotonic)).meters)


@contextmanager
def meter_of(url, period_s=PERIOD_S, **environ):
    [meter] = found(url, **environ)
    quicken(meter, period_s)
    try:
        yield meter
    finally:
        meter.close()


def quicken(meter, period_s=PERIOD_S):
    """A plug asked every second makes slow tests; the same code at another pace."""
    meter._period_s = period_s
    meter._follower = Follower(period_s, meter.max_w)
    meter._follower._horizon_s = 1.0  # a busy test machine answers late
    meter.tick_s = period_s


def heard(meter):
    meter.read()
    return meter.unheard() is None


def run_of(seconds, *meters, during=lambda: None):
    """A tracked block with these meters and no others; with its true edges."""
    tracker = Tracker(lambda *_: meters, SystemClock())
    tracking = tracker.begin(Label("test", None, {}, "project", "host"), Settings(), grid.intensity("FR"))
    t0 = time.monotonic()
    during()
    time.sleep(seconds)
    t1 = time.monotonic()
    run = tracker.end(tracking, "done")
    tracker.close()
    return run, t0, t1, time.monotonic() - t1


def test_a_projects_file_does_not_make_this_machine_ask_addresses(tmp_path, monkeypatch):
    (tmp_path / "carbon_magic.toml").write_text('wall = "shelly://10.0.0.1"\nplace = "FR"\n')
    monkeypatch.chdir(tmp_path)
    settings, problems = config.current({}, {})
    assert settings.wall is None
    assert settings.place == "FR"
    assert any("wall: not a project's to set" in problem for problem in problems)


def test_nothing_is_asked_or_imported_where_nothing_is_configured(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a socket was opened"))
    before = threading.active_count()
    assert external.find(Site({}, time.monotonic)).meters == ()
    assert all(not meter.remote for meter in survey(Site(with_wall({}, None), time.monotonic)).meters)
    assert threading.active_count() == before


def test_a_meter_that_is_found_is_not_asked_before_it_is_read():
    with Plug("shelly", steady(60)) as plug:
        found(plug.url)
        time.sleep(0.05)
        assert plug.asked == []


# Figures


TRACES = {
    "steady": steady(120),
    "step": step(0.8, 60, 200),
    "ramp": ramp(0, 2, 40, 240),
    "square": square(60, 200, 0.7),
    "bursts": bursts(60, 240, 0.4, width_s=0.1),
}


@tried(3)
def test_a_run_holds_what_was_used_at_the_wall():
    """Each protocol with each trace, all in one run; a gain that is not 1 lies in the range."""
    with ExitStack() as opened:
        plugs, meters = {}, []
        for kind, trace in itertools.product(("shelly", "tasmota", "redfish"), TRACES):
            plug = opened.enter_context(Plug(kind, TRACES[trace], gain=1.01, metrics=("new",)))
            meter = opened.enter_context(meter_of(f"{plug.url}?name={kind}-{trace}", 0.1))
            plugs[meter.name], meters = plug, [*meters, meter]
        run, t0, t1, _ = run_of(2.0, *meters)
        assert {device.name for device in run.others} == set(plugs)
        for device in run.others:
            truth = plugs[device.name].joules(t0, t1)
            assert device.energy_j == pytest.approx(truth, rel=0.2), device
            low, high = device.energy_j_range
            assert low * 0.9 <= truth <= high * 1.1, device  # answers come late where two cores do all the work
            assert device.scope == "wall"
            assert device.method == ("polled" if device.name.startswith("redfish") else "counter")
        assert run.devices == ()
        assert run.notes == ()


@tried(3)
def test_it_is_shown_beside_the_devices_with_the_difference():
    with (
        Plug("shelly", steady(180)) as plug,
        meter_of(plug.url) as wall,
        Plug("redfish", steady(100)) as inner,
        meter_of(inner.url) as part,
    ):
        part.counted, part.scope, part.name = True, "device", "CPU 0"
        until(lambda: heard(wall) and heard(part))
        run, *_ = run_of(1.0, part, wall)
        more = run.others[0].energy_j - run.energy_j
        assert more == pytest.approx(80, rel=0.15)
        shown = bundle(Run.from_dict(run.to_dict()))
        for text in (" ".join(shown["text/plain"].split()), " ".join(shown["text/html"].split())):
            told = f"At the wall {units.energy(run.others[0].energy_j)}: {units.energy(more)} more than the devices"
            assert " ".join(f"{told}, board and power supply included.".split()) in text


@tried(3)
def test_a_plug_that_feeds_only_a_part_is_told():
    with (
        Plug("shelly", steady(30)) as plug,
        meter_of(plug.url) as wall,
        Plug("redfish", steady(100)) as inner,
        meter_of(inner.url) as part,
    ):
        part.counted, part.scope = True, "device"
        until(lambda: heard(wall) and heard(part))
        run, *_ = run_of(0.5, part, wall)
        assert "less than the devices, which cannot be" in " ".join(bundle(run)["text/plain"].split())


@tried(3)
def test_a_counter_of_whole_watt_hours_is_right_between_its_ticks():
    """Tasmota's Total moves by 1 Wh: at 36 kW every 0.1 s here, at 200 W every 18 s in life."""
    with Plug("tasmota", square(9_000, 27_000, 0.5)) as plug, meter_of(plug.url, 0.02) as meter:
        until(lambda: heard(meter))
        run, t0, t1, _ = run_of(1.2, meter)
        assert run.others[0].energy_j == pytest.approx(plug.joules(t0, t1), rel=0.15)


@tried(3)
def test_what_the_machine_used_while_nobody_measured_is_not_the_next_runs():
    with Plug("shelly", steady(100)) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))
        meter._asked_s -= 3600  # an hour without a run
        run, t0, t1, _ = run_of(0.8, meter)
        assert run.others[0].energy_j == pytest.approx(plug.joules(t0, t1), rel=0.25)


@tried(3)
def test_a_counter_that_is_reset_is_told_and_filled_in():
    with Plug("shelly", steady(150)) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))
        timer = threading.Timer(0.7, plug.reset)
        run, t0, t1, _ = run_of(1.4, meter, during=timer.start)
        assert any("reset" in note for note in run.notes)
        low, high = run.others[0].energy_j_range
        assert low <= plug.joules(t0, t1) <= high
        assert run.others[0].energy_j == pytest.approx(plug.joules(t0, t1), rel=0.2)


# Trouble


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "HTTP 500"), ("nonsense", "not JSON"), ("shape", "holds no energy"), ("nan", "holds no energy"),
        ("hang up", "the connection broke"), ("redirect", "HTTP 302"),
    ],
)  # fmt: skip
def test_a_device_in_trouble_is_a_note_and_no_figure(fault, words):
    with Plug("shelly", steady(111)) as plug, meter_of(plug.url) as meter:
        plug.fault = fault
        meter.read()
        until(lambda: words in (meter.unheard() or ""))
        run, _, _, after = run_of(0.1, meter)
        assert run.others == ()
        [note] = run.notes
        assert words in note
        assert "127.0.0.1" not in note
        assert after < 1.0


def test_a_slow_plug_delays_nobody():
    with Plug("shelly", steady(60)) as plug, meter_of(plug.url) as meter:
        plug.delay_s = 5.0
        began = time.monotonic()
        run, t0, _, after = run_of(0.1, meter)
        assert t0 - began < 1.0
        assert after < 1.0
        assert run.others == ()
        assert run.notes == ()  # the run was too short to hear of it


def test_a_device_that_drips_or_listens_only_is_given_up(monkeypatch):
    monkeypatch.setattr("carbon_magic.meters.external.fetch.DEADLINE_S", 0.3)
    with Plug("shelly", steady(60)) as plug, meter_of(plug.url) as meter:
        plug.fault = "drip"
        meter.read()
        until(lambda: meter.unheard() == "no answer within 2 s")


def test_a_device_whose_answer_never_begins_is_told(monkeypatch):
    """It drips its head: no part of it is late, the whole never comes."""
    monkeypatch.setattr(wall_meter, "PATIENCE_S", 0.2)
    with Plug("shelly", steady(60)) as plug, meter_of(plug.url) as meter:
        plug.delay_s = 5.0
        run, *_ = run_of(0.4, meter)
        assert run.notes == ("At the wall: no answer within 0.2 s",)


def test_nothing_listens():
    with Plug("shelly", steady(60)) as plug:
        url = plug.url
    with meter_of(url) as meter:
        meter.read()
        until(lambda: meter.unheard() == "nothing listens at its address")
        run, *_ = run_of(0.1, meter)
        assert run.notes == ("At the wall: nothing listens at its address",)


@tried(3)
def test_a_plug_that_goes_is_missed_and_counted_again_when_it_is_back(monkeypatch):
    monkeypatch.setattr(wall_meter, "PATIENCE_S", 0.3)
    with Plug("shelly", steady(100)) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))

        def fail():
            plug.fault = "500"
            threading.Timer(1.2, setattr, (plug, "fault", "")).start()

        run, t0, t1, _ = run_of(2.6, meter, during=fail)
        assert any("gave no reading" in note for note in run.notes)
        assert run.others[0].energy_j == pytest.approx(plug.joules(t0, t1), rel=0.15)


def test_the_thread_rests_when_nobody_reads_and_ends_when_closed(monkeypatch):
    monkeypatch.setattr(wall_meter, "UNASKED_S", 0.3)
    with Plug("shelly", steady(60)) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))
        thread = meter._thread
        until(lambda: not meter._wanted())

        def rests():
            before = len(plug.asked)
            time.sleep(6 * PERIOD_S)
            return len(plug.asked) == before

        until(rests, 10.0)
        count = len(plug.asked)
        meter.read()
        until(lambda: len(plug.asked) > count)
        meter.close()
        thread.join(2.0)
        assert not thread.is_alive()


def test_a_hundred_runs_leak_no_thread_and_no_socket():
    with Plug("shelly", steady(60)) as plug:
        with meter_of(plug.url) as meter:
            until(lambda: heard(meter))
            run_of(0.0, meter)
        gc.collect()
        threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
        for _ in range(100):
            [meter] = found(plug.url)
            quicken(meter)
            run_of(0.0, meter)
            meter.close()
            if meter._thread is not None:
                meter._thread.join(2.0)
        gc.collect()
        until(lambda: threading.active_count() <= threads + 1)
        until(lambda: len(os.listdir("/proc/self/fd")) <= files + 2)


def test_the_setting_may_change_between_two_runs():
    def names(now):
        wanted = now.wanted("run", None, {}, {"quiet": True})
        tracking = now.begin(wanted)
        time.sleep(0.1)
        now.end(tracking, "done")
        return [o.meter.name for o in tracking.machine.odometers if o.meter.remote]

    with Plug("shelly", steady(60)) as plug:
        environ = dict(os.environ)
        now = process.Process(environ)
        try:
            assert names(now) == []
            environ["CARBON_MAGIC_WALL"] = f"{plug.url}?name=Plug"
            assert names(now) == ["Plug"]
            assert names(now) == ["Plug"]
            del environ["CARBON_MAGIC_WALL"]
            assert names(now) == []
        finally:
            now.tracker.close()


# Redfish and Prometheus


@pytest.mark.parametrize("metrics", [("new",), ()])
def test_redfish_finds_the_chassis_that_tells_its_power_and_keeps_to_it(metrics):
    with Plug("redfish", steady(250), metrics=metrics) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))
        count = len(plug.asked)
        until(lambda: len(plug.asked) > count + 2)
        assert len(set(plug.asked[count:])) == 1
        assert meter._follower._watts == 250


@pytest.mark.parametrize(
    ("metric", "scope", "method"),
    [
        ("kepler_platform_watts", "wall", "polled"),
        ("ceems_ipmi_dcmi_power_current_watts", "wall", "polled"),
        ("scaph_host_energy_microjoules", "device", "counter"),
        ("kepler_node_cpu_joules_total", "device", "counter"),
        ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "device", "counter"),
    ],
)
@tried(3)
def test_known_exporters_are_found_by_their_metrics(metric, scope, method):
    with Plug("prometheus", steady(300), metrics=(metric,)) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))
        run, t0, t1, _ = run_of(0.8, meter)
        [device] = run.others
        assert device.energy_j == pytest.approx(plug.joules(t0, t1), rel=0.15)
        assert (device.scope, device.method) == (scope, method)
        assert device.source.startswith("Prometheus: ")
        assert ("At the wall (Prometheus)" in bundle(run)["text/plain"]) == (scope == "wall")


def test_a_query_of_ones_own_and_its_troubles():
    with Plug("prometheus", steady(300), metrics=("my_rack_watts",)) as plug:
        with meter_of(f"{plug.url}?query=sum(my_rack_watts)") as meter:
            until(lambda: heard(meter))
            assert meter._follower._watts == 300
        with meter_of(f"{plug.url}?query=other_watts") as meter:
            meter.read()
            until(lambda: meter.unheard() == "its query has no result now")
        with meter_of(plug.url) as meter:
            meter.read()
            until(lambda: "knows no metric" in (meter.unheard() or ""))
        plug.metrics = ("my_rack_watts", "my_rack_watts_b")
        with meter_of(f"{plug.url}?query=my_rack_watts or my_rack_watts_b") as meter:
            meter.read()
            until(lambda: "2 results" in (meter.unheard() or ""))


def test_units_by_name():
    assert unit_of("rate(node_rapl_package_joules_total[1m])") == "J"
    assert unit_of("x_microwatts") == "uW"
    assert unit_of("up") is None
    assert all(unit_of(metric.name) == metric.unit for metric in METRICS)


def test_a_machines_name_in_a_query_is_data():
    query = query_for(METRICS[0], 'a.b"} or up{x="')
    assert '"} or up{x="' not in query.replace('\\"', "")


# From answers to joules


@given(st.data())
def test_joules_never_go_back_and_lie_between_what_is_possible(data):
    """Whatever the answers' spacing, the counter's coarseness and when it is looked at: within a quantum of the truth."""
    power = data.draw(
        st.lists(st.floats(10, 500), min_size=2, max_size=12), label="watts, constant between the answers"
    )
    quantum = data.draw(st.sampled_from([0.0, 3.6, 100.0, 3600.0]), label="resolution")
    tells_watts = data.draw(st.booleans(), label="tells watts too") or quantum > 10  # Prometheus has the fine ones
    gaps = data.draw(st.lists(st.floats(0.2, 3.0), min_size=len(power), max_size=len(power)), label="gaps")
    follower, t, truth, shown = Follower(1.0, 30_000.0), 0.0, 0.0, []
    follower.pause(0.0)
    for watts, gap in zip(power, gaps, strict=True):
        t, truth = t + gap, truth + watts * gap
        counted = 7e6 + (truth // quantum * quantum if quantum else truth)
        follower.add(t, Sample(watts if tells_watts else None, counted))
        shown += [follower.at(t), follower.at(t + 0.1)]
    assert shown == sorted(shown)
    assert follower.at(t) <= sum(gaps) * max(power) + 20 * quantum + 3 * max(power) + 1e-6
    if tells_watts and not quantum:
        assert follower.at(t) >= truth - power[0] * gaps[0] - max(power) * max(gaps)


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0, 1000)), min_size=2, max_size=20))
def test_power_alone_is_summed_by_trapezoids(answers):
    follower, t, expected, before = Follower(10.0, 30_000.0), 0.0, 0.0, None
    follower.pause(0.0)
    low = high = 0.0
    for gap, watts in answers:
        first = watts if before is None else before
        expected += gap * (first + watts) / 2
        low, high = low + gap * min(first, watts), high + gap * max(first, watts)
        t, before = t + gap, watts
        follower.add(t, Sample(watts))
    assert follower.at(t) == pytest.approx(expected)
    assert follower.at(t) - follower.slack_low_j == pytest.approx(low, abs=1e-6)
    assert follower.at(t) + follower.slack_high_j == pytest.approx(high, abs=1e-6)
