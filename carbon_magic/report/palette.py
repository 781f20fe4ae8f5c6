"""Colours and patterns of devices: apart for the colour-blind, apart in grey, and visible on white as on black.

The kinds lie 7 or more apart in CIE lightness (cpu 46, dram 54, gpu 61) and 14 or more in CIE76 distance for protan,
deutan and tritan eyes (Machado et al. 2009); the first colour of each has a contrast of 3 or more with both themes'
grounds. What is modelled is hatched, so that a guess never looks like a measurement, whatever the colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..device import Device, Method

Fill = Literal["solid", "lines", "hatch"]

_SHADES: dict[str, tuple[str, ...]] = {
    "cpu": ("#3a6cb8", "#7ba3dc", "#2d5796", "#9bbce6"),
    "dram": ("#2a8f80", "#5fb8aa", "#37a493", "#7cc5ba"),
    "gpu": ("#d27e26", "#a86018", "#e6a862", "#bf711f"),
}
_OTHER = ("#7d8590", "#9aa2ad", "#666e79", "#8b939e")
_FILLS: dict[Method, Fill] = {"counter": "solid", "polled": "lines", "modelled": "hatch"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a device is painted."""

    colour: str
    fill: Fill


def looks(devices: Sequence[Device]) -> list[Look]:
    """One look per device; neighbours of one kind differ in lightness."""
    seen: dict[str, int] = {}
    found = []
    for device in devices:
        shades = _SHADES.get(device.kind, _OTHER)
        n = seen[device.kind] = seen.get(device.kind, -1) + 1
        found.append(Look(shades[n % len(shades)], _FILLS[device.method]))
    return found
