"""Runs to keep, for the tests of the store and for the processes that they start."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.grid import Intensity
from carbon_magic.run import Run

GRID = Intensity(
    50.0, (40.0, 60.0), "FR", "France", 2024, "lifecycle", "a source", "generation", "CC BY 4.0", "asked for"
)


def run(run_id: str = "1", state: str = "done", energy_j: float = 3600.0, points: int = 0, **fields: Any) -> Run:
    """A run of 10 s on one counter; its curve rises, one point a second or closer."""
    d: dict[str, Any] = {"name": f"run {run_id}", "started_at": 1000.0, "duration_s": 10.0, "project": "p", "host": "h"}
    device = Device("cpu", "cpu", energy_j, (energy_j * 0.9, energy_j * 1.1), "rapl", "counter", ("a note",), 65.0)
    curve = Curve(
        tuple(round(10 * (i + 1) / points, 3) for i in range(points)),
        {"cpu": tuple(None if i == 3 else float(i % 500) for i in range(points))} if points else {},
    )
    d |= {"energy_j_range": (energy_j * 0.9, energy_j * 1.1), "grid": GRID, "devices": (device,), "curve": curve}
    return Run(id=run_id, state=state, **(d | fields))  # type: ignore[arg-type]


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What a file answers, or what becomes of it, past the ledger."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def contents(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, byte for byte."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}
