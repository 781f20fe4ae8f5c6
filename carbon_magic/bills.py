"""What several runs cost together, by kind and currency, which are never mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cost import Cost
    from .run import Run


def total_costs(runs: Sequence[Run], energy: Sequence[float], time: Sequence[float]) -> tuple[Cost, ...]:
    """What overlaps is paid for once: `energy` and `time` are the parts, 0 to 1, that each run counts first.

    Electricity goes by the joules, a machine's hours by the time.
    """
    parts: dict[tuple[str, str], list[tuple[float, Cost]]] = {}
    for run, joules, seconds in zip(runs, energy, time, strict=True):
        for cost in run.costs:
            part = seconds if cost.kind == "cloud" else joules
            parts.setdefault((cost.kind, cost.currency), []).append((part, cost))
    return tuple(_sum(found) for _, found in sorted(parts.items()))


def _sum(parts: Sequence[tuple[float, Cost]]) -> Cost:
    from .cost import Cost

    first = parts[0][1]
    ends = (sum(f * cost.amount_range[0] for f, cost in parts), sum(f * cost.amount_range[1] for f, cost in parts))
    said = (dict.fromkeys(cost.source for _, cost in parts), dict.fromkeys(cost.date for _, cost in parts))
    sources, dates = ("; ".join(words) for words in said)
    return Cost(sum(f * cost.amount for f, cost in parts), ends, first.currency, first.kind, sources, dates)
