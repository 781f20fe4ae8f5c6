"""A laptop on battery: what it gives is what the whole machine draws, screen and losses included.

Attributes: https://docs.kernel.org/power/power_supply_class.html; µW, µV, µA.
"""

from __future__ import annotations

from pathlib import Path

from ..ranges import Range
from .site import Found, Site
from .watts import Watts

CLASS = Path("class/power_supply")
GAIN: Range = (0.9, 1.1)
"""Fuel gauges publish no accuracy of their power: a judgement."""
EVERY_S = 0.9
"""As the watcher looks. Gauges tell something new every second to every minute, and asking one takes milliseconds."""


def find(site: Site) -> Found:
    """All batteries that feed the machine, as one figure of the whole machine; it tells nothing while on mains."""
    batteries = [folder for folder in _folders(site.sensors / CLASS) if _feeds_the_machine(folder)]
    if not batteries:
        return Found()

    def ask() -> float | None:
        watts = [w for folder in batteries if (w := _discharge_w(folder)) is not None]
        return sum(watts) if watts else None

    meter = Watts(
        ask,
        site.now,
        name="Battery",
        kind="battery",
        source="discharge as the battery's gauge tells it, up to a minute old",
        gain=GAIN,
        every_s=EVERY_S,
    )
    meter.scope, meter.counted = "whole machine", False
    return Found([meter])


def _discharge_w(folder: Path) -> float | None:
    """Watts that this battery gives; None while it gives none."""
    if _text(folder / "status") != "Discharging":
        return None
    # Some drivers give the current of a discharge a minus sign.
    power = _text(folder / "power_now")
    if power is not None:
        return abs(int(power)) / 1e6
    volts, amperes = _text(folder / "voltage_now"), _text(folder / "current_now")
    if volts is None or amperes is None:
        return None
    return int(volts) / 1e6 * abs(int(amperes)) / 1e6


def _feeds_the_machine(folder: Path) -> bool:
    """Mice and headsets have batteries too; their scope is "Device"."""
    return _text(folder / "type") == "Battery" and _text(folder / "scope") != "Device"


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
