"""A paragraph and a table in Markdown (GitHub's), for a README or a paper written in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import wording

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~$^!&])")
_FIRST = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)", re.MULTILINE)


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no mathematics, no address made into a link."""
    marked = _FIRST.sub(lambda m: f"{m[1]}{m[2][:-1]}\\{m[2][-1]}", _MARKS.sub(r"\\\1", text))
    return marked.replace("://", ":\\//").replace("@", "&#64;")


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """The paragraph and the table by stage."""
    heads = wording.heads(facts)
    lines = [_row(heads), "|---|" + "--:|" * (len(heads) - 1), *map(_row, wording.rows(facts))]
    said = " ".join(map(escape, wording.paragraph(facts)))
    return f"**Energy and carbon footprint.** {said}\n\n" + "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escape, cells))} |"
