"""WattTime, v3: average figures of past hours for the account, marginal ones of the hours to come for the clock.

The service names its average operating rate (co2_aoer) as the one for accounting; the marginal rate (co2_moer) says
what one more kWh would emit, and is never counted here. Both are of the stacks alone.
"""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

from ..ahead import Point
from . import check
from .error import LiveError
from .key import Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .ask import Ask

URL = "https://api.watttime.org"
G_PER_KWH = 0.45359237
"""Of one lb/MWh."""
AVERAGE, MARGINAL = "co2_aoer", "co2_moer"
_UNITS = "lbs_co2_per_mwh"
_TOKEN_S = 25 * 60.0
"""A token is good for 30 minutes."""


class WattTime:
    """The key is "user:password". Regions have names of their own, which a place does not tell."""

    name = "watttime"
    title = "WattTime"
    basis = "direct"
    boundary = "generation in the region, at the stacks"
    licence = "proprietary, by the account's terms"
    needs_key = True
    every_s = 600.0

    def __init__(self, url: str = URL) -> None:
        self.url = url
        self._token: Key | None = None
        self._token_s = 0.0

    def zone(self, place: str) -> str | None:
        """Only live_zone tells it: CAISO_NORTH."""
        return None

    def history(self, ask: Ask, zone: str, now_s: float) -> Sequence[Point]:
        """Averages of the last day."""
        span = {"start": _iso(now_s - 86400), "end": _iso(now_s)}
        try:
            answer = self._get(ask, "historical", zone, AVERAGE, span)
        except LiveError as error:
            if "does not allow" in str(error):
                raise LiveError(
                    f"{ask.title} gives this account no averages ({AVERAGE}), and marginal figures are never counted"
                ) from None
            raise
        return _points(ask, answer, marginal=False)

    def forecast(self, ask: Ask, zone: str, now_s: float, hours: float) -> Sequence[Point]:
        """Marginal: when one more kWh emits least."""
        horizon = {"horizon_hours": str(max(1, min(72, round(hours + 0.5))))}
        return _points(ask, self._get(ask, "forecast", zone, MARGINAL, horizon), marginal=True)

    def _get(self, ask: Ask, what: str, zone: str, signal: str, more: Mapping[str, str]) -> Mapping[str, Any]:
        token = self._login(ask)
        params = {"region": zone, "signal_type": signal, **more}
        answer = ask.json(f"{self.url}/v3/{what}", params, lambda: {"Authorization": f"Bearer {token.reveal()}"})
        found = check.fields(answer, f"{ask.title}: the answer")
        meta = check.fields(found.get("meta"), f"{ask.title}: meta")
        check.same(meta.get("region"), zone, "region")
        check.same(meta.get("signal_type"), signal, "signal")
        check.same(meta.get("units"), _UNITS, "unit")
        return found

    def _login(self, ask: Ask) -> Key:
        if self._token is None or time.monotonic() - self._token_s > _TOKEN_S:
            self._token = None
            answer = check.fields(ask.json(f"{self.url}/login", {}, lambda: _basic(ask)), f"{ask.title}: the login")
            token = answer.get("token")
            if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
                raise LiveError(f"{ask.title}: the login gave no token")
            self._token, self._token_s = Key(token), time.monotonic()
        return self._token


def _basic(ask: Ask) -> Mapping[str, str]:
    words = ask.key.reveal() if ask.key is not None else ""
    return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M+00:00", time.gmtime(seconds))


def _points(ask: Ask, answer: Mapping[str, Any], marginal: bool) -> Sequence[Point]:
    meta = check.fields(answer.get("meta"), f"{ask.title}: meta")
    period_s = meta.get("data_point_period_seconds")
    if isinstance(period_s, bool) or not isinstance(period_s, int | float) or not 60 <= period_s <= 86400:
        raise LiveError(f"{ask.title}: the step between its figures is none")
    points = []
    for row in check.rows(answer.get("data"), f"{ask.title}: data"):
        fact = check.fields(row, f"{ask.title}: a row")
        grams = check.grams(fact.get("value"), f"{ask.title}: value", G_PER_KWH)
        if grams is not None:
            start_s = check.moment(fact.get("point_time"), f"{ask.title}: point_time")
            points.append(Point(start_s, start_s + period_s, grams, marginal=marginal))
    return check.series(points, ask.title)
