"""The Carbon Intensity API of Great Britain (NESO): half hours, for the whole or for one of its regions; no key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..ahead import Point
from . import check
from .error import LiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ask import Ask

URL = "https://api.carbonintensity.org.uk"
WHOLE = "GB"
REGIONS = range(1, 18)
"""14 distribution regions, then England, Scotland and Wales."""
_LONGEST_S = 2 * 3600.0


class CarbonIntensityGB:
    """Operational emissions; regions have forecasts only, so that a region's account rests on the service's model."""

    name = "gb"
    title = "Carbon Intensity API (NESO)"
    basis = "direct"
    boundary = "consumption, operation only"
    licence = "CC BY 4.0"
    needs_key = False
    every_s = 600.0

    def __init__(self, url: str = URL) -> None:
        self.url = url

    def zone(self, place: str) -> str | None:
        """The whole island."""
        return WHOLE if place.partition("-")[0] == WHOLE else None

    def history(self, ask: Ask, zone: str, now_s: float) -> Sequence[Point]:
        """The last 24 hours, measured where it is measured yet."""
        points = self._points(ask, zone, _half_hour(now_s) + 1800, "pt24h")
        return check.series([point for point in points if point.start_s <= now_s], ask.title)

    def forecast(self, ask: Ask, zone: str, now_s: float, hours: float) -> Sequence[Point]:
        """Up to 48 hours."""
        # Asked for the hours after a moment it answers with the half hour before, too.
        points = self._points(ask, zone, _half_hour(now_s) + 60, "fw24h" if hours <= 24 else "fw48h")
        return check.series([point._replace(estimated=False) for point in points if point.end_s > now_s], ask.title)

    def _points(self, ask: Ask, zone: str, begin_s: float, span: str) -> Sequence[Point]:
        moment = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(begin_s))
        if zone.upper() == WHOLE:
            answer = ask.json(f"{self.url}/intensity/{moment}/{span}", {})
            data = check.fields(answer, f"{ask.title}: the answer").get("data")
        elif zone.isdigit() and int(zone) in REGIONS:
            answer = ask.json(f"{self.url}/regional/intensity/{moment}/{span}/regionid/{int(zone)}", {})
            data = _of_region(ask, check.fields(answer, f"{ask.title}: the answer").get("data"), int(zone))
        else:
            raise LiveError(f"{ask.title}: live_zone is GB or the number of a region, 1 to 17")
        return check.series(_read(ask, check.rows(data, f"{ask.title}: data")), ask.title)


def _of_region(ask: Ask, data: Any, region: int) -> Any:
    """A region's answer is an object, or a list of one, by the way it was asked."""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    found = check.fields(data, f"{ask.title}: data")
    check.same(str(found.get("regionid")), str(region), "region")
    return found.get("data")


def _read(ask: Ask, rows: Sequence[Any]) -> Sequence[Point]:
    points = []
    for row in rows:
        fact = check.fields(row, f"{ask.title}: a row")
        figures = check.fields(fact.get("intensity"), f"{ask.title}: intensity")
        actual = check.grams(figures.get("actual"), f"{ask.title}: actual")
        expected = check.grams(figures.get("forecast"), f"{ask.title}: forecast")
        start_s = check.moment(fact.get("from"), f"{ask.title}: from")
        end_s = check.moment(fact.get("to"), f"{ask.title}: to")
        if not start_s < end_s <= start_s + _LONGEST_S:
            raise LiveError(f"{ask.title}: a half hour ends before it begins, or days later")
        grams = expected if actual is None else actual
        if grams is not None:
            points.append(Point(start_s, end_s, grams, estimated=actual is None))
    return points


def _half_hour(now_s: float) -> float:
    return now_s // 1800 * 1800
