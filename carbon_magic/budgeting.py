"""A run's budgets as settings ask for them, and what others have used of them before."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .budget import Allowance, CarbonBudgetExceeded, Kind, Limit, Watch, parse
from .units import J_PER_KWH

if TYPE_CHECKING:
    from .config import Settings
    from .store.ledger import Ledger
    from .totals import Session

Used = dict[Kind, float]


def watch(settings: Settings, session: Session, ledger: Callable[[], Ledger], project: str) -> Watch | None:
    """The budgets to be watched, None where there is none.

    The ledger is asked for what the project has used, in a thread of its own: until it has answered, the project's
    budget cannot stop anything.
    Raises CarbonBudgetExceeded where the session's was used up before.
    """
    allowances: list[Allowance] = []
    if settings.budget is not None:
        allowances.append(Allowance("cell", parse(settings.budget)))
    if settings.session_budget is not None:
        limit = parse(settings.session_budget)
        used: Used = {"co2e": session.co2e_g, "energy": session.energy_j, "time": session.duration_s}
        _refuse(limit, used[limit.kind])
        allowances.append(Allowance("session", limit, used.get))
    if settings.project_budget is not None:
        allowances.append(Allowance("project", parse(settings.project_budget), _asked(lambda: _used(ledger, project))))
    return Watch(allowances) if allowances else None


def _refuse(limit: Limit, used: float) -> None:
    if used >= limit.amount:
        raise CarbonBudgetExceeded(
            f"the session's budget, {limit}, is used up, so the cell did not run: "
            "a larger session_budget, or none, lets it"
        )


def _used(ledger: Callable[[], Ledger], project: str) -> Used:
    """What the project's runs on record have used, overlaps counted once."""
    with ledger() as opened:
        found = opened.totals(project).iloc[0]
    return {
        "co2e": 1000 * float(found["co2e_kg"]),
        "energy": J_PER_KWH * float(found["energy_kwh"]),
        "time": float(found["duration_s"]),
    }


def _asked(question: Callable[[], Used]) -> Callable[[Kind], float | None]:
    """The answer, None until it has come."""
    answer: Used = {}

    def ask() -> None:
        try:
            answer.update(question())
        except Exception:
            return  # a ledger that cannot be read has told so; its budget stops nobody

    threading.Thread(
        target=contextvars.copy_context().run, args=(ask,), name="carbon_magic budget", daemon=True
    ).start()
    return answer.get
