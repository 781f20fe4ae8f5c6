"""The processor's counters, by powercap and by perf, each with every fault: right within 5 %, or marked."""

import errno
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import Fault, InjectedClock, SimulatedMachine, Zone, square, steady
from machine.perf import Event, PerfPmu
from machine.sysfs import SysTree

from carbon_magic import grid, meters
from carbon_magic.config import Settings
from carbon_magic.labels import Label
from carbon_magic.meters import mirrors, perf, powercap, rapl
from carbon_magic.meters.meter import Meter
from carbon_magic.meters.site import Site
from carbon_magic.tracker import Tracker

INTEL = "vendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Gold 6230\n"
AMD = "vendor_id\t: AuthenticAMD\nmodel name\t: AMD Ryzen Threadripper 1950X\n"
GUEST = INTEL + "flags\t\t: fpu hypervisor\n"
LOAD = steady(40) + square(0, 50, 0.37)


class Host:
    """A simulated machine with a /sys of its own, and the sites that look at it."""

    def __init__(self, stack, folder):
        self.clock = InjectedClock()
        self.tree = SysTree(folder, self.clock)
        self._stack = stack
        self.zones = None

    def powercap(self, *zones):
        self.zones = self._stack.enter_context(SimulatedMachine(zones, clock=self.clock))
        return self.zones

    def perf(self, events, dies=None, refused=0):
        pmu = PerfPmu(self.tree, events, dies or {0: (0, 0)}, refused)
        self._monkey.setattr(perf, "Kernel", lambda: pmu)
        return pmu

    def site(self, cpuinfo=INTEL):
        environ = {"CARBON_MAGIC_POWERCAP": str(self.zones.root)} if self.zones else {}
        return Site(environ, self.clock.monotonic, cpuinfo, self.tree.root, self.clock.advance)

    def find(self, cpuinfo=INTEL):
        return rapl.find(self.site(cpuinfo))

    def cell(self, seconds, cpuinfo=INTEL, until=None):
        """A tracked cell of this length, looked at 20 times a second."""
        tracker = Tracker(lambda environ, now: meters.survey(self.site(cpuinfo)).meters, self.clock, {}, threaded=False)
        tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
        t0 = self.clock.monotonic()
        while self.clock.monotonic() - t0 < seconds - 1e-9:
            self.clock.advance(0.05)
            tracker.look(tracker.active)
        run = tracker.end(tracking, "done")
        tracker.close()
        return run, self.clock.monotonic() - t0


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(powercap, "_in_container", lambda site: "KUBERNETES_SERVICE_HOST" in site.environ)
    with ExitStack() as stack:
        machine = Host(stack, tmp_path / "sys")
        machine._monkey = monkeypatch
        yield machine


def of(run, kind):
    return sum(device.energy_j for device in run.devices if device.kind == kind)


def package(trace=LOAD, n=0, label=None, **more):
    return Zone(f"intel-rapl:{n}", label or f"package-{n}", trace, 150, start_j=4_321.5 + 777 * n, **more)


# ---- powercap ----


MATRIX = {
    "sound": (),
    "one read fails": (Fault("io_error", at=2.0, until=2.06),),
    "no reading for a second": (Fault("io_error", at=2.0, until=3.0),),
    "vanishes and comes back": (Fault("vanish", at=2.0, until=3.0),),
    "closed for a while": (Fault("denied", at=2.0, until=3.0),),
    "nonsense once": (Fault("garbage", at=2.0, until=2.06),),
    "range unreadable": (Fault("no_range"),),
    "stands still, then shows it": (Fault("stuck", at=1.0, until=4.0),),
    "reset": (Fault("reset", at=3.0),),
    "impossible jump": (Fault("jump", at=3.0, joules=1e6),),
    "gone for good": (Fault("vanish", at=5.0),),
    "closed for good": (Fault("denied", at=5.0),),
}
MARKED = {"reset", "impossible jump", "gone for good", "closed for good"}


@pytest.mark.parametrize(("name", "faults"), MATRIX.items(), ids=list(MATRIX))
def test_whatever_happens_the_figure_is_right_or_marked(host, name, faults):
    simulated = host.powercap(package(faults=faults))
    run, seconds = host.cell(8.0)
    truth = simulated.joules("package-0", host.clock.monotonic() - seconds, host.clock.monotonic())
    [cpu] = [device for device in run.devices if device.kind == "cpu"]
    assert cpu.method == "counter"
    assert cpu.energy_j_range[0] <= truth <= cpu.energy_j_range[1]
    if name in MARKED:
        assert cpu.notes
    else:
        assert cpu.energy_j == pytest.approx(truth, rel=0.05)


def test_a_counter_wraps_between_any_two_reads(host):
    host.powercap(package(range_j=150.0))
    run, seconds = host.cell(10.0)
    assert of(run, "cpu") == pytest.approx(LOAD.joules(host.zones.now() - seconds, host.zones.now()), rel=0.01)


def test_amd_without_a_readable_range_wraps_at_zen_s_32_bits(host):
    zone = Zone("intel-rapl:0", "package-0", steady(90), quantum_nj=15_258, range_j=65_532.6, start_j=65_500.0,
                faults=(Fault("no_range"),))  # fmt: skip
    host.powercap(zone)
    run, seconds = host.cell(4.0, AMD)
    assert of(run, "cpu") == pytest.approx(90 * seconds, rel=0.01)
    assert not any("reset" in note for note in run.notes)


def test_the_zone_s_own_limits_tell_a_reset_from_a_wrap(host):
    host.powercap(package(steady(20), range_j=1000.0, faults=(Fault("reset", at=3.0),)))
    [meter] = host.find().meters
    assert meter.max_w == 300  # twice its 150 W
    run, seconds = host.cell(8.0)
    assert of(run, "cpu") == pytest.approx(20 * seconds, rel=0.05)
    assert any("reset" in note for note in run.notes)


def test_psys_stands_beside_and_the_mmio_twin_nowhere(host):
    host.powercap(
        package(),
        Zone("intel-rapl:1", "psys", LOAD + steady(30)),
        Zone("intel-rapl-mmio:0", "package-0", LOAD, 150, start_j=4_321.5),
    )
    run, seconds = host.cell(3.0)
    truth = LOAD.joules(host.zones.now() - seconds, host.zones.now())
    assert of(run, "cpu") == pytest.approx(truth, rel=0.01)
    [psys] = run.others
    assert (psys.kind, psys.scope) == ("platform", "platform")
    assert psys.energy_j > truth


@pytest.mark.parametrize("offset_j", [0.0, 1234.5], ids=["the same value", "the same steps"])
def test_mirrored_zones_are_counted_once(host, offset_j):
    zones = [Zone(f"intel-rapl:{i}", f"package-0-die-{i}", LOAD, 150, start_j=500 + i * offset_j) for i in range(2)]
    host.powercap(*zones)
    run, seconds = host.cell(3.0)
    assert of(run, "cpu") == pytest.approx(LOAD.joules(host.zones.now() - seconds, host.zones.now()), rel=0.01)
    assert any("shows the same counter" in note for note in run.notes)


def test_two_zones_of_other_names_with_one_register_are_one(host):
    host.powercap(*(Zone(f"intel-rapl:{i}", f"package-{i}", LOAD, 150) for i in range(2)))
    assert [meter.name for meter in host.find().meters] == ["CPU 0"]


def test_dies_that_count_on_their_own_are_all_counted(host):
    """Cascade Lake-AP: two dies in a package, each with its own counter, under the same load but for a hair."""
    zones = [
        Zone(f"intel-rapl:{i}", f"package-0-die-{i}", LOAD * (1 + 0.01 * i), 150, start_j=500 + i) for i in range(2)
    ]
    host.powercap(*zones)
    assert len(host.find().meters) == 2


def test_sockets_under_exactly_the_same_load_are_two(host):
    host.powercap(package(), package(n=1))
    assert len(host.find().meters) == 2


def test_amd_dies_are_one_by_topology_even_while_nothing_moves(host):
    host.powercap(*(Zone(f"intel-rapl:{i}", f"package-0-die-{i}", steady(0), start_j=5 + 99 * i) for i in range(2)))
    assert [meter.name for meter in host.find(AMD).meters] == ["CPU 0-die-0"]


def test_a_counter_that_a_hypervisor_holds_at_zero_is_no_meter(host):
    host.powercap(Zone("intel-rapl:0", "package-0", steady(0), start_j=0.0))
    found = host.find()
    assert found.meters == ()
    assert "no reading that moves" in found.missing[0].why


def test_a_counter_that_was_just_reset_to_zero_is_a_meter(host):
    host.powercap(package(faults=(Fault("reset", at=0.0),)))
    assert len(host.find().meters) == 1


# ---- what would open it ----


def test_closed_counters_name_the_rule_for_one_group(host):
    host.powercap(package(faults=(Fault("denied"),)))
    [missing] = host.find().missing
    assert missing.kind == "cpu"
    assert 'SUBSYSTEM=="powercap"' in missing.step
    assert "chgrp energy /sys%p/energy_uj" in missing.step
    assert "chmod g+r" in missing.step
    assert "PLATYPUS" in missing.why
    assert "udev rule" in missing.hint


def test_a_container_is_told_what_to_mount(host):
    (host.tree.root / "class/powercap").mkdir(parents=True)
    (host.tree.root / "class/powercap/intel-rapl:0").symlink_to("../../devices/virtual/powercap/gone")
    [missing] = host.find().missing
    assert "-v /sys/devices/virtual/powercap:/host/powercap:ro" in missing.step
    assert "CARBON_MAGIC_POWERCAP=/host/powercap" in missing.step


def test_a_pod_is_told_its_volume_and_group(host):
    site = host.site()._replace(environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    [missing] = rapl.find(site).missing
    assert "hostPath" in missing.why
    assert "supplementalGroups" in missing.why


def test_a_mount_that_is_not_there_is_named(host):
    site = host.site(GUEST)._replace(environ={"CARBON_MAGIC_POWERCAP": "/host/powercap"})
    [missing] = rapl.find(site).missing
    assert "CARBON_MAGIC_POWERCAP names /host/powercap" in missing.why
    assert missing.step == powercap.MOUNT_STEP


def test_a_guest_is_told_that_its_host_must_pass_it_in(host):
    [missing] = host.find(GUEST).missing
    assert "virtual machine" in missing.why
    assert missing.step == ""


@pytest.mark.parametrize("cpuinfo", [INTEL, AMD])
def test_a_bare_machine_without_zones_is_told_the_driver(host, cpuinfo):
    [missing] = host.find(cpuinfo).missing
    assert "modprobe intel_rapl_msr" in missing.step


def test_another_processor_is_told_that_it_has_none(host):
    [missing] = host.find("CPU implementer : 0x41\n").missing
    assert ("Intel and AMD" in missing.why, missing.step) == (True, "")


def test_a_closed_door_is_not_told_where_another_is_open(host):
    host.powercap(package(faults=(Fault("denied"),)))
    assert meters.survey(host.site()).missing
    host.tree.put("class/hwmon/hwmon0/name", "amd_energy\n")
    host.tree.put("class/hwmon/hwmon0/energy1_label", "Esocket0\n")
    host.tree.put("class/hwmon/hwmon0/energy1_input", "123456\n")
    assert [m.what for m in meters.survey(host.site()).missing if m.kind == "cpu"] == []


@pytest.mark.parametrize("refused", [errno.EACCES, errno.EPERM])
def test_perf_that_is_refused_explains_the_setting_and_never_setcaps_python(host, refused):
    host.perf([Event("energy-pkg", 0, LOAD)], refused=refused)
    missing = host.find().missing[-1]
    assert missing.step == "sudo sysctl kernel.perf_event_paranoid=0"
    assert "CAP_PERFMON" in missing.why
    assert not any(word in missing.step for word in ("setcap", "sudo jupyter", "--privileged"))


def test_no_step_asks_for_more_than_it_needs():
    for step in (powercap.OPEN_STEP, powercap.MOUNT_STEP, powercap.LOAD_STEP, perf.STEP):
        assert not any(word in step for word in ("setcap", "privileged", "a+r", "o+r", "777", "jupyter"))


# ---- perf ----


def test_a_thousand_cells_open_nothing_more(host):
    pmu = host.perf([Event("energy-pkg", 0, LOAD), Event("energy-ram", 0, LOAD)])
    tracker = Tracker(lambda environ, now: meters.survey(host.site()).meters, host.clock, {}, threaded=False)
    for _ in range(1000):
        tracking = tracker.begin(Label("test", None, {}, "p", "h"), Settings(), grid.intensity("FR"))
        host.clock.advance(0.01)
        tracker.end(tracking, "done")
    assert len(pmu.opened) == 2
    tracker.close()
    assert pmu.opened == {}


def test_perf_counts_where_powercap_is_closed(host):
    host.powercap(
        package(faults=(Fault("denied"),)), Zone("intel-rapl:0:0", "dram", steady(7), faults=(Fault("denied"),))
    )
    host.perf([Event("energy-pkg", 0, LOAD), Event("energy-ram", 0, steady(7)), Event("energy-psys", 0, LOAD * 2)])
    run, seconds = host.cell(4.0)
    now = host.tree.now()
    assert of(run, "cpu") == pytest.approx(LOAD.joules(now - seconds, now), rel=0.01)
    assert of(run, "dram") == pytest.approx(7 * seconds, rel=0.01)
    assert [(d.kind, d.scope) for d in run.others] == [("platform", "platform")]
    assert all("perf" in d.source for d in run.devices)
    assert host.find().meters[0].max_w == 300  # limits may be read where the energy may not


def test_memory_is_less_surely_known_than_the_package(host):
    host.powercap(package(), Zone("intel-rapl:0:0", "dram", steady(7)))
    assert {m.kind: m.gain for m in host.find().meters} == {"cpu": rapl.INTEL_GAIN, "dram": rapl.DRAM_GAIN}
    run, seconds = host.cell(8.0)
    truth = LOAD.joules(host.zones.now() - seconds, host.zones.now()) + 7 * seconds
    low, high = run.energy_j_range
    assert low <= truth <= high
    assert (high - low) / 2 < 0.1 * truth  # ± 10 % for a cell of 4 s and more


def test_readable_powercap_needs_no_perf(host):
    host.powercap(package())
    pmu = host.perf([Event("energy-pkg", 0, LOAD)])
    assert "powercap" in host.find().meters[0].source
    assert pmu.opened == {}


def test_amd_dies_are_read_through_perf_which_counts_packages(host):
    host.powercap(*(Zone(f"intel-rapl:{i}", f"package-0-die-{i}", LOAD, start_j=5 + 99 * i) for i in range(2)))
    host.perf([Event("energy-pkg", 0, LOAD)])
    [meter] = host.find(AMD).meters
    assert (meter.name, meter.gain) == ("CPU 0", rapl.AMD_GAIN)
    assert "perf" in meter.source


@pytest.mark.parametrize(("second", "names"), [((1, 0), ["0", "1"]), ((0, 1), ["0-die-0", "0-die-1"])])
def test_a_counter_for_each_cpu_of_the_mask_named_as_powercap_names_it(host, second, names):
    events = [Event(name, cpu, LOAD) for name in ("energy-pkg", "energy-ram") for cpu in (0, 18)]
    host.perf(events, {0: (0, 0), 18: second})
    assert [m.name for m in host.find().meters] == [f"{part} {name}" for part in ("CPU", "DRAM") for name in names]


@pytest.mark.parametrize(
    "fault", [Fault("reset", at=3.0), Fault("jump", at=3.0, joules=1e6), Fault("io_error", at=3.0, until=4.0)]
)
def test_perf_s_faults_are_filled_in_and_marked(host, fault):
    host.perf([Event("energy-pkg", 0, LOAD, faults=(fault,))])
    run, seconds = host.cell(8.0)
    now = host.tree.now()
    assert of(run, "cpu") == pytest.approx(LOAD.joules(now - seconds, now), rel=0.05)
    assert any(note.startswith(("CPU 0: at 3", "CPU 0: from 3")) for note in run.notes)


def test_a_pmu_that_stands_at_zero_is_no_meter_and_is_closed_again(host):
    pmu = host.perf([Event("energy-pkg", 0, steady(0)), Event("energy-psys", 0, steady(0))])
    found = host.find()
    assert found.meters == ()
    assert pmu.opened == {}
    assert "stand still" in found.missing[-1].why


def test_descriptors_are_closed_with_the_tracker_and_when_one_is_refused(host):
    pmu = host.perf([Event("energy-pkg", 0, LOAD), Event("energy-ram", 0, LOAD)])
    host.cell(0.2)
    assert pmu.opened == {}
    pmu = host.perf([Event("energy-pkg", 0, LOAD)], {0: (0, 0), 9: (1, 0)})  # the second CPU has no such event
    assert host.find().meters == ()
    assert pmu.opened == {}


@pytest.mark.parametrize(("file", "text"), [
    ("cpumask", "all\n"), ("type", "\n"), ("events/energy-pkg", "config=7\n"), ("events/energy-pkg.unit", "Watts\n"),
    ("events/energy-pkg.scale", "1e3\n"), ("events/energy-pkg.scale", None),
])  # fmt: skip
def test_a_pmu_that_is_not_as_described_is_left_alone(host, file, text):
    pmu = host.perf([Event("energy-pkg", 0, LOAD)])
    host.tree.put(f"bus/event_source/devices/power/{file}", text)
    found = host.find()
    assert found.meters == ()
    assert found.missing[-1].what == "RAPL through perf"
    assert pmu.opened == {}


def test_the_kernel_s_own_call_counts_or_refuses_as_it_does_for_anybody():
    """A software event (CPU clock) is open to whoever may open events of a whole CPU."""
    kernel = perf.Kernel()
    fd, refusal = -1, None
    try:
        fd = kernel.open(1, 0, 0)
    except OSError as error:
        refusal = error.errno
    if refusal is None:
        first = kernel.count(fd)
        assert kernel.count(fd) > first > 0
        kernel.close(fd)
    assert refusal in (None, errno.EACCES, errno.EPERM, errno.ENOSYS)
    with pytest.raises(OSError, match=r"Errno \d+"):
        kernel.open(1, 1 << 40, 0)


@given(
    st.floats(3, 400), st.floats(0, 5e5), st.floats(0, 5e5), st.booleans(), st.floats(0.02, 0.3), st.floats(0, 0.001)
)
@settings(max_examples=60, deadline=None)
def test_registers_are_told_apart_whatever_they_stand_at(watts, a_j, b_j, mirrored, more, phase_s):
    """Two views of one register are one, be there an offset or none; two registers whose loads differ by 2 % are two."""
    clock = InjectedClock()

    class Register(Meter):
        def __init__(self, start_j, factor):
            self.start_j, self.factor = start_j, factor

        def read(self):
            ticks = int((clock.monotonic() - 1000 + phase_s) / 0.001)
            return self.start_j + int(self.factor * watts * ticks * 0.001 / 61e-6) * 61e-6

    one, other = Register(a_j, 1.0), Register(b_j, 1.0 if mirrored else 1 + more)
    assert mirrors.mirrored(one, other, clock.advance) == mirrored


def test_a_mirror_that_fails_meanwhile_is_not_judged(host):
    simulated = host.powercap(package(), package(n=1))
    one, other = host.find().meters
    simulated.strike("package-1", Fault("io_error"))
    assert not mirrors.mirrored(one, other, host.clock.advance)
    assert not mirrors.close(one, other)
