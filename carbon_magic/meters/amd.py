"""AMD GPUs through `amdsmi` (extra "amd", which must be of the same ROCm as the driver): their energy counter.

Reference: https://rocm.docs.amd.com/projects/amdsmi/en/latest/reference/amdsmi-py-api.html. Tested against a module
that answers as that reference says; never run on the hardware.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..device import Method
from ..ranges import Range
from .meter import Meter
from .site import Found, Missing, Site

GAIN: Range = (0.85, 1.15)
"""A judgement: AMD publishes no accuracy of the counter, and nobody has measured it."""
POLLED_GAIN: Range = (0.8, 1.2)
DEFAULT_MAX_W = 1500.0
VALIDATE_S = 0.5
PLAUSIBLE = (0.1, 10.0)
"""Counter ÷ watts x time: outside of this the counter is stuck (MI100, ROCm/amdsmi issue 38) or its unit is another."""
UNSEEN_W = 65535
_WHAT = "AMD GPU through amdsmi"
_TWO_DIES = re.compile(r"MI250", re.IGNORECASE)
_DOUBT = "which GPUs the environment means is a guess: this amdsmi does not tell how HIP counts them"


def find(site: Site) -> Found:
    """The AMD GPUs: those this kernel may use counted, the others not. Wakes none."""
    states = _power_states(site.sys)
    if "amdsmi" not in sys.modules and not states:
        return Found()
    if states and all(state == "suspended" for state in states):
        return Found((), [Missing(_WHAT, "it is suspended, and is not woken", kind="gpu")])
    try:
        with contextlib.redirect_stdout(_Hushed(sys.stdout)):  # it prints where the cell's output would be
            import amdsmi

            amdsmi.amdsmi_init()
            handles = amdsmi.amdsmi_get_processor_handles()
    except ImportError:
        return Found(
            (), [Missing(_WHAT, "the module amdsmi is not installed", "pip install 'carbon_magic[amd]'", "gpu")]
        )
    except Exception as error:
        why = f"the library of ROCm does not open ({type(error).__name__})"
        return Found((), [Missing(_WHAT, why, "install amd-smi-lib of the ROCm that the driver is of", "gpu")])
    dies = [_die(amdsmi, handle, number) for number, handle in enumerate(handles)]
    mine, sure = visible(site.environ, dies)
    meters: list[Meter] = []
    for die, handle in zip(dies, handles, strict=True):
        try:
            meter = AmdGpu(amdsmi, handle, die, site.now)
        except Exception:  # noqa: S112 - in a virtual machine it tells neither energy nor power
            continue
        if _TWO_DIES.search(die.name):
            if meter.silent:
                continue  # the second die of a board: the first one's counter holds both
            meter.notes = ("its counter is that of both dies of the board",)
        meter.counted = die.number in mine
        meter.notes += () if sure else (_DOUBT,)
        meters.append(meter)
    missing = [] if meters or not handles else [Missing(_WHAT, "it tells neither energy nor power", kind="gpu")]
    return Found(meters, missing)


class _Hushed:
    """Standard output that does not hear this thread, while others print as they like."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._thread else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Die(NamedTuple):
    """A GPU as amdsmi tells of it; `hip` is its number in HIP's own order, None where that is not told."""

    number: int
    name: str
    uuid: str
    hip: int | None


class AmdGpu(Meter):
    """Its energy accumulator, checked against its watts in the first half second; its watts where it has none."""

    kind = "gpu"
    method: Method = "counter"
    source = "amdsmi energy counter"
    tick_s = 0.1  # not documented; measured at first use
    gain = GAIN

    def __init__(self, smi: Any, handle: Any, die: Die, now: Callable[[], float]) -> None:
        self._smi, self._handle, self._now = smi, handle, now
        self.name = self.group = f"GPU {die.number} {die.name}"
        self.key = die.uuid or None
        cap = _ask(lambda: float(smi.amdsmi_get_power_cap_info(handle)["power_cap"]))
        # Microwatts in the reference, watts in some releases.
        self.limit_w = cap / 1e6 if cap and cap > 1e5 else cap or None
        self.max_w = 2 * self.limit_w if self.limit_w else DEFAULT_MAX_W
        self._joules = 0.0
        self._began: tuple[float, float] | None = None
        self._seen: tuple[float, float] | None = None
        self._last_j: float | None = None
        self._summed_j = 0.0
        self._checked = False
        energy = _ask(self._energy)
        if energy is None:
            self._power()  # where this fails too, it is no meter
            self._distrust("it has no energy counter")
        self.silent = (energy is None or energy[0] == 0) and not _ask(self._power)

    def _energy(self) -> tuple[float, float]:
        """Joules, and the time in seconds by the GPU's own stamp."""
        told = self._smi.amdsmi_get_energy_count(self._handle)
        count = told["energy_accumulator"] if "energy_accumulator" in told else told["power"]  # until ROCm 6.1
        return float(count) * float(told["counter_resolution"]) / 1e6, float(told["timestamp"]) / 1e9

    def _power(self) -> float:
        told = self._smi.amdsmi_get_power_info(self._handle)
        for key in ("current_socket_power", "average_socket_power", "socket_power"):
            value = told.get(key)
            if isinstance(value, int | float) and 0 <= value < UNSEEN_W:
                return float(value)
        raise ValueError("no power")

    def watts(self) -> float | None:
        return None  # of which window its watts are is not told

    def read(self) -> float | None:
        if self._checked and self.method == "counter":
            return self._counted(self._energy()[0])
        now_s, watts = self._now(), self._power()
        if self._seen is not None:
            step_j = (self._seen[1] + watts) / 2 * max(0.0, now_s - self._seen[0])
            self._summed_j += step_j
            if self.method != "counter":
                self._joules += step_j
        self._seen = now_s, watts
        if self.method == "counter":
            joules, stamp_s = self._energy()
            self._counted(joules)
            self._check(joules, stamp_s, now_s)
        return self._joules

    def _counted(self, joules: float) -> float:
        """The counter's own growth; where it fell, the counter itself, so that the fall is seen as a reset."""
        if self._last_j is not None:
            self._joules = self._joules + joules - self._last_j if joules >= self._last_j else joules
        self._last_j = joules
        return self._joules

    def _check(self, joules: float, stamp_s: float, now_s: float) -> None:
        if self._began is None:
            self._began, self._began_s, self._summed_j = (joules, stamp_s), now_s, 0.0
            return
        passed_s = now_s - self._began_s
        if passed_s < VALIDATE_S or self._summed_j <= 0:
            return
        stamped_s = stamp_s - self._began[1]
        # By its own stamp where that keeps time: the counter is as old as it says.
        seconds = stamped_s if 0.5 < stamped_s / passed_s < 2 else passed_s
        ratio = (joules - self._began[0]) / (self._summed_j * seconds / passed_s)
        self._checked = True
        if not PLAUSIBLE[0] < ratio < PLAUSIBLE[1]:
            self._distrust("its energy counter contradicts its watts, which are summed instead")

    def _distrust(self, why: str) -> None:
        self.method, self.source, self.gain = "polled", "amdsmi power, polled", POLLED_GAIN
        self.notes = (*self.notes, why)


def visible(environ: Mapping[str, str], dies: Sequence[Die]) -> tuple[set[int], bool]:
    """The numbers of the GPUs this process may use, and whether that is beyond doubt.

    ROCR_VISIBLE_DEVICES chooses first; HIP_VISIBLE_DEVICES (or CUDA_VISIBLE_DEVICES) counts what that left:
    https://rocm.docs.amd.com/en/latest/conceptual/gpu-isolation.html
    """
    left = sorted(dies, key=lambda die: (die.hip is None, die.hip if die.hip is not None else die.number))
    sure = len(dies) < 2 or all(die.hip is not None for die in dies)
    counted = False
    for name in ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"):
        setting = environ.get(name)
        if setting is None or (name.startswith("CUDA") and "HIP_VISIBLE_DEVICES" in environ):
            continue
        chosen: list[Die] = []
        for entry in (each.strip() for each in setting.split(",")):
            found = [die for die in left if _means(entry, die)]
            if entry.isdecimal() and int(entry) < len(left):
                found, counted = [left[int(entry)]], True
            if len(found) != 1:
                break  # as HIP does: nothing counts after an entry that means no device
            chosen.append(found[0])
        left = chosen
    mine = {die.number for die in left}
    return mine, sure or not counted or len(mine) in (0, len(dies))


def _means(entry: str, die: Die) -> bool:
    plain = re.sub(r"[^0-9a-f]", "", entry.lower().removeprefix("gpu-"))
    return entry.lower().startswith("gpu-") and bool(plain) and plain in re.sub(r"[^0-9a-f]", "", die.uuid.lower())


def _die(smi: Any, handle: Any, number: int) -> Die:
    asic = _ask(lambda: smi.amdsmi_get_gpu_asic_info(handle)) or {}
    told = _ask(lambda: smi.amdsmi_get_gpu_enumeration_info(handle)) or {}
    name = asic.get("market_name") or "AMD"
    hip = told.get("hip_id")
    uuid = told.get("hip_uuid") or _ask(lambda: smi.amdsmi_get_gpu_device_uuid(handle)) or ""
    return Die(number, name if name != "N/A" else "AMD", uuid, hip if isinstance(hip, int) else None)


def _ask(question: Callable[[], Any]) -> Any:
    """Each call is optional."""
    try:
        return question()
    except Exception:
        return None


def _power_states(sys_folder: Path) -> list[str]:
    """The runtime power states of the AMD devices on the bus that draw or compute."""
    states = []
    for folder in (sys_folder / "bus/pci/devices").glob("*"):
        try:
            if (folder / "vendor").read_bytes().strip() == b"0x1002" and (folder / "class").read_bytes()[:4] in (
                b"0x03",
                b"0x12",
            ):
                status = folder / "power/runtime_status"
                states.append(status.read_text().strip() if status.exists() else "active")
        except OSError:
            continue
    return states
