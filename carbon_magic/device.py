"""One part of the machine during a run, and how its joules are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .ranges import Range
from .record import Record

Method = Literal["counter", "polled", "modelled"]
Scope = Literal["device", "platform", "whole machine", "wall"]
"""What a figure holds: one part; the processor's platform (psys, a whole module); all that a battery feeds; all that a
wall socket or a chassis' power supply feeds, its losses included."""
BELOW_RESOLUTION = "below the counter's resolution: at most this was used, and a total counts half of it"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Device(Record):
    """One part of the machine during a run.

    `method` says how its joules are known: "counter" (the device counts energy itself), "polled" (its watts were read
    again and again and summed) or "modelled" (computed from load, size and type; no instrument).
    """

    name: str
    kind: str
    energy_j: float
    energy_j_range: Range
    source: str
    method: Method
    notes: tuple[str, ...] = ()
    limit_w: float | None = None
    """The most it can draw by its own account (a GPU's power limit), None where unknown."""
    idle_w: float | None = None
    """What it draws while nothing runs, None where nobody has measured or told: the chart's idle band."""
    scope: Scope = "device"

    @property
    def below_resolution(self) -> bool:
        """Whether only the most that it can have used is known: shown as "≤ x"; `energy_j` is half of that."""
        return BELOW_RESOLUTION in self.notes

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Device:
        return cls(**{**d, "energy_j_range": tuple(d["energy_j_range"]), "notes": tuple(d["notes"])})
