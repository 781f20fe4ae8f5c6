"""The simulated NVML under the real pynvml: its counters, its faults, and what it names."""

from __future__ import annotations

import contextlib
import os
import random

import pynvml
import pytest
from machine import (
    Fault,
    Gpu,
    InjectedClock,
    Process,
    SimulatedMachine,
    nvml,
    steady,
    step,
)
from machine.faults import counted, tick
from test_machine import CORE, TRACES, energies


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
