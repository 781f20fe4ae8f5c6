"""The simulated powercap tree: true to the joule, and failing as it is told to, in files, by FUSE and in real time."""

from __future__ import annotations

import contextlib
import errno
import os
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
import pytest
from machine import (
    Fault,
    FileTree,
    Gpu,
    InjectedClock,
    LiveTree,
    Zone,
    steady,
)
from test_machine import CORE, LATE_S, QUANTUM_J, joules
from tries import tried


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


@tried(3)
def test_differences_over_50_ms_are_true(live):
    """A reading is of some moment between its beginning and its end: on a busy machine these lie apart."""
    descriptor = os.open(live.root / "intel-rapl:0" / "energy_uj", os.O_RDONLY)
    errors = []
    try:
        for _ in range(9):
            first = Stamped(descriptor)
            time.sleep(0.05)
            last = Stamped(descriptor)
            told_s = (last.joules - first.joules) / 60
            least_s, most_s = last.before - first.after, last.after - first.before
            errors.append(max(least_s - told_s, told_s - most_s, 0.0) / told_s)
    finally:
        os.close(descriptor)
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
        while time.monotonic() < until or reads[0] <= 100:
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
