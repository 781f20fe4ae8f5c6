"""A Run as one row of the ledger, and back."""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..alive import Owner, is_alive
from ..run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    "id", "host", "project", "name", "stage", "state", "boot_id", "pid", "pid_started", "started_at", "updated_at",
    "duration_s", "energy_j", "energy_j_low", "energy_j_high", "co2e_g", "co2e_g_low", "co2e_g_high", "pue", "place",
    "intensity_g_per_kwh", "method", "measured_fraction", "tags", "notes", "run", "curve",
)  # fmt: skip
"""For queries, all but the last two: `run` is the whole of it as JSON, and what counts; `curve` its power over time."""

LEASE_S = 30.0
"""A running run of another machine that was not heard of for this long has ended with its process."""


def row(run: Run, owner: Owner, curve: bytes | None) -> tuple[object, ...]:
    """Values in the order of COLUMNS."""
    texts = (run.id, run.host, run.project, run.name, run.stage, run.state, owner.boot_id)
    energy, co2e = run.energy_j_range, run.co2e_g_range
    figures = (run.duration_s, run.energy_j, *energy, run.co2e_g, *co2e, run.pue)
    return (
        *(text if text is None else storable(text) for text in texts),
        owner.pid,
        owner.started,
        float(run.started_at),
        time.time(),
        *map(float, figures),
        storable(run.grid.place),
        float(run.grid.intensity_g_per_kwh),
        run.method,
        float(run.measured_fraction),
        dump(dict(run.tags)),
        dump(run.notes),
        dump(run.to_dict()),
        curve,
    )


def storable(text: str) -> str:
    """Any text as one that every database takes: lone surrogates and NUL become escapes. JSON escapes its own."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def dump(value: object) -> str:
    """JSON in ASCII."""
    return _encode(value)


def _plain(value: Any) -> object:
    """A number of NumPy's as a number; anything else that JSON does not know as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def pack(run: Run) -> bytes | None:
    """Its curve, compressed; None where it has none."""
    return zlib.compress(dump(run.curve.to_dict()).encode(), 1) if run.curve.t_s else None


def read(
    run: str,
    state: str,
    boot_id: str,
    pid: int,
    pid_started: float | None,
    updated_at: float,
    curve: bytes | None = None,
) -> Run:
    """The run that a row holds, "interrupted" where its process is gone. Raises ValueError where it holds none."""
    d = json.loads(run)
    if not isinstance(d, dict):
        raise ValueError("this is not a run written by carbon_magic")
    result = Run.from_dict(d | _unpack(curve))
    note = _gone(Owner(boot_id, pid, pid_started), updated_at) if state == "running" else None
    return replace(result, state="interrupted", notes=(*result.notes, note)) if note else result


def _unpack(curve: bytes | None) -> dict[str, Any]:
    """A curve that cannot be read does not cost the run."""
    try:
        return {"curve": json.loads(zlib.decompress(curve))} if curve else {}
    except (ValueError, zlib.error):
        return {}


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
