"""The grid's figure for one run: live where a feed covers all of it, else the place's annual one, and it says so."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..curve import Curve
from . import spread
from .annual import Annual, Found
from .series import pieces, series

if TYPE_CHECKING:
    from collections.abc import Callable

    from .feed import Feed
    from .figure import Intensity
    from .series import Piece

END_WAIT_S = 0.1
"""How long the end of a run waits for an answer that is under way."""
SLEPT_S = 900.0
"""A run's own clock stands still while the machine sleeps: after so long its hours would be taken for earlier ones."""
FRESH_S = 5.0
"""While a run goes on, its mean is taken anew this often: a long curve takes a millisecond."""


class Live(Annual):
    """One run's. `place` is the annual figure; `named` says that somebody named the zone, as the place does not."""

    def __init__(self, feed: Feed, place: Intensity, named: bool) -> None:
        super().__init__(place)
        self._feed = feed
        self._named = named
        self._last: Found | None = None
        self._last_s = 0.0

    def refresh(self) -> None:
        """See to it that the feed is up to date. Comes back at once."""
        self._feed.refresh()

    def figure(
        self, begin_s: float, duration_s: float, curve: Callable[[], Curve], slept_s: float, final: bool
    ) -> Found:
        """The figure, and a note where the annual one takes over. `begin_s` is in seconds since 1970."""
        if slept_s > SLEPT_S:
            return self._place, "after its sleep the hours of this run are not known; the annual figure is used"
        now_s = time.monotonic()
        if final or self._last is None or now_s - self._last_s > FRESH_S:
            self._last, self._last_s = self._figure(begin_s, duration_s, curve(), final), now_s
        return self._last

    def settle(self, begin_s: float, duration_s: float) -> None:
        """At the run's end: a moment's wait, if figures are under way that it lacks."""
        try:
            if pieces(self._feed.points, begin_s, duration_s, Curve()) is None:
                self._feed.wait(END_WAIT_S)
        except KeyboardInterrupt:
            return  # whoever is in a hurry gets the annual figure

    def _figure(self, begin_s: float, duration_s: float, curve: Curve, final: bool) -> Found:
        feed = self._feed
        found = pieces(feed.points, begin_s, duration_s, curve)
        if found is not None:
            return self._mean(found, begin_s), None
        reason = feed.problem
        if reason is None and not feed.points:
            said = "had not answered when this run ended" if final else "has not answered yet"
            reason = f"{feed.service.title} {said}"
        reason = reason or f"{feed.service.title} has no figures for all of this time"
        return self._place, f"{reason}; the annual figure is used"

    def _mean(self, found: list[Piece], begin_s: float) -> Intensity:
        service, zone = self._feed.service, self._feed.zone or ""
        mean = sum(piece.weight * piece.g_per_kwh for piece in found)
        estimated = sum(piece.weight for piece in found if piece.estimated)
        low, high = min(piece.g_per_kwh for piece in found), max(piece.g_per_kwh for piece in found)
        said = f"live: mean over this run's energy, {low:.0f} to {high:.0f} g" if low < high else "live"
        if estimated > 0.005:
            said += f", {100 * estimated:.0f} % of it for hours that are estimated or not out yet"
        annual = self._place
        said += f"; the annual figure is {annual.intensity_g_per_kwh:.0f} g ({annual.basis}, {annual.year})"
        figure = replace(
            annual,
            intensity_g_per_kwh=mean,
            intensity_range=spread.live(mean, service.basis, min(1.0, estimated)),
            year=time.gmtime(begin_s).tm_year,
            basis=service.basis,
            source=f"{service.title}, figures of zone {zone}",
            boundary=service.boundary,
            licence=service.licence,
            how=f"{annual.how}; {said}",
            series=series(found, service.name, zone),
        )
        if not self._named:
            return figure
        # The place as it was guessed is not what the figure is about.
        how = f"zone {zone} by the setting live_zone; {said} of {annual.name}"
        return replace(figure, place=f"{service.name}:{zone}", name=f"{service.title} {zone}", how=how)
