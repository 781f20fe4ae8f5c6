"""Reading facts and writing tables: plain CSV, sorted out the same way every time."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Row = dict[str, str]

JUMP = 0.5
"""How far a figure may move from one edition to the next without somebody looking at it: half of its old value."""


def read(path: Path) -> list[Row]:
    """All rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """The table as CSV text. Raises ValueError where a row has other columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def jumps(old: Iterable[Row], new: Iterable[Row], key: Sequence[str], value: str) -> list[str]:
    """What changed more than it should between two editions of a table, a sentence each."""
    now = {_key(row, key): row[value] for row in new}
    found = []
    for row in old:
        name, was = _key(row, key), row[value]
        if name not in now:
            found.append(f"{name} is gone")
        elif was and not now[name]:
            found.append(f"{name} has lost its {value} (was {was})")
        elif was and abs(float(now[name]) - float(was)) > JUMP * float(was):
            found.append(f"{name}: {value} {was} -> {now[name]}")
    return found


def _key(row: Row, columns: Sequence[str]) -> str:
    return ":".join(row[column] for column in columns)


def figure(cell: str) -> str:
    """A number without a tail of zeros: 95.0 -> 95. Empty stays empty."""
    return f"{float(cell):.10g}" if cell else ""
