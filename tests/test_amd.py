"""AMD GPUs, through a module that answers as amdsmi's reference says. The hardware itself was never there."""

import os
import sys
from types import SimpleNamespace

import pytest
from machine import InjectedClock

from carbon_magic.meters import amd
from carbon_magic.meters.amd import Die, visible
from carbon_magic.meters.machine import Machine
from carbon_magic.meters.site import Site

QUANTUM_UJ = 15.3


class Smi:
    """amdsmi over boards of a known power."""

    class AmdSmiLibraryException(Exception):
        pass

    def __init__(self, clock, *boards):
        self.clock, self.boards = clock, boards
        self.opened = False

    def amdsmi_init(self):
        print("found smi lib in [ /opt/rocm/lib/libamd_smi.so ]")
        self.opened = True

    def amdsmi_get_processor_handles(self):
        return list(range(len(self.boards)))

    def amdsmi_get_gpu_asic_info(self, handle):
        return {"market_name": self.boards[handle].get("name", "AMD Instinct MI300X"), "asic_serial": "0x1"}

    def amdsmi_get_gpu_device_uuid(self, handle):
        return f"0a{handle}ff74a1-0000-1000-80ad-c2a1000000{handle}"

    def amdsmi_get_gpu_enumeration_info(self, handle):
        if "hip" not in self.boards[handle]:
            raise self.AmdSmiLibraryException(2)
        return {"hip_id": self.boards[handle]["hip"], "hip_uuid": f"GPU-{handle}a{handle}b"}

    def amdsmi_get_power_cap_info(self, handle):
        return {"power_cap": 750_000_000}

    def amdsmi_get_power_info(self, handle):
        watts = self.boards[handle]["watts"]
        if watts is None:
            raise self.AmdSmiLibraryException(2)
        return {"current_socket_power": "N/A", "average_socket_power": watts, "power_limit": 750}

    def amdsmi_get_energy_count(self, handle):
        board = self.boards[handle]
        if board.get("counter") == "none":
            raise self.AmdSmiLibraryException(2)
        t = self.clock.monotonic() // 0.01 * 0.01
        joules = {"stuck": 7.0, "silent": 0.0}.get(board.get("counter"), board["watts"] * t * board.get("unit", 1))
        count = int(joules * 1e6 / QUANTUM_UJ)
        key = board.get("key", "energy_accumulator")
        return {key: count, "counter_resolution": QUANTUM_UJ, "timestamp": int(t * 1e9)}


@pytest.fixture
def found(monkeypatch, tmp_path):
    def find(*boards, **environ):
        clock = InjectedClock()
        smi = Smi(clock, *boards)
        monkeypatch.setitem(sys.modules, "amdsmi", smi)
        return SimpleNamespace(found=amd.find(Site(environ, clock.monotonic, sys=tmp_path)), clock=clock, smi=smi)

    return find


def joules(at, seconds):
    """What a run of so many seconds makes of each meter."""
    machine = Machine(at.found.meters, at.clock)
    machine.restart()
    begin, t0 = machine.mark(edge=True), at.clock.monotonic()
    until = t0 + seconds
    while (left := until - at.clock.monotonic()) > 1e-9:
        at.clock.advance(min(left, 0.004 if machine.settle() or machine.awaits_tick() else 0.25))
        machine.mark()
    end, t1 = machine.mark(edge=True), at.clock.monotonic()
    while at.clock.monotonic() - t1 < 0.25 and machine.settle():
        at.clock.advance(0.001)
    pairs = zip(machine.odometers, begin, end, strict=True)
    return [odometer.device(a, b, t0_s=t0, now_s=t1) for odometer, a, b in pairs]


@pytest.mark.parametrize("key", ["energy_accumulator", "power"])
def test_its_counter_is_read_and_nothing_is_printed(found, capsys, key):
    at = found({"watts": 300, "key": key})
    [gpu] = joules(at, 5.0)
    assert (gpu.name, gpu.method, gpu.limit_w) == ("GPU 0 AMD Instinct MI300X", "counter", 750)
    assert gpu.energy_j == pytest.approx(1500, rel=0.01)
    assert gpu.energy_j_range[0] <= 1500 <= gpu.energy_j_range[1]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("fault", [{"counter": "stuck"}, {"unit": 100}, {"counter": "none"}])
def test_a_counter_that_contradicts_the_watts_is_not_believed(found, fault):
    at = found({"watts": 300} | fault)
    [gpu] = joules(at, 10.0)
    assert gpu.method == "polled"
    # What a wrong unit added in the first half second cannot be told from use.
    assert gpu.energy_j_range[1] >= 3000 * 0.9
    if "unit" not in fault:
        assert gpu.energy_j == pytest.approx(3000, rel=0.1)
    assert any("energy counter" in note for note in gpu.notes)


def test_the_second_die_of_an_mi250_is_in_the_first_one_s_counter(found):
    die = {"name": "AMD Instinct MI250X"}
    at = found(die | {"watts": 400}, die | {"watts": 0, "counter": "silent"})
    [gpu] = joules(at, 5.0)
    assert gpu.energy_j == pytest.approx(2000, rel=0.01)
    assert gpu.notes == ("its counter is that of both dies of the board",)


def test_a_virtual_machine_s_gpu_that_tells_nothing_is_named_as_missing(found):
    at = found({"watts": None, "counter": "none"})
    assert list(at.found.meters) == []
    assert at.found.missing[0].why == "it tells neither energy nor power"


def test_gpus_that_are_not_ours_stand_beside(found):
    at = found({"watts": 100, "hip": 1}, {"watts": 200, "hip": 0}, HIP_VISIBLE_DEVICES="0")
    assert [(m.name[:5], m.counted) for m in at.found.meters] == [("GPU 0", False), ("GPU 1", True)]
    at = found({"watts": 100}, {"watts": 200}, HIP_VISIBLE_DEVICES="0")
    assert all("is a guess" in m.notes[0] for m in at.found.meters)


DIES = [Die(0, "A", "GPU-0a0b", 1), Die(1, "B", "GPU-1a1b", 0), Die(2, "C", "GPU-2a2b", 2)]


@pytest.mark.parametrize(
    ("environ", "mine"),
    [
        ({}, {0, 1, 2}),
        ({"HIP_VISIBLE_DEVICES": "0"}, {1}),
        ({"CUDA_VISIBLE_DEVICES": "0,2"}, {1, 2}),
        ({"HIP_VISIBLE_DEVICES": "1", "CUDA_VISIBLE_DEVICES": "0"}, {0}),
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "0"}, {0}),
        ({"ROCR_VISIBLE_DEVICES": "GPU-2a2b"}, {2}),
        ({"HIP_VISIBLE_DEVICES": "-1"}, set()),
        ({"HIP_VISIBLE_DEVICES": ""}, set()),
        ({"HIP_VISIBLE_DEVICES": "0,9,1"}, {1}),
    ],
)
def test_the_environment_says_which_are_ours(environ, mine):
    assert visible(environ, DIES) == (mine, True)


def test_without_the_module_the_step_is_told_and_a_sleeping_gpu_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "amdsmi", raising=False)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    device = tmp_path / "bus/pci/devices/0000:03:00.0"
    (device / "power").mkdir(parents=True)
    (device / "vendor").write_text("0x1002\n")
    (device / "class").write_text("0x038000\n")
    (device / "power/runtime_status").write_text("active\n")
    site = Site(os.environ, InjectedClock().monotonic, sys=tmp_path)
    assert amd.find(site).missing[0].step == "pip install 'carbon_magic[amd]'"
    (device / "power/runtime_status").write_text("suspended\n")
    assert "not woken" in amd.find(site).missing[0].why
    (device / "vendor").write_text("0x8086\n")
    assert amd.find(site) == ((), ())
