"""What a run costs in money: prices of electricity and of machines by the hour, each with its source and date.

electricity("DE")             the published household price of a place; None where our table has none
machine("aws:p3.2xlarge")     the published price of a cloud machine by the hour
known("DE", None, None)       those that hold for this machine, by its place and the two settings
given("0.32 EUR", "kWh")      a price in somebody's own words

Each name is loaded when it is first used: where no price is known, a run begins without any of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .here import OFF, known

if TYPE_CHECKING:
    from .price import Cost, Price, given
    from .table import electricity, machine

__all__ = ["OFF", "Cost", "Price", "electricity", "given", "known", "machine"]

_HOMES = {"Cost": "price", "Price": "price", "given": "price", "electricity": "table", "machine": "table"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
