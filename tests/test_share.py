"""Whose joules: CPU time of a tree of processes, the parts of all who count on a host, and the split."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import machine
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import Gpu, InjectedClock, Process, SimulatedMachine, Zone, square, steady
from test_tracker import LABEL

import carbon_magic
from carbon_magic import grid, meters
from carbon_magic.alive import Owner, me
from carbon_magic.config import Settings
from carbon_magic.meters.power_curve import of_tdp
from carbon_magic.run import Run
from carbon_magic.share import peers
from carbon_magic.share.peers import Peer, Peers, allocation
from carbon_magic.share.split import Witness
from carbon_magic.share.tree import Tree, has_children
from carbon_magic.tracker import Tracker

BURN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"


def burn(seconds, *more):
    """A child that works for so many CPU-seconds."""
    return subprocess.Popen([sys.executable, "-c", BURN.format(seconds), *more])


def others(tree):
    """CPU time of all but this process itself."""
    whole = tree.cpu_s()
    return whole - time.process_time()


def state(pid):
    """R, S, Z ...; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


class TestTree:
    def test_own_work_counts(self):
        tree = Tree()
        before = tree.cpu_s()
        exec(BURN.format(0.2))
        assert tree.cpu_s() - before == pytest.approx(0.2, abs=0.05)

    def test_a_child_counts_while_it_lives_and_once_it_has_ended_and_not_twice(self):
        tree = Tree()
        before = others(tree)
        child = burn(0.5)
        seen = []
        while child.poll() is None:
            seen.append(others(tree) - before)
        assert max(seen) > 0.3  # long before it ended
        assert 0.45 < others(tree) - before < 0.9  # its interpreter's start as well, and that on a busy machine

    def test_grandchildren_and_orphans_count(self, tmp_path):
        """A daemon: its parent ends at once, and nobody will ever wait for it here."""
        ready, go = tmp_path / "ready", tmp_path / "go"
        script = textwrap.dedent(f"""
            import os, subprocess, sys, time
            subprocess.Popen([sys.executable, "-c", {f"import os,time{chr(10)}open({str(ready)!r},'w').close(){chr(10)}while not os.path.exists({str(go)!r}): time.sleep(.01){chr(10)}" + BURN.format(0.4)!r}])
            while not os.path.exists({str(ready)!r}): time.sleep(.01)
            input()
        """)
        others_of_this_suite = Tree()
        others_of_this_suite.cpu_s()
        parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
        while not ready.exists():
            time.sleep(0.01)
        tree = Tree()
        before = others(tree)
        parent.communicate(b"\n")
        assert parent.returncode == 0
        others(tree)
        [grandchild] = tree.pids - others_of_this_suite.pids  # the orphan
        go.touch()
        while state(grandchild) not in ("Z", ""):
            others(tree)
        assert 0.2 < others(tree) - before < 0.7  # but for what it did after it was last seen

    def test_what_nobody_waits_for_is_kept(self):
        """SIGCHLD ignored: the kernel drops the child's account when it ends."""
        before_handler = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            tree = Tree()
            before = others(tree)
            child = burn(0.4)
            while state(child.pid):
                others(tree)
            assert 0.2 < others(tree) - before < 0.8  # but for what it did after it was last seen
        finally:
            signal.signal(signal.SIGCHLD, before_handler)

    def test_a_look_takes_no_child_from_whoever_waits_for_it(self):
        child = burn(0.0)
        tree = Tree()
        while state(child.pid) != "Z":
            tree.cpu_s()
        assert has_children()
        tree.cpu_s()
        assert child.wait() == 0

    def test_joblib_workers_count(self):
        """A search with n_jobs=2 does nearly all of its work in processes that stay alive after it."""
        out = subprocess.run(
            [sys.executable, "-c", textwrap.dedent("""
                import time
                from carbon_magic.share.tree import Tree
                from joblib import Parallel, delayed
                tree = Tree()
                def work():
                    end = time.process_time() + 0.4
                    while time.process_time() < end: pass
                before, own = tree.cpu_s(), time.process_time()
                Parallel(n_jobs=2)(delayed(work)() for _ in range(2))
                print(tree.cpu_s() - before, time.process_time() - own)
            """)], capture_output=True, text=True, check=True, env=os.environ | {"LOKY_MAX_CPU_COUNT": "2"},
        ).stdout  # fmt: skip
        whole, own = map(float, out.split())
        assert whole - own >= 0.75


spans = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda ends: (min(ends), max(ends))), max_size=5
).map(tuple)


class TestAllocation:
    @given(st.lists(st.tuples(st.floats(0.5, 64), spans), min_size=1, max_size=5), st.floats(1, 64))
    def test_all_together_have_no_more_than_the_machine(self, processes, online):
        """At every moment: nobody's idling is claimed twice."""
        peers = [Peer(i, cpus, ((-1.0, 101.0), *own)) for i, (cpus, own) in enumerate(processes)]
        for t0, t1 in [(0.0, 100.0), (10.0, 10.5)]:
            parts = [
                allocation(t0, t1, peer.cpus, online, [other for other in peers if other.pid != peer.pid])
                for peer in peers
            ]
            assert sum(parts) <= 1 + 1e-9
            assert all(0 < part <= 1 + 1e-9 for part in parts)

    def test_alone_the_whole_machine_is_its_own_unless_it_may_use_a_part_only(self):
        assert allocation(0, 1, 8, 8, []) == 1
        assert allocation(0, 1, 2, 8, []) == 0.25

    def test_only_the_time_in_which_the_other_counted_is_shared(self):
        assert allocation(0, 4, 8, 8, [Peer(2, 8, ((3.0, float("inf")),))]) == pytest.approx(0.875)
        assert allocation(0, 4, 8, 8, [Peer(2, 8, ((-2.0, 0.0), (5.0, 6.0)))]) == 1


class TestPeers:
    def test_each_sees_when_the_other_counted(self, tmp_path):
        one, two = Peers(4, tmp_path), Peers(2, tmp_path)
        assert one.others(0.0) == []
        two.begin("a", 10.0)
        two.begin("b", 11.0)
        assert one.others(12.0) == [Peer(os.getpid(), 2, ((10.0, float("inf")),))]
        two.end("a", 12.0)
        assert one.others(12.0)[0].spans == ((10.0, float("inf")),)
        two.end("b", 13.0)
        assert one.others(12.5)[0].spans == ((10.0, 13.0),)
        assert one.others(13.0) == []  # not since then
        two.end("b", 99.0)
        assert one.others(12.5)[0].spans == ((10.0, 13.0),)

    def test_thousands_of_blocks_fit(self, tmp_path):
        one, two = Peers(4, tmp_path), Peers(4, tmp_path)
        for i in range(3000):
            two.begin(str(i), i)
            two.end(str(i), i + 0.5)
        two.begin("last", 5000.0)
        found = one.others(3000.0)[0].spans
        assert found[-1] == (5000.0, float("inf"))
        assert found[-2] == (2999, 2999.5)

    def test_files_of_others_are_data(self, tmp_path):
        one = Peers(4, tmp_path)
        (tmp_path / "junk").write_bytes(b"carbonm2" + b"\xff" * (peers.SIZE - 8))
        (tmp_path / "short").write_bytes(b"carbonm2" + b"\xff" * 2000)
        (tmp_path / "empty").touch()
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to("/etc/passwd")
        assert one.others(0.0) == []

    def test_an_ended_process_counts_until_it_ended_and_its_slot_is_taken_anew(self, tmp_path):
        code = (
            "from pathlib import Path; import sys, os; from carbon_magic.share.peers import Peers\n"
            "p = Peers(1, Path(sys.argv[1])); p.begin('a', 5.0); p.end('a', 6.0); p.begin('b', 7.0); os._exit(9)"
        )
        one = Peers(4, tmp_path)
        for _ in range(3):
            subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
            assert [peer.spans for peer in one.others(5.5)] == [((5.0, 6.0),)]
        assert one.others(6.5) == []

    def test_a_live_slot_of_a_container_is_taken_only_where_no_other_is_left(self, tmp_path, monkeypatch):
        theirs = Owner(f"{me().boot_id.partition('/')[0]}/pid:[1]", 7, 5.0)
        with monkeypatch.context() as patched:
            patched.setattr(peers, "me", lambda: theirs)
            container = Peers(4, tmp_path)
        assert Peers(4, tmp_path)._at != container._at
        full = [Peers(4, tmp_path) for _ in range(peers.SLOTS - 2)]
        assert {one._at for one in full}.isdisjoint({container._at, None})
        assert Peers(4, tmp_path)._at == container._at

    def test_a_process_is_one_however_many_trackers_it_makes(self, tmp_path, monkeypatch):
        monkeypatch.setattr(peers, "folder", lambda: tmp_path)
        peers._here.cache_clear()
        many = [Witness(float, float) for _ in range(peers.SLOTS + 2)]
        stranger = Peers(4, tmp_path)
        many[0].peers.begin("a", 1.0)
        many[-1].peers.begin("b", 2.0)
        assert [peer.spans for peer in stranger.others(3.0)] == [((1.0, float("inf")),)]
        peers._here.cache_clear()

    def test_a_full_file_and_no_folder_are_no_trouble(self, tmp_path):
        many = [Peers(4, tmp_path) for _ in range(peers.SLOTS + 2)]
        (tmp_path / "file").touch()
        for one in (many[-1], Peers(4, tmp_path / "file")):
            one.begin("a", 1.0)
            one.end("a", 2.0)
            assert one.others(3.0) == []


class Host:
    """A simulated machine with a clock of its own, and an account of CPU time that the test writes."""

    def __init__(self, simulated, clock, tmp_path):
        self.simulated, self.clock = simulated, clock
        self.tracker = Tracker(meters.find, clock, os.environ, threaded=False)
        self.busy_s = self.own_s = 0.0
        self.tracker._witness = self.witness = Witness(
            lambda: self.busy_s, clock.monotonic, Peers(os.cpu_count(), tmp_path)
        )
        self.witness.tree.cpu_s = lambda: self.own_s
        self.witness.cpus = self.witness.online  # whatever this process may use of the real machine

    def run(self, steps, own, others, step_s=1.0):
        """A run in which this notebook kept `own` CPUs busy and others `others`, both functions of the step."""
        tracking = self.tracker.begin(LABEL, Settings(), grid.intensity("FR"))
        for i in range(steps):
            for _ in range(round(10 * step_s)):
                self.clock.advance(0.1)
                self.own_s += own(i) * 0.1
                self.busy_s += (own(i) + others(i)) * 0.1
                self.witness._next_s = 0.0
                self.tracker.look(self.tracker.active)
        return self.tracker.end(tracking, "done")


@pytest.fixture
def host(tmp_path):
    """One package that draws 20 W for 1.8 s, 60 W for the next 1.8 s, and so on."""
    clock = InjectedClock()
    zone = Zone("intel-rapl:0", "package-0", square(20.0, 60.0, 3.6, phase_s=1.8), 100)
    with SimulatedMachine([zone], clock=clock) as simulated, simulated.here():
        yield Host(simulated, clock, tmp_path)


class TestSplit:
    def test_alone_it_is_all_ours(self, host):
        run = host.run(5, lambda s: 1.0, lambda s: 0.0)
        assert run.share.energy_j == pytest.approx(run.energy_j, rel=1e-6)
        assert run.share_reason == ""

    def test_half_of_the_work_with_idling_unknown_lies_in_a_wide_range(self, host):
        run = host.run(5, lambda s: 0.5, lambda s: 0.5)
        low, high = run.share.energy_j_range
        assert low <= 0.3 * run.energy_j
        assert high >= 0.7 * run.energy_j
        assert low <= run.share.energy_j <= high

    def test_the_range_widens_when_others_use_the_machine(self, host):
        def width(run):
            low, high = run.share.energy_j_range
            return (high - low) / run.share.energy_j

        quiet = host.run(5, lambda s: 1.0, lambda s: 0.02)
        busy = host.run(5, lambda s: 1.0, lambda s: 0.6)
        assert width(busy) > 1.5 * width(quiet)
        assert quiet.share.energy_j_range[0] > 0.75 * quiet.energy_j

    def test_joules_go_to_who_worked_when_they_were_used(self, host):
        """Each works alone for 1.8 s, two looks; by CPU time of the whole run we would get a quarter of everything."""
        run = host.run(36, lambda i: 1.0 if i < 18 else 0.0, lambda i: 0.0 if i < 18 else 3.0, 0.1)
        assert "25 %" in run.share.how
        package = next(device for device in run.devices if device.kind == "cpu")
        rest = run.energy_j - package.energy_j  # memory, whose idling is allotted
        # The least that was seen, and how busy the processor was then: one CPU, by the models' curve.
        curve = of_tdp(1.0, (1.0, 1.0), "")
        idle_w = 20.0 * curve.at(0.0)[0] / curve.at(1 / os.cpu_count())[0]
        ours = 1.8 * (20 - idle_w) + 3.6 * idle_w  # our work, and the idling of a machine that nobody else has claimed
        assert run.share.energy_j - rest == pytest.approx(ours, rel=0.02)

    def test_what_others_keep_the_machine_busy_with_is_no_idling_of_ours(self, tmp_path):
        """Idle power is not known, and all the time others work: they have no claim on us for what they draw."""
        clock = InjectedClock()
        zone = Zone("intel-rapl:0", "package-0", steady(60.0), 100)
        with SimulatedMachine([zone], clock=clock) as simulated, simulated.here():
            busy = Host(simulated, clock, tmp_path)
            run = busy.run(5, lambda s: 0.0, lambda s: float(os.cpu_count()))
        package = next(device for device in run.devices if device.kind == "cpu")
        ours_j = run.share.energy_j - (run.energy_j - package.energy_j)
        assert ours_j < 0.45 * package.energy_j
        assert run.share.energy_j_range[0] <= run.share.energy_j <= run.share.energy_j_range[1]

    def test_idling_is_shared_with_others_who_count(self, host, tmp_path):
        other = Peers(os.cpu_count(), tmp_path)
        alone = host.run(4, lambda s: 0.0, lambda s: 0.0)
        other.begin("theirs", host.clock.monotonic() + 2.0)
        host.witness.tree.pids = frozenset()  # the same process here: as if it were another
        shared = host.run(4, lambda s: 0.0, lambda s: 0.0)
        assert shared.share.energy_j < alone.share.energy_j

    def test_it_survives_json(self, host):
        run = host.run(2, lambda s: 1.0, lambda s: 1.0)
        again = Run.from_dict(run.to_dict())
        assert again.share == run.share

    def test_a_system_that_does_not_tell_gives_none_and_the_reason(self, host):
        def silent():
            raise OSError

        host.witness._busy_s = silent
        run = host.run(1, lambda s: 1.0, lambda s: 1.0)
        assert run.share is None
        assert "does not tell" in run.share_reason


@pytest.mark.parametrize(
    ("processes", "low", "high"),
    [
        ((Process(0),), 0.99, 1.0),
        ((Process(1),), 0.0, 0.01),
        ((Process(0, utilization=75), Process(1, utilization=25)), 0.55, 0.8),
        ((Process(0), Process(4_000_000)), 0.49, 0.51),  # a number that nobody here has: a container
    ],
)
def test_a_gpu_is_split_by_its_drivers_account(tmp_path, processes, low, high):
    clock = InjectedClock()
    gpu = Gpu(square(20.0, 180.0, 4.0), processes=processes)
    with SimulatedMachine([], [gpu], clock=clock) as simulated, simulated.here():
        host = Host(simulated, clock, tmp_path)
        run = host.run(5, lambda s: 1.0, lambda s: 0.0)
        used = next(device.energy_j for device in run.devices if device.kind == "gpu")
        rest = run.energy_j - used
        assert low * used - 1e-6 <= run.share.energy_j - rest <= high * used + 1e-6
        if processes[-1].pid == 4_000_000:
            assert "not known" in run.share.how
            assert run.share.energy_j_range[1] - run.share.energy_j_range[0] > 0.9 * used


def test_two_notebooks_on_one_host_have_no_more_than_the_machine(tmp_path):
    """Two real processes that work at the same time on a simulated machine; their shares add up to the machine at most."""
    code = textwrap.dedent("""
        import sys, time, json, carbon_magic
        sys.stdin.readline()
        with carbon_magic.track("work") as run:
            end = time.monotonic() + 3
            while time.monotonic() < end: pass
        last = carbon_magic.last
        print(json.dumps([last.started_at, last.duration_s, last.power_w, last.share.energy_j, last.share.how]))
    """)
    with machine.laptop(steady(30.0)) as simulated:
        both = [
            subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=os.environ | simulated.environment,
            ) for _ in range(2)
        ]  # fmt: skip
        for process in both:
            process.stdin.write("\n")
            process.stdin.flush()
        import json

        answers = [json.loads(process.communicate()[0]) for process in both]
    # The machine draws the same at all times, so what it used while at least one counted is plain.
    began, ended = min(a[0] for a in answers), max(a[0] + a[1] for a in answers)
    machine_j = max(a[2] for a in answers) * (ended - began)
    assert sum(a[3] for a in answers) <= 1.1 * machine_j  # each alone would claim all of the idling
    assert all("other tracked process" in a[4] for a in answers)


def test_a_tracked_cell_has_a_share():
    with carbon_magic.track("here") as run:
        exec(BURN.format(0.1))
    assert 0 < run.share.energy_j <= run.energy_j
    assert run.share.energy_j_range[0] <= run.share.energy_j <= run.share.energy_j_range[1]
