"""How much more electricity a building draws than its computers: given, or as a cloud provider publishes it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .. import data
from .spread import Range

# A region's mean of a year over several halls and seasons: the overhead of one hall in one month is known to half.
_REGION = (0.7, 1.5)
# A provider's mean over its regions: AWS's lie between 1.04 and 1.46 around a mean of 1.15.
_FLEET = (0.3, 3.1)
_ROOMS = 1.6
"""Where nothing is published: the mean of the Uptime Institute's surveys of data centres is 1.52 to 1.59 since 2018."""


class Pue(NamedTuple):
    """Power usage effectiveness with its 90 % range, and where it comes from, in words."""

    value: float
    range: Range
    source: str


def pue(setting: float | None, place: str, said: str = "") -> Pue:
    """What was set (`said` says by whom), else what the provider of the cloud region `place` publishes, else 1.0."""
    if setting is not None:
        return Pue(setting, (setting, setting), f"given {said}".strip())
    return published(place)


@lru_cache(maxsize=64)
def published(place: str) -> Pue:
    """The PUE of a cloud region, its provider's mean where the region has none; 1.0 anywhere else."""
    provider, colon, _ = place.partition(":")
    region = data.find("cloud_regions", place) if colon else None
    if region is None:
        return Pue(1.0, (1.0, 1.0), "")
    if region["pue"]:
        who = (data.find("sources", region["source"]) or {})["publisher"]
        kind = "a design value, " if region["pue_kind"] else ""
        return _around(float(region["pue"]), _REGION, f"{kind}published by {who} for this region, {region['pue_year']}")
    fleet = data.find("provider_pue", provider)
    if fleet is None:
        return Pue(1.0, (1.0, _ROOMS), "no PUE of this provider is known here, so that none is added")
    who = (data.find("sources", fleet["source"]) or {})["publisher"]
    year = fleet["year"] or "year not given"
    return _around(float(fleet["pue"]), _FLEET, f"mean of all regions, published by {who}, {year}")


def _around(value: float, factors: Range, source: str) -> Pue:
    low, high = (round(1 + factor * (value - 1), 3) for factor in factors)
    return Pue(value, (low, high), source)
