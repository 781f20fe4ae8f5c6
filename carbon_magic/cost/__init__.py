"""What a run costs in money: prices of electricity and of machines by the hour, each with its source and date.

electricity("DE")             the published household price of a place; None where our table has none
machine("aws:p3.2xlarge")     the published price of a cloud machine by the hour
known("DE", None, None)       those that hold for this machine, by its place and the two settings
given("0.32 EUR", "kWh")      a price in somebody's own words
"""

from __future__ import annotations

from .here import OFF, known
from .price import Cost, Price, given
from .table import electricity, machine

__all__ = ["OFF", "Cost", "Price", "electricity", "given", "known", "machine"]
