"""The session summary, interactive: sort, sum, rename, tag, choose units and comparisons; what is saved follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import traitlets

from .. import equivalents, units
from ..grid import elsewhere
from ..report import elsewhere as comparison
from ..report import session_html, words
from ..report.plain import plain
from ..run import Run, Tag
from ..totals import Session
from .view import View, file

if TYPE_CHECKING:
    from ..grid import Intensity

SETTINGS = ("units", "equivalents")
"""What the page may set for this process."""


class Desk(Protocol):
    """Who does what the page asks for. ValueError or TypeError in a sentence, KeyError for a run that is gone."""

    def amend(self, run_id: str, *, name: str | None = None, tags: Mapping[str, Any] | None = None) -> Run:
        """Give a run another name or other tags, for good."""
        ...

    def prefer(self, setting: str, value: str) -> None:
        """Show figures otherwise from now on."""
        ...


class SummaryView(View):
    """Makes the summary in the element of class `target` interactive until it is closed.

    Without a `desk` it is only looked at. `changed` hears of every session that looks otherwise than the saved one.
    """

    _esm = file("summary.js")
    _css = file("summary.css")
    target = traitlets.Unicode().tag(sync=True)
    html = traitlets.Unicode().tag(sync=True)
    units = traitlets.Unicode().tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    picked: traitlets.List[Any] = traitlets.List().tag(sync=True)
    sum = traitlets.Dict().tag(sync=True)
    things: traitlets.List[Any] = traitlets.List().tag(sync=True)
    elsewhere = traitlets.Unicode().tag(sync=True)
    answers = traitlets.Bool().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        target: str,
        session: Session,
        desk: Desk | None = None,
        changed: Callable[[Session], None] | None = None,
    ) -> None:
        self._session = session
        self._desk = desk
        self._changed = changed
        super().__init__(target=target, answers=desk is not None, **_looks(session))

    @traitlets.observe("picked")
    def _add_up(self, change: dict[str, Any]) -> None:
        """The total of some runs that overlap, each joule once: asked by the page, which has no power curves."""
        runs = self._session.runs
        picked = [i for i in change["new"] if isinstance(i, int) and 0 <= i < len(runs)]
        part = Session(tuple(runs[i] for i in picked))
        self.sum = {
            "picked": picked,
            "t": part.duration_s,
            "e": part.energy_j,
            "er": list(part.energy_j_range),
            "g": part.co2e_g,
            "gr": list(part.co2e_g_range),
        }

    @traitlets.observe("asked")
    def _do(self, change: dict[str, Any]) -> None:
        """Carry out a request of the page, and answer it: with what is wrong, in a sentence, or with nothing."""
        asked, error = change["new"], None
        try:
            if self._desk is None:
                raise ValueError("this summary can only be looked at")
            self._carry_out(asked, self._desk)
        except (ValueError, TypeError, KeyError, IndexError) as wrong:
            error = f"{wrong}" if isinstance(wrong, ValueError | TypeError) else "there is no such run any more"
        self.answer = {"n": asked.get("n"), "error": error}

    def _carry_out(self, asked: Mapping[str, Any], desk: Desk) -> None:
        if asked.get("do") == "amend":
            run = self._session.runs[_index(asked.get("i"))]
            tags = _tags(run.tags, asked.get("tags") or ())
            self._session = _replaced(self._session, desk.amend(run.id, name=str(asked.get("name")), tags=tags))
        elif asked.get("do") == "prefer" and asked.get("setting") in SETTINGS:
            desk.prefer(str(asked["setting"]), str(asked.get("value")))
        else:
            raise ValueError("this page asks for something that is not known here")
        self.set_trait("picked", [])
        with self.hold_sync():
            for name, value in _looks(self._session).items():
                self.set_trait(name, value)
        if self._changed is not None:
            self._changed(self._session)


def _looks(session: Session) -> dict[str, Any]:
    """All that the page shows of a session."""
    chosen = equivalents.chosen()
    return {
        "html": session_html.content(session, live=True),
        "rows": [_row(run) for run in session.runs],
        "units": units.chosen(),
        "things": [[key, name, key in chosen] for key, name in equivalents.names().items()],
        "elsewhere": _elsewhere(session),
    }


def _elsewhere(session: Session) -> str:
    """The session's electricity on other grids, as HTML; empty where there is none to compare."""
    drawn_kwh = session.drawn_kwh
    if drawn_kwh <= 0:
        return ""
    here: Intensity = max(session.runs, key=lambda run: run.energy_j).grid
    what = f"This session's {units.energy(drawn_kwh * units.J_PER_KWH)}, PUE included,"
    grids = elsewhere.others(here, [run.grid.place for run in session.runs])
    return comparison.bundle(comparison.Comparison(drawn_kwh, what, grids))["text/html"]


def _index(i: object) -> int:
    if not isinstance(i, int) or i < 0:
        raise IndexError
    return i


def _tags(before: Mapping[str, Tag], asked: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The tags as they were typed; one that was left as it stood keeps its kind, a number say."""
    typed = {str(key): str(value) for key, value in asked}
    return {key: before[key] if key in before and str(before[key]) == value else value for key, value in typed.items()}


def _replaced(session: Session, run: Run) -> Session:
    return Session(tuple(run if other.id == run.id else other for other in session.runs), session.title)


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
        "stage": plain(run.stage) if run.stage else "",
        "tags": [[key, str(value)] for key, value in run.tags.items()],
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
