"""Bodies in the documented shapes, for hours around a moment. Every figure is made up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

HOUR = 3600.0


def iso(seconds: float, how: str = "%Y-%m-%dT%H:%M:%S.000Z") -> str:
    return time.strftime(how, time.gmtime(seconds))


def hour(now_s: float) -> float:
    return now_s // HOUR * HOUR


def electricitymaps(what: str, grams: Sequence[Any], first_s: float, zone: str = "FR", **fields: Any) -> dict[str, Any]:
    rows = [
        {
            "zone": zone, "carbonIntensity": g, "datetime": iso(first_s + i * HOUR), "updatedAt": iso(first_s),
            "emissionFactorType": "lifecycle", "isEstimated": False, "estimationMethod": None,
        } | fields
        for i, g in enumerate(grams)
    ]  # fmt: skip
    return {"zone": zone, "temporalGranularity": "hourly", what: rows}


def gb(pairs: Sequence[tuple[Any, Any]], first_s: float) -> dict[str, Any]:
    return {"data": half_hours(pairs, first_s)}


def half_hours(pairs: Sequence[tuple[Any, Any]], first_s: float) -> list[dict[str, Any]]:
    how = "%Y-%m-%dT%H:%MZ"
    return [
        {
            "from": iso(first_s + 1800 * i, how), "to": iso(first_s + 1800 * (i + 1), how),
            "intensity": {"forecast": expected, "actual": actual, "index": "moderate"},
        }
        for i, (expected, actual) in enumerate(pairs)
    ]  # fmt: skip


def energidataservice(
    grams: Sequence[Any], first_s: float, table: str = "CO2Emis", area: str = "DK1"
) -> dict[str, Any]:
    rows = [
        {
            "Minutes5UTC": iso(first_s + 300 * i, "%Y-%m-%dT%H:%M:%S"), "Minutes5DK": "2026-11-23T16:55:00",
            "PriceArea": area, "CO2Emission": g,
        }
        for i, g in enumerate(grams)
    ]  # fmt: skip
    return {"total": len(rows), "dataset": table, "limit": 600, "records": rows}


def rte(grams: Sequence[Any], first_s: float) -> dict[str, Any]:
    rows = [
        {
            "perimetre": "France", "nature": "Données temps réel",
            "date_heure": iso(first_s + 900 * i, "%Y-%m-%dT%H:%M:%S+00:00"), "taux_co2": g,
        }
        for i, g in enumerate(grams)
    ]  # fmt: skip
    return {"total_count": len(rows), "results": rows[::-1]}


def watttime(pounds: Sequence[Any], first_s: float, signal: str, region: str = "CAISO_NORTH") -> dict[str, Any]:
    rows = [{"point_time": iso(first_s + 300 * i, "%Y-%m-%dT%H:%M:%S+00:00"), "value": p} for i, p in enumerate(pounds)]
    meta = {
        "data_point_period_seconds": 300, "region": region, "warnings": [], "signal_type": signal,
        "model": {"date": "2026-03-01"}, "units": "lbs_co2_per_mwh",
    }  # fmt: skip
    return {"data": rows, "meta": meta}
