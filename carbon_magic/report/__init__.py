"""How a run and a session look: plain text beside HTML that stays readable wherever a notebook is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..totals import Session
from . import run_html, session_html, text

if TYPE_CHECKING:
    from ..run import Run

__all__ = ["bundle", "waiting"]


def bundle(thing: Run | Session, target: str | None = None) -> dict[str, str]:
    """The MIME bundle of a run or a session. `target` names the element, so that a widget can find it in the page."""
    if isinstance(thing, Session):
        return {"text/plain": text.session_text(thing), "text/html": session_html.session(thing, target)}
    return {"text/plain": text.run_text(thing), "text/html": run_html.final(thing, target)}


def waiting(name: str, target: str, like: Run | None = None) -> dict[str, str]:
    """What stands in the output until a run's first figures come: as high as the live view that takes its place.

    `like` is an earlier run on this machine: its devices are those that will be measured.
    """
    return {"text/plain": text.waiting_text(name), "text/html": run_html.waiting(name, target, like)}
