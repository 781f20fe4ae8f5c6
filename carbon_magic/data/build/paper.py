"""strubell_table_1 to _4: the paper's tables as printed; published_training: what others have reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

TABLES = {
    1: ("label", "group", "co2e_lb"),
    2: ("consumer", "kind", "renewable_pct", "gas_pct", "coal_pct", "nuclear_pct"),
    3: ("model", "hardware", "devices", "device", "power_w", "hours", "hours_in_text", "energy_kwh", "co2e_lb",
        "cloud_cost_low_usd", "cloud_cost_high_usd"),
    4: ("models", "gpu_hours", "cloud_cost_low_usd", "cloud_cost_high_usd", "electricity_cost_usd"),
}  # fmt: skip
PAPER_NAMES = {"n_devices": "devices", "hours_in_table": "hours", "energy_kwh_incl_pue": "energy_kwh"}

PUBLISHED_COLUMNS = (
    "model", "developer", "year", "parameters_billion", "hardware", "accelerators", "accelerator_hours", "power_w",
    "pue", "energy_mwh", "energy_how", "grid_kg_per_kwh", "co2e_t", "co2e_basis", "scope", "source", "note",
)  # fmt: skip
RENAMED = {
    "accelerators": "accelerator_count",
    "power_w": "average_power_w_per_accelerator",
    "energy_how": "energy_kind",
    "grid_kg_per_kwh": "grid_kg_co2e_per_kwh",
    "co2e_t": "t_co2e",
}
_TRUSTED = ("verified", "derived")
"""Other rows rest on one copy or on memory: they are not carried over."""


def table(facts: Path, n: int) -> list[Row]:
    """One of the paper's tables; cells that it leaves empty are empty."""
    rows: list[dict[str, Any]] = json.loads((facts / "strubell2019.json").read_text(encoding="utf-8"))[f"table_{n}"]
    named = [{PAPER_NAMES.get(key, key): value for key, value in row.items()} for row in rows]
    return [{column: _cell(row, column) for column in TABLES[n]} for row in named]


def _cell(row: dict[str, Any], column: str) -> str:
    value = row[column]
    return "" if value is None else figure(str(value)) if isinstance(value, float) else str(value)


def published(facts: Path) -> list[Row]:
    """Published training figures of which the source was seen."""
    rows = [row for row in read(facts / "reported_training.csv") if row["status"] in _TRUSTED]
    return [{column: _reported(row, column) for column in PUBLISHED_COLUMNS} for row in rows]


def _reported(row: Row, column: str) -> str:
    value = row[RENAMED.get(column, column)]
    if column == "source":
        return f"{value}, {row['source_place']}" if row["source_place"] else value
    if column == "note" and row["status"] == "derived":
        return f"derived: {value}" if value else "derived from the rows beside it"
    return value
