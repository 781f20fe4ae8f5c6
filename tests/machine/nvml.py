"""Simulated GPUs under the real pynvml: builds libnvidia-ml.so.1 from nvml.c and tells it which GPUs there are."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine.faults import GPU_KINDS, Fault, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from machine.clock import InjectedClock
    from machine.truth import Trace

LIBRARY = "libnvidia-ml.so.1"
CONFIG = "CARBON_TEST_NVML"
_SOURCES = [Path(__file__).with_name(name) for name in ("nvml.c", "nvml_machine.h")]
_FLAGS = ["-shared", "-fPIC", "-O2", "-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden", f"-Wl,-soname,{LIBRARY}"]
_NEEDED = "the simulated GPUs need a C compiler: apt-get install gcc libc6-dev"


@dataclass(frozen=True)
class Process:
    """A process on a GPU. pid 0 is whichever process asks."""

    pid: int
    memory_mb: float = 1_000.0
    utilization: int = 100


@dataclass(frozen=True)
class Gpu:
    """One GPU; by default it measures as an A100 does (Yang et al., SC24, arXiv 2312.02741)."""

    trace: Trace
    name: str = "NVIDIA A100-SXM4-80GB"
    limit_w: float = 400.0
    uuid: str = ""
    pci: str = ""
    architecture: int = 7
    memory_gb: float = 80.0
    cores: int = 6912
    clock_mhz: int = 1410
    call_s: float = 0.0
    """How long the driver takes to tell the energy."""
    module: bool = False
    """A superchip: its sensors and its counter are those of the module."""
    tick_s: float = 0.1
    """How often the energy counter and the power readings are brought up to date: 0.02 to 0.1 s on real boards."""
    phase_s: float = 0.0
    window_s: float = 1.0
    """What nvmlDeviceGetPowerUsage is the mean of."""
    instant_s: float = 0.025
    """What NVML_FI_DEV_POWER_INSTANT is the mean of."""
    samples_s: float = 0.0
    """How often the driver itself keeps such a window (nvmlDeviceGetSamples); 0: it keeps none."""
    start_j: float = 87_654.321
    gain: float = 1.0
    """What the sensor shows for a true watt: ± 5 % from board to board."""
    mig: int | None = None
    """None: a GPU without MIG; 0: MIG is off; else the number of instances."""
    processes: tuple[Process, ...] = ()
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        check(self.faults, GPU_KINDS)


def numbered(gpus: Sequence[Gpu]) -> list[tuple[Gpu, str, str]]:
    """Every GPU with its UUID and PCI address, made up where it names none."""
    return [
        (
            gpu,
            gpu.uuid or f"GPU-{i:08x}-c0de-4a11-8000-{0xF00D + i:012x}",
            gpu.pci or f"00000000:{0x07 + 8 * i:02X}:00.0",
        )
        for i, gpu in enumerate(gpus)
    ]


def build() -> Path:
    """The folder of the library, which is built if there is none yet of this source."""
    source = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES) + repr(_FLAGS).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"carbon-machine-{os.getuid()}", source)
    if (folder / LIBRARY).exists():
        return folder
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if compiler is None:
        raise RuntimeError(_NEEDED)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Built aside and moved into place: another test may be building, or loading, at the same time.
    new = folder / f"{os.getpid()}-{time.monotonic_ns()}.so"
    result = subprocess.run(
        [compiler, *_FLAGS, "-o", str(new), str(_SOURCES[0]), "-lm", "-lpthread"], capture_output=True, text=True
    )
    if result.returncode:
        raise RuntimeError(f"{_NEEDED} ({compiler}: {(result.stderr.strip() or 'failed').splitlines()[0]})")
    new.replace(folder / LIBRARY)
    return folder


def configure(
    gpus: Sequence[Gpu],
    folder: str | os.PathLike[str],
    *,
    origin: float,
    clock_file: Path | None = None,
    init_error: int = 0,
    loads: int = 0,
) -> Path:
    """Write, or write anew, the file that tells the library which GPUs there are; running processes see the change.

    Machine time 0 is `origin` on CLOCK_MONOTONIC, or on the clock whose time stands in `clock_file`. With an
    `init_error` (9: driver not loaded) every call fails; after another of the `loads` of the driver, every call but nvmlInit.
    """
    for many, most in _limits(gpus):
        if many > most:
            raise ValueError(f"nvml_machine.h has room for {most} of these, not {many}")
    lines = [f"origin {origin!r}", "driver 550.90.07", f"init_error {init_error}", f"loads {loads}"]
    if clock_file:
        # A helper process samples by the clock of the real machine. In the second in which that happened to show the
        # same as the one moved by hand, its samples would be believed: with such a clock it finds no driver.
        lines += [f"clock {clock_file}", f"owner {os.getpid()}"]
    for gpu, uuid, pci in numbered(gpus):
        lines += ["gpu", f"name {gpu.name}", f"uuid {uuid}", f"pci {pci}", f"memory {gpu.memory_gb * 1e9!r}"]
        lines += [f"mig {-1 if gpu.mig is None else gpu.mig}", f"architecture {gpu.architecture}"]
        lines += [f"cores {gpu.cores}", f"clock_mhz {gpu.clock_mhz}", f"module {int(gpu.module)}"]
        for key in ("limit_w", "tick_s", "phase_s", "window_s", "instant_s", "samples_s", "start_j", "gain", "call_s"):
            lines.append(f"{key} {float(getattr(gpu, key))!r}")
        lines += [" ".join(["term", *map(str, term)]) for term in gpu.trace.terms]
        for fault in sorted(gpu.faults, key=lambda fault: fault.at):
            lines.append(f"fault {fault.kind} {fault.at!r} {fault.until!r} {fault.joules!r}")
        lines += [f"process {p.pid} {int(p.memory_mb * 1e6)} {p.utilization}" for p in gpu.processes]
    path = Path(folder, "nvml.txt")
    new = path.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n")
    # The library knows a change by the time of the file, and the file system's own may be 4 ms coarse.
    os.utime(new, ns=(time.time_ns(), time.time_ns()))
    return new.replace(path)


class ClockFile:
    """The time of an injected clock, in a file for the library to read."""

    def __init__(self, clock: InjectedClock, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder, "clock.txt")
        self.write(clock.monotonic())

    def write(self, monotonic: float) -> None:
        """Overwrite in place, in one length, so that no reader finds it empty."""
        text = f"{monotonic:024.9f}\n"
        with open(self.path, "r+" if self.path.exists() else "w") as file:
            file.write(text)


def environment(config: Path | None, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a subprocess needs so that its pynvml finds these GPUs, or, with no config, finds none whatever is there."""
    base = os.environ if base is None else base
    folder = build() if config else _nothing()
    searched = [str(folder), *filter(None, [base.get("LD_LIBRARY_PATH")])]
    return {"LD_LIBRARY_PATH": os.pathsep.join(searched), CONFIG: str(config or "")}


@contextlib.contextmanager
def loaded(config: Path | None) -> Iterator[None]:
    """These GPUs, or none, for the pynvml of this process."""
    before = os.environ.get(CONFIG)
    _forget()
    # An object without functions is a library without functions: pynvml says so, whatever GPUs the machine has.
    _pynvml().nvmlLib = ctypes.CDLL(str(build() / LIBRARY), mode=ctypes.RTLD_GLOBAL) if config else object()
    os.environ[CONFIG] = str(config or "")
    try:
        yield
    finally:
        _forget()
        os.environ.pop(CONFIG)
        if before is not None:
            os.environ[CONFIG] = before


def _pynvml() -> Any:
    """The real one, imported late: the server of a powercap tree imports this package too, and has no need of it."""
    return importlib.import_module("pynvml")


def _forget() -> None:
    """Bring pynvml back to where it is after its import."""
    pynvml = _pynvml()
    with contextlib.suppress(pynvml.NVMLError):
        for _ in range(pynvml._nvmlLib_refcount):
            pynvml.nvmlShutdown()
    pynvml.nvmlLib = None
    pynvml._nvmlLib_refcount = 0
    pynvml._nvmlGetFunctionPointer_cache.clear()


def _nothing() -> Path:
    """A folder in which the loader finds the library and cannot load it, and so looks no further."""
    folder = Path(tempfile.gettempdir(), f"carbon-machine-{os.getuid()}", "nothing")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / LIBRARY).touch()
    return folder


def _limits(gpus: Sequence[Gpu]) -> list[tuple[int, int]]:
    """How many there are of everything the library keeps in arrays, and for how many it has room."""
    each = [[(len(gpu.trace.terms), 64), (len(gpu.faults), 32), (len(gpu.processes), 64)] for gpu in gpus]
    return [(len(gpus), 64), *itertools.chain.from_iterable(each)]
