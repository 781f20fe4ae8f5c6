"""flight_routes.csv: routes that people know, their great circle, and the UK's published factors times it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("route", "origin", "destination", "km", "band", "kg_with_rf", "kg_without_rf")
CITIES = {
    "AMS": "Amsterdam",
    "BOM": "Mumbai",
    "BOS": "Boston",
    "CDG": "Paris",
    "DUB": "Dublin",
    "DXB": "Dubai",
    "EDI": "Edinburgh",
    "FRA": "Frankfurt",
    "GRU": "São Paulo",
    "JFK": "New York",
    "LAX": "Los Angeles",
    "LHR": "London",
    "MAD": "Madrid",
    "MEL": "Melbourne",
    "NRT": "Tokyo",
    "PEK": "Beijing",
    "SEA": "Seattle",
    "SFO": "San Francisco",
    "SIN": "Singapore",
    "SYD": "Sydney",
}
BANDS = {
    "domestic": "UK domestic flights, average passenger",
    "short_haul": "short-haul flights to or from the UK, economy",
    "long_haul": "long-haul flights to or from the UK, economy",
    "international_non_uk": "international flights that do not touch the UK, economy",
}


def build(facts: Path) -> list[Row]:
    """One row per route, one way."""
    rows = [
        {
            "route": f"{fact['origin_iata']}-{fact['destination_iata']}",
            "origin": CITIES[fact["origin_iata"]],
            "destination": CITIES[fact["destination_iata"]],
            "km": figure(fact["great_circle_km"]),
            "band": BANDS[fact["desnz_band"]],
            "kg_with_rf": figure(fact["economy_one_way_with_rf_kg_co2e"]),
            "kg_without_rf": figure(fact["economy_one_way_without_rf_kg_co2e"]),
        }
        for fact in read(facts / "flight_routes.csv")
    ]
    return sorted(rows, key=lambda row: row["route"])
