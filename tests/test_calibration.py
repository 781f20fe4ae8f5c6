"""What a host's quiet minute told: kept per host, read back as it was, and never believed when it is damaged."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import calibration, meters
from carbon_magic.calibration import Calibration, Host, Watts
from carbon_magic.meters.site import Site

CPUINFO = "processor : 0\nmodel name\t: Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz\nflags : fpu\n"
HOST = Host("a" * 24, "Some CPU")
KNOWN = Calibration(
    HOST,
    1.75e9,
    60.0,
    {"CPU 0": Watts(21.0, 19.9, 22.1), "GPU 0 NVIDIA A100": Watts(53.0, 49.0, 57.0)},
    ((0.0, 21.0), (0.5, 60.0), (1.0, 85.0)),
    (0.9, 1.12),
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
        and [load for load, _ in found.cpu_curve] == sorted({load for load, _ in found.cpu_curve})
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_calibration_is_none(tmp_path, content):
    (tmp_path / f"{HOST.id}.json").write_bytes(content)
    assert calibration.load(HOST, {calibration.VARIABLE: str(tmp_path)}) is None
