"""The simulated hardware says what is true, and fails as it is told to: everything else is tested against it."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import machine
import pynvml
import pytest
from machine import (
    Fault,
    FileTree,
    Gpu,
    InjectedClock,
    LiveTree,
    Process,
    SimulatedMachine,
    Trace,
    Zone,
    bursts,
    nvml,
    ramp,
    square,
    steady,
    step,
)
from machine.faults import counted, tick

TRACES = {
    "steady": steady(60),
    "ramp": ramp(1.0, 3.0, 10, 90),
    "step": step(2.0, 20, 70),
    "square": square(5, 50, 0.7, duty=0.3, phase_s=0.11),
    "bursts": bursts(10, 300, 0.25),
    "sum": steady(8) + 0.5 * ramp(0.5, 4, 0, 30) + bursts(0, 40, 0.1, width_s=0.03),
}
QUANTUM_J = 62e-6
LATE_S = 0.5  # how long a busy machine may keep the writer of plain files waiting
CORE = [
    Zone("intel-rapl:0", "package-0", steady(50) + square(0, 40, 0.13), max_power_w=150),
    Zone("intel-rapl:0:2", "dram", steady(6)),
]


# ---- truth ----


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize(("t0", "t1"), [(0.0, 5.0), (0.5, 2.25), (-1.3, 0.4), (1.234, 1.2341), (0.11, 3.61)])
def test_energy_is_the_integral_of_power(trace, t0, t1):
    n = 4_000
    dt = (t1 - t0) / n
    summed = sum(trace.watts(t0 + (i + 0.5) * dt) for i in range(n)) * dt
    highest = max(trace.watts(t0 + i * dt) for i in range(n))
    # The sum is off by at most one slice wherever the trace jumps.
    assert trace.joules(t0, t1) == pytest.approx(summed, abs=highest * dt * (2 + 2 * (t1 - t0) / 0.1))


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_energy_adds_up_over_time_and_survives_json(trace):
    again = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert again.joules(0.3, 4.7) == trace.joules(0.3, 4.7)
    assert trace.joules(0, 1.3) + trace.joules(1.3, 5) == pytest.approx(trace.joules(0, 5), rel=1e-12)


def test_sums_and_multiples_of_traces():
    both = TRACES["ramp"] + TRACES["square"] * 2
    assert both.joules(0, 5) == pytest.approx(TRACES["ramp"].joules(0, 5) + 2 * TRACES["square"].joules(0, 5))
    assert both.watts(1.7) == pytest.approx(TRACES["ramp"].watts(1.7) + 2 * TRACES["square"].watts(1.7))


def test_bursts_are_twenty_milliseconds_on_an_idle_floor():
    trace = bursts(10, 300, 0.25)
    assert [trace.watts(t) for t in (0.0, 0.019, 0.021, 0.249, 0.251)] == [300, 300, 10, 10, 300]
    assert trace.joules(0, 1) == pytest.approx(10 + 4 * 290 * 0.020)


@pytest.mark.parametrize("wrong", [lambda: ramp(2, 1, 0, 1), lambda: square(0, 1, 0), lambda: square(0, 1, 1, duty=2)])
def test_a_trace_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="not"):
        wrong()


# ---- the powercap tree, in files or by FUSE ----


def joules(zone: Path) -> float:
    return int((zone / "energy_uj").read_text()) / 1e6


def test_the_tree_is_laid_out_as_linux_does():
    with machine.server(clock=InjectedClock()) as simulated:
        root = simulated.root
        assert sorted(path.name for path in root.iterdir()) == [
            "intel-rapl",
            "intel-rapl-mmio",
            "intel-rapl-mmio:0",
            "intel-rapl:0",
            "intel-rapl:0:0",
            "intel-rapl:1",
            "intel-rapl:1:0",
            "intel-rapl:2",
        ]
        assert all(path.is_symlink() for path in root.iterdir())
        assert str((root / "intel-rapl:1:0").readlink()) == (
            "../../devices/virtual/powercap/intel-rapl/intel-rapl:1/intel-rapl:1:0"
        )
        # The same directory by its own path, by its symlink, and through every link that leads back.
        dram = root / "intel-rapl:1:0"
        assert (root / "intel-rapl" / "intel-rapl:1" / "intel-rapl:1:0").samefile(dram)
        assert (simulated.tree.devices / "intel-rapl" / "intel-rapl:1" / "intel-rapl:1:0").samefile(dram)
        assert (dram / "device").samefile(root / "intel-rapl:1")
        assert (root / "intel-rapl:1" / "device").samefile(root / "intel-rapl")
        assert (dram / "subsystem").samefile(root)
        assert (root / "intel-rapl" / "subsystem").samefile(root)
        names = {path.name: (path / "name").read_text() for path in root.iterdir() if ":" in path.name}
        assert names["intel-rapl:0"] == names["intel-rapl-mmio:0"] == "package-0\n"
        assert (names["intel-rapl:2"], names["intel-rapl:1:0"]) == ("psys\n", "dram\n")
        assert not (root / "intel-rapl" / "energy_uj").exists()
        package = root / "intel-rapl:0"
        assert (package / "max_energy_range_uj").read_text() == "262143328850\n"
        assert (package / "constraint_0_name").read_text() == "long_term\n"
        assert (package / "constraint_1_name").read_text() == "short_term\n"
        assert (package / "constraint_0_max_power_uw").read_text() == "225000000\n"


@pytest.mark.parametrize("preset", [machine.laptop, machine.server, machine.gpu_box, machine.eight_gpus])
def test_an_injected_clock_gives_the_truth_to_a_quantum(preset):
    clock = InjectedClock()
    with preset(clock=clock) as simulated:
        zones = {label: simulated.root / zone.id for label, zone in simulated.zones.items()}
        t0, before = clock.monotonic(), {label: joules(path) for label, path in zones.items()}
        clock.advance(12.345)
        clock.advance(0.655)
        for label, path in zones.items():
            period = simulated.zones[label].period_s
            near = simulated.watts(label, clock.monotonic()) + simulated.watts(label, t0)
            truth = simulated.joules(label, t0, clock.monotonic())
            # 2.6e-6: the kernel prints 61.035 µJ for 2^-14 J, and so do we, for both ends of a count.
            assert joules(path) - before[label] == pytest.approx(truth, abs=near * period + 2 * QUANTUM_J), label


def test_energy_moves_in_whole_quanta_once_a_millisecond(tmp_path):
    with FileTree(tmp_path, CORE) as tree:
        seen = []
        for i in range(100):
            tree.set_time(i * 0.0001)
            seen.append(int((tree.root / "intel-rapl:0" / "energy_uj").read_text()))
    assert len(set(seen)) == 10
    assert all(abs(uj - round(uj / 61.035) * 61.035) < 1 for uj in seen)


def test_a_small_range_wraps_and_loses_nothing(tmp_path):
    zone = Zone("intel-rapl:0", "package-0", steady(80), range_j=100.0, start_j=0.0)
    with FileTree(tmp_path, [zone]) as tree:
        path = tree.root / "intel-rapl:0"
        top = int((path / "max_energy_range_uj").read_text())
        assert top == pytest.approx(100e6, abs=100)
        total, last, wraps = 0, 0, 0
        for i in range(1, 101):
            tree.set_time(i * 0.5)
            now = int((path / "energy_uj").read_text())
            assert 0 <= now <= top
            wraps += now < last
            total += now - last + (top if now < last else 0)
            last = now
    assert wraps == 39  # 4000 J in steps of 40 J, and the 40th wrap has not quite come: a count more than the range
    assert total / 1e6 == pytest.approx(4000, abs=41 * QUANTUM_J * 2)


@pytest.fixture(params=["injected", "fuse", "files"])
def struck(request, tmp_path):
    """A tree of each kind, as a function that gives package-0 faults and returns the folder of the zone."""
    started = time.monotonic()
    with contextlib.ExitStack() as opened:
        if request.param == "injected":
            tree = opened.enter_context(FileTree(tmp_path / "machine", CORE, 1.0))
        else:
            tree = opened.enter_context(
                LiveTree(tmp_path / "machine", CORE, origin=started - 1.0, fuse=request.param == "fuse")
            )

        def strike(*faults):
            package, dram = CORE
            tree.set_zones([Zone(package.id, package.name, package.trace, 150, faults=faults), dram])
            return tree.root / "intel-rapl:0"

        yield strike


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("io_error"), errno.EIO),
        (Fault("denied"), errno.EACCES),
        (Fault("vanish"), errno.ENOENT),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_a_read_fails_as_it_is_told_to_and_recovers(struck, fault, error):
    zone = struck()
    first = joules(zone)
    zone = struck(fault)
    with pytest.raises(OSError) as raised:
        joules(zone)
    assert raised.value.errno == error
    assert zone.parent.joinpath("intel-rapl:0:2").exists() == (fault.kind != "vanish")
    assert zone.exists() == (fault.kind != "vanish")
    assert (zone in zone.parent.iterdir()) == (fault.kind != "vanish")
    assert os.access(zone / "energy_uj", os.R_OK) == (fault.kind == "io_error")
    assert joules(struck()) >= first


def test_a_descriptor_kept_open_fails_with_the_zone_and_recovers(struck):
    descriptor = os.open(struck() / "energy_uj", os.O_RDONLY)

    def value():
        return int(os.pread(descriptor, 64, 0))

    try:
        assert value() > 0
        for kind in ("io_error", "vanish"):
            struck(Fault(kind))
            with pytest.raises((OSError, ValueError)):
                value()
        struck(Fault("denied"))  # only opening is forbidden
        assert value() > 0
        struck()
        assert value() > 0
    finally:
        os.close(descriptor)


def test_nonsense_no_range_and_no_maximum(struck):
    zone = struck(Fault("garbage", text="0x7f energy\n"))
    assert (zone / "energy_uj").read_text() == "0x7f energy\n"
    zone = struck(Fault("no_range"))
    assert not (zone / "max_energy_range_uj").exists()
    assert joules(zone) > 0
    zone = struck()
    assert int((zone / "max_energy_range_uj").read_text()) == 262143328850
    # DRAM knows no maximum: the file is there, and reading it fails, as on hardware.
    assert (zone.parent / "intel-rapl:0:2" / "constraint_0_max_power_uw").exists()
    with pytest.raises(OSError):
        (zone.parent / "intel-rapl:0:2" / "constraint_0_max_power_uw").read_text()


def test_a_counter_is_reset_jumps_and_sticks(struck):
    assert joules(struck()) > 4321.5
    assert joules(struck(Fault("reset", at=0.5))) < 4321.5  # since when it has counted at most 90 W
    assert joules(struck(Fault("jump", at=0.5, joules=1e5))) > 1e5
    assert joules(struck(Fault("stuck", at=0.0))) == pytest.approx(4321.5, abs=QUANTUM_J)
    assert joules(struck(Fault("stuck", at=0.0, until=0.9))) > 4321.5 + 40


def test_faults_strike_at_their_time_and_end_at_theirs(tmp_path):
    faults = (
        Fault("io_error", at=1, until=2),
        Fault("vanish", at=3, until=4),
        Fault("reset", at=5),
        Fault("jump", at=6, joules=1000),
        Fault("stuck", at=7, until=8),
    )
    seen = {}
    zone = Zone("intel-rapl:0", "package-0", steady(10), start_j=50.0, faults=faults)
    with FileTree(tmp_path, [zone]) as tree:
        for t in (0.9, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5):
            tree.set_time(t)
            try:
                seen[t] = round(joules(tree.root / "intel-rapl:0"), 2)
            except OSError as error:
                seen[t] = error.errno
    assert seen == {
        0.9: 59, 1.5: errno.EIO, 2.5: 75, 3.5: errno.ENOENT, 4.5: 95, 5.5: 5, 6.5: 1015, 7.5: 1020, 8.5: 1035,
    }  # fmt: skip


def test_a_child_zone_vanishes_by_itself_and_with_its_parent(tmp_path):
    package, dram = CORE
    faulty = [
        Zone(package.id, package.name, package.trace, 150, faults=(Fault("vanish", at=2, until=4),)),
        Zone(dram.id, dram.name, dram.trace, faults=(Fault("vanish", at=1, until=3),)),
    ]
    with FileTree(tmp_path, faulty) as tree:
        seen = []
        for t in (0.5, 1.5, 2.5, 3.5, 4.5):
            tree.set_time(t)
            seen.append([zone.id for zone in faulty if (tree.root / zone.id / "energy_uj").exists()])
        assert seen == [
            ["intel-rapl:0", "intel-rapl:0:2"],
            ["intel-rapl:0"],
            [],
            [],
            ["intel-rapl:0", "intel-rapl:0:2"],
        ]
        assert joules(tree.root / "intel-rapl:0:2") == pytest.approx(4321.5 + 4.5 * 6, abs=QUANTUM_J)


def test_faults_and_zones_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no fault 'lost'"):
        Zone("intel-rapl:0", "package-0", steady(1), faults=(Fault("lost"),))
    with pytest.raises(ValueError, match="no fault 'garbage'"):
        Gpu(steady(1), faults=(Fault("garbage"),))
    with pytest.raises(ValueError, match="intel-rapl:0, which is not there"):
        FileTree(tmp_path, [CORE[1]])


# ---- the tree in real time ----


@pytest.fixture(params=[True, False], ids=["fuse", "files"])
def live(request, tmp_path):
    """60 W, brought up to date every 0.1 ms so that what is seen is the tree's own delay."""
    zone = Zone("intel-rapl:0", "package-0", steady(60), period_s=0.0001)
    with LiveTree(tmp_path / "machine", [zone, CORE[1]], fuse=request.param) as tree:
        yield tree


class Stamped:
    """Joules, and the time before and after."""

    def __init__(self, descriptor):
        self.before = time.monotonic()
        self.joules = int(os.pread(descriptor, 64, 0)) / 1e6
        self.after = time.monotonic()
        self.middle = (self.before + self.after) / 2


def test_differences_over_50_ms_are_true(live):
    descriptor = os.open(live.root / "intel-rapl:0" / "energy_uj", os.O_RDONLY)
    errors = []
    try:
        for _ in range(200):
            first = Stamped(descriptor)
            time.sleep(0.05)
            last = Stamped(descriptor)
            # On a busy machine a reading may take long, and then says little of when it was.
            if first.after - first.before + last.after - last.before < 0.0005:
                errors.append((last.joules - first.joules) / (60 * (last.middle - first.middle)) - 1)
            if len(errors) == 9:
                break
    finally:
        os.close(descriptor)
    assert len(errors) == 9
    if live.kind == "fuse":
        assert max(map(abs, errors)) < 0.01
    else:  # files are as old as the last time their writer was let run: a stand-in, no instrument
        assert statistics.median(map(abs, errors)) < 0.2


def test_what_is_read_is_of_that_instant(live):
    late = 0.0002 if live.kind == "fuse" else LATE_S
    for _ in range(100):
        before = time.monotonic()
        seen = joules(live.root / "intel-rapl:0") - 4321.5
        after = time.monotonic()
        assert 60 * (before - live.origin - late) - QUANTUM_J <= seen <= 60 * (after - live.origin) + QUANTUM_J


def test_no_reader_ever_sees_a_torn_or_empty_number(live):
    """Nor, by FUSE, one who reads it in pieces; of a plain file those are of different numbers."""
    path = live.root / "intel-rapl:0" / "energy_uj"
    wrong, reads = [], [0]
    until = time.monotonic() + 0.3

    def whole():
        return path.read_bytes()

    def pieces():
        with open(path, "rb", buffering=0) as file:
            return b"".join(iter(lambda: file.read(3), b""))

    kept = os.open(path, os.O_RDONLY)

    def watch(read):
        last = 0
        while time.monotonic() < until:
            text = read()
            reads[0] += 1
            now = int(text) if text.endswith(b"\n") and text.strip().isdigit() else -1
            if not last <= now <= 4321.5e6 + 60e6 * (time.monotonic() - live.origin) + 62:
                wrong.append(text)
            last = now

    ways = [whole, lambda: os.pread(kept, 64, 0), *([pieces] if live.kind == "fuse" else [])]
    readers = [threading.Thread(target=watch, args=(read,)) for read in ways]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    os.close(kept)
    assert wrong == []
    assert reads[0] > 100


def test_truth_is_shared_between_processes(live):
    code = "import sys, time; a = time.monotonic(); e = open(sys.argv[1]).read(); print(a, e, time.monotonic())"
    path = live.root / "intel-rapl:0" / "energy_uj"
    out = subprocess.run([sys.executable, "-S", "-c", code, path], capture_output=True, text=True, check=True).stdout
    before, uj, after = map(float, out.split())
    late = 0.0002 if live.kind == "fuse" else LATE_S
    assert before - late <= live.origin + (uj / 1e6 - 4321.5) / 60 <= after + late


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def test_nothing_stays_when_the_test_is_done(tmp_path):
    with LiveTree(tmp_path, CORE) as tree:
        server = tree._server.pid
        assert (str(tmp_path) in mounts()) == (tree.kind == "fuse")
    assert str(tmp_path) not in mounts()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("fuse", [True, False], ids=["fuse", "files"])
def test_nothing_stays_when_the_test_is_killed(tmp_path, fuse):
    code = f"""
import sys, time
from machine import LiveTree, Zone, steady
with LiveTree(sys.argv[1], [Zone("intel-rapl:0", "package-0", steady(1))], fuse={fuse}) as tree:
    print(tree._server.pid, flush=True)
    time.sleep(60)
"""
    test = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    with test:
        assert test.stdout
        server = os.pidfd_open(int(test.stdout.readline()))
        test.send_signal(signal.SIGKILL)
    ended = select.select([server], [], [], 10)[0]
    os.close(server)
    assert ended
    assert str(tmp_path) not in mounts()


def test_what_a_killed_server_left_mounted_is_cleared_away(tmp_path):
    left = LiveTree(tmp_path / "left", CORE)
    with left:
        left._server.kill()
        left._server.wait()
        with LiveTree(tmp_path / "next", CORE) as tree:
            assert joules(tree.root / "intel-rapl:0") >= 4321.5
            assert str(tmp_path / "left") not in mounts()


# ---- GPUs ----


def energies() -> list[float]:
    """Joules by every GPU's counter."""
    return [
        pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByIndex(i)) / 1e3
        for i in range(pynvml.nvmlDeviceGetCount())
    ]


@contextlib.contextmanager
def gpus(*gpus, **options):
    """A machine with these GPUs on an injected clock, with pynvml initialised."""
    clock = InjectedClock()
    with SimulatedMachine([CORE[0]], gpus, clock=clock, **options) as simulated, simulated.here():
        pynvml.nvmlInit()
        yield simulated, clock


def test_c_and_python_agree_on_every_trace_and_fault():
    draw = random.Random(5)
    boards = []
    for _ in range(40):
        trace = sum(
            (draw.choice(list(TRACES.values())) * draw.uniform(0.1, 5) for _ in range(3)), steady(draw.random())
        )
        faults = [
            Fault("reset", at=draw.uniform(0, 8)),
            Fault("jump", at=draw.uniform(0, 8), joules=draw.uniform(0, 1e4)),
            Fault("stuck", at=draw.uniform(0, 4), until=draw.uniform(4, 8)),
        ]
        some = tuple(draw.sample(faults, draw.randint(0, 3)))
        phase, gain = draw.uniform(0, 0.1), draw.uniform(0.95, 1.05)
        boards.append(Gpu(trace, tick_s=draw.choice([0.02, 0.1]), phase_s=phase, gain=gain, faults=some))
    with gpus(*boards) as (simulated, clock):
        for _ in range(12):
            clock.advance(draw.uniform(0, 1.5))
            for i, (gpu, seen) in enumerate(zip(boards, energies(), strict=True)):
                t = tick(simulated.now(), gpu.tick_s, gpu.phase_s)
                shown = counted(gpu.trace, gpu.faults, t, start_j=gpu.start_j, gain=gpu.gain)
                assert seen == pytest.approx(shown, abs=0.002)
                power = pynvml.nvmlDeviceGetPowerUsage(pynvml.nvmlDeviceGetHandleByIndex(i)) / 1e3
                assert power == pytest.approx(gpu.gain * gpu.trace.joules(t - 1, t), abs=0.002)


def test_the_energy_counter_ticks():
    with gpus(Gpu(steady(100), tick_s=0.1, start_j=5.0)) as (_, clock):
        seen = []
        for _ in range(10):
            clock.advance(0.025)
            seen += energies()
    assert seen == pytest.approx([5, 5, 5, 15, 15, 15, 15, 25, 25, 25])


def test_power_is_a_mean_over_its_window():
    with gpus(Gpu(step(1.0, 100, 300), tick_s=0.1, window_s=1.0, instant_s=0.025)) as (_, clock):
        clock.advance(1.5)
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        assert pynvml.nvmlDeviceGetPowerUsage(handle) == 200_000
        fields = [
            pynvml.NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION,
            pynvml.NVML_FI_DEV_POWER_AVERAGE,
            pynvml.NVML_FI_DEV_POWER_INSTANT,
            (pynvml.NVML_FI_DEV_POWER_INSTANT, pynvml.NVML_POWER_SCOPE_MODULE),
            pynvml.NVML_FI_DEV_RETIRED_SBE,
        ]
        energy, average, instant, module, other = pynvml.nvmlDeviceGetFieldValues(handle, fields)
        assert energy.value.ullVal == pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        assert (average.value.uiVal, instant.value.uiVal) == (200_000, 300_000)
        assert energy.valueType == pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG
        assert [v.nvmlReturn for v in (energy, average, instant)] == [pynvml.NVML_SUCCESS] * 3
        assert [v.nvmlReturn for v in (module, other)] == [pynvml.NVML_ERROR_NOT_SUPPORTED] * 2


def test_gpus_are_found_and_described():
    boards = [
        Gpu(steady(90), name="NVIDIA GeForce RTX 4090", limit_w=450, architecture=8, memory_gb=24),
        Gpu(steady(70), uuid="GPU-5ca1ab1e-0000-4000-8000-0123456789ab", pci="00000001:C1:00.0"),
    ]
    with gpus(*boards) as (_, clock):
        assert pynvml.nvmlSystemGetDriverVersion() == "550.90.07"
        assert pynvml.nvmlDeviceGetCount() == 2
        first, second = (pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(2))
        assert pynvml.nvmlDeviceGetName(first) == "NVIDIA GeForce RTX 4090"
        assert pynvml.nvmlDeviceGetUUID(second) == boards[1].uuid
        assert pynvml.nvmlDeviceGetUUID(first).startswith("GPU-")
        assert pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetHandleByUUID(boards[1].uuid)) == 1
        for address in ("00000001:C1:00.0", "0001:c1:00.0"):
            assert pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetHandleByPciBusId(address)) == 1
        info = pynvml.nvmlDeviceGetPciInfo(second)
        assert (info.busId, info.domain, info.bus, info.device) == ("00000001:C1:00.0", 1, 0xC1, 0)
        assert pynvml.nvmlDeviceGetEnforcedPowerLimit(first) == 450_000
        assert pynvml.nvmlDeviceGetPowerManagementLimit(second) == 400_000
        assert pynvml.nvmlDeviceGetArchitecture(first) == pynvml.NVML_DEVICE_ARCH_ADA
        assert pynvml.nvmlDeviceGetMemoryInfo(first).total == 24e9
        clock.advance(1)
        assert pynvml.nvmlDeviceGetUtilizationRates(first).gpu == 20  # 90 of 450 W
        for missing in (
            lambda: pynvml.nvmlDeviceGetHandleByIndex(2),
            lambda: pynvml.nvmlDeviceGetHandleByUUID("GPU-none"),
            lambda: pynvml.nvmlDeviceGetHandleByPciBusId("0000:FF:00.0"),
            lambda: pynvml.nvmlDeviceGetSerial(first),
        ):
            with pytest.raises(pynvml.NVMLError):
                missing()


def test_processes_on_a_gpu():
    with gpus(Gpu(steady(1), processes=(Process(0, 500), Process(4242, 1500, 30))), Gpu(steady(1))):
        first, second = (pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(2))
        found = {p.pid: p.usedGpuMemory for p in pynvml.nvmlDeviceGetComputeRunningProcesses(first)}
        assert found == {os.getpid(): 500e6, 4242: 1500e6}
        assert {s.pid: s.smUtil for s in pynvml.nvmlDeviceGetProcessUtilization(first, 0)} == {
            os.getpid(): 100,
            4242: 30,
        }
        assert pynvml.nvmlDeviceGetMemoryInfo(first).used == 2e9
        assert pynvml.nvmlDeviceGetComputeRunningProcesses(second) == []
        with pytest.raises(pynvml.NVMLError_NotFound):
            pynvml.nvmlDeviceGetProcessUtilization(second, 0)


def test_mig():
    with gpus(Gpu(steady(100), mig=2), Gpu(steady(100), mig=0), Gpu(steady(100))):
        board, off, without = (pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(3))
        assert pynvml.nvmlDeviceGetMigMode(board) == [1, 1]
        assert pynvml.nvmlDeviceGetMigMode(off) == [0, 0]
        with pytest.raises(pynvml.NVMLError_NotSupported):
            pynvml.nvmlDeviceGetMigMode(without)
        assert pynvml.nvmlDeviceGetMaxMigDeviceCount(board) == 7
        instance = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(board, 1)
        assert pynvml.nvmlDeviceIsMigDeviceHandle(instance).value == 1
        uuid = pynvml.nvmlDeviceGetUUID(instance)
        assert uuid.startswith("MIG-")
        assert pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByUUID(uuid)) == uuid
        parent = pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(instance)
        assert pynvml.nvmlDeviceGetUUID(parent) == pynvml.nvmlDeviceGetUUID(board)
        with pytest.raises(pynvml.NVMLError_NotFound):
            pynvml.nvmlDeviceGetMigDeviceHandleByIndex(board, 2)
        # Only the board has a meter.
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(board) > 0
        for read in (pynvml.nvmlDeviceGetTotalEnergyConsumption, pynvml.nvmlDeviceGetPowerUsage):
            with pytest.raises(pynvml.NVMLError_NotSupported):
                read(instance)


READS = {
    "energy": lambda h: pynvml.nvmlDeviceGetTotalEnergyConsumption(h),
    "power": lambda h: pynvml.nvmlDeviceGetPowerUsage(h),
    "field": lambda h: pynvml._nvmlCheckReturn(
        pynvml.nvmlDeviceGetFieldValues(h, [pynvml.NVML_FI_DEV_POWER_INSTANT])[0].nvmlReturn
    ),
    "name": lambda h: pynvml.nvmlDeviceGetName(h),
}


@pytest.mark.parametrize(
    ("kind", "error", "failing"),
    [
        ("lost", pynvml.NVML_ERROR_GPU_IS_LOST, {"energy", "power", "field", "name"}),
        ("no_energy", pynvml.NVML_ERROR_NOT_SUPPORTED, {"energy"}),
        ("no_power", pynvml.NVML_ERROR_NOT_SUPPORTED, {"power", "field"}),
        ("no_fields", pynvml.NVML_ERROR_NOT_SUPPORTED, {"field"}),
        ("denied", pynvml.NVML_ERROR_NO_PERMISSION, {"energy", "power", "field"}),
        ("io_error", pynvml.NVML_ERROR_UNKNOWN, {"energy", "power", "field"}),
    ],
)
def test_a_gpu_fails_as_it_is_told_to(kind, error, failing):
    with gpus(Gpu(steady(100)), Gpu(steady(50))) as (simulated, clock):
        faulty, sound = (pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(2))
        simulated.strike("gpu0", Fault(kind, at=2, until=4))
        seen = {}
        for t in (1, 3, 5):
            clock.advance(t - simulated.now())
            for name, read in READS.items():
                read(sound)
                try:
                    read(faulty)
                except pynvml.NVMLError as raised:
                    seen[t, name] = raised.value
    assert seen == {(3, name): error for name in failing}


def test_a_gpu_counter_that_is_reset_jumps_and_sticks():
    faults = (Fault("reset", at=1), Fault("jump", at=2, joules=1000), Fault("stuck", at=3, until=4))
    with gpus(Gpu(steady(10), start_j=50, faults=faults)) as (simulated, clock):
        seen = []
        for t in (0.5, 1.5, 2.5, 3.5, 4.5):
            clock.advance(t - simulated.now())
            seen += energies()
    assert seen == pytest.approx([55, 5, 1015, 1020, 1035])


def test_a_gain_is_the_sensor_s_error_and_not_the_truth():
    with gpus(Gpu(steady(100), gain=1.05, start_j=0)) as (simulated, clock):
        clock.advance(10)
        assert energies() == pytest.approx([1050])
        assert simulated.joules("gpu0", simulated.origin, clock.monotonic()) == 1000


def test_a_driver_that_is_not_loaded():
    with (
        SimulatedMachine(
            [CORE[0]], clock=InjectedClock(), driver_error=pynvml.NVML_ERROR_DRIVER_NOT_LOADED
        ) as simulated,
        simulated.here(),
        pytest.raises(pynvml.NVMLError_DriverNotLoaded),
    ):
        pynvml.nvmlInit()


def test_pynvml_is_as_before_when_the_machine_is_gone():
    with gpus(Gpu(steady(1))) as (simulated, _):
        config = os.environ[nvml.CONFIG]
        assert simulated.environment[nvml.CONFIG] == config
    assert nvml.CONFIG not in os.environ
    assert pynvml.nvmlLib is None
    with pytest.raises(pynvml.NVMLError_Uninitialized):
        pynvml.nvmlDeviceGetCount()
    with gpus(Gpu(steady(1)), Gpu(steady(1))):
        assert pynvml.nvmlDeviceGetCount() == 2


def test_without_a_compiler_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(RuntimeError, match=r"apt-get install gcc libc6-dev$"):
        nvml.build()
    monkeypatch.setenv("CC", "/bin/false")
    with pytest.raises(RuntimeError, match="apt-get install gcc libc6-dev") as raised:
        nvml.build()
    assert "\n" not in str(raised.value)


# ---- the whole machine ----

READ_ALL = """
import json, os, pathlib, time, pynvml
def now():
    before = time.monotonic()
    root = pathlib.Path(os.environ["CARBON_MAGIC_POWERCAP"])
    zones = {z.name: int((z / "energy_uj").read_text()) / 1e6 for z in root.iterdir() if ":" in z.name}
    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    return before, zones, [pynvml.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3 for h in handles], time.monotonic()
first = now()
time.sleep(0.3)
print(json.dumps([first, now()]))
"""


def on(simulated, code):
    environment = os.environ | simulated.environment
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("preset", [machine.gpu_box, machine.eight_gpus])
def test_another_process_sees_the_truth_in_real_time(preset):
    with preset() as simulated:
        result = on(simulated, READ_ALL)
    assert result.returncode == 0, result.stderr
    first, last = json.loads(result.stdout)
    # The second reading less the first lies between the energies of the shortest and the longest it may be of.
    late = 0.0 if simulated.tree.kind == "fuse" else LATE_S

    def bounds(device, period):
        short = simulated.joules(device, first[3], last[0] - period)
        return short - 0.01, simulated.joules(device, first[0] - period, last[3]) + 0.01

    for label, zone in simulated.zones.items():
        low, high = bounds(label, zone.period_s + late)
        assert low <= last[1][zone.id] - first[1][zone.id] <= high, label
    for i, (label, gpu) in enumerate(simulated.gpus.items()):
        low, high = bounds(label, gpu.tick_s)
        assert low <= last[2][i] - first[2][i] <= high, label


def test_a_laptop_has_no_gpu_whatever_this_machine_has():
    with machine.laptop() as simulated:
        result = on(simulated, "import pynvml; pynvml.nvmlInit()")
        assert "NVMLError_LibraryNotFound" in result.stderr
        with simulated.here(), pytest.raises(pynvml.NVMLError):
            pynvml.nvmlInit()


def test_parts_and_copies_are_not_counted_twice():
    simulated = machine.server()
    assert set(simulated.counted) == {"package-0", "package-1", "package-0/dram", "package-1/dram"}
    assert set(simulated.zones) - set(simulated.counted) == {"psys", "mmio:package-0"}
    t0 = simulated.origin
    assert simulated.total(t0, t0 + 7) == pytest.approx(sum(simulated.joules(d, t0, t0 + 7) for d in simulated.counted))
    assert simulated.joules("psys", t0, t0 + 7) > simulated.total(t0, t0 + 7)
    assert machine.laptop().counted == ["package-0"]
    assert len(machine.eight_gpus().counted) == 12


def test_a_fault_strikes_a_running_machine():
    with machine.gpu_box() as simulated, simulated.here():
        pynvml.nvmlInit()
        assert joules(simulated.root / "intel-rapl:0") > 0
        assert all(energies())
        simulated.strike("package-0", Fault("io_error", at=simulated.now()))
        simulated.strike("gpu1", Fault("lost", at=simulated.now()))
        with pytest.raises(OSError):
            joules(simulated.root / "intel-rapl:0")
        with pytest.raises(pynvml.NVMLError_GpuIsLost):
            energies()
        simulated.strike("package-0")
        simulated.strike("gpu1")
        assert joules(simulated.root / "intel-rapl:0") > 0
        assert all(energies())


def test_an_injected_clock_tells_sleep_and_ntp_from_time():
    clock = InjectedClock(monotonic=500.0, wall=1e9)
    with machine.laptop(clock=clock) as simulated:
        before = joules(simulated.root / "intel-rapl:0")
        clock.suspend(3600)
        clock.step_wall(-60)
        assert joules(simulated.root / "intel-rapl:0") == before
        clock.advance(1)
        assert (clock.monotonic(), clock.boottime(), clock.wall()) == (501.0, 4101.0, 1e9 + 3541)
        assert joules(simulated.root / "intel-rapl:0") > before
    with pytest.raises(ValueError):
        clock.advance(-1)
    clock.advance(1)  # and the machine that is gone hears nothing of it
    assert math.isclose(clock.monotonic(), 502.0)


def test_a_command_runs_on_a_preset():
    command = [sys.executable, "-m", "machine", "gpu_box", sys.executable, "-c", READ_ALL]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)[0][2]) == 2
    wrong = subprocess.run(
        [sys.executable, "-m", "machine", "toaster", "true"], env=environment, capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert "laptop,server,gpu_box,eight_gpus" in wrong.stderr
