"""A sensor that tells what was drawn a while ago: the mean of a window, shown until the next one is ready."""

from __future__ import annotations

from math import hypot
from typing import NamedTuple


class Lag(NamedTuple):
    """How old what a sensor shows is."""

    window_s: float
    """It shows the mean of so much time, up to its last update."""
    hold_s: float
    """From one update to the next."""

    def late(self, begin_w: float, end_w: float, mean_w: float, seconds: float, most_w: float) -> tuple[float, float]:
        """Joules that the sum of what was shown between two edges lacks, and ± how much.

        Of a window of W that shows P, between P²/2M and P - P²/2M times W is ahead of the sum, where M is the most that
        can be drawn: all of it was drawn as early, or as late, as it could be. What is held may have changed at any
        moment since; a run too short to see two updates may have drawn anything.
        """
        lacks_j = (self.window_s + self.hold_s) / 2 * (end_w - begin_w)
        most_w = max(most_w, begin_w, end_w, mean_w)
        spread = [self.window_s * watts / 2 * (1 - watts / most_w) if most_w else 0.0 for watts in (begin_w, end_w)]
        if seconds > self.window_s + self.hold_s:
            swing_w = max(begin_w, end_w, mean_w) - min(begin_w, end_w, mean_w)
            held_j = swing_w * self.hold_s / 2
        else:
            unseen_w = max(most_w - min(begin_w, end_w), begin_w, end_w)
            held_j = unseen_w * min(seconds, self.hold_s)
        return lacks_j, hypot(*spread, held_j, held_j)
