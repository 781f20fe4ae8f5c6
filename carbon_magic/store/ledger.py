"""Every run on record, as tables. Reads only: it opens the file for each question, and never holds up a writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run import Run
from ..totals import Session, own_fractions
from ..units import J_PER_KWH
from . import Say, files
from .rows import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    import pandas as pd

    from ..ranges import Range


class Ledger:
    """The runs of all processes that write to this file, and to those beside it that stood in for it.

    `path` is the file asked for. `settle` is called before each question, so that this process's own runs are in the
    answer. `say` hears of files that cannot be read. Every question raises OSError in plain words where the ledger
    cannot be read at all, and ValueError after close().
    """

    def __init__(self, path: Path, settle: Callable[[], object] | None = None, say: Say | None = None) -> None:
        self.path = path
        self._settle = settle
        self._say = say
        self._told: set[Path] = set()
        self._closed = False

    def load(self, project: str | None = None, curves: bool = False) -> list[Run]:
        """The runs themselves, in the order in which they began; their curves only if asked for, which takes longer."""
        if self._closed:
            raise ValueError("this ledger is closed: carbon_magic.ledger() opens it again")
        if self._settle is not None:
            self._settle()
        runs: list[Run] = []
        for path in files.existing(self.path):
            found, trouble = files.read(path, project, curves)
            runs += found
            if trouble is not None and path not in self._told and self._say is not None:
                self._told.add(path)
                self._say(files.sentence(path, trouble, "what it may hold is missing here."))
        return newest(runs)

    def runs(self, project: str | None = None) -> pd.DataFrame:
        """A DataFrame with a row per run, columns named as Run's attributes; of one project, or of all."""
        return Session(tuple(self.load(project))).to_frame()

    def totals(self, project: str | None = None) -> pd.DataFrame:
        """A DataFrame of one row: what all runs, or a project's, took together; overlaps on a host count once.

        `runs`, `duration_s` (seconds in which at least one was going), `energy_kwh` and `co2e_kg` with their 90 %
        ranges (low, high), `measured_fraction` (the part of the energy that an instrument told, 0 to 1).
        """
        import pandas as pd

        runs = self.load(project)
        if _overlap(runs):  # only then it matters when within a run its energy was spent
            runs = self.load(project, curves=True)
        fractions = own_fractions(runs)

        def total(values: Iterable[float]) -> float:
            return sum(f * value for f, value in zip(fractions, values, strict=True))

        def span(ranges: Sequence[Range]) -> Range:
            return total(low for low, _ in ranges), total(high for _, high in ranges)

        energy_j = total(run.energy_j for run in runs)
        low_j, high_j = span([run.energy_j_range for run in runs])
        low_g, high_g = span([run.co2e_g_range for run in runs])
        measured_j = total(run.measured_fraction * run.energy_j for run in runs)
        figures = {
            "runs": len(runs),
            "duration_s": Session(tuple(runs)).duration_s,
            "energy_kwh": energy_j / J_PER_KWH,
            "energy_kwh_range": (low_j / J_PER_KWH, high_j / J_PER_KWH),
            "co2e_kg": total(run.co2e_g for run in runs) / 1000,
            "co2e_kg_range": (low_g / 1000, high_g / 1000),
            "measured_fraction": measured_j / energy_j if energy_j > 0 else 0.0,
        }
        return pd.DataFrame([figures])

    def close(self) -> None:
        """No more questions."""
        self._closed = True

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Ledger {str(self.path)!r}>"


def _overlap(runs: Sequence[Run]) -> bool:
    """Whether any two runs went on at once on one host."""
    ends: dict[str, float] = {}
    for run in sorted(runs, key=lambda run: run.started_at):
        if run.started_at < ends.get(run.host, run.started_at):
            return True
        ends[run.host] = run.started_at + run.duration_s
    return False
