"""%carbon where: which grid the electricity is taken from, and why; --compare: what other grids would make of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import config, process, screen, units
from ..grid import best_window, elsewhere, live, pue
from ..grid.lookup import grid_of
from ..report import elsewhere as comparison
from ..report import where
from . import no_more

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..config import Settings
    from ..grid import Window
    from ..process import Whereabouts

DAY_H = 24.0
COMPARE = "--compare"
_PROJECT = "project file"


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """The place, or with --compare the same session in ten places."""
    compare = COMPARE in words
    no_more("where", [word for word in words if word != COMPARE], f"but {COMPARE}")
    now = process.current()
    found = now.whereabouts()
    if compare:
        screen.show_bundle(shell, comparison.bundle(_compared(now, found)))
        return
    overhead = pue(found.settings.pue, found.chosen.place, found.settings.said.get("pue", ""))
    screen.show_bundle(
        shell, where.bundle(found.chosen, overhead, f"{_making(found.settings)} {_live(found)}", _hints(found))
    )


def _hints(found: Whereabouts) -> list[where.Hint]:
    """Everything that was looked at, in the order in which it counts."""
    hints = []
    by_setting = found.settings.said.get("place")
    for words, value in found.given:
        who = words.replace("{name}", config.PREFIX + "PLACE")
        chosen = who == by_setting
        name = who.removeprefix("by ").removeprefix("in ")
        said = str(value) if value is not None else ""
        if said and os.path.isabs(name):  # noqa: PTH117
            name, said = _PROJECT, f"{said}, in {name}"
        hints.append(where.Hint(name or _PROJECT, said if chosen or not said else f"{said}, not used", chosen))
    decided = by_setting is not None
    for look in found.looks:
        said = "; ".join(([look.found.name + ": " + look.found.how] if look.found else []) + list(look.asides))
        hints.append(where.Hint(look.way, said, look.found is not None and not decided))
        decided = decided or look.found is not None
    return [*hints, where.Hint("world average", "" if decided else "nothing above names a place", not decided)]


def _making(settings: Settings) -> str:
    if not settings.embodied_kg:
        return "Embodied carbon is not accounted for: set embodied_kg to the kilograms of the machine's making."
    return (
        f"Embodied carbon in a line of its own: {units.grams(1000 * settings.embodied_kg)} over "
        f"{settings.embodied_years:g} years, {units.number(100 * settings.embodied_share)} % of it."
    )


def _live(found: Whereabouts) -> str:
    """Whether the grid's figures of the hour are asked for."""
    settings = found.settings
    if settings.live is None:
        return "Nothing is fetched: the setting live names a service for figures of the hour."
    service = live.make(settings.live)
    zone = settings.live_zone or service.zone(grid_of(found.chosen.place))
    said = f"zone {zone}" if zone else "which needs the setting live_zone here"
    return f"Runs take the figures of their own hours from {service.title}, {said}; else this one."


def _compared(now: process.Process, found: Whereabouts) -> comparison.Comparison:
    session = now.session()
    in_use = [run.grid.place for run in session.runs]
    drawn_kwh = session.drawn_kwh
    what = f"This session's {units.energy(drawn_kwh * units.J_PER_KWH)}, PUE included,"
    if drawn_kwh <= 0:
        drawn_kwh, what = 1.0, "A kWh (no run has used any yet)"
    window, trouble = _ahead(now)
    return comparison.Comparison(drawn_kwh, what, elsewhere.others(found.chosen, in_use), window, trouble)


def _ahead(now: process.Process) -> tuple[Window | None, str]:
    """The best hours of the next day for as long as the session took, an hour at least; or why they are not known."""
    try:
        forecast = now.forecast(DAY_H)
    except live.LiveError as error:
        return None, f"{error}: no best hours are known."
    if forecast is None:
        return None, ""
    return best_window(forecast.points, min(max(1.0, now.session().duration_s / 3600), DAY_H / 2)), ""
