"""The account of a project, interactive: what the page needs to search, to sort and to choose the final runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from ..report import project_html, words
from ..report import project_words as say
from ..report.html import NONE_YET
from ..report.plain import plain
from ..report.run_html import CO2E
from .view import View, file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..account import Project

LONGEST = 400
"""Characters that a search looks through in a run's tags."""


class ProjectView(View):
    """Makes the account in the element of class `target` interactive until it is closed."""

    _esm = file("project.js")
    _css = file("project.css")
    target = traitlets.Unicode().tag(sync=True)
    html = traitlets.Unicode().tag(sync=True)
    lines: traitlets.List[Any] = traitlets.List().tag(sync=True)
    picked: traitlets.List[Any] = traitlets.List().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(self, target: str, project: Project, by: Sequence[str]) -> None:
        self._project = project
        self._shown = project_html.shown(project, project_html.MOST_RUNS)
        row_of = {i: row for row, i in enumerate(self._shown)}
        super().__init__(
            target=target,
            html=project_html.content(project, by, live=True),
            lines=[_line(project, i) for i in self._shown],
            picked=[row_of[i] for i in project.final],
        )

    @traitlets.observe("picked")
    def _weigh(self, change: dict[str, Any]) -> None:
        """What everything is to the runs that were ticked: asked by the page, which does not know the overlaps."""
        picked = [row for row in change["new"] if type(row) is int and 0 <= row < len(self._shown)]
        chosen = self._project.choose_entries([self._shown[row] for row in picked])
        self.answer = {
            "picked": picked,
            "multiplier": say.multiplier(chosen) or NONE_YET,
            "below": project_html.below_multiplier(chosen),
            "said": say.chosen(chosen).replace("CO2e", CO2E),
        }


def _line(project: Project, i: int) -> dict[str, Any]:
    """An entry as js/src/project-model.ts reads it."""
    entry, own = project.entries[i], project.own[i]
    seen = entry.method != words.UNKNOWN
    name = plain(entry.name)
    tags = " ".join(f"{key}={value}" for key, value in entry.tags.items())
    return {
        "n": name,
        "q": " ".join((name, entry.stage or "", entry.state, say.day(entry.started_at), tags))[:LONGEST].lower(),
        "state": entry.state,
        "stage": entry.stage or "",
        "b": entry.started_at,
        "t": entry.duration_s,
        "e": own.energy_j if seen else None,
        "g": own.co2e_g if seen else None,
    }
