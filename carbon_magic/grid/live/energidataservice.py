"""Energi Data Service (Energinet): Denmark's two price areas in steps of five minutes, and the day ahead; no key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..ahead import Point
from . import check
from .error import LiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ask import Ask

URL = "https://api.energidataservice.dk/dataset"
ZONES = ("DK1", "DK2")
STEP_S = 300.0
_MOST = 600
"""Two days have 576 steps."""


class EnergiDataService:
    """What is used in the area, imports counted; operation only."""

    name = "energidataservice"
    title = "Energi Data Service (Energinet)"
    basis = "direct"
    boundary = "consumption, operation only"
    licence = "open, with attribution to Energinet"
    needs_key = False
    every_s = 300.0

    def __init__(self, url: str = URL) -> None:
        self.url = url

    def zone(self, place: str) -> str | None:
        """Denmark lies on two grids, and live_zone says on which side of the Great Belt."""
        return None

    def history(self, ask: Ask, zone: str, now_s: float) -> Sequence[Point]:
        """The last day."""
        points = self._points(ask, zone, "CO2Emis", {"start": "now-P1D"})
        return check.series([point for point in points if point.start_s <= now_s], ask.title)

    def forecast(self, ask: Ask, zone: str, now_s: float, hours: float) -> Sequence[Point]:
        """Up to the end of the next day, once it is published."""
        points = self._points(ask, zone, "CO2EmisProg", {"start": "now"})
        return check.series([p for p in points if now_s < p.end_s <= now_s + 3600 * hours + STEP_S], ask.title)

    def _points(self, ask: Ask, zone: str, table: str, span: dict[str, str]) -> Sequence[Point]:
        if zone.upper() not in ZONES:
            raise LiveError(f"{ask.title}: live_zone is DK1 (west of the Great Belt) or DK2 (east of it)")
        area = json.dumps({"PriceArea": [zone.upper()]}, separators=(",", ":"))
        params = {"filter": area, "sort": "Minutes5UTC", "limit": str(_MOST), **span}
        answer = check.fields(ask.json(f"{self.url}/{table}", params), f"{ask.title}: the answer")
        check.same(answer.get("dataset", table), table, "table")
        points = []
        for row in check.rows(answer.get("records"), f"{ask.title}: records"):
            fact = check.fields(row, f"{ask.title}: a record")
            check.same(fact.get("PriceArea"), zone, "price area")
            grams = check.grams(fact.get("CO2Emission"), f"{ask.title}: CO2Emission")
            if grams is not None:
                start_s = check.moment(fact.get("Minutes5UTC"), f"{ask.title}: Minutes5UTC", utc=True)
                points.append(Point(start_s, start_s + STEP_S, grams))
        return check.series(points, ask.title)
