"""The device's own record of its watts, where it keeps one: how much of a tick lies before an edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .cut import Cut

Samples = Sequence[tuple[float, float]]
"""Monotonic seconds, and the mean watts since the sample before."""

FINE = 0.3
"""Samples further apart than this part of a tick tell no more of it than its joules do."""
AGREES = 0.15
"""By this part the samples may differ from what a tick brought: else they are of another time, or too rare."""
LATE = (0, 1, 2)
"""A sample may show the watts of one or two samples ago: a step was seen to take up to 45 ms until it showed in a
record of 20-ms samples."""
WITHIN = 0.75
"""Of what the sample that the edge cuts shows above the least of them, this part may lie on the other side."""


class Part(NamedTuple):
    """Of a tick's joules, those before an edge: most likely, at least, at most."""

    joules: float
    least_j: float
    most_j: float


class _Slice(NamedTuple):
    """A part of a tick in which the power is taken as even, and what else of its sample may belong to the tick."""

    from_s: float
    to_s: float
    joules: float
    less_j: float = 0.0
    more_j: float = 0.0


def before(samples: Samples, cut: Cut) -> Part | None:
    """What the record says of a tick that an edge cuts; None where it says nothing, or not the same as the counter."""
    if len(samples) < len(LATE) or cut.joules <= 0:
        return None
    every_s = sorted(after[0] - one[0] for one, after in pairwise(samples))[len(samples) // 2 - 1]
    if every_s > FINE * cut.tick_s:
        return None
    found = [list(_shares(samples, cut, every_s, late * every_s)) for late in LATE]
    if not found[0]:
        return None
    best_j = sum(share.joules for share in found[0]) / len(found[0])
    parts = [part for late in found for part in late]
    least_j, most_j = min(part.least_j for part in parts), max(part.most_j for part in parts)
    return Part(best_j, max(0.0, least_j), min(cut.joules, most_j))


def _shares(samples: Samples, cut: Cut, every_s: float, late_s: float) -> Iterator[Part]:
    """What lies before the edge if samples come so late, by whichever end of the tick is not as its samples show."""
    end_s = cut.t_s + late_s
    edge_s = end_s - (1 - cut.before) * cut.tick_s
    slices = _slices(samples, end_s - cut.tick_s, end_s, every_s, cut.joules)
    if slices is None:
        return
    least_w = min(watts for _, watts in samples)
    for order in ((0, -1), (-1, 0)):
        fitted, unsure_j = _fitted(slices, cut.joules, order)
        if unsure_j > AGREES * cut.joules:
            continue
        before_j = 0.0
        for each in fitted:
            seconds = max(each.to_s - each.from_s, 1e-9)
            inside = min(1.0, max(0.0, (edge_s - each.from_s) / seconds))
            before_j += each.joules * inside
            if 0 < inside < 1:
                unsure_j += WITHIN * max(0.0, each.joules - least_w * seconds)
        yield Part(before_j, before_j - unsure_j, before_j + unsure_j)


def _slices(samples: Samples, start_s: float, end_s: float, every_s: float, joules: float) -> list[_Slice] | None:
    """The tick as its samples show it; None where some are missing. The last one may: then the counter tells it."""
    if samples[0][0] > start_s or samples[-1][0] < end_s - 1.5 * every_s:
        return None
    least_w = min(watts for _, watts in samples)
    slices: list[_Slice] = []
    for (from_s, _), (to_s, watts) in pairwise(samples):
        if to_s <= start_s or from_s >= end_s:
            continue
        if to_s - from_s > 1.5 * every_s:
            return None
        seconds = min(to_s, end_s) - max(from_s, start_s)
        above_j = max(0.0, watts - least_w)
        # At the tick's ends a sample holds something of the next: how much of it is this one's is not known.
        more_j = above_j * (to_s - from_s - seconds)
        less_j = above_j * seconds if more_j > 0 else 0.0
        slices.append(_Slice(max(from_s, start_s), min(to_s, end_s), watts * seconds, less_j, more_j))
    missing_s = end_s - samples[-1][0]
    if missing_s > 0:
        slices.append(_Slice(samples[-1][0], end_s, least_w * missing_s, 0.0, joules))
    return slices


def _fitted(slices: Sequence[_Slice], joules: float, order: tuple[int, ...]) -> tuple[list[_Slice], float]:
    """The slices as the counter has it, changed at one end first, then at the other, then evenly; and ± that."""
    fitted = list(slices)
    rest_j = joules - sum(each.joules for each in fitted)
    for at in order:
        change_j = min(fitted[at].more_j, max(-fitted[at].less_j, rest_j))
        fitted[at] = fitted[at]._replace(joules=fitted[at].joules + change_j, more_j=0.0, less_j=0.0)
        rest_j -= change_j
    known_j = max(joules - rest_j, 1e-9)
    return [each._replace(joules=each.joules * joules / known_j) for each in fitted], abs(rest_j)
