"""grid_intensity.csv: keys people can type, years as numbers, the basis of each figure in one word or two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    "key", "level", "parent", "name", "aliases", "alpha3", "twh", "g_per_kwh", "year", "basis", "boundary", "source",
)  # fmt: skip
LEVELS = {"country": "country", "aggregate": "region", "country_alt": "alternate", "subnational": "part"}

BASIS = {
    "lifecycle": "lifecycle",
    "direct": "direct",
    "direct + upstream (scope 2 + 3)": "direct + upstream",
    "direct + T&D losses + well-to-tank": "direct + losses + upstream",
    # Generation types that a zone does not report count as zero in this source.
    "lifecycle (CodeCarbon source factors)": "lifecycle, lower bound",
    # Provincial generation mix times IPCC medians, without trade: computed by us, published by nobody.
    "lifecycle, derived": "lifecycle, derived",
}
# The newest world figure is in Ember's own review; the year before it is in the table that the other regions come from.
KEYS = {"AGG:WORLD_2025": "WORLD", "AGG:WORLD": "WORLD-2024", "AGG:LATIN_AMERICA_AND_CARIBBEAN": "LATIN-AMERICA"}
NAMES = {
    "WORLD": "World",
    "WORLD-2024": "World (2024)",
    "BN": "Brunei",
    "CD": "DR Congo",
    "CG": "Republic of the Congo",
    "FK": "Falkland Islands",
    "PS": "Palestine",
    "RU": "Russia",
    "VG": "British Virgin Islands",
    "VI": "US Virgin Islands",
    "CA-QC": "Quebec",
}
# What people type for places whose name in the table is another one.
ALIASES = {
    "AE": "UAE;Emirates",
    "AU-NSW": "New South Wales",
    "AU-NT": "Northern Territory",
    "AU-WA": "Western Australia",
    "BA": "Bosnia",
    "BN": "Brunei Darussalam",
    "CD": "DRC;Democratic Republic of the Congo;Congo, The Democratic Republic of the",
    "CG": "Congo",
    "CI": "Ivory Coast",
    "CV": "Cape Verde",
    "CZ": "Czech Republic",
    "EU": "EU27;EU-27",
    "FK": "Falkland Islands (Malvinas)",
    "GB": "UK;Great Britain;Britain",
    "GR": "EL;Hellas",
    "KP": "Democratic People's Republic of Korea",
    "KR": "Korea;Republic of Korea",
    "LA": "Lao People's Democratic Republic",
    "MK": "Macedonia",
    "MM": "Burma",
    "MO": "Macau",
    "NL": "Holland;The Netherlands",
    "PS": "Palestine, State of",
    "RU": "Russian Federation",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey",
    "TW": "Taiwan, Province of China",
    "TZ": "United Republic of Tanzania",
    "US": "United States of America;America",
    "VA": "Vatican City",
    "VG": "Virgin Islands, British",
    "VI": "Virgin Islands, U.S.",
    "VN": "Viet Nam",
    "WORLD": "Global;Earth;World average",
}


def build(facts: Path) -> list[Row]:
    """The rows in the order in which a name is looked up: countries, then regions, then parts of countries."""
    made = {fact["iso3166_alpha2"]: fact["total_twh"] for fact in read(facts / "electricity_mix.csv")}
    rows = [_row(fact, made) for fact in read(facts / "grid_intensity.csv")]
    order = list(LEVELS.values())
    return sorted(rows, key=lambda row: (order.index(row["level"]), row["key"]))


def _row(fact: Row, made: dict[str, str]) -> Row:
    key = KEYS.get(fact["grid_key"], fact["grid_key"].removeprefix("AGG:").replace("_", "-"))
    basis = BASIS[fact["basis"]]
    return {
        "key": key,
        "level": "alternate" if key in ("WORLD-2024", "AU-NGA") else LEVELS[fact["level"]],
        "parent": "WORLD" if key == "WORLD-2024" else fact["parent_key"],
        "name": NAMES.get(key, fact["name"]),
        "aliases": ALIASES.get(key, "") or _short_key(key),
        "alpha3": fact["iso3166_alpha3"] if LEVELS[fact["level"]] == "country" else "",
        # How large a grid is, to choose among countries by; electricity generated in a year, some of them of 2022.
        "twh": figure(made.get(key, "")) if LEVELS[fact["level"]] == "country" else "",
        "g_per_kwh": figure(fact["carbon_intensity_g_co2e_per_kwh"]),
        "year": year(fact["year"]),
        "basis": f"{basis}, CO2 only" if fact["gas"] == "CO2" else basis,
        "boundary": fact["boundary"],
        "source": fact["source_key"],
    }


def _short_key(key: str) -> str:
    """The eGRID acronym or the bidding zone by itself: SRSO, SE3."""
    match = re.fullmatch(r"EGRID:(\w+)|(?:SE|NO)-((?:SE|NO)\d)", key)
    return (match[1] or match[2]) if match else ""


def year(words: str) -> str:
    """The year that the figure is about: of "FY2022-23" the later one, of "2025 edition (2023 data)" the data's."""
    financial = re.fullmatch(r"FY(\d\d)\d\d-(\d\d)", words)
    if financial:
        return financial[1] + financial[2]
    data = re.search(r"\((\d{4}) data\)", words) or re.search(r"\d{4}", words)
    if data is None:
        raise ValueError(f"no year in {words!r}")
    return data[1] if data.re.groups else data[0]
