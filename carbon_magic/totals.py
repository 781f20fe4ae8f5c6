"""Several runs as one account: a joule is counted once, however runs overlap on a host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ranges import Range
from .run import J_PER_KWH, Run

if TYPE_CHECKING:
    import pandas as pd

Span = tuple[float, float]


def own_fractions(runs: Sequence[Run]) -> list[float]:
    """For each run the part of its energy, 0 to 1, that no longer run on the same host has counted already.

    The longest run counts whole; a run inside it counts nothing; one that sticks out counts what sticks out, weighed
    by its own power curve.
    """
    fractions = [0.0] * len(runs)
    covered: defaultdict[str, list[Span]] = defaultdict(list)
    for i in sorted(range(len(runs)), key=lambda i: (-runs[i].duration_s, runs[i].started_at)):
        run = runs[i]
        begin, end = run.started_at, run.started_at + run.duration_s
        spans = covered[run.host]
        if not any(a < end and begin < b for a, b in spans):
            fractions[i] = 1.0
        else:
            pieces = _uncovered(begin, end, spans)
            fractions[i] = sum(_fraction(run, a - begin, b - begin) for a, b in pieces)
        spans.append((begin, end))
    return fractions


def _fraction(run: Run, t0_s: float, t1_s: float) -> float:
    if run.curve.t_s:
        return run.curve.fraction(t0_s, t1_s)
    return (t1_s - t0_s) / run.duration_s if run.duration_s > 0 else 0.0


def _uncovered(begin: float, end: float, spans: Sequence[Span]) -> Iterator[Span]:
    for a, b in sorted(spans):
        if b <= begin or a >= end:
            continue
        if a > begin:
            yield begin, a
        begin = max(begin, b)
    if begin < end:
        yield begin, end


@dataclass(frozen=True, slots=True)
class Session:
    """The runs of this process and their total, overlaps counted once. Units stand in the names."""

    runs: tuple[Run, ...] = ()

    @property
    def energy_j(self) -> float:
        return sum(f * r.energy_j for f, r in zip(own_fractions(self.runs), self.runs, strict=True))

    @property
    def energy_kwh(self) -> float:
        return self.energy_j / J_PER_KWH

    @property
    def co2e_g(self) -> float:
        return sum(f * r.co2e_g for f, r in zip(own_fractions(self.runs), self.runs, strict=True))

    @property
    def co2e_kg(self) -> float:
        return self.co2e_g / 1000

    @property
    def energy_j_range(self) -> Range:
        """Ends add up: the runs' errors have the same sources, so they do not cancel."""
        return self._sum([run.energy_j_range for run in self.runs])

    @property
    def co2e_g_range(self) -> Range:
        return self._sum([run.co2e_g_range for run in self.runs])

    def _sum(self, ranges: Sequence[Range]) -> Range:
        fractions = own_fractions(self.runs)
        return (
            sum(f * low for f, (low, _) in zip(fractions, ranges, strict=True)),
            sum(f * high for f, (_, high) in zip(fractions, ranges, strict=True)),
        )

    @property
    def duration_s(self) -> float:
        """Seconds in which at least one run was going."""
        pieces: list[Span] = []
        for run in self.runs:
            pieces += list(_uncovered(run.started_at, run.started_at + run.duration_s, pieces))
        return sum(b - a for a, b in pieces)

    @property
    def measured_fraction(self) -> float:
        """The part of the energy that an instrument told, 0 to 1."""
        weights = [f * r.energy_j for f, r in zip(own_fractions(self.runs), self.runs, strict=True)]
        measured = sum(w * r.measured_fraction for w, r in zip(weights, self.runs, strict=True))
        return measured / sum(weights) if sum(weights) > 0 else 0.0

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame, a row per run, columns named as Run's attributes."""
        import pandas as pd

        return pd.DataFrame([row(run) for run in self.runs], columns=list(COLUMNS))

    def __repr__(self) -> str:
        from .report.text import session_line

        return f"<Session {session_line(self)}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from .report import bundle

        return bundle(self)


COLUMNS = (
    "id", "name", "project", "stage", "tags", "state", "host", "started_at", "duration_s", "energy_j", "energy_kwh",
    "energy_j_range", "power_w", "co2e_g", "co2e_kg", "co2e_g_range", "pue", "place", "intensity_g_per_kwh", "method",
    "measured_fraction", "notes",
)  # fmt: skip


def row(run: Run) -> dict[str, object]:
    """A run as one row of a table, in the order of COLUMNS."""
    flat = {"place": run.grid.place, "intensity_g_per_kwh": run.grid.intensity_g_per_kwh}
    return {name: flat[name] if name in flat else getattr(run, name) for name in COLUMNS}
