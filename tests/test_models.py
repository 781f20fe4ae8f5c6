"""Parts without an instrument: whose watts a model takes, and how far the truth may be from it."""

import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import InjectedClock

from carbon_magic import calibration, data
from carbon_magic.calibration import Calibration, Point, Watts
from carbon_magic.data.build import load_curve
from carbon_magic.meters import cloud_instance, survey
from carbon_magic.meters.allowance import cpus_allowed
from carbon_magic.meters.cloud_instance import Instance
from carbon_magic.meters.cpu_model import CpuModel
from carbon_magic.meters.odometer import Odometer
from carbon_magic.meters.power_curve import of_tdp
from carbon_magic.meters.processor import curve_of
from carbon_magic.meters.ram_model import LAPTOP, SERVER, UNKNOWN, RamModel, memory_of
from carbon_magic.meters.site import Site

MEASURED = load_curve.points(data.rows("cpu_load_power"))
XEON = "model name\t: Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz\nflags\t\t: fpu\n"


def cpuinfo(name="", family=0, model=0, stepping=0, vendor="GenuineIntel", flags="fpu hypervisor"):
    return f"vendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {name}\nstepping\t: {stepping}\nflags\t\t: {flags}\n"


def files(root, **contents):
    for path, text in contents.items():
        file = root / path.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


# The load curve


def test_the_curve_in_the_table_is_the_one_fitted_to_the_measured_points():
    assert len(MEASURED) == 4
    assert sum(map(len, MEASURED.values())) == 86
    fitted = load_curve.fit(MEASURED)
    rows = list(data.rows("cpu_load_curve"))
    for column, figures in zip(("of_tdp", "low", "high"), fitted, strict=True):
        assert [float(row[column]) for row in rows] == pytest.approx(figures, rel=0.01)
    assert [float(row["load"]) for row in rows] == list(load_curve.LOADS)


def test_the_range_holds_nine_tenths_of_what_was_measured_on_a_machine_that_was_left_out(capsys):
    """Curve and range come from three machines, the points from the fourth."""
    held = {}
    for cpu, points in MEASURED.items():
        others = load_curve.fit({other: p for other, p in MEASURED.items() if other != cpu})
        held[cpu] = load_curve.inside(points, others)
    inside = list(itertools.chain.from_iterable(held.values()))
    with capsys.disabled():
        print("\nleaving one CPU out, points inside the range that the other three give:")
        for cpu, points in held.items():
            print(f"  {cpu:45} {sum(points):3} of {len(points)}  {sum(points) / len(points):4.0%}")
        print(f"  {'all':45} {sum(inside):3} of {len(inside)}  {sum(inside) / len(inside):4.0%}")
    assert sum(inside) / len(inside) >= 0.90


def test_the_meter_holds_the_measured_points_in_its_range_and_is_no_wider_than_it_must_be():
    hits, widths = [], []
    for points in MEASURED.values():
        for load, fraction in points:
            _, low, high = of_tdp(1.0, (1.0, 1.0), "").at(load)
            hits.append(low <= fraction <= high)
            widths.append(high / low)
    assert sum(hits) / len(hits) >= 0.90
    assert max(widths) < 6.2  # at rest; at full load 3.8
    assert min(widths) < 3.8


def test_a_fit_finds_the_curve_that_made_the_points():
    made = {
        str(n): [(load / 20, n * of_tdp(1.0, (1, 1), "").at(load / 20)[0]) for load in range(21)] for n in (1, 2, 4)
    }
    fitted = load_curve.fit(made)
    table = [float(row["of_tdp"]) for row in data.rows("cpu_load_curve")]
    assert list(fitted.of_tdp) == pytest.approx([2 * f for f in table], rel=1e-3)  # the geometric mean of 1, 2 and 4


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 500))
def test_more_load_is_more_watts_and_the_figure_lies_in_its_range(a, b, tdp):
    curve = of_tdp(tdp, (0.5, 2.0), "")
    (less, low, high), (more, *_) = curve.at(min(a, b)), curve.at(max(a, b))
    assert low <= less <= high
    assert less <= more * (1 + 1e-9)
    assert curve.at(-1.0) == curve.at(0.0)
    assert curve.at(7.0) == curve.at(1.0)


def test_joules_and_their_range_follow_the_load_at_each_moment():
    clock = InjectedClock()
    busy = total = 0.0

    def times():
        return busy, total

    odometer = Odometer(CpuModel(of_tdp(100.0, (1.0, 1.0), "a test"), times, None, clock.monotonic), clock)
    odometer.restart()
    begin, t0 = odometer.mark(edge=True), clock.monotonic()
    for load in (1.0, 1.0, 0.0):
        clock.advance(10.0)
        busy, total = busy + 40 * load, total + 40
        odometer.update()
    device = odometer.device(begin, odometer.mark(edge=True), t0_s=t0, now_s=clock.monotonic())
    at_rest, full = of_tdp(100.0, (1, 1), "").at(0.0), of_tdp(100.0, (1, 1), "").at(1.0)
    expected = [20 * b + 10 * a for a, b in zip(at_rest, full, strict=True)]
    assert [device.energy_j, *device.energy_j_range] == pytest.approx(expected)
    assert device.idle_w == pytest.approx(12.1)


# Whose watts


def test_a_busy_machine_that_takes_its_time_to_tell_the_load_is_no_jump():
    """Others have their turn while the kernel is asked: the reading comes back late, and is of when it began."""
    clock, late_s = InjectedClock(), 0.0

    def times():
        clock.advance(0.000005 + late_s)
        return clock.monotonic(), 2 * clock.monotonic()

    odometer = Odometer(CpuModel(of_tdp(65.0, (1.0, 1.0), "a test"), times, None, clock.monotonic, 2), clock)
    odometer.restart()
    for late_s in (0.0, 0.0, 0.06, 0.0):  # noqa: B007 - times() looks at it
        clock.advance(0.001)
        odometer.update()
    assert odometer.events == []
    assert odometer.answering


def test_a_machine_of_its_own_has_its_whole_tdp(tmp_path):
    whole = curve_of(XEON, 12, None, tmp_path)
    assert whole.watts[-1] == pytest.approx(85 * 0.722)
    assert "the TDP of" in whole.basis


def test_two_sockets_are_twice_one(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 24)
    for cpu in range(24):
        files(tmp_path, **{f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id": str(cpu % 2)})
    assert curve_of(XEON, 24, None, tmp_path).watts[-1] == pytest.approx(2 * 85 * 0.722)


def test_a_guest_with_2_of_12_threads_does_not_own_the_socket(tmp_path):
    guest = curve_of(XEON.replace("fpu", "fpu hypervisor"), 2, None, tmp_path)
    assert guest.watts[-1] == pytest.approx(85 * 0.722 / 6)
    assert "2 virtual CPUs" in guest.basis


def test_a_container_that_is_shown_2_cpus_has_the_watts_of_2(tmp_path):
    assert curve_of(XEON, 2, None, tmp_path).watts[-1] == pytest.approx(85 * 0.722 / 6)
    off = files(tmp_path, sys__devices__system__cpu__smt__active="0\n")
    assert curve_of(XEON, 6, None, off).watts[-1] == pytest.approx(85 * 0.722)  # all of it: threads are switched off


def test_an_unknown_processor_is_a_guess_by_threads_and_says_so(tmp_path):
    guess = curve_of("model name : Some CPU\n", 8, None, tmp_path)
    assert guess.watts[-1] == pytest.approx(32 * 0.722)
    assert guess.low_w[-1] / guess.watts[-1] < 0.37
    assert guess.high_w[-1] / guess.watts[-1] > 2.9
    assert any("not known" in note for note in guess.notes)


# Clouds


EC2 = {"sys__class__dmi__id__sys_vendor": "Amazon EC2\n"}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (EC2 | {"sys__class__dmi__id__product_name": "m5.xlarge\n"}, Instance("aws", "m5.xlarge")),
        (EC2 | {"sys__class__dmi__id__product_name": "HVM domU\n"}, Instance("aws", "")),
        ({"sys__class__dmi__id__product_name": "Google Compute Engine\n"}, Instance("gcp", "")),
        ({"run__cloud-init__instance-data.json": json.dumps({"v1": {"cloud_name": "aws"}, "ds": {"meta_data": {"instance-type": "c6i.2xlarge"}}})}, Instance("aws", "c6i.2xlarge")),
        ({"run__cloud-init__instance-data.json": json.dumps({"v1": {"cloud_name": "azure"}, "ds": {"meta_data": {"imds": {"compute": {"vmSize": "Standard_D2s_v3"}}}}})}, Instance("azure", "Standard_D2s_v3")),
        ({"run__cloud-init__instance-data.json": json.dumps({"v1": {"cloud_name": "gce"}, "ds": {"meta_data": {"machine-type": "projects/7/machineTypes/n2d-standard-8"}}})}, Instance("gcp", "n2d-standard-8")),
        ({"sys__class__dmi__id__sys_vendor": "Microsoft Corporation", "sys__class__dmi__id__chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77\n"}, Instance("azure", "")),
        ({"sys__class__dmi__id__sys_vendor": "Microsoft Corporation"}, Instance("", "")),
        ({"run__cloud-init__instance-data.json": "[1, 2"}, Instance("", "")),
        ({"run__cloud-init__instance-data.json": '{"v1": [], "ds": {"meta_data": 7}}'}, Instance("", "")),
        ({}, Instance("", "")),
    ],
)  # fmt: skip
def test_an_instance_is_known_without_a_network(tmp_path, contents, expected):
    assert cloud_instance.find(files(tmp_path, **contents)) == expected


def test_an_instance_known_by_name_has_its_own_figures(tmp_path):
    root = files(tmp_path, **EC2, sys__class__dmi__id__product_name="m6g.2xlarge")
    graviton = curve_of("processor : 0\nCPU part : 0xd0c\n", 8, None, root)
    assert graviton.watts == pytest.approx((8 * 0.4743, 8 * 1.693))
    assert "AWS m6g.2xlarge (Graviton2)" in graviton.basis
    assert graviton.contains == ("dram",)
    assert any("power supply" in note for note in graviton.notes)


def test_a_cloud_that_does_not_tell_the_type_is_known_by_its_processor(tmp_path):
    root = files(tmp_path, sys__class__dmi__id__product_name="Google Compute Engine")
    named = curve_of(cpuinfo("Intel(R) Xeon(R) CPU @ 2.20GHz", 6, 79), 4, None, root)
    assert named.watts == pytest.approx((4 * 0.7128, 4 * 3.6853))
    assert "Broadwell" in named.basis


@pytest.mark.parametrize(
    ("family", "model", "stepping", "vendor", "name"),
    [
        (6, 85, 4, "GenuineIntel", "Skylake"),
        (6, 85, 7, "GenuineIntel", "Cascade Lake"),
        (6, 106, 6, "GenuineIntel", "Ice Lake"),
        (6, 207, 2, "GenuineIntel", "Emerald Rapids"),
        (23, 49, 0, "AuthenticAMD", "EPYC 2nd Gen"),
        (25, 1, 1, "AuthenticAMD", "EPYC 3rd Gen"),
        (25, 17, 1, "AuthenticAMD", "EPYC 4th Gen"),
        (26, 2, 1, "AuthenticAMD", ""),
        (6, 42, 7, "GenuineIntel", ""),
    ],
)
def test_microarchitectures_by_number(family, model, stepping, vendor, name):
    assert cloud_instance.microarchitecture(cpuinfo("", family, model, stepping, vendor)) == name
    assert name == "" or data.find("vcpu_power", name) is not None


def test_bare_metal_in_a_cloud_is_a_machine_of_its_own(tmp_path):
    root = files(tmp_path, **EC2, sys__class__dmi__id__product_name="m5.metal")
    assert "the TDP of" in curve_of(XEON, 12, None, root).basis


def test_every_family_has_figures_and_a_source():
    sources = {row["key"] for row in data.rows("sources")}
    known = {row["microarchitecture"] for row in data.rows("vcpu_power")}
    rows = [*data.rows("cloud_families"), *data.rows("vcpu_power"), *data.rows("cpu_load_power")]
    assert {row["source"] for row in rows} <= sources
    assert {row["microarchitecture"] for row in data.rows("cloud_families")} <= known
    for row in data.rows("vcpu_power"):
        assert 0.3 < float(row["idle_w"]) < float(row["full_w"]) / 2 < 5
    assert len([row for row in rows if "family" in row]) > 150


def test_a_cloud_machines_memory_is_in_the_servers_figure_and_not_counted_again(tmp_path):
    root = files(tmp_path, **EC2, sys__class__dmi__id__product_name="m5.xlarge", proc__self__cgroup="")
    site = Site(
        {"CARBON_MAGIC_POWERCAP": str(tmp_path / "none")},
        time.monotonic,
        cpuinfo(family=6, model=85, stepping=7),
        root / "sys",
    )
    assert [m.kind for m in survey(site).meters if m.kind in ("cpu", "dram")] == ["cpu"]


# A calibrated host, memory, and what a container may use


def test_a_calibrated_host_has_its_own_curve(tmp_path):
    host = calibration.this_host(XEON, tmp_path)
    points = (Point(0.0, 20.0, 18.0, 23.0), Point(0.5, 50.0, 45.0, 57.0), Point(1.0, 70.0, 60.0, 80.0))
    known = Calibration(host, 1.75e9, 60.0, {"CPU": Watts(9, 8, 10)}, points, "RAPL")
    curve = curve_of(XEON, 12, known, tmp_path)
    assert curve.at(0.25) == pytest.approx((35.0, 31.5, 40.0))
    assert "calibrated on 2025-06-15 with RAPL" in curve.basis


@pytest.mark.parametrize(
    ("contents", "words", "memory"),
    [
        ({"sys__devices__system__edac__mc__mc0__dimm0__dimm_mem_type": "Registered-DDR4\n"}, "", SERVER),
        ({"sys__devices__system__edac__mc__mc0__dimm0__dimm_mem_type": "Low-Power-DDR4-RAM\n"}, "", LAPTOP),
        ({"sys__class__dmi__id__chassis_type": "10\n"}, "", LAPTOP),
        ({"sys__class__dmi__id__chassis_type": "23\n"}, "", SERVER),
        ({"sys__class__dmi__id__chassis_type": "3\n"}, "model name : AMD Ryzen 9 7950X", UNKNOWN),
        ({}, "model name : Apple M2 Pro", LAPTOP),
        ({}, "flags : fpu hypervisor", SERVER),
        ({}, "", UNKNOWN),
    ],
)
def test_kinds_of_memory(tmp_path, contents, words, memory):
    assert memory_of(words, files(tmp_path, **contents) / "sys") == memory


def test_memory_grows_with_its_size_and_says_what_it_is():
    clock = InjectedClock()
    small, large = (RamModel(size * 10**9, SERVER, clock.monotonic) for size in (16, 256))
    for meter in (small, large):
        meter.read()
    clock.advance(10.0)
    assert large.read() == pytest.approx(16 * small.read())
    assert large.source == "model: 0.2 W for each of 256 GB, server memory"


@pytest.mark.parametrize(
    ("contents", "allowed"),
    [
        ({"proc__self__cgroup": "0::/\n", "sys__fs__cgroup__cpu.max": "200000 100000\n"}, 2.0),
        ({"proc__self__cgroup": "0::/a/b\n", "sys__fs__cgroup__a__cpu.max": "50000 100000", "sys__fs__cgroup__a__b__cpu.max": "max 100000"}, 0.5),
        ({"proc__self__cgroup": "4:cpu,cpuacct:/x\n1:name=systemd:/x\n", "sys__fs__cgroup__cpu__cpu.cfs_quota_us": "150000", "sys__fs__cgroup__cpu__cpu.cfs_period_us": "100000"}, 1.5),
        ({"proc__self__cgroup": "0::/\n", "sys__fs__cgroup__cpu.max": "nonsense"}, 64),
        ({}, 64),
    ],
)  # fmt: skip
def test_what_a_container_may_use(tmp_path, monkeypatch, contents, allowed):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    assert cpus_allowed(files(tmp_path, **contents)) == allowed


def test_a_container_with_a_quota_is_told_whose_watts_these_are(tmp_path, monkeypatch):
    root = files(tmp_path, proc__self__cgroup="0::/\n", **{"sys__fs__cgroup__cpu.max": "50000 100000"})
    site = Site({"CARBON_MAGIC_POWERCAP": str(tmp_path / "none")}, time.monotonic, XEON, root / "sys")
    [cpu] = [meter for meter in survey(site).meters if meter.kind == "cpu"]
    assert any("this process may use 0.5" in note for note in cpu.notes)
