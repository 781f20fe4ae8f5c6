"""What several runs cost together, by kind and currency, which are never mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .cost import Cost
    from .run import Run

_MOST = 2
"""Sources that are named; prices change, and a project may have seen many."""


class Bill(NamedTuple):
    """What some runs cost in one currency."""

    cost: Cost
    runs: int
    """Whose price was known; of the others nothing is in it."""


def bills(runs: Sequence[Run], energy: Sequence[float], time: Sequence[float]) -> tuple[Bill, ...]:
    """What overlaps is paid for once: `energy` and `time` are the parts, 0 to 1, that each run counts first.

    Electricity goes by the joules, a machine's hours by the time.
    """
    parts: dict[tuple[str, str], list[tuple[float, Cost]]] = {}
    for run, joules, seconds in zip(runs, energy, time, strict=True):
        for cost in run.costs:
            part = seconds if cost.kind == "cloud" else joules
            parts.setdefault((cost.kind, cost.currency), []).append((part, cost))
    return tuple(Bill(_sum(found), len(found)) for _, found in sorted(parts.items()))


def only(of_each: Sequence[Cost | None], found: Sequence[Bill]) -> Cost | None:
    """The one cost there is of runs that cost `of_each`; None where one's is unknown, or kinds or currencies differ."""
    kinds = {(cost.kind, cost.currency) for cost in of_each if cost is not None}
    if None in of_each or len(kinds) != 1:
        return None
    return next(bill.cost for bill in found if (bill.cost.kind, bill.cost.currency) in kinds)


def _sum(parts: Sequence[tuple[float, Cost]]) -> Cost:
    from .cost import Cost

    first = parts[0][1]
    ends = (sum(f * cost.amount_range[0] for f, cost in parts), sum(f * cost.amount_range[1] for f, cost in parts))
    amount = sum(f * cost.amount for f, cost in parts)
    return Cost(amount, ends, first.currency, first.kind, _sources(parts), _dates(cost.date for _, cost in parts))


def _sources(parts: Sequence[tuple[float, Cost]]) -> str:
    told = list(dict.fromkeys(cost.source for _, cost in parts))
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return "; ".join(told[:_MOST]) + more


def _dates(told: Iterable[str]) -> str:
    """A day or two as they are, many as the first and the last."""
    days = sorted(set(told))
    return "; ".join(days) if len(days) <= _MOST else f"{days[0]} to {days[-1]}"
