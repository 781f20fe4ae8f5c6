"""The session summary, interactive: what the page needs to sort, to sum and to open the rows of the saved table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from .. import units
from ..report import session_html, words
from ..report.plain import plain
from ..totals import Session
from .live import STATIC

if TYPE_CHECKING:
    from ..run import Run


class SummaryView(anywidget.AnyWidget):
    """Makes the summary in the element of class `target` interactive until it is closed."""

    _esm = STATIC / "summary.js"
    _css = STATIC / "summary.css"
    target = traitlets.Unicode().tag(sync=True)
    html = traitlets.Unicode().tag(sync=True)
    units = traitlets.Unicode().tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    picked: traitlets.List[Any] = traitlets.List().tag(sync=True)
    sum = traitlets.Dict().tag(sync=True)

    def __init__(self, target: str, session: Session) -> None:
        self._runs = session.runs
        super().__init__(
            target=target,
            html=session_html.content(session, live=True),
            units=units.chosen(),
            rows=[_row(run) for run in session.runs],
        )

    @traitlets.observe("picked")
    def _add_up(self, change: dict[str, Any]) -> None:
        """The total of some runs that overlap, each joule once: asked by the page, which has no power curves."""
        picked = [i for i in change["new"] if isinstance(i, int) and 0 <= i < len(self._runs)]
        part = Session(tuple(self._runs[i] for i in picked))
        self.sum = {
            "picked": picked,
            "t": part.duration_s,
            "e": part.energy_j,
            "er": list(part.energy_j_range),
            "g": part.co2e_g,
            "gr": list(part.co2e_g_range),
        }


def _row(run: Run) -> dict[str, Any]:
    """A run as js/src/model.ts reads it."""
    watts, joules, grams = words.figures_of(run)
    return {
        "name": plain(run.name),
        "state": run.state,
        "how": words.known(run).word,
        "t": run.duration_s,
        "b": run.started_at,
        "host": run.host,
        "w": watts,
        "e": joules,
        "er": list(run.energy_j_range),
        "g": grams,
        "gr": list(run.co2e_g_range),
        "parts": [
            {
                "name": plain(device.name),
                "how": str(words.METHODS[device.method]),
                "e": device.energy_j,
                "r": list(device.energy_j_range),
                "source": words.source(device),
            }
            for device in run.devices
        ],
        "notes": words.notes(run),
    }
