"""What the ledger answers, as DataFrames."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..totals import COLUMNS
from ..units import J_PER_KWH
from . import rows
from .answers import NAMES

if TYPE_CHECKING:
    import pandas as pd

    from .answers import Totals

MORE = ("ended_at", "updated_at", "gpus", "gpu_hours", "own", "own_s", "own_gpu_s")
"""Columns of a table beside those that a Session's frame has."""
FIGURES = (
    "runs", "duration_s", "energy_kwh", "energy_kwh_range", "co2e_kg", "co2e_kg_range", "measured_fraction",
    "gpu_hours",
)  # fmt: skip


def table(lines: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """A row per run: the columns of a Session's frame, then MORE."""
    import pandas as pd

    found = zip(*alive(lines), strict=True) if lines else ((),) * len(NAMES)
    columns: dict[str, Any] = dict(zip(NAMES, found, strict=True))
    decode = _decoder()
    columns["notes"] = [tuple(decode(text)) for text in columns["notes"]]
    columns["tags"] = [dict(decode(text)) for text in columns["tags"]]
    for name in ("energy_j", "co2e_g"):
        columns[f"{name}_range"] = list(zip(columns[f"{name}_low"], columns[f"{name}_high"], strict=True))
    more = [decode(text) for text in columns["more"]]
    columns |= {name: [told.get(name) for told in more] for name in rows.OTHERS}
    wanted = (*COLUMNS, *MORE)
    frame = pd.DataFrame({name: columns[name] for name in wanted if name in columns})
    frame["energy_kwh"] = frame["energy_j"] / J_PER_KWH
    frame["co2e_kg"] = frame["co2e_g"] / 1000
    frame["power_w"] = (frame["energy_j"] / frame["duration_s"]).where(frame["duration_s"] > 0, 0.0)
    return frame[list(wanted)]


OWNER = ("state", "boot_id", "pid", "pid_started", "updated_at")
"""What it takes to know whether a run still goes on."""


def alive(lines: Sequence[tuple[Any, ...]], columns: Sequence[str] = NAMES) -> list[tuple[Any, ...]]:
    """Lines of these columns: running runs whose process is gone are called interrupted, and their notes say why."""
    state = columns.index("state")
    return [_alive(line, columns) if line[state] == "running" else line for line in lines]


def _alive(line: tuple[Any, ...], columns: Sequence[str]) -> tuple[Any, ...]:
    values = dict(zip(columns, line, strict=True))
    values["state"], why = rows.state_now(*(values[name] for name in OWNER))
    if why and "notes" in values:
        values["notes"] = json.dumps([*json.loads(values["notes"]), why])
    if why and "ended_at" in values:
        values["ended_at"] = (values["started_at"] or 0.0) + (values["duration_s"] or 0.0)
    return tuple(values.values())


def _decoder() -> Callable[[str], Any]:
    """JSON, each text once: most runs have no tags, and the same notes as the one before."""
    seen: dict[str, Any] = {}

    def decode(text: str) -> Any:
        if text not in seen:
            seen[text] = json.loads(text)
        return seen[text]

    return decode


def totals(found: Mapping[str, Totals] | Totals) -> pd.DataFrame:
    """A row of sums; of several projects, one for each under its name."""
    import pandas as pd

    if isinstance(found, Mapping):
        lines = [{"project": name} | _figures(sums) for name, sums in found.items()]
        return pd.DataFrame(lines, columns=["project", *FIGURES])
    return pd.DataFrame([_figures(found)], columns=list(FIGURES))


def _figures(sums: Totals) -> dict[str, object]:
    return {
        "runs": sums.runs,
        "duration_s": sums.seconds,
        "energy_kwh": sums.energy_j / J_PER_KWH,
        "energy_kwh_range": (sums.energy_j_low / J_PER_KWH, sums.energy_j_high / J_PER_KWH),
        "co2e_kg": sums.co2e_g / 1000,
        "co2e_kg_range": (sums.co2e_g_low / 1000, sums.co2e_g_high / 1000),
        "measured_fraction": sums.measured_j / sums.energy_j if sums.energy_j > 0 else 0.0,
        "gpu_hours": sums.gpu_s / 3600,
    }
