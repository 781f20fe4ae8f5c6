"""gpu_tdp.csv: GPU names as their drivers give them, and their board power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("name", "tdp_w", "memory_gb", "source")
PER_DIE = ("nvidia b200", "nvidia b300")
"""Boards of two dies, of which the collection has the memory of one."""
CHECKED, MAKER = "mlco2_gpu", "makers_gpu"


def build(facts: Path) -> list[Row]:
    """One row per name: boards whose watts stand in mlco2's table too, and the usual boards of data centres."""
    boards = {fact["match_key"]: fact for fact in read(facts / "gpu_tdp.csv")}
    rows: dict[str, Row] = {}
    for fact in read(facts / "gpu_aliases.csv"):
        memory = boards.get(fact["match_key"], {}).get("memory_gb", "") if fact["match_key"] not in PER_DIE else ""
        rows[fact["driver_name"]] = _row(fact["driver_name"], fact["tdp_w"], memory, MAKER)
    for fact in boards.values():
        # Where the two collections differ, nobody knows which is right.
        if fact["check_tdp_mlco2_w"] and float(fact["check_tdp_mlco2_w"]) == float(fact["tdp_w"]):
            rows.setdefault(fact["gpu_name"], _row(fact["gpu_name"], fact["tdp_w"], fact["memory_gb"], CHECKED))
    return [rows[name] for name in sorted(rows)]


def _row(name: str, tdp_w: str, memory_gb: str, source: str) -> Row:
    cells = (name, figure(tdp_w), figure(memory_gb) if memory_gb else "", source)
    return dict(zip(COLUMNS, cells, strict=True))
