"""electricity_price.csv and cloud_prices.csv: a selection of published prices, the newest of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

ELECTRICITY_COLUMNS = ("key", "per_kwh", "low", "high", "currency", "customer", "period", "source")
CLOUD_COLUMNS = ("name", "usd_per_hour", "low", "kind", "period", "source")

HOMES = {"household": "homes with taxes", "residential": "homes as billed"}
# The whole range of our eight states stands around the paper's flat average for the US.
PAPER = "average used in the paper"

_LISTS = {
    "aws": "aws_prices", "azure": "azure_prices", "lambda": "lambda_prices", "nebius": "nebius_prices",
    "runpod": "runpod_prices",
}  # fmt: skip
# One accelerator, a half machine and a whole one of each kind in use; the lists themselves are the providers'.
CHOSEN = {
    "aws": "p2.xlarge p2.8xlarge p2.16xlarge g4dn.xlarge g4dn.12xlarge g5.xlarge g5.12xlarge g5.48xlarge p3.2xlarge "
    "p3.8xlarge p3.16xlarge p4d.24xlarge p4de.24xlarge p5.48xlarge",
    "azure": "nc6s_v3 nc12s_v3 nc24s_v3 nc24ads_a100_v4 nc48ads_a100_v4 nc96ads_a100_v4 nd96asr_a100_v4 "
    "nd96amsr_a100_v4 nd96isr_h100_v5",
}


def electricity(facts: Path) -> list[Row]:
    """One row per place: what homes pay, and below it what industry pays where that is published."""
    prices = read(facts / "electricity_price.csv")
    industry = {_place(fact): fact["price"] for fact in prices if fact["customer"] == "industrial"}
    rows: dict[str, Row] = {}
    for fact in prices:
        key = _place(fact)
        source = _electricity_source(fact)
        if source and fact["period"] >= rows.get(key, {}).get("period", ""):
            rows[key] = {
                "key": key,
                "per_kwh": figure(fact["price"]),
                "low": figure(industry.get(key, "")),
                "high": "",
                "currency": fact["currency"],
                "customer": HOMES.get(fact["customer"], "a flat average"),
                "period": fact["period"],
                "source": source,
            }
    if "US" in rows:
        states = [row for key, row in rows.items() if key.startswith("US-")]
        rows["US"]["low"] = min((row["low"] for row in states), key=float, default="")
        rows["US"]["high"] = max((row["per_kwh"] for row in states), key=float, default="")
    return [rows[key] for key in sorted(rows)]


def _place(fact: Row) -> str:
    return fact["subregion"] or fact["country_iso3166_alpha2"]


def _electricity_source(fact: Row) -> str:
    """The key of the publisher; "" for what is left out: what business pays where homes are not beside it."""
    if fact["customer"] == "household" and "Eurostat" in fact["source"]:
        return "eurostat_price"
    if fact["customer"] == "residential":
        return "eia_price"
    return "strubell_price" if fact["customer"] == PAPER else ""


def cloud(facts: Path) -> list[Row]:
    """One row per machine: on demand, and down to what spot machines cost."""
    rows: dict[str, Row] = {}
    for fact in read(facts / "cloud_prices.csv"):
        name = _name(fact)
        provider, _, kind = name.partition(":")
        if provider in CHOSEN and kind not in CHOSEN[provider].split():
            continue
        row = rows.setdefault(
            name,
            {
                "name": name,
                "usd_per_hour": "",
                "low": "",
                "kind": "",
                "period": fact["as_of"],
                "source": _LISTS.get(fact["provider"], "strubell_prices"),
            },
        )
        low, high = figure(fact["price_low_usd_per_hour"]), figure(fact["price_high_usd_per_hour"])
        if fact["price_kind"].startswith("spot"):
            row["low"] = low if low != row["usd_per_hour"] else ""  # listed, but nothing is to be saved by it
        else:
            row["usd_per_hour"] = high
            row["low"] = row["low"] or (low if low != high else "")
        row["kind"] = "on demand, spot at the low end" if row["low"] else "on demand"
    return [rows[name] for name in sorted(rows)]


def _name(fact: Row) -> str:
    kind = fact["instance_type"] or fact["accelerator"].replace("NVIDIA ", "").replace("Google ", "")
    several = fact["provider"] == "nebius" and fact["accelerator_count"] != "1"  # whose names do not say how many
    return f"{fact['provider']}:{fact['accelerator_count'] + 'x_' if several else ''}{kind.lower().replace(' ', '_')}"
