"""Budgets: so many grams, kWh or minutes, and what is left of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import units
from .tick import Budget

if TYPE_CHECKING:
    from .run import Run

Kind = Literal["co2e", "energy", "time"]
Scope = Literal["cell", "session", "project"]

WARN_AT = 0.8
_UNITS: dict[str, tuple[Kind, float]] = {
    "mg": ("co2e", 1e-3), "g": ("co2e", 1.0), "kg": ("co2e", 1e3), "t": ("co2e", 1e6), "lb": ("co2e", 453.59237),
    "j": ("energy", 1.0), "kj": ("energy", 1e3), "mj": ("energy", 1e6),
    "wh": ("energy", 3600.0), "kwh": ("energy", 3.6e6), "mwh": ("energy", 3.6e9),
    "s": ("time", 1.0), "sec": ("time", 1.0), "min": ("time", 60.0), "h": ("time", 3600.0), "d": ("time", 86400.0),
}  # fmt: skip
"""By their lower-case names: MJ and MWh are mega here, as nobody sets a budget of millijoules."""
_FORM = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]+)\s*")
_FORMATS: dict[Kind, Callable[[float | None], str]] = {
    "co2e": units.grams,
    "energy": units.energy,
    "time": units.duration,
}


class CarbonBudgetExceeded(KeyboardInterrupt):
    """The budget is used up, so the cell was stopped. Like an interrupt it passes by `except Exception`."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that may be used: grams of CO2e, joules or seconds."""

    kind: Kind
    amount: float

    def __str__(self) -> str:
        return said(self.kind, self.amount)


def said(kind: Kind, amount: float) -> str:
    """An amount in words: '50.0 g CO2e', '200 Wh', '10 min 00 s'."""
    return _FORMATS[kind](amount) + (" CO2e" if kind == "co2e" else "")


def parse(text: object) -> Limit:
    """A budget as people write it: "50g", "0.2 kWh", "10min". ValueError in a clause for anything else."""
    match = _FORM.fullmatch(text) if isinstance(text, str) and len(text) <= 40 else None
    known = _UNITS.get(match[2].lower()) if match else None
    amount = float(match[1]) if match else 0.0
    if match is None or known is None or not 0 < amount < 1e12:
        raise ValueError(f"a budget is grams, energy or time, as 50g, 0.2kWh or 10min, not {str(text)[:40]!r}")
    return Limit(known[0], amount * known[1])


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit and what others have used of it before this run: the session's other cells, the project's past."""

    scope: Scope
    limit: Limit
    before: Callable[[Kind], float | None] = {"co2e": 0.0, "energy": 0.0, "time": 0.0}.get
    """None while it is not known yet."""

    def used(self, run: Run) -> float | None:
        """So far, this run included."""
        before = self.before(self.limit.kind)
        own = {"co2e": run.co2e_g, "energy": run.energy_j, "time": run.duration_s}[self.limit.kind]
        return None if before is None else before + own


class Watch:
    """The budgets of one run. `look` is asked several times a second; each thing is told once."""

    def __init__(self, allowances: Sequence[Allowance]) -> None:
        self.allowances = tuple(allowances)
        self.exceeded: str | None = None
        """What the stopped cell is told, from the moment on when a budget was used up."""
        self.notes: list[str] = []
        self._warned: set[Allowance] = set()

    def look(self, run: Run) -> Budget | None:
        """The budget that is closest to its end; notes and `exceeded` where one has passed a mark."""
        closest: Budget | None = None
        for allowance in self.allowances:
            used = allowance.used(run)
            if used is None:
                continue
            limit = allowance.limit
            # The unit of the used part is the limit's own where it fits.
            label = f"{_of(allowance.scope)}: {said(limit.kind, used).removesuffix(' CO2e')} of {limit}"
            budget = Budget(used, limit.amount, label)
            if closest is None or used / limit.amount > closest.used / closest.limit:
                closest = budget
            if used >= limit.amount and self.exceeded is None:
                used_up = f"the budget of {_of(allowance.scope)}, {limit}, was used up after"
                used_up = f"{used_up} {units.duration(run.duration_s)}"
                self.exceeded = f"{used_up}: the cell was stopped"
                self.notes.append(used_up)  # not that it was stopped: in a thread it cannot be, `except:` goes on
            elif used >= WARN_AT * limit.amount and allowance not in self._warned and self.exceeded is None:
                self._warned.add(allowance)
                self.notes.append(
                    f"{WARN_AT:.0%} of the budget of {_of(allowance.scope)}, {limit}, was used after "
                    f"{units.duration(run.duration_s)}".replace("%", " %")
                )
        return closest


def _of(scope: Scope) -> str:
    return {"cell": "this cell", "session": "the session", "project": "the project"}[scope]
