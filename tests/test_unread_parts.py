"""A part of the machine that is there and gives no figure: the run says so, and one failed read costs nothing."""

import os

import pytest
from machine import Fault, Gpu, steady
from test_cpu_counters import AMD, host, of, package  # noqa: F401 - host is a fixture
from test_gpu import cells, without

from carbon_magic.meters import doctor, nvml
from carbon_magic.meters.site import Site


def closed(host):  # noqa: F811
    """What %carbon meters would print of the processor's counters."""
    return [missing for missing in host.find().missing if missing.step]


@pytest.mark.parametrize("kind", ["io_error", "denied", "garbage"])
def test_a_package_that_cannot_be_read_beside_one_that_can_is_told(host, kind):  # noqa: F811
    host.powercap(package(steady(40)), package(steady(60), n=1, faults=(Fault(kind),)))
    run, seconds = host.cell(2.0)
    assert of(run, "cpu") == pytest.approx(40 * seconds, rel=0.01)
    assert "CPU 1: no reading at all, so it is not in the total" in run.notes
    assert [missing.kind for missing in closed(host)] == ([""] if kind == "denied" else [])


def test_what_fails_while_it_is_looked_for_is_counted_once_it_answers(host):  # noqa: F811
    """One read that failed just then left half of the machine out of every run of the session, without a word."""
    once = (Fault("io_error", at=0.0, until=0.002),)
    host.powercap(package(steady(40)), package(steady(60), n=1, faults=once))
    run, seconds = host.cell(2.0)
    assert of(run, "cpu") == pytest.approx(100 * seconds, rel=0.01)
    assert run.notes == ()


def test_longer_trouble_is_marked_and_ends_with_it(host):  # noqa: F811
    host.powercap(package(steady(40)), package(steady(60), n=1, faults=(Fault("io_error", at=0.0, until=1.0),)))
    run, seconds = host.cell(3.0)
    assert 40 * seconds < of(run, "cpu") < 100 * seconds
    assert any(note.startswith("CPU 1: from 0.0 s to ") for note in run.notes)


def test_memory_that_nobody_can_read_is_modelled_and_not_called_lost(host):  # noqa: F811
    dram = package(steady(5), label="dram", faults=(Fault("denied"),))
    host.powercap(package(steady(40)), type(dram)(**{**vars(dram), "id": "intel-rapl:0:0"}))
    run, _ = host.cell(1.0)
    assert [d.method for d in run.devices if d.kind == "dram"] == ["modelled"]
    assert not any("no reading" in note for note in run.notes)


def test_a_die_that_cannot_be_read_is_in_its_package_s_counter(host):  # noqa: F811
    host.powercap(
        package(steady(40), label="package-0-die-0"), package(steady(40), n=1, label="package-0-die-1",
        faults=(Fault("denied"),)),
    )  # fmt: skip
    assert host.cell(1.0, AMD)[0].notes == ()


def test_a_zone_without_a_name_is_named(host):  # noqa: F811
    zones = host.powercap(package(steady(40)), package(steady(60), n=1))
    (zones.root / "intel-rapl:1").resolve().joinpath("name").unlink()
    run, _ = host.cell(1.0)
    assert "CPU 0: intel-rapl:1 beside it has no name and is not counted: it may be a package" in run.notes


def test_rounds_that_nobody_saw_are_told_once(host):  # noqa: F811
    host.powercap(package(steady(100), range_j=10.0))
    run, _ = host.cell(3.0)
    told = [note for note in run.notes if "more than once" in note]
    assert len(told) == 1
    assert run.energy_j_range[0] <= 300 <= run.energy_j_range[1]


def test_a_board_that_tells_nothing_is_in_the_notes_and_in_the_doctor_s_table():
    mute = Gpu(steady(200), faults=without("no_energy", "no_power", "no_load"))
    said = "it tells neither energy nor power nor load: it is not in the total"
    with cells(Gpu(steady(100)), mute) as sim:
        run = sim.cell(2.0)
        assert [d.name for d in run.devices if d.kind == "gpu"] == ["GPU 0 NVIDIA A100-SXM4-80GB"]
        assert f"GPU 1 NVIDIA A100-SXM4-80GB: {said}" in run.notes
        tried = doctor.examine(Site(os.environ, sim.clock.monotonic), sim.clock).tried
        assert [(t.state, t.why) for t in tried if t.meter.name.startswith("GPU 1")] == [("no reading", said)]
        [_, meter] = nvml.find(Site(os.environ, sim.clock.monotonic)).meters
        assert meter.read() is None
    with cells(Gpu(steady(100)), mute, CUDA_VISIBLE_DEVICES="0") as sim:
        assert sim.cell(2.0).notes == ()  # what is not this kernel's is not missed
