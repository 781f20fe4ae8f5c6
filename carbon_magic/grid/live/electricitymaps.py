"""Electricity Maps, v4: hourly averages of some 350 zones, flow-traced, with what building the plants took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ahead import Point
from . import check
from .error import LiveError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .ask import Ask

URL = "https://api.electricitymaps.com/v4"
FACTORS = "lifecycle"
# Countries that the service knows only by their parts, or by codes that are not our states'.
_IN_PARTS = ("AU", "BR", "CA", "CL", "DK", "EU", "FO", "IN", "IT", "JP", "MY", "NO", "PH", "RU", "SE", "US")
_SAME_CODES = ("AU-", "CA-", "NO-", "SE-")
_STEPS = {"hourly": 3600.0, "15_minutes": 900.0, "5_minutes": 300.0}
_HORIZONS = (6, 24, 48, 72)


class ElectricityMaps:
    """The free key covers one zone; forecasts are for paid ones."""

    name = "electricitymaps"
    title = "Electricity Maps"
    basis = FACTORS
    boundary = "consumption, flow-traced"
    licence = "proprietary, by the key's terms"
    needs_key = True
    every_s = 900.0

    def __init__(self, url: str = URL) -> None:
        self.url = url

    def zone(self, place: str) -> str | None:
        """Its zones are named by ISO 3166 codes, as our places are, but for countries in parts."""
        if len(place) == 2 and place not in _IN_PARTS:
            return place
        return place if place.startswith(_SAME_CODES) else None

    def history(self, ask: Ask, zone: str, now_s: float) -> Sequence[Point]:
        """The last 24 hours."""
        answer = self._get(ask, zone, "history", {})
        step_s = _step(answer)
        return _points(ask, check.rows(answer.get("history"), f"{ask.title}: history"), zone, step_s)

    def forecast(self, ask: Ask, zone: str, now_s: float, hours: float) -> Sequence[Point]:
        """Up to 72 hours."""
        horizon = next((h for h in _HORIZONS if h >= hours), _HORIZONS[-1])
        answer = self._get(ask, zone, "forecast", {"horizonHours": str(horizon)})
        return _points(ask, check.rows(answer.get("forecast"), f"{ask.title}: forecast"), zone, _step(answer))

    def _get(self, ask: Ask, zone: str, what: str, more: Mapping[str, str]) -> Mapping[str, Any]:
        # The zone is always named: without it the service would take the caller's address for a place.
        params = {"zone": zone, "emissionFactorType": FACTORS, **more}
        answer = ask.json(f"{self.url}/carbon-intensity/{what}", params, lambda: _headers(ask))
        found = check.fields(answer, f"{ask.title}: the answer")
        check.same(found.get("zone"), zone, "zone")
        return found


def _headers(ask: Ask) -> Mapping[str, str]:
    return {"auth-token": ask.key.reveal()} if ask.key is not None else {}


def _step(answer: Mapping[str, Any]) -> float:
    step = answer.get("temporalGranularity", "hourly")
    if not isinstance(step, str) or step not in _STEPS:
        raise LiveError("Electricity Maps: the answer's granularity is not one that is known")
    return _STEPS[step]


def _points(ask: Ask, rows: Sequence[Any], zone: str, step_s: float) -> Sequence[Point]:
    points = []
    for row in rows:
        fact = check.fields(row, f"{ask.title}: a row")
        if "SANDBOX" in str(fact.get("estimationMethod") or "").upper():
            raise LiveError(f"{ask.title} answers with made-up figures, as this is a sandbox key: they are refused")
        check.same(fact.get("zone", zone), zone, "zone")
        check.same(fact.get("emissionFactorType", FACTORS), FACTORS, "emission factor type")
        grams = check.grams(fact.get("carbonIntensity"), f"{ask.title}: carbonIntensity")
        if grams is not None:
            start_s = check.moment(fact.get("datetime"), f"{ask.title}: datetime")
            points.append(Point(start_s, start_s + step_s, grams, bool(fact.get("isEstimated"))))
    return check.series(points, ask.title)
