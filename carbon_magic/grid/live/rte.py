"""RTE éCO2mix: mainland France in quarter hours, by what was generated; no key, and no forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ahead import Point
from . import check
from .error import LiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ask import Ask

URL = "https://reseaux-energies-rte.opendatasoft.com/api/explore/v2.1/catalog/datasets/eco2mix-national-tr"
ZONE = "FR"
STEP_S = 900.0
_MOST = "100"
"""Rows that the service gives at once: a day has 96."""


class Rte:
    """Operational emissions of French power plants; imports are left out."""

    name = "rte"
    title = "RTE éCO2mix"
    basis = "direct"
    boundary = "production, operation only"
    licence = "Licence Ouverte"
    needs_key = False
    every_s = 600.0

    def __init__(self, url: str = URL) -> None:
        self.url = url

    def zone(self, place: str) -> str | None:
        """Mainland France."""
        return ZONE if place == ZONE else None

    def history(self, ask: Ask, zone: str, now_s: float) -> Sequence[Point]:
        """The last day, newest first."""
        if zone.upper() != ZONE:
            raise LiveError(f"{ask.title}: the only zone is FR")
        params = {
            "select": "perimetre,date_heure,taux_co2",
            "where": "taux_co2 is not null",
            "order_by": "date_heure desc",
            "limit": _MOST,
            "timezone": "UTC",
        }
        answer = check.fields(ask.json(f"{self.url}/records", params), f"{ask.title}: the answer")
        points = []
        for row in check.rows(answer.get("results"), f"{ask.title}: results"):
            fact = check.fields(row, f"{ask.title}: a record")
            check.same(fact.get("perimetre"), "France", "area")
            grams = check.grams(fact.get("taux_co2"), f"{ask.title}: taux_co2")
            if grams is not None:
                start_s = check.moment(fact.get("date_heure"), f"{ask.title}: date_heure")
                points.append(Point(start_s, start_s + STEP_S, grams))
        return check.series([point for point in points if point.start_s <= now_s], ask.title)

    def forecast(self, ask: Ask, zone: str, now_s: float, hours: float) -> Sequence[Point]:
        """None is published."""
        raise LiveError(f"{ask.title} publishes no forecast")
