"""equivalents.csv: a selection of things to compare with, in words that take a number, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import flights
from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    "id",
    "group",
    "name",
    "unit",
    "shown_as",
    "text",
    "text_below_one",
    "g_per_unit",
    "kwh_per_unit",
    "low",
    "high",
    "year",
    "source",
    "kwh_source",
    "licence",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to compare with. `low` to `high` are the amounts that a person can picture."""

    id: str
    group: str
    name: str
    unit: str
    shown_as: str
    """"number", "distance" (of km) or "duration" (of hours)."""
    text: str
    text_below_one: str
    low: float
    high: float
    grams_from: str = ""
    kwh_from: str = ""


# What the collection calls an assumption or a definition, said in a way that stands by itself.
WORDS = {
    "led_bulb_hour": "10 W for one hour (definition)",
    "smartphone_battery_15wh": "15 Wh battery charged with 80 % efficiency (assumption)",
    "kettle_boil_1l": "1 litre from 15 to 100 °C with 85 % efficiency (physics)",
    "ev_mile_us": "18 kWh per 100 km (planning value)",
}

ROUTE = "route:"
"""Before the name of a row of flight_routes.csv, whose kilograms are one way and with radiative forcing."""

CHOICES = (
    Choice(
        "led", "light", "10 W LED lamp", "h", "duration", "{} of a 10 W LED lamp", "", 0.003, 100, "", "led_bulb_hour",
    ),
    Choice(
        "phone_charge", "device", "phone charge", "charge", "number", "{} phone charges", "{} of a phone charge",
        0.3, 300, "epa_smartphone_charge", "smartphone_battery_15wh",
    ),
    Choice(
        "streaming", "media", "video streaming", "h", "duration", "{} of video streaming", "", 0.01, 100,
        "carbontrust_streaming_hour",
    ),
    Choice(
        "kettle", "kitchen", "water boiled", "litre", "number", "{} litres of water brought to the boil",
        "{} of a litre of water brought to the boil", 0.2, 300, "", "kettle_boil_1l",
    ),
    Choice("train_km", "train", "train, one passenger", "km", "distance", "{} by train", "", 0.03, 5000, "uk_rail_km"),
    Choice(
        "electric_car_km", "car", "electric car", "km", "distance", "{} by electric car", "", 0.03, 3000,
        "uk_car_bev_km", "ev_mile_us",
    ),
    Choice("car_km", "car", "average car", "km", "distance", "{} by car", "", 0.001, 20000, "uk_car_average_km"),
    Choice("new_car_km", "car", "new car", "km", "distance", "{} by a new car", "", 0.03, 3000, "eu_new_car_km_2022"),
    Choice(
        "cheeseburger", "food", "cheeseburger", "burger", "number", "{} cheeseburgers", "{} of a cheeseburger",
        0.3, 100, "cheeseburger_berners_lee",
    ),
    Choice("beef_kg", "food", "beef", "kg", "number", "{} kg of beef", "{} kg of beef", 0.3, 100, "beef_kg_beef_herd"),
    Choice(
        "tree_year", "tree", "young tree growing for a year", "tree-year", "number",
        "what {} young trees take up in a year", "{} of what a young tree takes up in a year", 0.3, 300,
        "epa_tree_year_mean",
    ),
    Choice(
        "home_day", "home", "US home's electricity for a day", "day", "number", "{} days of a US home's electricity",
        "{} of a day of a US home's electricity", 0.3, 300, "", "us_home_day_2020",
    ),
    Choice(
        "flight_km", "flight", "flight, one passenger in economy with radiative forcing", "km", "distance",
        "{} of a flight (one passenger in economy with radiative forcing)", "", 0.1, 300, "intl_flight_economy_rf",
    ),
    Choice(
        "flight_paris", "flight", "flight from London to Paris, one passenger in economy with radiative forcing",
        "passenger trip", "number",
        "{} flights from London to Paris (one passenger in economy with radiative forcing)",
        "{} of a flight from London to Paris (one passenger in economy with radiative forcing)", 0.3, 12,
        ROUTE + "LHR-CDG",
    ),
    Choice(
        "flight", "flight", "New York to San Francisco flight, one passenger (Strubell et al.)", "passenger trip",
        "number",
        "{} New York to San Francisco flights (one passenger, as the paper prints it: 1,984 lb)",
        "{} of a New York to San Francisco flight (one passenger, as the paper prints it: 1,984 lb)", 0.1, 300,
        "strubell_flight_ny_sf",
    ),
    Choice(
        "car_year", "car", "petrol car driven for a year in the US", "car-year", "number",
        "{} petrol cars driven for a year in the US", "{} of a petrol car driven for a year in the US", 0.3, 300,
        "epa_gasoline_car_year",
    ),
    Choice(
        "home_year", "home", "US home's electricity for a year", "home-year", "number",
        "the electricity of {} US homes for a year", "{} of a US home's electricity for a year", 0.3, 1000,
        "epa_home_electricity_year",
    ),
    Choice(
        "person_year", "person", "average person's year (Strubell et al.)", "person-year", "number",
        "what {} average people emit in a year", "{} of what an average person emits in a year", 0.3, 1000,
        "strubell_human_year",
    ),
    Choice(
        "car_lifetime", "car", "average US car, whole life with its fuel (Strubell et al.)", "car lifetime", "number",
        "{} car lifetimes with their fuel (as the paper prints it: 126,000 lb each)",
        "{} of a car's lifetime with its fuel (as the paper prints it: 126,000 lb)", 0.3, 1000, "strubell_car_lifetime",
    ),
    Choice(
        "airliner", "flight", "whole airliner, San Francisco to New York and back", "aircraft round trip", "number",
        "{} whole airliners from San Francisco to New York and back",
        "{} of a whole airliner from San Francisco to New York and back", 0.3, 1000,
        "patterson_flight_sfo_jfk_whole_plane",
    ),
)  # fmt: skip


def build(facts: Path) -> list[Row]:
    """One row per choice, in the order above."""
    known = {fact["equivalent_id"]: fact for fact in read(facts / "equivalents.csv")}
    known |= {ROUTE + row["route"]: _flight(row) for row in flights.build(facts)}
    return [_row(choice, known) for choice in CHOICES]


def _flight(row: Row) -> Row:
    return {
        "equivalent_id": ROUTE + row["route"],
        "kg_co2e_per_unit": row["kg_with_rf"],
        "publisher": "UK DESNZ",
        "source_title": f"Greenhouse gas reporting: conversion factors 2025, x {row['km']} km",
        "source_year": "2025",
        "licence": "Open Government Licence v3.0",
    }


def _row(choice: Choice, known: dict[str, Row]) -> Row:
    grams, kwh = known.get(choice.grams_from), known.get(choice.kwh_from)
    fact = grams or kwh
    if fact is None or (choice.grams_from and not grams) or (choice.kwh_from and not kwh):
        raise ValueError(f"the facts have no {choice.grams_from or choice.kwh_from}")
    return {
        "id": choice.id,
        "group": choice.group,
        "name": choice.name,
        "unit": choice.unit,
        "shown_as": choice.shown_as,
        "text": choice.text,
        "text_below_one": choice.text_below_one or choice.text,
        "g_per_unit": figure(str(1000 * float(grams["kg_co2e_per_unit"]))) if grams else "",
        "kwh_per_unit": figure(kwh["kwh_per_unit"]) if kwh else "",
        "low": figure(str(choice.low)),
        "high": figure(str(choice.high)),
        "year": fact["source_year"],
        "source": _source(grams) or _source(kwh),
        "kwh_source": _source(kwh),
        "licence": _licence(fact),
    }


def _source(fact: Row | None) -> str:
    if fact is None:
        return ""
    if fact["equivalent_id"] in WORDS:
        return WORDS[fact["equivalent_id"]]
    title = fact["source_title"].replace(" (flat file)", "").replace(" - Calculations and References", "")
    year = fact["source_year"]
    return f"{fact['publisher']}, {title}" + (f" ({year})" if year and year not in title else "")


def _licence(fact: Row) -> str:
    """The collection's words; what follows from a definition or from physics needs nobody's leave."""
    return fact["licence"] if fact["licence"] not in ("", "-") else "fact"
