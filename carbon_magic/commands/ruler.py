"""%carbon ruler: the session, or a project, among what people know and what others have trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from .. import labels, process, screen
from ..folders import at_home
from ..report import ruler
from ..report.html import card, heading

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FORMATS = (".svg", ".pdf")


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """%carbon ruler [PROJECT] [-o FILE.svg|FILE.pdf]: shown, or written as a poster of one page."""
    asked = MagicArgumentParser("%carbon ruler")
    asked.add_argument("project", nargs="?")
    asked.add_argument("-o", "--output", metavar="FILE")
    options = asked.parse_args(list(words))
    here = _here(options.project)
    if options.output is not None:
        screen.show_bundle(shell, {"text/plain": _write(options.output, here)})
        return
    html = card(None, "The ruler", heading("The ruler", "a logarithmic scale") + ruler.html(here))
    screen.show_bundle(shell, {"text/plain": ruler.text(here), "text/html": html})


def _here(project: str | None) -> ruler.Here | None:
    """The project of this name, else this session; None where nothing has been measured."""
    if project is None:
        session = process.current().session()
        if not session.runs:
            return None
        return ruler.Here("this session, now", session.co2e_g, session.co2e_g_range)
    from .project import chosen

    try:
        found = chosen(project, None)
    except (ValueError, OSError) as error:
        raise UsageError(f"%carbon ruler: {error}") from None
    return ruler.Here(f"{found.name}, now", found.co2e_g, found.co2e_g_range)


def _write(name: str, here: ruler.Here | None) -> str:
    ending = Path(name).suffix.lower()
    if ending not in FORMATS:
        raise UsageError(f"%carbon ruler: a poster is an .svg or a .pdf, not {labels.clean(name)!r}")
    try:
        path = Path(at_home(name))
        poster = ruler.pdf(here) if ending == ".pdf" else ruler.svg(here).encode()
        path.write_bytes(poster)
    except (OSError, ImportError) as error:
        raise UsageError(f"%carbon ruler: {error}") from None
    return f"written: {path}"
