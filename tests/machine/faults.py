"""What can go wrong with a counter, and what a counter shows when it does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machine.truth import Trace

CounterKind = Literal["reset", "jump", "stuck", "io_error", "denied"]
ZoneKind = Literal[CounterKind, "vanish", "garbage", "no_range"]
GpuKind = Literal[CounterKind, "lost", "no_energy", "no_power", "no_fields", "no_load"]
ZONE_KINDS: tuple[str, ...] = get_args(ZoneKind)
GPU_KINDS: tuple[str, ...] = get_args(GpuKind)


@dataclass(frozen=True)
class Fault:
    """One fault, from `at` until `until`, in seconds of the machine.

    reset: the counter is 0 at `at` and counts on from there. jump: it gains `joules` at `at`.
    stuck: it stands still, and shows the truth again after. io_error: a read fails (EIO; NVML: unknown error).
    denied: it may not be read. vanish: the zone is not there. garbage: a read gives `text`. no_range: the zone has no
    max_energy_range_uj. lost: the GPU fell off the bus. no_energy, no_power, no_fields, no_load: the GPU has no energy
    counter, no power reading, no field values, no utilisation ("not supported"); a virtual one has only the last.
    """

    kind: ZoneKind | GpuKind
    at: float = 0.0
    until: float = math.inf
    joules: float = 0.0
    text: str = "garbage\n"

    def active(self, t: float) -> bool:
        """Whether it holds at time t."""
        return self.at <= t < self.until


def active(faults: Sequence[Fault], kind: str, t: float) -> Fault | None:
    """The fault of this kind that holds at time t."""
    return next((fault for fault in faults if fault.kind == kind and fault.active(t)), None)


def check(faults: Sequence[Fault], known: Sequence[str]) -> None:
    """Refuse a fault that this kind of device cannot have, which would otherwise do nothing without a word."""
    for fault in faults:
        if fault.kind not in known:
            raise ValueError(f"no fault {fault.kind!r} here; there are {', '.join(known)}")


def tick(t: float, period_s: float, phase_s: float) -> float:
    """When a counter that is brought up to date once a period last was; the 1e-6 forgives the rounding of 0.009/0.001."""
    return phase_s + math.floor((t - phase_s) / period_s + 1e-6) * period_s


def counted(trace: Trace, faults: Sequence[Fault], t: float, *, start_j: float, gain: float = 1.0) -> float:
    """What a counter that was at `start_j` at time 0 has come to: the truth times its gain, as bent by the faults."""
    stuck = active(faults, "stuck", t)
    t = min(t, stuck.at) if stuck else t
    since, joules = 0.0, start_j
    for fault in sorted(faults, key=lambda fault: fault.at):
        if fault.at <= t and fault.kind == "reset":
            since, joules = fault.at, 0.0
        elif fault.at <= t and fault.kind == "jump":
            joules += fault.joules
    return joules + gain * trace.joules(since, t)
