"""A run's own hours: energy by the power curve, times the intensity of each stretch of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..curve import Curve, Spending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .ahead import Point

HOLD_S = 3 * 3600.0
"""How long the nearest figure stands in for one that is not out yet: services lag by one to two hours."""
_TOGETHER_S = 1.0
MOST = 200
"""Stretches that a run keeps: eight days of hours, and the ledger stays small."""


@dataclass(frozen=True, slots=True)
class Series:
    """`g_per_kwh[i]` held from `t_s[i-1]` (0 at first) to `t_s[i]`, seconds since the run's beginning."""

    service: str
    zone: str
    t_s: tuple[float, ...]
    g_per_kwh: tuple[float, ...]

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Series:
        """The reverse of dataclasses.asdict. Raises KeyError where a field is missing."""
        return cls(str(d["service"]), str(d["zone"]), tuple(d["t_s"]), tuple(d["g_per_kwh"]))


class Piece(NamedTuple):
    """A stretch of a run with one intensity."""

    end_s: float
    g_per_kwh: float
    weight: float
    """Its part of the run's energy, 0 to 1."""
    estimated: bool


def pieces(points: Sequence[Point], begin_s: float, duration_s: float, curve: Curve) -> list[Piece] | None:
    """The whole run in pieces; None where a part of it is further than HOLD_S from any figure.

    `points` are in order and do not overlap; `begin_s` is the run's beginning in seconds since 1970. Where no power is
    known, energy goes by time.
    """
    end_s = begin_s + duration_s
    first = bisect_left(points, begin_s - HOLD_S, key=lambda point: point.end_s)
    last = bisect_right(points, end_s + HOLD_S, key=lambda point: point.start_s)
    spending = Spending(curve if curve.t_s else Curve((max(duration_s, 1e-9),)))
    found: list[Piece] = []
    at = 0.0
    for stretch in _stretches(points[first:last]):
        begin, end = stretch.start_s - begin_s, min(stretch.end_s - begin_s, duration_s)
        if end < at or (end == at and duration_s > 0):
            continue
        if begin > at + _TOGETHER_S:
            return None
        found.append(Piece(end, stretch.g_per_kwh, spending.fraction(at, end), stretch.estimated))
        at = end
        if at >= duration_s:
            break
    return _weighed(found) if found and at >= duration_s else None


def _stretches(points: Sequence[Point]) -> Iterator[Point]:
    """The points, and around each the time for which it stands in, up to the middle between two."""
    for i, point in enumerate(points):
        before = (point.start_s - points[i - 1].end_s) / 2 if i else HOLD_S
        after = (points[i + 1].start_s - point.end_s) / 2 if i + 1 < len(points) else HOLD_S
        if before > _TOGETHER_S:
            yield point._replace(start_s=point.start_s - min(before, HOLD_S), end_s=point.start_s, estimated=True)
        yield point
        if after > _TOGETHER_S:
            yield point._replace(start_s=point.end_s, end_s=point.end_s + min(after, HOLD_S), estimated=True)


def _weighed(found: Sequence[Piece]) -> list[Piece]:
    """Weights that add up to 1: by time where the run has no energy, evenly where it has no time."""
    whole = sum(piece.weight for piece in found)
    if whole > 0:
        return [piece._replace(weight=piece.weight / whole) for piece in found]
    return [piece._replace(weight=1 / len(found)) for piece in found]


def series(found: Sequence[Piece], service: str, zone: str) -> Series:
    """What is kept of it: equal neighbours as one, and of a run of weeks means over longer stretches."""
    t_s: list[float] = []
    grams: list[float] = []
    for piece in found:
        if grams and grams[-1] == round(piece.g_per_kwh, 1):
            t_s[-1] = round(piece.end_s, 1)
        else:
            t_s.append(round(piece.end_s, 1))
            grams.append(round(piece.g_per_kwh, 1))
    while len(t_s) > MOST:
        begins = [0.0, *t_s]
        widths = [end - begin for begin, end in zip(begins, t_s, strict=False)]
        for i in range(len(t_s) - 2, -1, -2):
            both = widths[i] + widths[i + 1]
            mean = (grams[i] * widths[i] + grams[i + 1] * widths[i + 1]) / both if both > 0 else grams[i]
            grams[i : i + 2] = [round(mean, 1)]
            t_s[i : i + 2] = [t_s[i + 1]]
    return Series(service, zone, tuple(t_s), tuple(grams))
