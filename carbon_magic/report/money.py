"""What a run or a session cost, and its market-based account: one quiet line each, beside the figures that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import units
from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cost import Cost
    from ..run import Run
    from ..totals import Session

_SMALLEST = 0.01
"""Most currencies have hundredths, and nobody pays with less."""
_OF = {"electricity": "of electricity", "cloud": "for the machine's time, its electricity included"}
_LONGEST = 160


def amount(value: float, currency: str) -> str:
    """'0.42 EUR', 'under 0.01 EUR'."""
    return f"{units.number(value)} {currency}" if value >= _SMALLEST or value == 0 else f"under 0.01 {currency}"


def of_run(run: Run) -> list[str]:
    """A line for the cost, one for the contract; none where nothing is known."""
    # Of a cell that cost less than the smallest coin nobody wants a line, unless they set the price to see it.
    costs = [_sentence(cost) for cost in run.costs if cost.given or cost.amount >= _SMALLEST]
    return [*costs, *_contract(run)]


def of_session(session: Session) -> list[str]:
    """The same of a session, a line for each currency."""
    known = sum(1 for run in session.runs if run.costs)
    missing = f", of {known:,} of {len(session.runs):,} runs" if known < len(session.runs) else ""
    lines = [_sentence(cost, missing) for cost in session.costs]
    grams = session.contract_co2e_g
    if grams is not None:
        lines.append(_market(grams, _listed([run.contract_source for run in session.runs])))
    return lines


def _sentence(cost: Cost, missing: str = "") -> str:
    low, high = cost.amount_range
    spread = ""
    if high >= _SMALLEST and units.number(low) != units.number(high):
        spread = f" ({units.number(low, 2)}\N{EN DASH}{units.number(high, 2)})"
    said = f"{amount(cost.amount, cost.currency)}{spread} {_OF[cost.kind]}{missing}"
    return f"Cost: {said} \N{MIDDLE DOT} {plain(cost.source, _LONGEST)}, {plain(cost.date, 40)}"


def _contract(run: Run) -> list[str]:
    if run.contract is None or not run.devices:
        return []
    factor = f"{units.number(run.contract.intensity_g_per_kwh)} g CO2e/kWh"
    return [_market(run.contract.co2e_g, _listed([factor, run.contract.source]))]


def _market(grams: float, source: str) -> str:
    said = f"By contract (market-based): {units.grams(grams)} CO2e, beside the grid's figure and not instead of it"
    return f"{said} \N{MIDDLE DOT} {source}" if source else said


def _listed(words: Sequence[str]) -> str:
    return ", ".join(plain(word, _LONGEST) for word in dict.fromkeys(words) if word)
