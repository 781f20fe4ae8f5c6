"""Nothing that a server says is believed before it was looked at: types, ranges, zones, times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .error import LiveError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ahead import Point

MOST_G_PER_KWH = 2000.0
"""The dirtiest oil and coal plants stay under 1,400; marginal figures count losses on top."""
MOST_ROWS = 5000
_OLDEST_S, _LATEST_S = datetime(2015, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def fields(value: Any, what: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise LiveError(f"{what} is {_kind(value)} where an object was expected")
    return value


def rows(value: Any, what: str) -> Sequence[Any]:
    """A JSON array of no more than a few thousand rows."""
    if not isinstance(value, list):
        raise LiveError(f"{what} is {_kind(value)} where a list was expected")
    if len(value) > MOST_ROWS:
        raise LiveError(f"{what} has {len(value):,} rows where a day's were expected")
    return value


def grams(value: Any, what: str, factor: float = 1.0) -> float | None:
    """A figure in g/kWh after `factor`; None where the service has none (null)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LiveError(f"{what} is {_kind(value)} where a number was expected")
    try:
        number = float(value) * factor
    except OverflowError:
        number = math.inf
    if not 0 <= number <= MOST_G_PER_KWH:
        raise LiveError(f"{what} lies outside 0 to {MOST_G_PER_KWH:,.0f} g/kWh")
    return number


def moment(value: Any, what: str, utc: bool = False) -> float:
    """Seconds since 1970 of an ISO 8601 time; one without an offset only where it is known to be UTC."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 50 else None
    except ValueError:
        time = None
    if time is None or (time.tzinfo is None and not utc):
        raise LiveError(f"{what} is no time with an offset from UTC")
    seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    if not _OLDEST_S < seconds < _LATEST_S:
        raise LiveError(f"{what} lies in another century")
    return seconds


def same(value: Any, wanted: str, what: str) -> None:
    """What the answer is about must be what was asked for."""
    if not isinstance(value, str) or value.strip().upper() != wanted.upper():
        raise LiveError(f"the answer's {what} is not the one that was asked for")


def series(points: Iterable[Point], what: str) -> tuple[Point, ...]:
    """In order, each stretch of time once. LiveError where nothing is left, or where stretches lie on each other."""
    by_start = {point.start_s: point for point in points}
    ordered = [by_start[start] for start in sorted(by_start)]
    if not ordered:
        raise LiveError(f"{what} has no figure")
    for earlier, later in pairwise(ordered):
        if later.start_s < earlier.end_s - 1:
            raise LiveError(f"{what} has figures for overlapping times")
    return tuple(ordered)


def _kind(value: Any) -> str:
    kinds = ((type(None), "null"), (bool, "true or false"), (str, "a text"), (list, "a list"), (Mapping, "an object"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "a number")
