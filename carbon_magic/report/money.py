"""What a run or a session cost, and its market-based account: one quiet line each, beside the figures that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import units
from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..account import Project
    from ..bills import Bill
    from ..cost import Cost
    from ..run import Run
    from ..totals import Session

SMALLEST_COIN = 0.01
"""Most currencies have hundredths, and nobody pays with less."""
_OF = {"electricity": "of electricity", "cloud": "for the machine's time, its electricity included"}
_LONGEST = 160


def amount(value: float, currency: str) -> str:
    """'0.42 EUR', 'under 0.01 EUR'."""
    return f"{units.number(value)} {currency}" if value >= SMALLEST_COIN or value == 0 else f"under 0.01 {currency}"


def of_run(run: Run) -> list[str]:
    """A line for the cost, one for the contract; none where nothing is known."""
    # Of a cell that cost less than the smallest coin nobody wants a line, unless they set the price to see it.
    costs = [_sentence(cost) for cost in run.costs if cost.given or cost.amount >= SMALLEST_COIN]
    return [*costs, *_contract(run)]


def of_session(session: Session) -> list[str]:
    """The same of a session, a line for each currency."""
    lines = _bills(session.bills, len(session.runs))
    grams = session.contract_co2e_g
    if grams is not None:
        lines.append(_market(grams, _listed([run.contract_source for run in session.runs])))
    return lines


def of_project(project: Project) -> list[str]:
    """What a project cost, a line for each currency; none where no price is known."""
    return _bills(project.bills, len(project.entries))


def _bills(bills: Sequence[Bill], runs: int) -> list[str]:
    """A line for each; runs without a price are told, as nothing of them is in the amount."""
    return [_sentence(cost, f", of {known:,} of {runs:,} runs" if known < runs else "") for cost, known in bills]


def _sentence(cost: Cost, missing: str = "") -> str:
    low, high = cost.amount_range
    spread = ""
    if high >= SMALLEST_COIN and units.number(low) != units.number(high):
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
