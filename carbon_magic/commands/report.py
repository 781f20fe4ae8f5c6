"""%carbon report: a project's account in the form in which it must be handed in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from .. import screen
from ..folders import at_home
from ..report.handin import FORMATS, Options, hand_in
from ..report.html import TEXT, card, heading, quiet, row, table
from .project import chosen, parser

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_PRE = (
    "margin:8px 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;line-height:18px;"
    "max-height:420px;overflow:auto"
)


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """%carbon report [FORMAT] [--project NAME] [--final SELECTOR]... [-o FILE], and what single forms need."""
    asked = parser("report")
    asked.add_argument("format", nargs="?")
    asked.add_argument("-p", "--project")
    asked.add_argument("-o", "--output", metavar="FILE")
    asked.add_argument("--training-type", metavar="TYPE")
    asked.add_argument("--unit", metavar="UNIT")
    asked.add_argument("--count", type=float, metavar="NUMBER")
    try:
        options = asked.parse_args(list(words))
        if options.format is None:
            _show_formats(shell)
            return
        known = Options(options.training_type, options.unit, options.count)
        text = hand_in(chosen(options.project, options.final), options.format, known)
        if options.output is not None or options.format == "html":
            path = _write(options.output or f"carbon_report{FORMATS[options.format].ending}", text)
            bundle = {"text/plain": f"written: {path}", "text/html": card(None, "Report", f"written: {escape(path)}")}
        else:
            bundle = {"text/plain": text, "text/html": _page(options.format, text)}
    except (ValueError, OSError) as error:
        raise UsageError(f"%carbon report: {error}") from None
    screen.show_bundle(shell, bundle)


def _write(name: str, text: str) -> str:
    """The whole file or nothing of it: an older one is replaced at the end. Returns its path."""
    path = Path(at_home(name))
    if path.is_dir():
        raise ValueError(f"{path} is a folder: -o wants the name of a file")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return str(path)


def _page(form: str, text: str) -> str:
    body = f'<pre style="{_PRE}">{escape(text)}</pre>'
    ending = FORMATS[form].ending
    return card(
        None, f"Report as {form}", heading(f"Report: {form}", "") + body + quiet(f"-o FILE{ending} writes a file")
    )


def _show_formats(shell: InteractiveShell) -> None:
    longest = max(map(len, FORMATS))
    text = "\n".join(f"%carbon report {name.ljust(longest)}  {form.what}" for name, form in FORMATS.items())
    rows = [row((f"%carbon report {name}", escape(form.what)), (TEXT, TEXT)) for name, form in FORMATS.items()]
    body = heading("Reports", "") + table(("Command", "What it writes"), (TEXT, TEXT), rows)
    screen.show_bundle(shell, {"text/plain": text, "text/html": card(None, "Reports", body)})
