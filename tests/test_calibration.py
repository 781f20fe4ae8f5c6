"""What a host's quiet minute told: kept per host, read back as it was, and never believed when it is damaged."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError
from kernels import kernel
from machine import InjectedClock, steady
from machine.plugs import Plug

from carbon_magic import calibrating, calibration, data, meters
from carbon_magic.calibrating import Bench, BusyError, Measured, Work
from carbon_magic.calibration import Calibration, Host, Point, Watts
from carbon_magic.device import Device
from carbon_magic.meters.meter import Meter
from carbon_magic.meters.power_curve import of_tdp
from carbon_magic.meters.processor import curve_of
from carbon_magic.meters.site import Found, Site

CPUINFO = "processor : 0\nmodel name\t: Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz\nflags : fpu\n"
HOST = Host("a" * 24, "Some CPU")
KNOWN = Calibration(
    HOST,
    1.75e9,
    60.0,
    {"CPU 0": Watts(21.0, 19.9, 22.1), "GPU 0 NVIDIA A100": Watts(53.0, 49.0, 57.0)},
    (Point(0.0, 21.0, 20.0, 22.0), Point(0.5, 60.0, 30.0, 80.0), Point(1.0, 85.0, 80.0, 90.0)),
    "RAPL",
)


def machine(tmp_path, name, machine_id):
    root = tmp_path / name
    (root / "etc").mkdir(parents=True)
    (root / "etc/machine-id").write_text(machine_id + "\n")
    return root


def test_it_comes_back_as_it_was(tmp_path):
    environ = {calibration.VARIABLE: str(tmp_path / "new" / "folder")}
    assert calibration.load(HOST, environ) is None
    calibration.save(KNOWN, environ)
    assert calibration.load(HOST, environ) == KNOWN
    assert calibration.idle_w("CPU 0", HOST, environ) == Watts(21.0, 19.9, 22.1)
    assert calibration.idle_w("CPU 1", HOST, environ) is None
    calibration.save(replace(KNOWN, seconds=30.0), environ)
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == [f"{HOST.id}.json"]
    assert calibration.load(HOST, environ).seconds == 30.0


def test_meters_know_what_they_draw_at_rest(tmp_path):
    root = machine(tmp_path, "here", "3" * 32)
    environ = {calibration.VARIABLE: str(tmp_path), "CARBON_MAGIC_POWERCAP": str(tmp_path / "none")}
    site = Site(environ, time.monotonic, CPUINFO, root / "sys")
    before = {meter.name: meter.idle_w for meter in meters.survey(site).meters}
    assert set(before) >= {"RAM"}
    here = calibration.this_host(CPUINFO, root)
    calibration.save(replace(KNOWN, host=here, idle={"RAM": Watts(3.0, 2.0, 4.0)}, cpu_curve=()), environ)
    after = {meter.name: meter.idle_w for meter in meters.survey(site).meters}
    assert after == before | {"RAM": 3.0}


def test_hosts_that_share_a_home_do_not_share_figures(tmp_path):
    a, b = machine(tmp_path, "a", "1" * 32), machine(tmp_path, "b", "2" * 32)
    environ = {calibration.VARIABLE: str(tmp_path)}
    here = calibration.this_host(CPUINFO, a)
    assert here == calibration.this_host(CPUINFO, a)
    assert here.cpu == "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"
    assert "1" * 32 not in here.id
    others = (calibration.this_host(CPUINFO, b), calibration.this_host(CPUINFO.replace("2620", "2630"), a))
    calibration.save(replace(KNOWN, host=here), environ)
    assert calibration.load(here, environ) is not None
    assert all(calibration.load(other, environ) is None for other in others)


@pytest.mark.parametrize("chosen", [None, "", " ", "/some/where"])
def test_the_folder_is_the_platforms(monkeypatch, chosen):
    monkeypatch.delenv(calibration.VARIABLE)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if chosen is not None:
        monkeypatch.setenv("XDG_DATA_HOME", chosen)
    import platformdirs

    assert calibration.folder() == platformdirs.user_data_path("carbon_magic", appauthor=False) / "calibration"


def test_a_host_without_an_id_has_its_name(tmp_path):
    assert calibration.this_host("", tmp_path) == calibration.this_host("", tmp_path)
    assert calibration.this_host("", tmp_path).cpu == "unknown CPU"


@given(st.data())
def test_a_file_that_was_tampered_with_is_no_calibration_or_a_sound_one(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("tampered")
    environ = {calibration.VARIABLE: str(folder)}
    path = calibration.save(KNOWN, environ)
    d = json.loads(path.read_text())
    junk = st.sampled_from(
        [None, -1.0, "x", [], {}, [[0, 1]], [[1, 5], [0, 5]], {"CPU 0": [1]}, float("nan"), 1e400, [0, 0, 0]]
    )
    d[data.draw(st.sampled_from(sorted(d)))] = data.draw(junk)
    path.write_text(json.dumps(d))
    found = calibration.load(HOST, environ)
    assert found is None or (
        all(w.watts >= 0 for w in found.idle.values())
        and [p.load for p in found.cpu_curve] == sorted({p.load for p in found.cpu_curve})
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_calibration_is_none(tmp_path, content):
    (tmp_path / f"{HOST.id}.json").write_bytes(content)
    assert calibration.load(HOST, {calibration.VARIABLE: str(tmp_path)}) is None


# Measuring


class Twin(Meter):
    """A meter of a machine whose power depends on its load."""

    def __init__(self, name, watts, machine, kind="cpu", scope="device", gain=(0.95, 1.05)):
        self.name, self.kind, self.scope, self.gain = name, kind, scope, gain
        self.source, self.method, self.group, self.max_w = "a twin", "counter", name, 5000.0
        self.counted = scope == "device"
        self._watts, self._machine, self._joules, self._seen = watts, machine, 0.0, machine.clock.monotonic()

    def read(self):
        now = self._machine.clock.monotonic()
        self._joules += self._watts(self._machine.load) * (now - self._seen)
        self._seen = now
        return self._joules


class Twins:
    """A machine of 8 CPUs: `load` is theirs, and moves with the work that is spread over them."""

    cpus = 8

    def __init__(self):
        self.clock, self.load = InjectedClock(), 0.0
        self._busy, self._total, self._seen = 0.0, 0.0, self.clock.monotonic()

    def cpu_times(self):
        seconds = self.clock.monotonic() - self._seen
        self._seen += seconds
        self._busy, self._total = self._busy + self.cpus * self.load * seconds, self._total + self.cpus * seconds
        return self._busy, self._total

    def cpu_w(self, load):
        return 22 + 80 * load**0.8

    def wall_w(self, load):
        return 55 + self.cpu_w(load) / 0.78

    def bench(self, *meters):
        return Bench(meters, self.cpu_times, self.cpus, self.clock)

    def measured(self, *meters, loads=()):
        bench = self.bench(*meters)
        bench.listen()
        rest, rest_s = bench.rest(60.0, lambda _: None)
        told = []
        for self.load in loads:
            told.append(bench.load(5.0, lambda _: None))
        self.load = 0.0
        return Measured(rest, rest_s, tuple(told))


MODEL = of_tdp(95.0, (1.0, 1.0), "the TDP of a twin")
AT_WORK = (0.25, 0.5, 0.75, 1.0)


def test_a_quiet_minute_tells_every_device():
    twins = Twins()
    gpu = Twin("GPU 0", lambda _: 31.0, twins, "gpu", gain=(0.93, 1.07))
    known = calibrating.calibration(HOST, 1.75e9, twins.measured(Twin("CPU 0", twins.cpu_w, twins), gpu), MODEL)
    assert known.seconds == pytest.approx(60)
    assert known.idle["CPU 0"] == pytest.approx((22.0, 20.9, 23.1), rel=1e-3)
    assert known.idle["GPU 0"] == pytest.approx((31.0, 28.8, 33.2), rel=1e-2)


@pytest.mark.parametrize("loads", [(), AT_WORK])
@pytest.mark.parametrize(
    ("name", "scope", "source"),
    [("CPU 0", "device", "its own counters"), ("At the wall", "wall", "a meter at the wall")],
)
def test_the_processors_curve_holds_the_truth_and_is_narrower_than_the_model(name, scope, source, loads):
    twins = Twins()
    watts = twins.cpu_w if scope == "device" else twins.wall_w
    known = calibrating.calibration(
        HOST, 1.75e9, twins.measured(Twin(name, watts, twins, scope=scope), loads=loads), MODEL
    )
    assert known.cpu_source == source
    curve = curve_of("", 8, known)
    for load in (0.0, 0.25, 0.5, 0.75, 1.0):
        told, low, high = curve.at(load)
        assert low <= twins.cpu_w(load) <= high
        assert low <= told <= high
        if scope == "device" or (loads and load > 0):  # of a whole machine's rest the processors' part is the model's
            _, model_low, model_high = MODEL.at(load)
            assert high / low <= model_high / model_low * (1 + 1e-9)
    assert (curve.at(0.0)[0] == pytest.approx(22, rel=0.01)) == (scope == "device")
    if loads:
        told, low, high = curve.at(1.0)
        assert told == pytest.approx(twins.cpu_w(1.0), rel=0.1)
        assert high / low < (1.4 if scope == "device" else 2)  # the model's: 3.7
    calibration.save(known, {calibration.VARIABLE: os.environ["CARBON_MAGIC_CALIBRATION"]})
    assert calibration.load(HOST) == known


def test_what_a_curve_of_some_busy_cores_says_of_other_loads_is_what_was_measured():
    """The range of a measured curve, on the four machines: a curve of five points with some cores busy, all others."""
    machines, tdp_w = {}, {}
    for row in data.rows("cpu_load_power"):
        tdp_w[row["cpu"]] = float(row["tdp_w"])
        patterns = machines.setdefault(row["cpu"], {"some cores": [], "all cores": []})
        patterns[row["pattern"]].append((float(row["load"]), float(row["watts"])))
    inside = []
    for cpu, patterns in machines.items():
        some = sorted(patterns["some cores"])
        rest, *work = [min(some, key=lambda point, load=load: abs(point[0] - load)) for load in (0.0, *AT_WORK)]

        def device(watts):
            return (Device("CPU 0", "cpu", watts, (watts, watts), "RAPL", "counter"),)

        measured = Measured(device(rest[1]), 1.0, tuple((load, 1.0, device(watts)) for load, watts in work))
        model = of_tdp(tdp_w[cpu], (1.0, 1.0), "")
        curve = curve_of("", 8, calibrating.calibration(HOST, 1.75e9, measured, model))
        for load, watts in (*patterns["all cores"], *(point for point in some if point not in (rest, *work))):
            _, low, high = curve.at(load)
            inside.append(low <= watts <= high)
    assert len(inside) > 60
    assert sum(inside) / len(inside) >= 0.90


def test_a_machine_without_a_meter_has_nothing_to_calibrate():
    assert Twins().bench().odometers == []
    assert calibrating.calibration(HOST, 1.75e9, Measured((), 60.0), MODEL).cpu_curve == ()


def test_a_busy_machine_is_refused_as_soon_as_it_is_busy():
    twins = Twins()
    bench = twins.bench(Twin("CPU 0", twins.cpu_w, twins))
    bench.listen()
    passed = []

    def progress(seconds):
        passed.append(seconds)
        if sum(passed) > 10:
            twins.load = 0.4

    with pytest.raises(BusyError, match="of its CPUs' time was in use"):
        bench.rest(60.0, progress)
    assert 10 < sum(passed) < 12


def test_work_keeps_cpus_busy_and_leaves_nothing_behind():
    with Work() as work:
        work.spread(2)
        work.spread(2)
        processes = work._processes
        assert len(processes) == 2
        deadline = time.monotonic() + 60
        while any(psutil.Process(p.pid).cpu_times().user < 0.05 for p in processes):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert all(process.poll() is not None for process in processes)


# %carbon calibrate


class Display:
    """Takes what show_bundle would show."""

    def __init__(self, monkeypatch):
        self.shown = []
        monkeypatch.setattr("carbon_magic.screen.show_bundle", lambda _, bundle: self.shown.append(bundle))

    @property
    def text(self):
        return " ".join(self.shown[-1]["text/plain"].split())


@pytest.fixture
def at(monkeypatch):
    """%carbon calibrate on twins, with the display that it writes to."""
    from carbon_magic.commands import calibrate

    twins = Twins()
    cpu = Twin("CPU 0", twins.cpu_w, twins)
    monkeypatch.setattr(calibrate, "SystemClock", lambda: twins.clock)
    monkeypatch.setattr(calibrate, "survey", lambda site: Found([cpu]))
    monkeypatch.setattr("carbon_magic.meters.cpu_time.busy_and_total", twins.cpu_times)
    monkeypatch.setattr("carbon_magic.meters.cpu_time.cpus_shown", lambda: twins.cpus)
    twins.run, twins.display, twins.meter = (lambda *words: calibrate.run(None, words)), Display(monkeypatch), cpu
    return twins


def test_it_measures_stores_and_tells(at, capsys):
    at.run("--seconds", "30")
    assert "CPU 0 22.0 W 21–23 W" in at.display.text
    assert "at rest for 30.0 s" in at.display.text
    assert "its own counters" in at.display.text
    assert "<table" in at.display.shown[-1]["text/html"]
    [file] = Path(os.environ["CARBON_MAGIC_CALIBRATION"]).iterdir()
    assert json.loads(file.read_text())["idle"]["CPU 0"][0] == pytest.approx(22.0, rel=1e-3)
    at.run("--forget")
    assert not file.exists()
    at.run("--forget")
    assert "was not calibrated" in at.display.text


def test_with_load_it_runs_work_and_stops_it(at, monkeypatch):
    spread = []

    def work(self, count):
        spread.append(count)
        at.load = count / at.cpus

    monkeypatch.setattr(Work, "spread", work)
    at.run("--seconds", "5", "--load")
    assert spread == [2, 4, 6, 8]
    assert "102 W" in at.display.text
    assert "at 100% load" in at.display.text


@pytest.mark.parametrize(
    "words", [["--seconds"], ["--seconds", "x"], ["--seconds", "1"], ["60"], ["--forget", "--load"]]
)
def test_words_it_cannot_take(at, words):
    with pytest.raises(UsageError, match="--seconds N"):
        at.run(*words)


def test_it_refuses_politely_when_the_machine_is_busy(at):
    at.load = 0.5
    at.run()
    assert "Not calibrated: this machine is busy (50% of its CPUs' time was in use)" in at.display.text
    assert not Path(os.environ["CARBON_MAGIC_CALIBRATION"]).exists()


def test_an_interrupt_stores_nothing(at, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(at.clock, "sleep", interrupted)
    at.run()
    assert "Interrupted: nothing was stored" in at.display.text
    assert not Path(os.environ["CARBON_MAGIC_CALIBRATION"]).exists()


def test_without_an_instrument_it_says_what_would_be_one(at, monkeypatch):
    from carbon_magic.commands import calibrate

    monkeypatch.setattr(calibrate, "survey", lambda site: Found())
    at.run()
    assert "%carbon meters tells what would open one" in at.display.text


def test_a_folder_that_cannot_be_written_is_told(at, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CARBON_MAGIC_CALIBRATION", str(tmp_path / "file" / "folder"))
    at.run("--seconds", "5")
    assert "Measured, but not stored" in at.display.text


def test_not_while_a_run_is_in_progress(at):
    import carbon_magic

    with carbon_magic.track("busy"), pytest.raises(UsageError, match="while a run is in progress"):
        at.run()


@pytest.mark.kernel
def test_in_a_notebook_the_answer_takes_the_bars_place(tmp_path):
    """What is saved holds no widget. The machine that runs the tests may be busy: it is measured, or politely not."""
    with Plug("shelly", steady(60)) as plug:
        environ = {"CARBON_MAGIC_WALL": plug.url, "CARBON_MAGIC_CALIBRATION": str(tmp_path / "kept")}
        with kernel(**environ) as here:
            here.run("%load_ext carbon_magic")
            reply, outputs = here.run("%carbon calibrate --seconds 5")
    assert reply["status"] == "ok"
    displayed = [(kind, content) for kind, content in outputs if kind in ("display_data", "update_display_data")]
    (first, bar), *_, (last, answer) = displayed
    assert (first, last) == ("display_data", "update_display_data")
    assert bar["transient"]["display_id"] == answer["transient"]["display_id"]
    assert "application/vnd.jupyter.widget-view+json" in bar["data"]
    assert set(answer["data"]) == {"text/plain", "text/html"}
    assert "At the wall" in answer["data"]["text/plain"] or "is busy" in answer["data"]["text/plain"]
    assert [kind for kind, _ in displayed].count("display_data") == 1
    assert not [content for kind, content in outputs if kind in ("stream", "error")]
