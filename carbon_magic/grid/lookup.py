"""From a place in somebody's words to its published annual intensity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from .. import data
from . import spread
from .figure import Intensity
from .words import fold

WORLD = "WORLD"
GIVEN = "given"
PROVIDERS = {
    "amazon": "aws",
    "ec2": "aws",
    "microsoft": "azure",
    "google": "gcp",
    "gce": "gcp",
    "googlecloud": "gcp",
    "ovh": "ovhcloud",
}
"""Other names of the cloud providers, cloud-init's among them."""

# Longer than any name in the table; what comes after is noise, and would make the message and the search long.
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class _Table:
    """The grid table, ready to be asked."""

    rows: dict[str, dict[str, str]]
    keys: dict[str, str]
    """Folded name, code or alias -> key."""
    newest: int
    world: spread.Range


def intensity(place: str) -> Intensity:
    """The published annual intensity of a place: "FR", "FRA", "France", "US-CA", "SRSO", "aws:eu-west-1", "world".

    Raises TypeError where `place` is no text, ValueError naming the closest matches where it is unknown.
    """
    if not isinstance(place, str):
        raise TypeError(f"a place is a text such as FR, US-CA or aws:eu-west-1, not {type(place).__name__}")
    found = find(place)
    if found is None:
        from .matches import unknown

        raise ValueError(unknown(place))
    return found


def find(place: str) -> Intensity | None:
    """As intensity(), None where the place is unknown."""
    if len(place) > _LONGEST or "\0" in place:
        return None
    provider, colon, region = place.partition(":")
    if colon and provider.strip().upper() != "EGRID":
        return _cloud_region(provider, region)
    key = _table().keys.get(fold(place))
    return _figure(key) if key else None


def names() -> dict[str, str]:
    """Key -> name of every place in the table, cloud regions too."""
    places = {key: row["name"] for key, row in _table().rows.items()}
    return places | {row["region"]: row["place"] for row in data.rows("cloud_regions")}


def _cloud_region(provider: str, region: str) -> Intensity | None:
    who = provider.strip().lower()
    row = data.find("cloud_regions", f"{PROVIDERS.get(who, who)}:{region.strip().lower()}")
    if row is None:
        return None
    grid = _figure(row["grid"])
    where = row["place"] if row["place"] == grid.name else f"{row['place']} ({grid.name})"
    return replace(grid, place=row["region"], name=where)


@lru_cache(maxsize=256)
def _figure(key: str) -> Intensity:
    table = _table()
    row = table.rows[key]
    source = data.find("sources", row["source"]) or {}
    return Intensity(
        intensity_g_per_kwh=float(row["g_per_kwh"]),
        intensity_range=_range(row, table),
        place=key,
        name=row["name"],
        year=int(row["year"]),
        basis=row["basis"],
        source=f"{source['publisher']}, {source['title']} ({source['year']})",
        boundary=row["boundary"],
        licence=source["licence"],
        how=GIVEN,
    )


def _range(row: dict[str, str], table: _Table) -> spread.Range:
    """Around the figure; for a group of countries, wherever a country may lie; for a large country, its parts too."""
    g_per_kwh = float(row["g_per_kwh"])
    around = spread.of(g_per_kwh, row["basis"], row["boundary"], table.newest - int(row["year"]))
    if row["level"] == "region" or row["parent"] == WORLD:
        return spread.union((table.world, around))
    parts = [float(r["g_per_kwh"]) for r in table.rows.values() if r["parent"] == row["key"] and r["level"] == "part"]
    # Quebec and Alberta have one average and nothing else in common: "Canada" means one of its parts.
    return spread.union((around, spread.among(parts, 0.8))) if parts else around


@lru_cache(maxsize=1)
def _table() -> _Table:
    rows = {row["key"]: row for row in data.rows("grid_intensity")}
    keys: dict[str, str] = {}
    for key, row in rows.items():
        for words in (key, row["alpha3"], row["name"], *row["aliases"].split(";")):
            if words:
                keys.setdefault(fold(words), key)
    countries = [float(row["g_per_kwh"]) for row in rows.values() if row["level"] == "country"]
    newest = max(int(row["year"]) for row in rows.values())
    # Every country counts the same: notebooks do not run where most electricity is used, and weighted by electricity
    # (5th percentile 110 g, Brazil) the range would leave out France, Sweden and Quebec, where much is computed.
    return _Table(rows, keys, newest, spread.among(countries))
