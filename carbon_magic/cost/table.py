"""Published prices, from the tables: electricity by place, cloud machines by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import data

if TYPE_CHECKING:
    from .price import Price

_TIMES = r"(\d{1,4})\s*[x×*]\s*(.+)"
# What business pays lies far below what homes pay: in the eight US states of our table 0.35 to 0.62 of it (EIA, April
# 2025). A notebook's electricity may be bought by either, so where only the homes' price is known the range says so.
_BUSINESS = 0.35
# Tariffs differ within a country by about a tenth.
_AROUND = 1.1


def electricity(place: str) -> Price | None:
    """What a kWh costs at a place, by its key: homes pay the amount, business may pay as little as the range says."""
    row = data.find("electricity_price", place)
    if row is None:
        return None
    from .price import Price

    amount = float(row["per_kwh"])
    low, high = float(row["low"] or _BUSINESS * amount), float(row["high"] or _AROUND * amount)
    source = f"{amount:g} {row['currency']}/kWh for {row['customer']} ({_source(row)})"
    return Price(amount, (low, high), row["currency"], "kWh", source, row["period"])


def machine(name: str) -> Price:
    """What a cloud machine costs by the hour: "aws:p3.2xlarge", "8 x gcp:v100" (accelerators). ValueError: unknown.

    The amount is the list price on demand; the range goes down to what spot and preemptible machines cost.
    """
    match = re.fullmatch(_TIMES, name.strip()[:100])
    count, wanted = (int(match[1]), match[2]) if match else (1, name)
    row = data.find("cloud_prices", _key(wanted))
    if row is None or count < 1:
        raise ValueError(_unknown(name))
    from .price import Price

    high = float(row["usd_per_hour"])
    low = float(row["low"] or high)
    several = f"{count} x " if count > 1 else ""
    source = f"{count * high:g} USD/h for {several}{row['name']} {row['kind']} ({_source(row)})"
    return Price(count * high, (count * low, count * high), "USD", "hour", source, row["period"])


def _key(name: str) -> str:
    """The table's form of a name: "AWS: P3.2xlarge" and "azure:Standard_NC6s_v3" as they stand there."""
    provider, _, kind = name.strip().lower().partition(":")
    return f"{provider.strip()}:{kind.strip().removeprefix('standard_').replace(' ', '_')}"


def _unknown(name: str) -> str:
    import difflib

    names = [row["name"] for row in data.rows("cloud_prices")]
    near = difflib.get_close_matches(_key(name[:60]), names, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(near)}?" if near else "2.48 USD or aws:p3.2xlarge are in order"
    return f"no price is known of {name[:60]!r}: {hint}"


def _source(row: dict[str, str]) -> str:
    source = data.find("sources", row["source"]) or {}
    return f"{source['publisher']}, {source['title']}"
