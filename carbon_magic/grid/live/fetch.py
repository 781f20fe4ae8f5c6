"""From a service and a zone to points: from the cache where it is fresh, else from the service, key and all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import cache, key
from .ask import Ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..ahead import Point
    from .service import Service

FORECAST_S = 1800.0
"""Forecasts are made anew a few times a day; half an hour loses nothing."""


def history(service: Service, zone: str, environ: Mapping[str, str]) -> tuple[Sequence[Point], float]:
    """The last day's averages, and how many seconds ago they were fetched. LiveError in a sentence."""
    name = f"{service.name}-{zone}"
    known = cache.read(name, service.every_s)
    if known is not None:
        return known
    points = service.history(Ask(service.title, key.find(service, environ)), zone, time.time())
    cache.write(name, points)
    return points, 0.0


def forecast(service: Service, zone: str, environ: Mapping[str, str], hours: float) -> Sequence[Point]:
    """The hours to come. LiveError in a sentence."""
    name = f"{service.name}-{zone}-{hours:g}h"
    now_s = time.time()
    known = cache.read(name, FORECAST_S)
    points: Sequence[Point] = known[0] if known is not None else ()
    if known is None:
        points = service.forecast(Ask(service.title, key.find(service, environ)), zone, now_s, hours)
        cache.write(name, points)
    return [point for point in points if now_s < point.end_s <= now_s + 3600 * hours + (point.end_s - point.start_s)]
