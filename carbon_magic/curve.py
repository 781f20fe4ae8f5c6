"""Power over time, kept small: mean watts of every device in consecutive intervals."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .record import Record

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 1500
"""Points kept at most: more than a chart has pixels for, and 2 MB are never reached even with 16 devices."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Curve(Record):
    """`watts[name][i]` is the device's mean power from `t_s[i-1]` (0 at first) to `t_s[i]`; None is a gap."""

    t_s: tuple[float, ...] = ()
    watts: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    def total_w(self) -> list[float | None]:
        """The devices' sum in each interval; None where no device is known."""
        if not self.watts:
            return [None] * len(self.t_s)
        rows = zip(*self.watts.values(), strict=True)
        return [sum(w for w in row if w is not None) if any(w is not None for w in row) else None for row in rows]

    def only(self, names: Container[str]) -> Curve:
        """The curve of some devices."""
        return Curve(self.t_s, {name: watts for name, watts in self.watts.items() if name in names})

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with t_s (seconds, the end of the interval) and a column of watts per device."""
        import pandas as pd

        return pd.DataFrame({"t_s": self.t_s, **self.watts}, dtype="float64")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"t_s": list(self.t_s), "watts": {name: list(watts) for name, watts in self.watts.items()}}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Curve:
        return cls(tuple(d["t_s"]), {str(n): tuple(ws) for n, ws in d["watts"].items()})


class Spending:
    """When the energy of a curve was spent: prepared once, asked many times."""

    def __init__(self, curve: Curve) -> None:
        self._edges = [0.0, *curve.t_s]
        self._joules = [0.0]
        for begin, end, watt in zip(self._edges, curve.t_s, curve.total_w(), strict=False):
            self._joules.append(self._joules[-1] + (watt or 0.0) * (end - begin))
        if self._joules[-1] <= 0:
            self._joules = self._edges

    def fraction(self, t0_s: float, t1_s: float) -> float:
        """The part of the whole energy that fell between two moments, 0 to 1; by time where no power is known."""
        return (self._at(t1_s) - self._at(t0_s)) / self._joules[-1] if t1_s > t0_s and self._joules[-1] > 0 else 0.0

    def _at(self, t: float) -> float:
        edges, joules = self._edges, self._joules
        i = bisect_left(edges, t)
        if i <= 0:
            return 0.0
        if i >= len(edges):
            return joules[-1]
        return joules[i - 1] + (joules[i] - joules[i - 1]) * (t - edges[i - 1]) / (edges[i] - edges[i - 1])


class Recorder:
    """Builds a Curve. When it grows past the limit, neighbours merge in pairs: no joule of it is lost."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._width_s = 0.0  # points closer together than this are merged on arrival, once the curve was thinned
        self._t_s: list[float] = []
        self._watts: dict[str, list[float | None]] = {}

    def __len__(self) -> int:
        return len(self._t_s)

    def add(self, t_s: float, watts: Mapping[str, float | None]) -> None:
        """Mean watts since the last point; a device that is missing has a gap."""
        last = self._t_s[-1] if self._t_s else 0.0
        if t_s <= last:
            return
        for name in watts:
            self._watts.setdefault(name, [None] * len(self._t_s))
        self._t_s.append(t_s)
        for name, column in self._watts.items():
            column.append(watts.get(name))
        if len(self._t_s) > 1 and t_s - (self._t_s[-3] if len(self._t_s) > 2 else 0.0) <= self._width_s:
            self._merge(len(self._t_s) - 2)
        if len(self._t_s) > self._limit:
            self._width_s = 2 * max(self._width_s, self._t_s[-1] / len(self._t_s))
            for i in range(len(self._t_s) - 2, -1, -2):
                self._merge(i)

    def _merge(self, i: int) -> None:
        """Interval i takes in interval i + 1."""
        begin = self._t_s[i - 1] if i else 0.0
        first, second = self._t_s[i] - begin, self._t_s[i + 1] - self._t_s[i]
        for column in self._watts.values():
            column[i] = _mean(column[i], first, column.pop(i + 1), second)
        self._t_s[i] = self._t_s.pop(i + 1)

    def close(self, t_s: float, watts: Mapping[str, float | None]) -> None:
        """The last point: a sliver of an interval becomes part of the one before."""
        self.add(t_s, watts)
        if len(self._t_s) > 1:
            before = self._t_s[-2] - (self._t_s[-3] if len(self._t_s) > 2 else 0.0)
            if self._t_s[-1] - self._t_s[-2] < before / 2:
                self._merge(len(self._t_s) - 2)

    def curve(self) -> Curve:
        """Rounded to 1 µs and 1 mW, finer than any instrument: a ledger of years stays small."""
        return Curve(
            tuple(round(t, 6) for t in self._t_s),
            {name: tuple(None if w is None else round(w, 3) for w in column) for name, column in self._watts.items()},
        )


def _mean(a: float | None, a_s: float, b: float | None, b_s: float) -> float | None:
    """The mean over both intervals; a gap beside a value counts as having had that value's power."""
    if a is None or b is None:
        return b if a is None else a
    return (a * a_s + b * b_s) / (a_s + b_s)
