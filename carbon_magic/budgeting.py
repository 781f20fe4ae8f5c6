"""A run's budgets as settings ask for them, what others have used of them, and what is made of a stop at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from . import threads
from .budget import Allowance, CarbonBudgetExceeded, Kind, Limit, Scope, Watch, own, parse, reason

if TYPE_CHECKING:
    from .config import Settings
    from .run import Run, State
    from .stopping import Stopper
    from .store.ledger import Ledger
    from .totals import Session
    from .tracking import Tracking

Used = dict[Kind, float]

ASK_S = 60.0
"""The ledger is asked so often what the others of the project use: 10 ms of another thread, with a million runs."""


class Spent:
    """What a project has used but for one run: the ledger is asked off everybody's path, and again now and then.

    That run is in the ledger too, as of a second ago: it is taken out there. `known` is what is known to have been used
    by all, kept between runs; it may be too little, and stays empty until the ledger has answered.
    """

    def __init__(
        self, ledger: Callable[[], Ledger], project: str, known: Used, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._project, self._clock = ledger, project, clock
        self.known = known
        self._others: Used = {}
        self._next_s = -math.inf

    def before(self, kind: Kind) -> float | None:
        """What the others have used; None until the ledger has answered."""
        return self._others.get(kind)

    def hear(self, run: Run) -> None:
        """How far the run has come. Asks the ledger anew where that is due."""
        now_s = self._clock()
        if run.state == "running" and now_s >= self._next_s:
            self._next_s = now_s + ASK_S
            self.ask(run)
        for kind, others in self._others.items():
            self.known[kind] = max(self.known.get(kind, 0.0), others + own(run)[kind])

    def ask(self, run: Run | None = None) -> None:
        """Ask the ledger; the answer comes when it comes."""
        threads.start(self._answer, run, name="budget")

    def _answer(self, run: Run | None) -> None:
        try:
            with self._ledger() as opened:
                found = opened.sums(self._project)
                mine = opened.load(only={(run.id, run.host)}) if run is not None else []
        except Exception:
            return  # a ledger that cannot be read has told so; its budget stops nobody
        used: Used = {"co2e": found.co2e_g, "energy": found.energy_j, "time": found.seconds}
        kept = own(mine[0]) if mine else {}
        self._others = {kind: max(0.0, amount - kept.get(kind, 0.0)) for kind, amount in used.items()}
        self.known.update(used)


def watch(settings: Settings, session: Session, spent: Callable[[], Spent], what: Scope) -> Watch | None:
    """The budgets to be watched by a cell or a run, None where there is none.

    Raises CarbonBudgetExceeded where the session's was used up before, or the project's is known to be.
    """
    allowances: list[Allowance] = []
    if settings.budget is not None:
        allowances.append(Allowance(what, parse(settings.budget)))
    if settings.session_budget is not None:
        limit = parse(settings.session_budget)
        used: Used = {"co2e": session.co2e_g, "energy": session.energy_j, "time": session.duration_s}
        _refuse(what, "session", limit, used[limit.kind])
        allowances.append(Allowance("session", limit, used.get))
    if settings.project_budget is not None:
        limit, project = parse(settings.project_budget), spent()
        if project.known.get(limit.kind, 0.0) >= limit.amount:
            project.ask()  # runs may have been deleted, or filed elsewhere: the next cell will know
        _refuse(what, "project", limit, project.known.get(limit.kind, 0.0))
        allowances.append(Allowance("project", limit, project.before, project.hear))
    return Watch(allowances, what) if allowances else None


def _refuse(what: Scope, scope: Scope, limit: Limit, used: float) -> None:
    if used >= limit.amount:
        raise CarbonBudgetExceeded(
            f"the {scope}'s budget, {limit}, is used up ({limit.said(used)}), so the {what} did not begin: "
            f"a larger {scope}_budget, or none, lets it"
        )


def stopper(watch: Watch) -> Stopper | None:
    """What can stop this thread."""
    from .stopping import Stopper

    if Stopper.possible():
        return Stopper()
    watch.notes.append("outside the main thread nothing can be stopped: the budget is watched only")
    return None


def outcome(
    tracking: Tracking,
    stopper: Stopper | None,
    state: State,
    error: BaseException | None,
    active: Sequence[Tracking] = (),
) -> State:
    """How a run ended: once it was stopped it is interrupted, whatever the work made of that. `active`: all runs."""
    watch = tracking.budget
    why = reason(error)
    if watch is None or stopper is None or not stopper.stops:
        if why is not None:
            others = (it.budget for it in active if it is not tracking)
            where = "around" if any(it is not None and it.exceeded == why for it in others) else "inside"
            tracking.remarks.append(f"it ended because a run {where} it was stopped: {why}")
        return state
    watch.stops = stopper.stops
    watch.went_on = stopper.went_on or (state == "done" and not isinstance(error, GeneratorExit))
    if error is not None and watch.exceeded is not None and why is None:
        error.add_note(watch.exceeded)  # asyncio's CancelledError has no sentence of its own
    return "interrupted"
