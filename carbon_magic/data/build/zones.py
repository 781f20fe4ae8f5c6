"""time_zones.csv: the countries of each zone of the tz database, old names included."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .table import Row, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("zone", "countries")

# POSIX-style names say what the clock does, not where it stands: the countries that use such a clock by this name.
AMERICAN = {
    "EST": "US CA",
    "EST5EDT": "US CA",
    "CST6CDT": "US CA MX",
    "MST": "US CA",
    "MST7MDT": "US CA",
    "PST8PDT": "US CA MX",
    "HST": "US",
}
EUROPEAN = ("CET", "EET", "MET", "WET")


# Of a zone's countries, those that use less of its electricity than this lie outside a 90 % range in any case.
LEAST_SHARE = 0.05


def build(facts: Path, zoneinfo: Path) -> list[Row]:
    """The first country of a row is the likeliest, the others share the zone. Zones of no country (UTC) have no row."""
    twh = {fact["iso3166_alpha2"]: float(fact["total_twh"]) for fact in read(facts / "electricity_mix.csv")}
    own = {zone: codes for codes, zone in _table(zoneinfo / "zone.tab")}
    shared = {zone: codes for codes, zone in _table(zoneinfo / "zone1970.tab")}
    # A country that stands in several rows has its own zone elsewhere: Germany is in Europe/Zurich for one small town.
    in_rows = Counter(code for codes in shared.values() for code in codes)
    countries = {}
    for zone in {**own, **shared}:
        first = own.get(zone, shared.get(zone, []))[:1]
        others = [code for code in shared.get(zone, []) if in_rows[code] == 1 and code not in first]
        used = sum(twh.get(code, 0.0) for code in first + others)
        others = [code for code in others if twh.get(code, 0.0) >= LEAST_SHARE * used]
        countries[zone] = " ".join(first + others)
    special = {**AMERICAN, **{zone: f"EUROPE {' '.join(_alike(zone, own))}" for zone in EUROPEAN}}
    links = _links(zoneinfo / "tzdata.zi")
    for link in links.keys() - countries.keys():
        target = links[link]
        while target not in countries and target in links:
            target = links[target]
        if target in countries:
            # Nobody picks an old name by accident: it means the place it names, not those who share its clock.
            countries[link] = countries[target].split()[0]
    countries |= special
    return [{"zone": zone, "countries": countries[zone]} for zone in sorted(countries) if countries[zone]]


def version(zoneinfo: Path) -> str:
    """The edition of the tz database: "2026f"."""
    match = re.match(r"# version (\w+)", (zoneinfo / "tzdata.zi").read_text(encoding="utf-8"))
    return match[1] if match else "unknown"


def _table(path: Path) -> list[tuple[list[str], str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(row[0].split(","), row[2]) for row in cells]


def _links(path: Path) -> dict[str, str]:
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {line[2]: line[1] for line in lines if line[:1] == ["L"]}


def _alike(zone: str, own: dict[str, list[str]]) -> list[str]:
    """European countries whose clocks go as this one does, in winter and in summer."""
    return sorted(
        {codes[0] for name, codes in own.items() if name.startswith("Europe/") and _clock(name) == _clock(zone)}
    )


def _clock(zone: str) -> tuple[object, ...]:
    return tuple(ZoneInfo(zone).utcoffset(datetime(2026, month, 15)) for month in (1, 7))
