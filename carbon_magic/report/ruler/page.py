"""The ruler in a page: a table whose words are text, each row with its place on the scale; and as plain text."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from ... import units
from ..html import NUMBER, TEXT, quiet, row, table
from ..plain import left, plain, right, widest
from .marks import CAPTION, CORRECTED, SOURCES, Scale, amount, marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .marks import Here, Mark

COLOURS = {"life": "#7d8590", "paper": "#3a6cb8", "published": "#a86018", "here": "#b3261e"}
SIGNS = {
    "life": "\N{WHITE CIRCLE}",
    "paper": "\N{BLACK SQUARE}",
    "published": "\N{BLACK DIAMOND}",
    "here": "\N{BLACK CIRCLE}",
}
"""A shape for each kind, so that colour is not needed to tell them apart."""
_TIGHT = "padding-top:1px;padding-bottom:1px;line-height:17px"
_CELLS = (
    f"{TEXT};{_TIGHT};width:46%;overflow-wrap:anywhere",
    f"{TEXT};{_TIGHT};padding-right:0;width:38%",
    f"{NUMBER};{_TIGHT};width:16%",
)
COLUMNS = 80
NEIGHBOURS = 4


def folded(here: Here) -> str:
    """The neighbours of `here` on the ruler, behind a line that opens them."""
    style = "margin:10px 0 0;font-size:12px;line-height:18px"
    inside = html(here, NEIGHBOURS)
    return f'<details style="{style}"><summary style="cursor:pointer">On the ruler</summary>{inside}</details>'


def html(here: Here | None = None, around: int | None = None) -> str:
    """The table and its caption, to be put into a card."""
    shown = marks(here, around)
    scale = Scale.of(shown)
    rows = [row((_label(mark), _track(mark, scale), _bold(mark, amount(mark))), _CELLS, line="0") for mark in shown]
    head = ("What", "1 step to the right: ten times as much", "CO\N{SUBSCRIPT TWO}e")
    foot = "".join(quiet(escape(said), space=0) for said in (CORRECTED, SOURCES))
    return table(head, _CELLS, rows) + quiet(escape(CAPTION)) + foot


def _label(mark: Mark) -> str:
    if mark.kind != "here":
        return escape(mark.label)
    return f"<strong><bdi>{escape(plain(mark.label, 60))}</bdi></strong>"


def _bold(mark: Mark, text: str) -> str:
    return f"<strong>{text}</strong>" if mark.kind == "here" else text


def _track(mark: Mark, scale: Scale) -> str:
    """A line with decades, the mark at its place, and the range of the one that has one."""
    step = 100 / (scale.high - scale.low)
    lines = f"repeating-linear-gradient(90deg,rgba(128,128,128,.35) 0 1px,transparent 1px {step:.4f}%)"
    box = f"position:relative;height:17px;margin:0 8px;background:{lines};border-right:1px solid rgba(128,128,128,.35)"
    colour = COLOURS[mark.kind]
    span = ""
    if mark.range is not None:
        low, high = scale.at(mark.range[0]), scale.at(mark.range[1])
        place = f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"
        bar = f"position:absolute;top:6px;height:5px;border-radius:2px;background:{colour};opacity:.35;{place}"
        span = f'<span style="{bar}"></span>'
    at = f"position:absolute;left:{100 * scale.at(mark.g):.2f}%;top:0;width:16px;margin-left:-8px;text-align:center"
    look = f"{at};color:{colour};font-size:13px;line-height:17px"
    sign = f'<span aria-hidden="true" style="{look}">{SIGNS[mark.kind]}</span>'
    return f'<div style="{box}">{span}{sign}</div>'


def text(here: Here | None = None) -> str:
    """The same in 80 columns."""
    shown = marks(here)
    scale = Scale.of(shown)
    wide = widest((0, 0), ((mark.label if mark.kind != "here" else "", amount(mark)) for mark in shown))
    lines = [_line(mark, scale, wide) for mark in shown]
    own = next((mark for mark in shown if mark.kind == "here"), None)
    foot = ["Figures of others have different bounds: carbon_magic.published() tells them.", SOURCES]
    if own is not None and own.range is not None:
        spread = units.span(*own.range, units.grams)
        foot.insert(0, f"90 % range of {plain(own.label, 60)}: {spread} CO2e")
    return "\n".join([*lines, "", *(line for said in foot for line in _wrapped(said))])


def _wrapped(said: str) -> list[str]:
    return wrap(said, COLUMNS, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _line(mark: Mark, scale: Scale, wide: Sequence[int]) -> str:
    """The label and the figure; the scale has what they leave."""
    bars = COLUMNS - sum(wide) - len("> ") - len("  ")
    at = round(scale.at(mark.g) * (bars - 1))
    track = "".join(SIGNS[mark.kind] if i == at else "\N{MIDDLE DOT}" for i in range(bars))
    arrow = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}" if mark.kind == "here" else " "
    return f"{arrow} {left(plain(mark.label, 60), wide[0])} {track} {right(amount(mark), wide[1])}".rstrip()
