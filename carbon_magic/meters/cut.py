"""A tick that a run's edge cuts in two: how much of it was used before the edge, and what else fits what was seen."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, NamedTuple

from .past import before

if TYPE_CHECKING:
    from .edges import Mark

LEAST_JUMP = 0.05
"""Watts that differ by less than this part of the mean are the same."""
CONSISTENT = 0.1
"""The joules of a tick may lie outside its two powers by this part of their difference."""
HIDDEN = 0.25
"""Of a tick that looks steady, this part may come and go between the two windows in which the watts were seen."""
SLOWLY = 0.15
"""A change that took the whole tick instead of a moment moves an eighth of the difference; and a little to spare."""
OVER_LIMIT = 1.1
"""A board draws so much of its limit for a good part of a tick, not more: the limit is held within milliseconds."""
STAYED = 0.75
"""A change of power lasted if the run's whole ticks show this part of it."""
FAR_OFF = 0.25
"""Only where a figure shared evenly could be off by more than this is the middle of what is possible taken instead."""


class Cut(NamedTuple):
    """The tick around an edge: when it ended, what it brought, how much of its time lies before the edge."""

    t_s: float
    joules: float
    before: float
    tick_s: float
    before_w: float | None
    after_w: float | None
    """What the device drew just before the tick, and in the end of it, where it tells."""
    share_j: float
    """What is taken as used before the edge."""
    gap_j: float
    """How far off that may be because the tick's moment is known only so well."""
    then_w: float | None = None
    """What the tick after it brought, where that is of interest."""

    def rose(self) -> bool:
        """Whether the device's watts rose within it: for good, or for a moment that its end saw."""
        rising = self.before_w is not None and self.after_w is not None and self.after_w > self.before_w
        return rising and self._changed() is not None

    def _changed(self) -> float | None:
        if self.before_w is None or self.after_w is None:
            return None
        return changed_at(self.joules, self.tick_s, self.before_w, self.after_w)

    def possible(self, max_w: float, whole_w: float | None, opening: bool) -> tuple[float, float]:
        """From how much to how much of it may have been used before the edge.

        The watts at both ends of the tick are the floor; what it brought above that came at some moment unknown. Where
        the watts changed for good, the joules say when: the tick after, or those within the run (`whole_w`), tell so.
        """
        if self.before_w is None or self.after_w is None:
            return self.share_j, self.share_j
        floor_w = min(self.before_w, self.after_w)
        above_j = self.joules - floor_w * self.tick_s
        if above_j <= LEAST_JUMP * self.joules:
            return self.share_j, self.share_j
        under_j, room_w = floor_w * self.before * self.tick_s, max(0.0, max_w - floor_w)
        least_j = under_j + max(0.0, above_j - room_w * (1 - self.before) * self.tick_s)
        most_j = under_j + min(above_j, room_w * self.before * self.tick_s)
        if self._changed() is None:
            return least_j, most_j
        stayed_w = floor_w + STAYED * abs(self.after_w - self.before_w)
        if self.rose():
            stayed = self.then_w is not None and self.then_w > stayed_w
            return (self.share_j if stayed else least_j), max(least_j, self.share_j)
        stayed = whole_w is not None and whole_w > stayed_w and not opening
        return min(most_j, self.share_j), (self.share_j if stayed else most_j)


def between(begin: Mark, end: Mark, edge_j: float, limit_w: float | None, max_w: float) -> tuple[float, float, float]:
    """The joules between two marks, and how much less and how much more they may be; `edge_j` is ± of what is shared.

    Ticks at the edges are shared as the device's own record says, else as time and watts say, unless that could be far
    off something else that is possible.
    """
    max_w = OVER_LIMIT * limit_w if limit_w else max_w
    joules = max(0.0, end.joules - begin.joules)
    first, last = begin.cut, end.cut
    if first is None or last is None or first.t_s == last.t_s:
        return joules, edge_j, edge_j
    whole_j = joules - last.share_j - (first.joules - first.share_j)
    gap_j = hypot(first.gap_j, last.gap_j)
    opened, closed = before(end.past, first), before(end.past, last)
    if opened is not None and closed is not None:
        best_j = whole_j + first.joules - opened.joules + closed.joules
        below_j = hypot(gap_j, opened.most_j - opened.joules, closed.joules - closed.least_j)
        return best_j, below_j, hypot(gap_j, opened.joules - opened.least_j, closed.most_j - closed.joules)
    whole_s = last.t_s - first.t_s - last.tick_s
    whole_w = whole_j / whole_s if whole_s > first.tick_s / 2 else None
    first_least_j, first_most_j = first.possible(max_w, whole_w, opening=True)
    last_least_j, last_most_j = last.possible(max_w, whole_w, opening=False)
    least_j = min(joules, whole_j + first.joules - first_most_j + last_least_j)
    most_j = max(joules, whole_j + first.joules - first_least_j + last_most_j)
    best_j = joules
    if whole_w is not None and least_j > 0:
        # No figure is off by less than this, whatever was the case.
        off = max(FAR_OFF, (most_j - least_j) / (most_j + least_j))
        best_j = min((1 + off) * least_j, max((1 - off) * most_j, joules))
    return best_j, best_j - min(least_j - gap_j, joules - edge_j), max(most_j + gap_j, joules + edge_j) - best_j


def changed_at(joules: float, tick_s: float, before_w: float, after_w: float) -> float | None:
    """The fraction of a tick after which the power changed from one to the other; None where that explains nothing."""
    jump_j = (before_w - after_w) * tick_s
    if abs(jump_j) < LEAST_JUMP * joules:
        return None
    changed = (joules - after_w * tick_s) / jump_j
    return min(1.0, max(0.0, changed)) if -CONSISTENT < changed < 1 + CONSISTENT else None


def share(
    joules: float, before: float, tick_s: float, before_w: float | None, after_w: float | None
) -> tuple[float, float]:
    """How much of a tick's joules was used before an edge that lies at the fraction `before` of it, and ± how much.

    Evenly, as far as anyone knows: then uneven use moves at most about 2·b·(1-b) of them across the edge. But work
    mostly begins or stops at a cell's edge. Where the device's own watts before and after the tick differ, and its
    joules lie between, the watts changed within it, and the joules say when.
    """
    even_j, even_off_j = joules * before, 2 * joules * before * (1 - before)
    if before_w is None or after_w is None:
        return even_j, even_off_j
    jump_j = (before_w - after_w) * tick_s
    if abs(jump_j) < LEAST_JUMP * joules:
        # The same watts on both sides: what could lie across the edge is what they do not account for.
        rest_j = abs(joules - (before_w + after_w) / 2 * tick_s)
        return even_j, min(even_off_j, rest_j + HIDDEN * even_off_j)
    changed = changed_at(joules, tick_s, before_w, after_w)
    if changed is None:
        return even_j, even_off_j
    # What the watts do not explain (they are rounded, and of a window that ends a little earlier) is spread evenly.
    rest_j = (joules - tick_s * after_w - jump_j * changed) * before
    before_j = tick_s * (before_w * min(before, changed) + after_w * max(0.0, before - changed)) + rest_j
    return min(joules, max(0.0, before_j)), min(even_off_j, SLOWLY * abs(jump_j))
