"""time_zones.csv: the countries of each zone of the tz database, old names included."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .table import Row

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


def build(zoneinfo: Path) -> list[Row]:
    """Several countries in a row use a clock of that name. Zones of no country (UTC) have no row."""
    # zone.tab, not zone1970.tab: it names a zone for each country, and Swedes set Europe/Stockholm, not Europe/Berlin.
    own = {zone: codes for codes, zone in _table(zoneinfo / "zone.tab")}
    countries = {zone: codes[0] for zone, codes in own.items()}
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
