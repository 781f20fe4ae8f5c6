"""A measured figure beside what was asked for, and the tables and files that figures end up in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
TABLE = "README-table.md"
NAMES = ("speed", "truth", "floor", "live", "ledger")
"""The benchmarks, in the order in which they are run and shown; each has a module with a `measure`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table. Without a `limit` it is told, not judged."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    least: bool = False
    """Whether `limit` is the least that will do, rather than the most."""
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value >= self.limit if self.least else self.value <= self.limit

    @property
    def verdict(self) -> str:
        return {None: "", True: "met", False: "MISSED"}[self.met]

    @property
    def measured(self) -> str:
        return f"{number(self.value)} {self.unit}".rstrip()

    @property
    def asked(self) -> str:
        return "" if self.limit is None else f"{'≥' if self.least else '≤'} {number(self.limit)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found, where and when."""

    name: str
    machine: dict[str, Any]
    figures: Sequence[Figure]

    def write(self, folder: Path) -> None:
        """`<name>.json`, which the README's table is made from."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Report:
        d = json.loads(path.read_text(encoding="utf-8"))
        return cls(d["name"], d["machine"], [Figure(**figure) for figure in d["figures"]])


def number(value: float) -> str:
    """Three digits, never as a power of ten."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.5f}"


def text(report: Report) -> str:
    """For a terminal."""
    rows = [("", "measured", "asked", "", ""), *_rows(report)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    aligned = [
        f"{what:<{widths[0]}}  {measured:>{widths[1]}}  {asked:<{widths[2]}}  {verdict:<{widths[3]}}  {note}".rstrip()
        for what, measured, asked, verdict, note in rows
    ]
    return "\n".join([f"{report.name}: {place(report)}", *aligned])


def markdown(reports: Iterable[Report]) -> str:
    """For the README: a table for each benchmark, of the figures that were asked for, and where it was taken."""
    parts = []
    for report in reports:
        head = ["| " + report.name + " | measured | asked | | |", "|:--|--:|:--|:--|:--|"]
        rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in _rows(report) if row[2]]
        parts.append("\n".join([*head, *rows, "", f"<sub>{place(report)}</sub>", ""]))
    return "\n".join(parts)


def place(report: Report) -> str:
    """Where and when, in a line."""
    m = report.machine
    return (
        f"{m['date']}, {m['cpu']} ({m['cpus']} CPUs{', virtual' if m['virtual'] else ''}), {m['system']}, "
        f"{', '.join(f'{name} {version}' for name, version in m['versions'].items())}, "
        f"{m['seconds']} s; other programs kept {100 * m['busy_before']:.0f} % of it busy before and "
        f"{100 * m['busy_after']:.0f} % after"
    )


def write_table(folder: Path) -> Path:
    """The Markdown table of all benchmarks that have results."""
    found = [Report.read(path) for name in NAMES if (path := folder / f"{name}.json").exists()]
    (folder / TABLE).write_text(markdown(found), encoding="utf-8")
    return folder / TABLE


def _rows(report: Report) -> list[tuple[str, str, str, str, str]]:
    return [(f.what, f.measured, f.asked, f.verdict, f.note) for f in report.figures]
