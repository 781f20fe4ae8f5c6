"""A price, and what something cost by it. Currencies are never converted: rates change by the day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..ranges import product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..ranges import Range

Unit = Literal["kWh", "hour"]
Kind = Literal["electricity", "cloud"]

GIVEN = "as given"
DEAREST = 1e6
"""Of any currency, per kWh or hour: ten thousand times what anybody pays is a slip of the keyboard."""
_MONEY = re.compile(
    r"(?:([A-Za-z]{3})\s*)?(\d{1,9}(?:\.\d{1,9})?)\s*(?:([A-Za-z]{3}))?\s*(?:(?:/|per )\s*([A-Za-z]+))?"
)
SHORT: dict[Unit, str] = {"kWh": "kWh", "hour": "h"}
_UNITS = {"kwh": "kWh", "h": "hour", "hour": "hour", "hr": "hour"}


@dataclass(frozen=True, slots=True)
class Price:
    """Money per kWh of electricity, or per hour of a whole machine, with its 90 % range."""

    amount: float
    amount_range: Range
    currency: str
    """By ISO 4217: EUR, USD."""
    per: Unit
    source: str
    date: str
    """When it was valid: "2025-04", "2025-H1"; "" of a price that somebody gave."""

    def cost(self, kwh: float, kwh_range: Range, hours: float, day: str) -> Cost:
        """What this much electricity, or this much time, costs. `day` dates a price that has no date of its own."""
        low, high = self.amount_range
        if self.per == "hour":
            ends = (hours * low, hours * high)
            return Cost(hours * self.amount, ends, self.currency, "cloud", self.source, self.date or day)
        ends = product((kwh, kwh_range), (self.amount, self.amount_range))
        return Cost(kwh * self.amount, ends, self.currency, "electricity", self.source, self.date or day)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Price:
        """The reverse of dataclasses.asdict. Raises KeyError where a field is missing."""
        low, high = d["amount_range"]
        return cls(**{**{name: d[name] for name in cls.__dataclass_fields__}, "amount_range": (low, high)})


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of money, with its 90 % range. "cloud" holds the machine's electricity: the two are never added."""

    amount: float
    amount_range: Range
    currency: str
    kind: Kind
    source: str
    """The price, and who says so."""
    date: str

    @property
    def given(self) -> bool:
        """Whether the user set the price."""
        return self.source.endswith(GIVEN)


def given(words: str, per: Unit) -> Price:
    """The price that somebody gives: "0.32 EUR", "EUR 0.32", "0.32 EUR/kWh". ValueError in a sentence otherwise."""
    example = "0.32 EUR" if per == "kWh" else "2.48 USD"
    asked = f"a price per {per} is an amount and a currency such as {example}"
    match = _MONEY.fullmatch(words.strip()) if len(words) < 50 else None
    if match is None or bool(match[1]) == bool(match[3]):
        raise ValueError(f"{asked}, not {words[:40]!r}")
    if match[4] and _UNITS.get(match[4].lower()) != per:
        raise ValueError(f"{asked}, not one per {match[4]}")
    amount = float(match[2])
    if amount > DEAREST:
        raise ValueError(f"{asked}, at most {DEAREST:,.0f}")
    currency = (match[1] or match[3]).upper()
    return Price(amount, (amount, amount), currency, per, f"{amount:g} {currency}/{SHORT[per]} {GIVEN}", "")
