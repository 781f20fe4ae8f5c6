"""Sensors of Linux' hwmon: Grace, Jetson and other boards' watts, AMD's and Intel GPUs' energy counters.

Attributes: https://docs.kernel.org/hwmon/sysfs-interface.html; µW, µJ, mV, mA.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from ..ranges import Range
from .lag import Lag
from .meter import Meter
from .site import Found, Missing, Site
from .sysfs import content
from .watts import Watts

if TYPE_CHECKING:
    from .external.fetch import Client
    from .external.sample import Sample

CLASS = Path("class/hwmon")
GRACE_GAIN: Range = (0.95, 1.05)
BOARD_GAIN: Range = (0.9, 1.1)
"""No accuracy is published for these sensors: a judgement, from the shunts (1 %), converters (INA3221: an offset of
80 µV, which matters at low load) and means over unknown windows that they are made of."""
AMD_GAIN: Range = (0.85, 1.15)
"""The same registers as RAPL on Zen, see rapl.py."""
TOTAL_RAILS = ("VDD_IN", "POM_5V_IN")
"""Rails of a Jetson through which all the others are fed (forums.developer.nvidia.com/t/73608/8)."""
FED_BY_OTHERS = ("VDDQ_VDD2_1V8AO",)
"""AGX Orin: measured at 5 V, behind VIN_SYS_5V0 (linux arch/arm64/boot/dts/nvidia/tegra234-p3701.dtsi)."""
INTEGRATED = "0000:00:02.0"
"""Where every integrated Intel GPU sits; its energy is the package's too."""
CHASSIS_S = 1.0
SLOW_S = 0.005
"""A sensor that takes longer is asked only every thousandth of that time, so that it costs 0.1 % at most."""

GRACE_STEP = r"""
echo 'options acpi_power_meter force_cap_on=y' |
  sudo tee /etc/modprobe.d/acpi_power_meter.conf
sudo modprobe -r acpi_power_meter; sudo modprobe acpi_power_meter
""".strip()
"""https://docs.nvidia.com/grace-patch-config-guide.pdf, as a module's option instead of the kernel's command line."""

_NEOVERSE_V2 = r"(?m)^CPU part\s*: 0xd4f$"
_SOCKET = r"(?i)^(Module|Grace|CPU|SysIO) Power Socket (\d+)$"


class Chip(NamedTuple):
    """One hwmon device: its folder, and what its driver calls itself."""

    folder: Path
    name: str

    def path(self, attribute: str) -> Path:
        """An attribute's file: of the class device, or of the device itself, as older drivers have it."""
        path = self.folder / attribute
        return path if path.exists() else self.folder / "device" / attribute

    def text(self, attribute: str) -> str | None:
        return _text(self.path(attribute))

    def micro(self, attribute: str) -> Callable[[], float]:
        """A question for a value in micro-units."""
        path = self.path(attribute)
        return lambda: int(content(path)) / 1e6


class EnergyCounter(Meter):
    """energyN_input: µJ, brought to 64 bits by the driver.

    The registers of Intel's GPUs have 32 bits that the driver adds up when it is read: two wraps between two readings
    would be lost, and the reading at least once a second of a run in progress keeps far ahead of that (minutes).
    """

    method = "counter"

    def __init__(self, chip: Chip, attribute: str, name: str, kind: str, gain: Range) -> None:
        self.name = self.group = name
        self.kind, self.gain = kind, gain
        self.source = f"hwmon {attribute} ({chip.name})"
        self._ask = chip.micro(attribute)
        self._status = chip.folder / "device" / "power" / "runtime_status"

    def asleep(self) -> bool:
        try:
            return content(self._status).startswith(b"suspend")
        except OSError:
            return False

    def read(self) -> float | None:
        # Asking a suspended GPU would wake it (i915 and xe take a runtime reference for each read).
        return None if self.asleep() else self._ask()


def find(site: Site) -> Found:
    """Every sensor of joules or watts that is known to mean a part of the machine."""
    chips = [Chip(folder, name) for folder in _folders(site.sensors / CLASS) if (name := _name(folder))]
    by_name = {name: [chip for chip in chips if chip.name == name] for name in {chip.name for chip in chips}}
    meters: list[Meter] = [
        *_power_meters(by_name.get("power_meter", ()), site.now),
        *_jetson(by_name.get("ina3221", ()), site.now),
        *(meter for chip in by_name.get("amd_energy", ()) for meter in _amd_energy(chip)),
        *_intel_gpus([chip for name in ("i915", "xe") for chip in by_name.get(name, ())]),
    ]
    return Found(meters, _missing(site, by_name))


def _missing(site: Site, by_name: Mapping[str, Sequence[Chip]]) -> tuple[Missing, ...]:
    """NVIDIA's Grace has sensors that need their driver; other processors of the same design have none."""
    if "0xd4f" not in site.cpuinfo:
        return ()
    vendor = _text(site.sensors / "class/dmi/id/sys_vendor") or ""
    if (
        not re.search(_NEOVERSE_V2, site.cpuinfo)
        or "Amazon" in vendor
        or "Google" in vendor
        or "power_meter" in by_name
    ):
        return ()
    why = "if this is NVIDIA's Grace, its sensors need the driver acpi_power_meter with one option"
    return (Missing("Grace's power sensors", why, GRACE_STEP, "cpu"),)


def _power_meters(chips: Sequence[Chip], now: Callable[[], float]) -> list[Meter]:
    """ACPI power meters: NVIDIA's Grace names what each measures; any other one is of the whole chassis.

    https://docs.nvidia.com/grace-perf-tuning-guide/power-thermals.html: the module holds the GPU and its memory too,
    "Grace" is the socket with its DRAM and regulators, "CPU" and "SysIO" are parts of that.
    """
    sockets: dict[tuple[str, str], Chip] = {}
    meters: list[Meter] = []
    for chip in chips:
        match = re.match(_SOCKET, chip.text("power1_oem_info") or "")
        if match:
            sockets[match.group(1).lower(), match.group(2)] = chip
        else:
            meters.append(_chassis(chip, now))
    for (what, socket), chip in sorted(sockets.items()):
        if what == "grace":
            meter = _watts(chip, now, f"CPU {socket} Grace", "cpu", GRACE_GAIN)
            meter.contains = ("dram",)
        elif what == "module":
            meter = _watts(chip, now, f"Module {socket}", "platform", GRACE_GAIN)
            meter.scope, meter.counted = "platform", False
        elif ("grace", socket) not in sockets:
            meter = _watts(chip, now, f"{'CPU' if what == 'cpu' else 'CPU I/O'} {socket}", "cpu", GRACE_GAIN)
        else:
            continue
        meters.append(meter)
    return meters


def _watts(chip: Chip, now: Callable[[], float], name: str, kind: str, gain: Range) -> Watts:
    window = chip.text("power1_average_interval")
    mean = f", means of {int(window) / 1000:g} s" if window and window.isdecimal() else ""
    before = now()
    ask = chip.micro("power1_average")
    try:
        ask()
    except (OSError, ValueError):
        ask = chip.micro("power1_input") if chip.path("power1_input").exists() else ask
    took_s = now() - before
    every_s = 1000 * took_s if took_s > SLOW_S else 0.0  # some firmware asks the BMC: tens of milliseconds
    source = f"ACPI power meter, polled{mean}"
    meter = Watts(ask, now, name=name, kind=kind, source=source, gain=gain, every_s=every_s)
    if window and window.isdecimal():
        meter.lag = Lag(int(window) / 1000, 0.0)
    meter.group = "ACPI power meter"  # sockets have sensors of one design
    return meter


def _chassis(chip: Chip, now: Callable[[], float]) -> Meter:
    """Asked by a thread: the firmware may ask the BMC, which takes from milliseconds to the seconds of a time-out."""
    from .external.wall_meter import WallMeter

    meter = WallMeter(
        "Chassis power meter",
        "ACPI power meter, polled",
        _Asked(chip.micro("power1_average")),
        cast("Client", _Nothing()),
        period_s=CHASSIS_S,
        tick_s=CHASSIS_S,
        counts=False,
        gain=_accuracy(chip),
        now=now,
    )
    meter.kind, meter.scope, meter.remote = "platform", "whole machine", False
    return meter


class _Asked(NamedTuple):
    """A file, asked as a meter on the network is."""

    ask: Callable[[], float]

    def sample(self, _: Client) -> Sample:
        from .external.sample import Sample

        return Sample(watts=self.ask())


class _Nothing:
    """No connection: there is nothing to close."""

    def close(self) -> None: ...


def _accuracy(chip: Chip) -> Range:
    """What the meter says of itself ("90.0%"), where it does."""
    match = re.match(r"^(\d+(?:\.\d+)?)%$", chip.text("power1_accuracy") or "")
    off = 1 - float(match.group(1)) / 100 if match else 1.0
    return (1 - off, 1 + off) if 0 < off < 0.5 else BOARD_GAIN


def _jetson(chips: Sequence[Chip], now: Callable[[], float]) -> list[Meter]:
    """A Jetson's rails: the one that feeds all the others, or their sum; never both."""
    rails: dict[str, tuple[Path, Path]] = {}
    for chip in chips:
        for i in (1, 2, 3):
            label = chip.text(f"in{i}_label") or ""
            files = (chip.path(f"in{i}_input"), chip.path(f"curr{i}_input"))
            if label not in ("", "NC") and all(file.exists() for file in files):
                rails[label] = files
    total = next((label for label in TOTAL_RAILS if label in rails), None)
    labels = [total] if total else [label for label in rails if label not in FED_BY_OTHERS]
    if not labels:
        return []
    asked = [rails[label] for label in labels]

    def ask() -> float:
        return sum(int(content(volt)) * int(content(ampere)) for volt, ampere in asked) / 1e6

    meter = Watts(
        ask, now, name="Jetson module", kind="cpu", source=f"INA3221, polled: {' + '.join(labels)}", gain=BOARD_GAIN
    )
    meter.contains = ("dram", "gpu", "igpu")
    return [meter]


def _amd_energy(chip: Chip) -> list[Meter]:
    """The driver amd_energy: a counter for each core and, after them, for each socket."""
    meters: list[Meter] = []
    for file in sorted(chip.folder.glob("energy*_label"), key=_number):
        socket = re.match(r"^Esocket(\d+)$", chip.text(file.name) or "")
        if socket:
            name = file.name.replace("label", "input")
            meter = EnergyCounter(chip, name, f"CPU {socket.group(1)}", "cpu", AMD_GAIN)
            meter.spare, meter.contains, meter.group = True, ("igpu",), "RAPL"
            meters.append(meter)
    return meters


def _intel_gpus(chips: Sequence[Chip]) -> list[Meter]:
    """i915's and xe's cards; i915 names the parts of a card i915_gtN, which are not looked at."""
    meters: list[Meter] = []
    for number, chip in enumerate(chips):
        # xe's energy2 is the GPU's package alone, part of energy1's card; early drivers have only the second.
        attribute = next((a for a in ("energy1_input", "energy2_input") if chip.path(a).exists()), None)
        if attribute is None:
            continue
        meter = EnergyCounter(chip, attribute, f"GPU {number} Intel", "gpu", BOARD_GAIN)
        meter.group = f"{chip.name} {number}"
        meter.part = "igpu" if (chip.folder / "device").resolve().name == INTEGRATED else "gpu"
        limit = chip.text("power1_max") or chip.text("power1_rated_max") or ""
        if limit.isdecimal() and int(limit):
            meter.limit_w = int(limit) / 1e6
            meter.max_w = 2 * meter.limit_w
        meters.append(meter)
    return meters


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(root.glob("hwmon*"), key=_number)
    except OSError:
        return []


def _number(path: Path) -> int:
    match = re.search(r"\d+", path.name)
    return int(match.group()) if match else 0


def _name(folder: Path) -> str | None:
    return Chip(folder, "").text("name")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
