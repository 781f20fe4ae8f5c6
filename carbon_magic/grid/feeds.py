"""All live feeds of a process, by service and zone; made when a setting first asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import live
from .ahead import Forecast
from .during import Live
from .feed import Feed
from .live import fetch
from .lookup import grid_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .figure import Intensity
    from .live.service import Service


class Feeds:
    """Opens no socket before a run begins with `live` set, or a forecast is asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._services: dict[str, Service] = {}
        self._feeds: dict[tuple[str, str | None], Feed] = {}

    def during(self, name: str, zone: str | None, place: Intensity) -> Live:
        """The figure for a run at a place. `name` and `zone` are the settings live and live_zone."""
        service = self._service(name)
        told = service.zone(grid_of(place.place))
        wanted = zone or told
        if (name, wanted) not in self._feeds:
            problem = None if wanted else _no_zone(service, place)
            self._feeds[name, wanted] = Feed(service, wanted, self._environ, fetch.history, problem)
        return Live(self._feeds[name, wanted], place, named=told is None or told != wanted)

    def forecast(self, name: str, zone: str | None, place: Intensity, hours: float) -> Forecast:
        """The hours to come at a place. LiveError in a sentence; waits for the network, 20 s at most."""
        service = self._service(name)
        wanted = zone or service.zone(grid_of(place.place))
        found = ahead(service, wanted, hours, self._environ) if wanted else _no_zone(service, place)
        if isinstance(found, str):
            raise live.LiveError(found)
        return found

    def _service(self, name: str) -> Service:
        if name not in self._services:
            self._services[name] = live.make(name)
        return self._services[name]


def ahead(service: Service, zone: str, hours: float, environ: Mapping[str, str]) -> Forecast | str:
    """The hours to come of a zone, or in a sentence why they are not known.

    A sentence and no exception: a traceback that shows variables would show the environment, and a request's headers.
    """
    try:
        points = tuple(fetch.forecast(service, zone, environ, hours))
    except live.LiveError as error:
        return str(error)
    except Exception as error:
        return f"{service.title}: its answer is not understood ({type(error).__name__})"
    basis = "marginal" if any(point.marginal for point in points) else service.basis
    return Forecast(points, service.name, zone, basis, f"{service.title}, forecast for zone {zone}")


def _no_zone(service: Service, place: Intensity) -> str:
    return f"{service.title} has no zone that {place.place} would tell: the setting live_zone names one"
