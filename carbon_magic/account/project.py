"""A project: all runs on record under one name, as one account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..bills import Bill, only
from ..overlaps import Chain, Held, Span, split
from ..totals import Session
from ..units import J_PER_KWH
from . import choice
from .entry import Entry
from .groups import NOTHING, Group, Own, group, grouped, held

if TYPE_CHECKING:
    import pandas as pd

    from ..cost import Cost
    from ..ranges import Range
    from ..run import Run

Details = Callable[[Sequence[int]], Sequence["Run"]]
COLUMNS = (
    "id", "name", "stage", "state", "tags", "host", "started_at", "duration_s", "gpus", "energy_kwh",
    "energy_kwh_range", "co2e_kg", "co2e_kg_range", "measured_fraction", "own_energy_kwh", "own_co2e_kg", "final",
)  # fmt: skip


@dataclass(frozen=True)
class Project:
    """What a project took. Failed and interrupted runs count; joules of runs that overlap on a host count once.

    Units stand in the names, ranges are (low, high) at 90 %. `details` gives the runs behind some entries, with curves.
    """

    name: str
    entries: tuple[Entry, ...]
    details: Details
    final: tuple[int, ...] = ()
    """Which entries are the runs of the final model."""

    @classmethod
    def of(cls, runs: Sequence[Run], name: str = "") -> Project:
        """The account of some runs; final are those of the stage "final"."""
        return cls.from_entries(name, [Entry.of(run) for run in runs], lambda some: [runs[i] for i in some])

    @classmethod
    def from_entries(cls, name: str, entries: Sequence[Entry], details: Details) -> Project:
        """The account of some entries; final are those of the stage "final"."""
        return cls(name, tuple(entries), details, tuple(choice.final_runs(entries)))

    def choose(self, *selectors: str) -> Project:
        """The same account with other final runs: their names, stage:NAME, tag:KEY=VALUE, id:ID or "last".

        ValueError in a sentence where one of them names no run.
        """
        return self._but(final=tuple(choice.chosen(self.entries, selectors)))

    def choose_entries(self, indices: Sequence[int]) -> Project:
        """The same account, these entries being the final runs."""
        return self._but(final=tuple(sorted(set(indices))))

    def _but(self, final: tuple[int, ...]) -> Project:
        """Who holds what does not depend on the choice: what is known of it is not reckoned again."""
        chosen = replace(self, final=final)
        vars(chosen).update({name: it for name, it in vars(self).items() if name in _WHATEVER_IS_FINAL})
        return chosen

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs themselves, with devices and curves: the slow way, for what the entries do not tell."""
        return tuple(self.details(range(len(self.entries))))

    @cached_property
    def _split(self) -> tuple[list[int], list[Held]]:
        spans = [Span(entry.host, entry.started_at, entry.ended_at) for entry in self.entries]
        return split(spans, self.details)

    @cached_property
    def own(self) -> list[Own]:
        """What each entry holds: shorter runs hold their own, longer ones around them the rest."""
        alone, shared = self._split
        own = [NOTHING] * len(self.entries)
        for i in alone:
            entry = self.entries[i]
            own[i] = held(entry, 1.0, entry.gpus * entry.duration_s, entry.duration_s)
        for part in shared:
            more = held(self.entries[part.run], part.weight, part.gpu_s, part.host_s)
            own[part.holder] = Own(*map(sum, zip(own[part.holder], more, strict=True)))
        return own

    @cached_property
    def total(self) -> Group:
        """Everything together."""
        return group(None, list(zip(self.entries, self.own, strict=True)))

    @property
    def energy_j(self) -> float:
        return self.total.energy_j

    @property
    def energy_j_range(self) -> Range:
        return self.total.energy_j_range

    @property
    def energy_kwh(self) -> float:
        return self.total.energy_kwh

    @property
    def energy_kwh_range(self) -> Range:
        low, high = self.total.energy_j_range
        return low / J_PER_KWH, high / J_PER_KWH

    @property
    def co2e_g(self) -> float:
        return self.total.co2e_g

    @property
    def co2e_g_range(self) -> Range:
        return self.total.co2e_g_range

    @property
    def co2e_kg(self) -> float:
        return self.total.co2e_kg

    @property
    def co2e_kg_range(self) -> Range:
        low, high = self.total.co2e_g_range
        return low / 1000, high / 1000

    @property
    def gpu_hours(self) -> float:
        return self.total.gpu_hours

    @property
    def measured_fraction(self) -> float:
        """The part of the energy that an instrument told, 0 to 1."""
        return self.total.measured_fraction

    @cached_property
    def bills(self) -> tuple[Bill, ...]:
        """What those runs cost whose prices are known, and how many these are. Asks for the runs where any is."""
        priced = any(entry.cost is not None for entry in self.entries)
        return Session(self.runs).bills if priced else ()

    @property
    def costs(self) -> tuple[Cost, ...]:
        """The same without the counts, by kind and currency, which are never added: hours hold their electricity."""
        return tuple(bill.cost for bill in self.bills)

    @property
    def cost(self) -> Cost | None:
        """The one cost there is; None where a run's is not known, or where kinds or currencies differ."""
        return only([run.cost for run in self.runs], self.bills) if self.bills else None

    @cached_property
    def final_own(self) -> Own | None:
        """What was spent while a final run went on and saw it, runs inside it included; None where no run is final."""
        if not self.final:
            return None
        alone, shared = self._split
        final, inside = set(self.final), _Inside(self.final)
        found = [self.own[i] for i in alone if i in final]
        found += [held(self.entries[p.run], p.weight, p.gpu_s, p.host_s) for p in shared if inside(p.chain)]
        return Own(*map(sum, zip(NOTHING, *found, strict=True)))

    @property
    def final_energy_j(self) -> float | None:
        """Joules of the final model's runs; None where no run is final."""
        return self.final_own.energy_j if self.final_own else None

    @property
    def final_co2e_g(self) -> float | None:
        """Grams of CO2e of the final model's runs; None where no run is final."""
        return self.final_own.co2e_g if self.final_own else None

    @property
    def final_co2e_g_range(self) -> Range | None:
        """Its 90 % range."""
        return (self.final_own.co2e_g_low, self.final_own.co2e_g_high) if self.final_own else None

    @property
    def multiplier(self) -> float | None:
        """The development multiplier: the energy of everything, over that of the final model's runs; at least 1.

        None where no run is final, or the final ones took nothing that could be seen.
        """
        final_j = self.final_energy_j
        return max(1.0, self.energy_j / final_j) if final_j else None

    @property
    def tuning(self) -> Group | None:
        """What the runs of the stage "tune" took; None where there are none."""
        return next((one for one in self.groups("stage") if one.key == "tune"), None)

    def groups(self, what: str) -> list[Group]:
        """By "stage", "week", "month", "state", "host" or "tag:NAME". Parts add up to the total.

        A run counts in the week in which it began. ValueError in a sentence for anything else.
        """
        return grouped(what, zip(self.entries, self.own, strict=True))

    def share(self, one: Group) -> float:
        """A group's part of the project's energy, 0 to 1."""
        return one.energy_j / self.energy_j if self.energy_j > 0 else 0.0

    def by(self, what: str) -> pd.DataFrame:
        """The same as a DataFrame, a row per group: `runs`, `failed`, `interrupted`, `hours`, `gpu_hours`,
        `energy_kwh` and `co2e_kg` with their 90 % ranges, `share` (of the project's energy, 0 to 1) and
        `measured_fraction`.
        """
        import pandas as pd

        rows = [
            {
                what: one.key,
                "runs": one.runs,
                "failed": one.failed,
                "interrupted": one.interrupted,
                "hours": one.duration_s / 3600,
                "gpu_hours": one.gpu_hours,
                "energy_kwh": one.energy_kwh,
                "energy_kwh_range": (one.energy_j_range[0] / J_PER_KWH, one.energy_j_range[1] / J_PER_KWH),
                "co2e_kg": one.co2e_kg,
                "co2e_kg_range": (one.co2e_g_range[0] / 1000, one.co2e_g_range[1] / 1000),
                "share": self.share(one),
                "measured_fraction": one.measured_fraction,
            }
            for one in self.groups(what)
        ]
        names = (what, "runs", "failed", "interrupted", "hours", "gpu_hours", "energy_kwh", "energy_kwh_range",
                 "co2e_kg", "co2e_kg_range", "share", "measured_fraction")  # fmt: skip
        return pd.DataFrame(rows, columns=list(names))

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame, a row per run; `own_energy_kwh` and `own_co2e_kg` add up to the total, `energy_kwh` may not."""
        import pandas as pd

        final = set(self.final)
        rows = [
            (
                e.id, e.name, e.stage, e.state, dict(e.tags), e.host, e.started_at, e.duration_s, e.gpus,
                e.energy_j / J_PER_KWH, (e.energy_j_low / J_PER_KWH, e.energy_j_high / J_PER_KWH),
                e.co2e_g / 1000, (e.co2e_g_low / 1000, e.co2e_g_high / 1000), e.measured_fraction,
                own.energy_j / J_PER_KWH, own.co2e_g / 1000, i in final,
            )
            for i, (e, own) in enumerate(zip(self.entries, self.own, strict=True))
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def report(self, form: str = "markdown", **options: Any) -> str:
        """The account as it must be handed in: see carbon_magic.report.hand_in."""
        from ..report import hand_in

        return hand_in(self, form, **options)

    def __repr__(self) -> str:
        from ..report.project_text import line

        return f"<Project {line(self)}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from ..report import bundle

        return bundle(self)


_WHATEVER_IS_FINAL = frozenset({"runs", "_split", "own", "total"})


class _Inside:
    """Whether some work was a final run's, or went on inside one. Chains share their ends, so each is asked once."""

    def __init__(self, final: Sequence[int]) -> None:
        self._final = set(final)
        self._known: dict[Chain, bool] = {}

    def __call__(self, chain: Chain) -> bool:
        asked: list[Chain] = []
        link: Chain | None = chain
        answer = False
        while link is not None:
            if link in self._known or link.run in self._final:
                answer = self._known.get(link, True)
                break
            asked.append(link)
            link = link.around
        self._known.update(dict.fromkeys(asked, answer))
        return answer
