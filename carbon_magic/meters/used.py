"""What a device used in a run, by the readings at its two edges; without what befell it, and without its accuracy."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, NamedTuple

from .cut import between

if TYPE_CHECKING:
    from .edges import Mark
    from .meter import Meter


class Used(NamedTuple):
    """Joules, and by how much they may be less and more."""

    joules: float
    below_j: float
    above_j: float
    edge_j: float
    """± what the two edges alone leave open, as far as time tells."""


def used(meter: Meter, begin: Mark, end: Mark, edge_j: float, run_s: float) -> Used:
    """Between two marks, in a run of so many seconds."""
    seconds = max(end.t_s - begin.t_s, 1e-9)
    joules, below_j, above_j = between(begin, end, edge_j, meter.limit_w, meter.max_w)
    # The readings lie a little outside the cell: what was used while the meters were read is not the cell's.
    inside = min(1.0, max(0.0, run_s / seconds))
    outside_j = joules * (1 - inside) / 2
    joules *= inside
    off_j = 0.0
    if meter.lag is not None and begin.shown_w is not None and end.shown_w is not None:
        most_w = meter.limit_w or meter.max_w
        lacks_j, off_j = meter.lag.late(begin.shown_w, end.shown_w, joules / seconds, seconds, most_w)
        joules = max(0.0, joules + lacks_j)
    below_j, above_j, edge_j = (hypot(each + outside_j, off_j) for each in (below_j, above_j, edge_j))
    return Used(joules, below_j, above_j, edge_j)
