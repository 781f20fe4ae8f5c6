"""Who counts a joule where runs overlap: of the runs that had a part of a host, the longest, and nobody else.

It asks less than `overlaps`, which says whose work within the longest it was: a few figures of each run, and the curve
only of those that stick out. So it can be kept up to date with every run that is written.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .curve import Curve, Spending

if TYPE_CHECKING:
    from .run import Run

Piece = tuple[float, float]
MACHINE = ""
"""All of a host but its GPUs: CPU and memory are one, whatever instrument or model told them, so that a kernel that may
read a counter and one that may not do not both count them. GPUs have names, and kernels often have one each."""


class Span(NamedTuple):
    """When a run had what of a host."""

    host: str
    begin_s: float
    duration_s: float
    joules: Mapping[str, float]
    """By what was had: MACHINE, and each GPU by its name."""
    curve: Callable[[], Curve]
    """Its power over time; asked for only where the run was partly counted by others."""

    @property
    def end_s(self) -> float:
        return self.begin_s + self.duration_s


class Own(NamedTuple):
    """The part of a run that no longer run has counted already."""

    fraction: float
    """Of its energy, 0 to 1."""
    seconds: float
    """In which no longer run was going, on any host."""
    gpu_s: float
    """Seconds of GPUs."""


def parts(devices: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    """Joules by what was had, of devices as (name, kind, joules)."""
    joules: dict[str, float] = {}
    for name, kind, energy_j in devices:
        key = name if kind == "gpu" else MACHINE
        joules[key] = joules.get(key, 0.0) + energy_j
    return joules


def span(run: Run) -> Span:
    """When this run had what."""
    devices = [(device.name, device.kind, device.energy_j) for device in run.devices]
    return Span(run.host, run.started_at, run.duration_s, parts(devices), lambda: run.curve)


def alone(span: Span) -> Own:
    """What a run has that overlaps with none: all of it."""
    return Own(1.0, span.duration_s, span.duration_s * (len(span.joules) - (MACHINE in span.joules)))


def owns(spans: Sequence[Span]) -> list[Own]:
    """For each run what it has of its own. The longest counts whole; a run inside it counts nothing of what both had;
    one that sticks out counts what sticks out, weighed by its own power curve. Of two that are equally long the one
    that began first comes first, then the one that is named first. A run of no length shares no time with any.
    """
    found = [alone(span) for span in spans]
    cluster: list[int] = []
    end_s = 0.0
    for i in sorted((i for i, span in enumerate(spans) if span.duration_s > 0), key=lambda i: spans[i].begin_s):
        if cluster and spans[i].begin_s >= end_s:
            _share(spans, cluster, found)
            cluster = []
        end_s = max(end_s, spans[i].end_s) if cluster else spans[i].end_s
        cluster.append(i)
    _share(spans, cluster, found)
    return found


def _share(spans: Sequence[Span], cluster: Sequence[int], found: list[Own]) -> None:
    """Runs that hang together in time, and apart from all others."""
    if len(cluster) < 2:
        return
    anywhere = Covered()
    covered: defaultdict[tuple[str, str], Covered] = defaultdict(Covered)
    for i in sorted(cluster, key=lambda i: (-spans[i].duration_s, spans[i].begin_s, i)):
        it = spans[i]
        seconds = _measure(anywhere.add(it.begin_s, it.end_s))
        free = {key: covered[it.host, key].add(it.begin_s, it.end_s) for key in it.joules}
        gpu_s = sum(_measure(pieces) for key, pieces in free.items() if key != MACHINE)
        found[i] = Own(_fraction(it, free), seconds, gpu_s)


def _fraction(it: Span, free: Mapping[str, list[Piece]]) -> float:
    whole = [(it.begin_s, it.end_s)]
    if all(pieces == whole for pieces in free.values()):
        return 1.0
    if not any(free.values()):
        return 0.0
    total_j = sum(it.joules.values())
    weights = it.joules if total_j > 0 else dict.fromkeys(free, 1 / len(free))
    held = 0.0
    for key, pieces in free.items():
        held += weights[key] * (1.0 if pieces == whole else _within(it, key, pieces))
    return held / (total_j if total_j > 0 else 1.0)


def _within(it: Span, key: str, pieces: Sequence[Piece]) -> float:
    """The part of what was had that was spent in pieces of the run's time; by time where its power is not known."""
    if not pieces:
        return 0.0
    curve = it.curve()
    curve = curve.only([key] if key != MACHINE else curve.watts.keys() - it.joules.keys())
    if curve.t_s:
        spending = Spending(curve)
        return sum(spending.fraction(begin - it.begin_s, end - it.begin_s) for begin, end in pieces)
    return _measure(pieces) / it.duration_s if it.duration_s > 0 else 0.0


def _measure(pieces: Iterable[Piece]) -> float:
    return sum(end - begin for begin, end in pieces)


class Covered:
    """Spans of time that somebody has counted: sorted, and never two that touch."""

    def __init__(self) -> None:
        self._begins: list[float] = []
        self._ends: list[float] = []

    def add(self, begin: float, end: float) -> list[Piece]:
        """Cover a span; returns the pieces of it that were not covered before."""
        first = bisect_left(self._ends, begin)
        last = bisect_right(self._begins, end)
        pieces, at = [], begin
        for i in range(first, last):
            if self._begins[i] > at:
                pieces.append((at, self._begins[i]))
            at = max(at, self._ends[i])
        if at < end:
            pieces.append((at, end))
        if first < last:
            begin, end = min(begin, self._begins[first]), max(end, self._ends[last - 1])
        self._begins[first:last] = [begin]
        self._ends[first:last] = [end]
        return pieces
