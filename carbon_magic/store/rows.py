"""A Run as one row of the ledger, and back."""

from __future__ import annotations

import json
import math
import operator
import time
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import own, totals
from ..alive import Owner, is_alive
from ..curve import Curve
from ..device import Device
from ..own import Span
from ..run import Run
from . import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS = (
    "id", "host", "project", "name", "stage", "state", "boot_id", "pid", "pid_started", "started_at", "updated_at",
    "duration_s", "energy_j", "energy_j_low", "energy_j_high", "co2e_g", "co2e_g_low", "co2e_g_high", "pue", "place",
    "intensity_g_per_kwh", "method", "measured_fraction", "tags", "notes", "run", "curve",
)  # fmt: skip
"""For queries, all but the last two: `run` is the whole of it as JSON, and what counts; `curve` its power over time."""

FIGURES = (
    "id", "host", "project", "name", "stage", "state", "boot_id", "pid", "pid_started", "started_at", "ended_at",
    "updated_at", "duration_s", "energy_j", "energy_j_low", "energy_j_high", "co2e_g", "co2e_g_low", "co2e_g_high",
    "measured_j", "measured_fraction", "gpu_hours", "cost", "contract_co2e_g", "pue", "place", "intensity_g_per_kwh",
    "method", "tags", "notes", "seed", "git_commit", "notebook", "cell_hash", "hardware", "currency", "gpus", "more",
    "parts",
)  # fmt: skip
"""What a run says in sums and tables."""
DERIVED = ("energy_kwh", "energy_j_range", "power_w", "co2e_kg", "co2e_g_range")
"""Columns of a table of runs that follow from others."""
OTHERS = tuple(name for name in totals.COLUMNS if name not in (*FIGURES, *DERIVED))
"""Columns of a table of runs that have none in the file: together they are one, `more`."""
MOVING = (
    "updated_at", "duration_s", "energy_j", "energy_j_low", "energy_j_high", "co2e_g", "co2e_g_low", "co2e_g_high",
    "measured_j", "measured_fraction", "gpu_hours", "cost", "contract_co2e_g", "more", "parts",
)  # fmt: skip
"""What of it changes each second while a run goes on."""
STILL = tuple(name for name in Run.__dataclass_fields__ if name not in (
    "state", "duration_s", "energy_j_range", "devices", "others", "share", "curve"))  # fmt: skip
_still = operator.attrgetter(*STILL)

LEASE_S = 30.0
"""A running run of another machine that was not heard of for this long has ended with its process."""


def row(run: Run, figures: Sequence[object], curve: bytes | None) -> tuple[object, ...]:
    """Values in the order of COLUMNS, most of them from those of FIGURES."""
    return (*_taken(figures), texts.document(run), curve)


_taken = operator.itemgetter(*map(FIGURES.index, COLUMNS[:-2]))


def figures(run: Run, owner: Owner, updated_at: float | None = None) -> tuple[object, ...]:
    """Values in the order of FIGURES."""
    now, duration_s, *moving, more, joules = moved(run)
    ended_at = None if run.state == "running" else run.started_at + run.duration_s
    whose = (run.id, run.host, run.project or "", run.name, run.stage, run.state, owner.boot_id)
    return (
        *map(extra, whose),
        owner.pid,
        owner.started,
        number(run.started_at),
        number(ended_at),
        now if updated_at is None else updated_at,
        duration_s,
        *moving,
        number(run.pue),
        storable(run.grid.place),
        number(run.grid.intensity_g_per_kwh),
        run.method,
        texts.dump(dict(run.tags)),
        texts.dump(run.notes),
        *map(extra, (run.seed, run.git_commit, run.notebook, run.cell_hash, run.hardware)),
        None if run.cost is None else storable(run.cost.currency),
        run.gpus,
        more,
        joules,
    )


def moved(run: Run) -> tuple[object, ...]:
    """Values in the order of MOVING."""
    energy_j, measured, cost, contract = run.energy_j, run.measured_fraction, run.cost, run.contract
    figures = (
        *(run.duration_s, energy_j, *run.energy_j_range, run.co2e_g, *run.co2e_g_range, measured * energy_j, measured),
        *(run.gpus * run.duration_s / 3600, cost and cost.amount, contract and contract.co2e_g),
    )
    return (time.time(), *map(number, figures), texts.others(run, OTHERS), texts.parts(run))


def moves_only(run: Run, before: Run) -> bool:
    """Whether nothing but figures that MOVING holds is different from an earlier snapshot."""
    if (run.share is None) != (before.share is None) or _still(run) != _still(before):
        return False
    return all(
        list(map(texts.still, now)) == list(map(texts.still, then))
        for now, then in ((run.devices, before.devices), (run.others, before.others))
    )


def number(value: Any) -> float | None:
    """As a database takes it; None where it is no number."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else None


def extra(value: Any) -> object:
    """A number or a text, or None."""
    if type(value) is str:
        return storable(value)
    if value is None or (isinstance(value, int | float) and -(2**63) <= value < 2**63):
        return value
    return storable(value)


def span(host: str, begin_s: float | None, duration_s: float | None, joules: str, curve: Callable[[], Curve]) -> Span:
    """When a run had what, of its row's values."""
    try:
        devices = [(name, kind, energy_j or 0.0) for name, kind, energy_j, *_ in json.loads(joules)[0]]
    except (ValueError, TypeError, LookupError):
        devices = []
    return Span(host, begin_s or 0.0, duration_s or 0.0, own.parts(devices), curve)


def state_now(
    state: str, boot_id: str, pid: int, pid_started: float | None, updated_at: float
) -> tuple[str, str | None]:
    """The state, "interrupted" where it says running and its process is gone; and then why, in a sentence."""
    note = _gone(Owner(boot_id, pid, pid_started), updated_at) if state == "running" else None
    return ("interrupted", note) if note else (state, None)


def storable(text: str) -> str:
    """Any text as one that every database takes: lone surrogates and NUL become escapes. JSON escapes its own."""
    if type(text) is str and text.isascii() and "\0" not in text:
        return text
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def pack(run: Run) -> bytes | None:
    """Its curve, compressed; None where it has none."""
    return zlib.compress(texts.dump(run.curve.to_dict()).encode(), 1) if run.curve.t_s else None


def read(
    run: str,
    state: str,
    boot_id: str,
    pid: int,
    pid_started: float | None,
    updated_at: float,
    curve: bytes | None = None,
    moved: tuple[float, float, float, str] | None = None,
) -> Run:
    """The run that a row holds, "interrupted" where its process is gone. Raises ValueError where it holds none.

    `moved` are newer figures: duration_s, the ends of energy_j_range, and parts().
    """
    d = json.loads(run)
    if not isinstance(d, dict):
        raise ValueError("this is not a run written by carbon_magic")
    result = Run.from_dict(d if curve is None else {**d, "curve": unpack(curve).to_dict()})
    if moved is not None:
        result = _moved_on(result, *moved)
    now, note = state_now(state, boot_id, pid, pid_started, updated_at)
    return replace(result, state=now, notes=(*result.notes, note)) if note else result  # type: ignore[arg-type]


def _moved_on(run: Run, duration_s: float, low_j: float, high_j: float, joules: str) -> Run:
    devices, others, share = json.loads(joules)
    if (len(devices), len(others)) != (len(run.devices), len(run.others)):
        return run
    return replace(
        run,
        duration_s=duration_s,
        energy_j_range=(low_j, high_j),
        devices=tuple(map(_with, run.devices, devices)),
        others=tuple(map(_with, run.others, others)),
        share=replace(run.share, energy_j=share[0], energy_j_range=(share[1], share[2]))
        if share and run.share
        else None,
    )


def _with(device: Device, joules: Sequence[Any]) -> Device:
    energy_j, low, high = joules[2:5]
    return replace(device, energy_j=energy_j, energy_j_range=(low, high))


def unpack(curve: bytes | None) -> Curve:
    """A curve that cannot be read does not cost the run."""
    try:
        return Curve.from_dict(json.loads(zlib.decompress(curve))) if curve else Curve()
    except (ValueError, zlib.error, LookupError, TypeError, AttributeError):
        return Curve()


def _gone(owner: Owner, updated_at: float) -> str | None:
    """Why a run that is called running is not: in a sentence, None where it is."""
    alive = is_alive(owner)
    if alive is False:
        return "the process ended before the run did: figures are the last ones it wrote"
    # A stamp from the future is no sign of life either: a clock was set back.
    if alive is None and abs(time.time() - updated_at) > LEASE_S:
        return f"not heard of for over {LEASE_S:.0f} s, so its process on another machine is taken to have ended"
    return None


def newest(runs: Sequence[Run]) -> list[Run]:
    """Each run once, as it was met last, in the order of their beginnings in the ledger."""
    return list({(run.id, run.host): run for run in runs}.values())
