"""From a place in somebody's words to its published annual intensity."""

from __future__ import annotations

from dataclasses import replace
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

_MEMBERS = {
    "EU": "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK",
    "G7": "CA DE FR GB IT JP US",
}
"""Groups of which the members are beyond doubt: a machine in one is in one of these countries, and in no other."""

# Longer than any name in the table; what comes after is noise, and would make the message and the search long.
_LONGEST = 100


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
    code = place.strip().upper()
    key = code if code in _rows() else _keys().get(fold(place))
    return _figure(key) if key else None


def names() -> dict[str, str]:
    """Key -> name of every place in the table, cloud regions too."""
    places = {key: row["name"] for key, row in _rows().items()}
    return places | {row["region"]: row["place"] for row in data.rows("cloud_regions")}


def grid_of(place: str) -> str:
    """The key of the grid that a place is on: a cloud region's, else its own."""
    row = data.find("cloud_regions", place)
    return row["grid"] if row else place


def _cloud_region(provider: str, region: str) -> Intensity | None:
    who = provider.strip().lower()
    name = region.lower().replace(" ", "")  # Azure's portal shows "West Europe"
    row = data.find("cloud_regions", f"{PROVIDERS.get(who, who)}:{name}")
    if row is None:
        return None
    grid = _figure(row["grid"])
    where = row["place"] if row["place"] == grid.name else f"{row['place']} ({grid.name})"
    return replace(grid, place=row["region"], name=where)


@lru_cache(maxsize=256)
def _figure(key: str) -> Intensity:
    row = _rows()[key]
    source = data.find("sources", row["source"]) or {}
    return Intensity(
        intensity_g_per_kwh=float(row["g_per_kwh"]),
        intensity_range=_range(row),
        place=key,
        name=row["name"],
        year=int(row["year"]),
        basis=row["basis"],
        source=f"{source['publisher']}, {source['title']} ({source['year']})",
        boundary=row["boundary"],
        licence=source["licence"],
        how=GIVEN,
    )


def _range(row: dict[str, str]) -> spread.Range:
    """Around the figure; for a group of countries, wherever a country may lie; for a large country, its parts too."""
    g_per_kwh = float(row["g_per_kwh"])
    newest = max(int(other["year"]) for other in _rows().values())
    around = spread.of(g_per_kwh, row["basis"], row["boundary"], newest - int(row["year"]))
    if row["level"] == "region" or row["parent"] == WORLD:
        # Every country counts the same: notebooks do not run where most electricity is used, and weighted by it (5th
        # percentile 110 g, Brazil) the range would leave out France, Sweden and Quebec, where much is computed.
        return spread.union((spread.among(_figures("country", among=_MEMBERS.get(row["key"], ""))), around))
    parts = _figures("part", row["key"])
    # Quebec and Alberta have one average and nothing else in common: "Canada" means one of its parts.
    return spread.union((around, spread.among(parts, 0.8))) if parts else around


def _figures(level: str, parent: str = "", among: str = "") -> list[float]:
    """Of all places of a level, or of those whose keys are `among` some."""
    rows = [row for row in _rows().values() if (row["level"], row["parent"]) == (level, parent)]
    return [float(row["g_per_kwh"]) for row in rows if not among or row["key"] in among.split()]


@lru_cache(maxsize=1)
def _rows() -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in data.rows("grid_intensity")}


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    """Folded name, code or alias -> key; where two places share a name, the first in the table has it."""
    keys: dict[str, str] = {}
    for key, row in _rows().items():
        for words in (key, row["alpha3"], row["name"], *row["aliases"].split(";")):
            if words:
                keys.setdefault(fold(words), key)
    return keys
