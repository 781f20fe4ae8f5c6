"""cpu_tdp.csv: processor names as data.cpus.plain() writes them, and their thermal design power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cpus import plain
from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("name", "tdp_w", "cores", "threads")
# Rows whose watts stand in CodeCarbon's table (MIT); those known from an AGPL-licensed list alone stay out.
SOURCES = ("cpu_1", "cpu_2")


def build(facts: Path) -> list[Row]:
    """One row per processor name, sorted."""
    rows: dict[str, Row] = {}
    for fact in read(facts / "cpu_tdp.csv"):
        name = plain(fact["cpu_name"])
        if fact["source_key"] in SOURCES and "," not in name and len(name) > 5:
            # Core counts matter for a virtual machine's part of a server's watts; nobody else needs them.
            server = fact["segment_guess"] == "server" and fact["threads"]
            rows[name] = {
                "name": name,
                "tdp_w": figure(fact["tdp_w"]),
                "cores": figure(fact["cores"]) if server else "",
                "threads": figure(fact["threads"]) if server else "",
            }
    return [rows[name] for name in sorted(rows)]
