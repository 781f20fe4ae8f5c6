"""How a run, a session and a project look: plain text beside HTML that stays readable wherever a notebook is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..account.project import Project
from ..totals import Session
from . import run_html, session_html, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..run import Run

__all__ = ["bundle", "hand_in", "project_bundle", "waiting"]


def bundle(thing: Run | Session | Project, target: str | None = None) -> dict[str, str]:
    """The MIME bundle of a run, a session or a project.

    `target` names the element, so that a widget can find it in the page.
    """
    if isinstance(thing, Session):
        return {"text/plain": text.session_text(thing), "text/html": session_html.session(thing, target)}
    if isinstance(thing, Project):
        return project_bundle(thing, ("stage",), target)
    return {"text/plain": text.run_text(thing), "text/html": run_html.final(thing, target)}


def project_bundle(thing: Project, by: Sequence[str], target: str | None = None) -> dict[str, str]:
    """The MIME bundle of a project, with a table for each of these groupings."""
    from . import project_html, project_text

    return {
        "text/plain": project_text.project_text(thing, by),
        "text/html": project_html.project(thing, by, target),
    }


def hand_in(
    project: Project,
    form: str = "markdown",
    *,
    training_type: str | None = None,
    unit: str | None = None,
    count: float | None = None,
) -> str:
    """A project's account as it must be handed in.

    Args:
        project: what carbon_magic.project() gives.
        form: markdown, latex, neurips, huggingface, mlco2, spdx, boamps, sci, csv or html.
        training_type: "pre-training" or "fine-tuning", for the model card.
        unit: the functional unit of the SCI score, "1,000 predictions" say; default: a run.
        count: how many of these units the project's work was.

    Raises ValueError in a sentence for another form, and where the project has no runs with figures.
    """
    from . import handin

    return handin.hand_in(project, form, handin.Options(training_type, unit, count))


def waiting(name: str, target: str, like: Run | None = None) -> dict[str, str]:
    """What stands in the output until a run's first figures come: as high as the live view that takes its place.

    `like` is an earlier run on this machine: its devices are those that will be measured.
    """
    return {"text/plain": text.waiting_text(name), "text/html": run_html.waiting(name, target, like)}
