"""Runs that overlap on a host saw the same joules: which of them holds which, so that each is held once.

A processor is the machine's, so all runs on a host share its joules; a GPU may be one kernel's own (by
CUDA_VISIBLE_DEVICES), so two runs share a GPU's joules only where both counted it. The total is the longest run's
account, with what shorter ones add where they stick out. Within it a shorter run holds what it spent itself, and the
longer one around it the rest: of a sweep and the trials in it, the trials hold theirs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .curve import Spending
from .device import Device
from .run import Run

_MACHINE = ""
"""The key of everything that is the whole machine's."""


class Span(NamedTuple):
    """When and where a run went on."""

    host: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A run, and the longer ones around it."""

    run: int
    around: Chain | None


class Held(NamedTuple):
    """A part of one run's account."""

    chain: Chain
    """Whose work it was: the run that holds it, first."""
    run: int
    """In whose account it stands."""
    weight: float
    """The part of that run's energy, 0 to 1."""
    gpu_s: float
    """GPU-seconds, each GPU's counted once."""
    host_s: float
    """The host's seconds, counted once too. They are held apart from the joules: such a part weighs nothing."""

    @property
    def holder(self) -> int:
        """The shortest run that saw it."""
        return self.chain.run


def split(spans: Sequence[Span], details: Callable[[Sequence[int]], Sequence[Run]]) -> tuple[list[int], list[Held]]:
    """The runs that share no time with another, which hold all of their own; and what the others hold.

    `details` gives those that overlap, with their curves.
    """
    alone: list[int] = []
    crowds: list[list[int]] = []
    for crowd in _crowds(spans):
        if len(crowd) > 1:
            crowds.append(crowd)
        else:
            alone += crowd
    if not crowds:
        return alone, []
    order = [i for crowd in crowds for i in crowd]
    runs = dict(zip(order, details(order), strict=True))
    return alone, [held for crowd in crowds for held in _split({i: runs[i] for i in crowd})]


def _crowds(spans: Sequence[Span]) -> Iterator[list[int]]:
    """Groups of runs that share time with another of the group, on one host; most are of one run."""
    crowd: list[int] = []
    there, until = "", 0.0
    for host, begin, end, i in sorted((*span, i) for i, span in enumerate(spans)):
        if crowd and begin < until and host == there:
            crowd.append(i)
            until = max(until, end)
        else:
            if crowd:
                yield crowd
            crowd, there, until = [i], host, end
    if crowd:
        yield crowd


class _Load:
    """What a run counted of one thing that runs can share."""

    def __init__(self, run: Run, devices: Sequence[Device]) -> None:
        self.begin, self.end = run.started_at, run.started_at + run.duration_s
        self.joules = sum(device.energy_j for device in devices)
        self.weight = self.joules / run.energy_j if run.energy_j > 0 else 1.0
        curve = run.curve.only({device.name for device in devices})
        self._spending = Spending(curve) if curve.t_s else None

    def fraction(self, begin: float, end: float) -> float:
        """The part of its joules that fell between two moments; by time where its power is not known."""
        if begin <= self.begin and end >= self.end:
            return 1.0
        if self._spending is not None:
            return self._spending.fraction(begin - self.begin, end - self.begin)
        return max(0.0, end - begin) / (self.end - self.begin) if self.end > self.begin else 0.0


class _Piece(NamedTuple):
    """A stretch of time of one load: who holds it, and how much of whose account it is."""

    begin: float
    end: float
    chain: Chain
    run: int
    fraction: float


def _split(runs: dict[int, Run]) -> Iterator[Held]:
    """The accounts of runs of one host."""
    loads: defaultdict[str, dict[int, _Load]] = defaultdict(dict)
    for i, run in runs.items():
        keyed: defaultdict[str, list[Device]] = defaultdict(list)
        for device in run.devices:
            keyed[device.name if device.kind == "gpu" else _MACHINE].append(device)
        if not keyed or run.duration_s <= 0:  # a run of no length shares no time with another
            yield Held(Chain(i, None), i, 1.0, 0.0, 0.0)
            continue
        for key, devices in keyed.items():
            loads[key][i] = _Load(run, devices)
    for key, several in loads.items():
        for piece in _pieces(several):
            seconds = 0.0 if key == _MACHINE else piece.end - piece.begin
            yield Held(piece.chain, piece.run, piece.fraction * several[piece.run].weight, seconds, 0.0)
    for piece in _pieces({i: _Load(run, ()) for i, run in runs.items() if run.duration_s > 0}):
        yield Held(piece.chain, piece.run, 0.0, 0.0, piece.end - piece.begin)


def _pieces(loads: dict[int, _Load]) -> Iterable[_Piece]:
    """Longest first: each run takes what is not covered, and from those around it what it spent itself."""
    covered: list[_Piece] = []
    rests: list[_Piece] = []
    for i in sorted(loads, key=lambda i: (loads[i].begin - loads[i].end, loads[i].begin, i)):
        load = loads[i]
        first = bisect_right(covered, load.begin, key=lambda piece: piece.end)
        last = bisect_left(covered, load.end, lo=first, key=lambda piece: piece.begin)
        pieces, at = [], load.begin
        for piece in covered[first:last]:
            if piece.begin > at:
                pieces.append(_Piece(at, piece.begin, Chain(i, None), i, load.fraction(at, piece.begin)))
            begin, at = max(at, piece.begin), min(load.end, piece.end)
            pieces += _take(piece, i, begin, at, loads, rests)
        if at < load.end or not pieces:
            pieces.append(_Piece(at, load.end, Chain(i, None), i, load.fraction(at, load.end)))
        covered[first:last] = pieces
    return (*covered, *rests)


def _take(
    piece: _Piece, i: int, begin: float, end: float, loads: dict[int, _Load], rests: list[_Piece]
) -> Iterator[_Piece]:
    """Give run i what it spent in a part of another's piece, and leave the other what is over."""
    load, whole = loads[i], loads[piece.run]
    there = piece.fraction * whole.joules
    taken = piece.fraction * min(1.0, load.joules * load.fraction(begin, end) / there) if there > 0 else 0.0
    before, after = whole.fraction(piece.begin, begin), whole.fraction(end, piece.end)
    if before + after <= 0:
        before, after = begin - piece.begin, piece.end - end
    rest = piece.fraction - taken
    if before + after <= 0:  # nothing sticks out: the rest has no time of its own
        rests.append(piece._replace(end=piece.begin, fraction=rest))
    if begin > piece.begin:
        yield piece._replace(end=begin, fraction=rest * before / (before + after))
    yield piece._replace(begin=begin, end=end, chain=Chain(i, piece.chain), fraction=taken)
    if end < piece.end:
        yield piece._replace(begin=end, fraction=rest * after / (before + after))
