"""The %%carbon line of a cell's source, replaced so that the cell stays IPython's own.

A call that begins the run takes the line's place, one for one; the end of the cell ends it (see magic.py). So line
numbers, tracebacks, the last expression, `;`, `await` and interrupts are what they are without the magic.
"""

from __future__ import annotations

from IPython.core.getipython import get_ipython
from IPython.core.inputtransformer2 import cell_magic, classic_prompt, ipython_prompt, leading_indent

MAGIC = "%%carbon"
BEGIN = "carbon_begin"
_CALL = f"get_ipython().run_line_magic({BEGIN!r}, "


def replace_magic_line(lines: list[str]) -> list[str]:
    """An input transformer: the cell's lines, as many as before."""
    if not _is_magic(lines[:1]):
        return lines
    rest = lines[1:]
    for i in range(len(rest)):
        if not _is_magic(rest[i : i + 1]):
            break
        rest[i] = "\n"  # given twice: one run
    if not "".join(rest).strip():
        return lines  # no body: IPython says what it says of every empty cell magic
    options = lines[0].strip()[len(MAGIC) :].strip()
    return [f"{_CALL}{options!r})\n", *_as_cell(rest)]


# IPython asks again and again whether a half-typed cell is complete; the rule for %% must apply then, not ours.
replace_magic_line.has_side_effects = True  # type: ignore[attr-defined]


def prefilter_lone_line(lines: list[str]) -> list[str]:
    """The first of the last transformers: a body of one line has what IPython gives to a cell of one line just before
    them, `ls` and `exit` without more (automagic, automatic calls), aliases and macros.
    """
    if not lines[:1] or not lines[0].startswith(_CALL):
        return lines
    body = [line for line in lines[1:] if line.strip()]
    shell = get_ipython()
    if shell is None or len(body) != 1 or body[0] is not lines[-1]:
        return lines
    with shell.builtin_trap:
        return [*lines[:-1], f"{shell.prefilter_manager.prefilter_lines(body[0])}\n"]


def _is_magic(lines: list[str]) -> bool:
    return bool(lines) and lines[0].split(maxsplit=1)[:1] == [MAGIC]


def _as_cell(lines: list[str]) -> list[str]:
    """The body as IPython would take it by itself: dedented, without prompts, another cell magic on top run as one."""
    blank = 0
    while not lines[blank].strip():
        blank += 1
    body = lines[blank:]
    for transform in (leading_indent, classic_prompt, ipython_prompt, cell_magic):
        body = transform(body)
    return [*lines[:blank], *body]
