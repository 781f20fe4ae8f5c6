"""What a meter at the wall says beside the devices: how much more, and what that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import units
from .plain import plain

if TYPE_CHECKING:
    from ..device import Device
    from ..run import Run

PLAIN = "At the wall"


def sentences(run: Run) -> list[str]:
    """One for each meter of scope "wall" that could tell something: a short run may be below its resolution."""
    return [_sentence(run, device) for device in run.others if device.scope == "wall" and device.energy_j_range[0] > 0]


def _sentence(run: Run, device: Device) -> str:
    name = plain(device.name, 40)
    told = f"{name if name.startswith(PLAIN) else f'{PLAIN} ({name})'} {units.energy(device.energy_j)}"
    if not run.devices:
        return f"{told}: no device of this machine tells how much of it is its own."
    more_j = device.energy_j - run.energy_j
    if device.energy_j_range[1] < run.energy_j_range[0]:
        return (
            f"{told}: {units.energy(-more_j)} less than the devices, which cannot be: "
            "the meter feeds only a part of this machine, or one of the two is wrong."
        )
    if more_j <= 0:
        return f"{told}: as much as the devices, as far as both are known; board and power supply are in it."
    return f"{told}: {units.energy(more_j)} more than the devices, board and power supply included."
