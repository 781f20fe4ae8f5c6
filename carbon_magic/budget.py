"""Budgets: so many grams, kWh or minutes, and what is left of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from . import units
from .tick import Budget

if TYPE_CHECKING:
    from .run import Run

Kind = Literal["co2e", "energy", "time"]
Scope = Literal["cell", "run", "session", "project"]
"""A "run" is one of track(), a "cell" one of %%carbon."""

WARN_AT = 0.8
_UNITS: dict[str, tuple[Kind, float]] = {
    "mg": ("co2e", 1e-3), "g": ("co2e", 1.0), "kg": ("co2e", 1e3), "t": ("co2e", 1e6), "lb": ("co2e", units.G_PER_LB),
    "J": ("energy", 1.0), "kJ": ("energy", 1e3), "MJ": ("energy", 1e6),
    "Wh": ("energy", 3600.0), "kWh": ("energy", 3.6e6), "MWh": ("energy", 3.6e9),
    "s": ("time", 1.0), "sec": ("time", 1.0), "min": ("time", 60.0), "h": ("time", 3600.0), "d": ("time", 86400.0),
}  # fmt: skip
_WRITTEN = {name.lower(): name for name in _UNITS}
"""As people write them: MJ and MWh are mega in any case, as nobody sets a budget of millijoules."""
_FORM = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]+)\s*")
_FORMATS: dict[Kind, Callable[[float | None], str]] = {
    "co2e": units.grams,
    "energy": units.energy,
    "time": units.duration,
}


_WORDS = "the budget of "


class CarbonBudgetExceeded(KeyboardInterrupt):
    """The budget is used up, so the cell was stopped. Like an interrupt it passes by `except Exception`."""


def reason(error: BaseException | None) -> str | None:
    """What a budget said that stopped the work: `error` is that, or came of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, CarbonBudgetExceeded):
            return str(error)
        for said in (*error.args[:1], *getattr(error, "__notes__", ())):
            if isinstance(said, CarbonBudgetExceeded) or str(said).startswith(_WORDS):
                return str(said)
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that may be used: grams of CO2e, joules or seconds."""

    kind: Kind
    amount: float
    given: str = field(default="", compare=False)
    """The number as it was given, of `unit`: "50", "0.2"; "" where it was not given as a text."""
    unit: str = field(default="", compare=False)

    def __str__(self) -> str:
        if not self.given:
            return self.said(self.amount)
        return f"{self.given} {self.unit}{self._of}"

    def said(self, amount: float) -> str:
        """So much of it, in the unit in which it was given: '43.1 g CO2e', '0.164 kWh'; times as they read best."""
        if not self.unit or self.kind == "time":
            return _FORMATS[self.kind](amount) + self._of
        return f"{units.number(amount / _UNITS[self.unit][1])} {self.unit}{self._of}"

    def spent(self, amount: float) -> str:
        """The same beside the limit: '43.1 of 50 g CO2e', '8 min 12 s of 10 min'."""
        said = self.said(amount).removesuffix(self._of)
        return f"{said.removesuffix(f' {self.unit}') if self.kind != 'time' and self.unit else said} of {self}"

    @property
    def _of(self) -> str:
        return " CO2e" if self.kind == "co2e" else ""


def parse(text: object) -> Limit:
    """A budget as people write it: "50g", "0.2 kWh", "10min". ValueError in a clause for anything else."""
    match = _FORM.fullmatch(text) if isinstance(text, str) and len(text) <= 40 else None
    unit = _WRITTEN.get(match[2].lower()) if match else None
    amount = float(match[1]) if match else 0.0
    if match is None or unit is None or not 0 < amount < 1e12:
        raise ValueError(f"a budget is grams, energy or time, as 50g, 0.2kWh or 10min, not {str(text)[:40]!r}")
    kind, factor = _UNITS[unit]
    given = match[1].removesuffix(".")
    return Limit(kind, amount * factor, f"0{given}" if given.startswith(".") else given, unit if unit != "sec" else "s")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit and what others have used of it before this run: the session's other cells, the project's past."""

    scope: Scope
    limit: Limit
    before: Callable[[Kind], float | None] = {"co2e": 0.0, "energy": 0.0, "time": 0.0}.get
    """None while it is not known yet."""
    hear: Callable[[Run], None] | None = None
    """Told of the run at each look, and at its end, where that makes a difference to what others have used."""

    def used(self, run: Run) -> float | None:
        """So far, this run included."""
        before = self.before(self.limit.kind)
        return None if before is None else before + own(run)[self.limit.kind]


class Watch:
    """The budgets of one run. `look` is asked several times a second; each thing is told once."""

    def __init__(self, allowances: Sequence[Allowance], what: Scope = "cell") -> None:
        self.allowances = tuple(allowances)
        self._what = what
        self.exceeded: str | None = None
        """What the stopped cell is told, from the moment on when a budget was used up."""
        self.part = 0.0
        """Of the budget that is used up: how much is used, 1.0 when it is used up."""
        self.notes: list[str] = []
        self._warned: set[Allowance] = set()
        self._over: Allowance | None = None
        self._over_s = 0.0
        self.stops = 0
        """How often the work was stopped."""
        self.went_on = False
        """Whether it caught that, and went on."""

    def look(self, run: Run) -> Budget | None:
        """The budget that is closest to its end; notes and `exceeded` where one has passed a mark."""
        closest: Budget | None = None
        for allowance in self.allowances:
            if allowance.hear is not None:
                allowance.hear(run)
            used = allowance.used(run)
            if used is None:
                continue
            limit = allowance.limit
            budget = Budget(used, limit.amount, f"{_of(allowance.scope)}: {limit.spent(used)}")
            if closest is None or used / limit.amount > closest.used / closest.limit:
                closest = budget
            if allowance is self._over:
                self.part = used / limit.amount
            elif used >= limit.amount and self._over is None:
                self._over, self._over_s, self.part = allowance, run.duration_s, used / limit.amount
                self.exceeded = f"{self._used_up()}: the {self._what} was stopped"
                self.notes.append(self._used_up())  # not that it was stopped: in a thread it cannot be
            elif used >= WARN_AT * limit.amount and allowance not in self._warned and self._over is None:
                self._warned.add(allowance)
                self.notes.append(
                    f"{WARN_AT:.0%} of the budget of {_of(allowance.scope)}, {limit}, was used after "
                    f"{units.duration(run.duration_s)}".replace("%", " %")
                )
        return closest

    def end(self, run: Run) -> None:
        """The run has ended: what was used in all, and whether it ended by the stop or in spite of it."""
        for allowance in self.allowances:
            if allowance.hear is not None:
                allowance.hear(run)
        if self._over is None:
            return
        used = self._over.used(run)
        in_all = self._over.limit.said(used) if used is not None else units.UNKNOWN
        how = f" and the {self._what} was stopped" if self.stops else f"; the {self._what} was not stopped"
        if self.went_on:
            how = f"; the {self._what} caught the stop and went on for {units.duration(run.duration_s - self._over_s)}"
        self.notes = [note for note in self.notes if note != self._used_up()]
        self.notes.append(f"{self._used_up()}{how}: {in_all} in all")

    def _used_up(self) -> str:
        if self._over is None:
            return ""
        budget = f"{_WORDS}{_of(self._over.scope)}, {self._over.limit}"
        return f"{budget}, was used up after {units.duration(self._over_s)}"


def own(run: Run) -> dict[Kind, float]:
    """What a run has used, by kind of budget."""
    return {"co2e": run.co2e_g, "energy": run.energy_j, "time": run.duration_s}


def _of(scope: Scope) -> str:
    return f"this {scope}" if scope in ("cell", "run") else f"the {scope}"
