"""Several runs as one account: a joule is counted once, however runs overlap on a host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bills import Bill, bills, only
from .own import Covered, owns, span
from .ranges import Range
from .record import Record
from .run import Run
from .units import J_PER_KWH

if TYPE_CHECKING:
    import pandas as pd

    from .cost import Cost


def own_fractions(runs: Sequence[Run]) -> list[float]:
    """For each run the part of its energy, 0 to 1, that no longer run on the same host has counted already.

    The longest run counts whole; of a run inside it only GPUs count that the longer one did not see; one that sticks
    out counts what sticks out, weighed by its own power curve.
    """
    return [own.fraction for own in owns([span(run) for run in runs])]


def _own_times(runs: Sequence[Run]) -> list[float]:
    """For each run the part of its time, 0 to 1, that no longer run on the same host has covered already."""
    parts = [0.0] * len(runs)
    covered: defaultdict[str, Covered] = defaultdict(Covered)
    for i in sorted(range(len(runs)), key=lambda i: (-runs[i].duration_s, runs[i].started_at)):
        run = runs[i]
        pieces = covered[run.host].add(run.started_at, run.started_at + run.duration_s)
        parts[i] = sum(end - begin for begin, end in pieces) / run.duration_s if run.duration_s > 0 else 0.0
    return parts


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Session(Record):
    """The runs of this process and their total, overlaps counted once. Units stand in the names."""

    runs: tuple[Run, ...] = ()
    title: str = "Session"
    """What the account is of, for its heading."""

    @property
    def energy_j(self) -> float:
        return sum(f * r.energy_j for f, r in zip(own_fractions(self.runs), self.runs, strict=True))

    @property
    def energy_kwh(self) -> float:
        return self.energy_j / J_PER_KWH

    @property
    def drawn_kwh(self) -> float:
        """What the buildings drew for it, each run's PUE included."""
        return sum(f * r.energy_kwh * r.pue for f, r in zip(own_fractions(self.runs), self.runs, strict=True))

    @property
    def co2e_g(self) -> float:
        return sum(f * r.co2e_g for f, r in zip(own_fractions(self.runs), self.runs, strict=True))

    @property
    def co2e_kg(self) -> float:
        return self.co2e_g / 1000

    @property
    def embodied_g(self) -> float | None:
        """Grams of the machines' making, each second of a host once; None where no run was given any."""
        made = [(run, run.embodied_g) for run in self.runs if run.embodied_g is not None]
        parts = _own_times([run for run, _ in made])
        return sum(part * grams for part, (_, grams) in zip(parts, made, strict=True)) if made else None

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
        covered = Covered()
        pieces = [covered.add(run.started_at, run.started_at + run.duration_s) for run in self.runs]
        return sum(end - begin for spans in pieces for begin, end in spans)

    @property
    def bills(self) -> tuple[Bill, ...]:
        """What those runs cost whose prices are known, and how many these are."""
        return bills(self.runs, own_fractions(self.runs), _own_times(self.runs))

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What those runs cost whose prices are known, by kind and currency. A machine's hours hold its electricity."""
        return tuple(bill.cost for bill in self.bills)

    @property
    def cost(self) -> Cost | None:
        """The one cost there is; None where a run's is not known, or where kinds or currencies differ."""
        return only([run.cost for run in self.runs], self.bills)

    @property
    def contract_co2e_g(self) -> float | None:
        """Grams by the contracts' factors; None unless every run has one."""
        grams = [run.contract.co2e_g for run in self.runs if run.contract is not None]
        if not grams or len(grams) < len(self.runs):
            return None
        return sum(f * g for f, g in zip(own_fractions(self.runs), grams, strict=True))

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

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from .report import bundle

        return bundle(self)


COLUMNS = (
    "id", "name", "project", "stage", "tags", "state", "host", "started_at", "duration_s", "energy_j", "energy_kwh",
    "energy_j_range", "power_w", "co2e_g", "co2e_kg", "co2e_g_range", "pue", "place", "intensity_g_per_kwh", "basis",
    "method", "measured_fraction", "seed", "notebook", "cell_hash", "git_commit", "hardware", "notes",
    "cost", "currency", "contract_co2e_g", "embodied_g",
)  # fmt: skip


_FLAT: dict[str, Callable[[Run], object]] = {
    "place": lambda run: run.grid.place,
    "intensity_g_per_kwh": lambda run: run.grid.intensity_g_per_kwh,
    "basis": lambda run: run.grid.basis,
    "cost": lambda run: run.cost.amount if run.cost else None,
    "currency": lambda run: run.cost.currency if run.cost else None,
    "contract_co2e_g": lambda run: run.contract.co2e_g if run.contract else None,
}
"""Columns that are not a Run's attribute of that name."""


def value(run: Run, column: str) -> object:
    """What a run has in a column."""
    return _FLAT[column](run) if column in _FLAT else getattr(run, column)


def row(run: Run) -> dict[str, object]:
    """A run as one row of a table, in the order of COLUMNS."""
    return {column: value(run, column) for column in COLUMNS}
