"""The building blocks of a report in a page: card, heading, figures, table, quiet lines.

Only what survives in a saved, untrusted notebook: ordinary tags with inline styles. Colours are the page's own text
colour, made fainter or laid over the ground, so that every theme fits, known or not. Where styles are stripped (code
hosts), what remains are plain lines and tables in a sensible order.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .words import Sign

FONT = "var(--jp-ui-font-family,system-ui,-apple-system,'Segoe UI',sans-serif)"
HAIR = "1px solid rgba(128,128,128,.22)"
NONE_YET = "\N{EN DASH}"
_TWO_BY_TWO = 4
FAINT = "opacity:.72"
SMALL = "font-size:12px;line-height:18px"
_CARD = (
    "box-sizing:border-box;max-width:900px;min-width:0;margin:4px 0 6px;overflow:hidden;"
    "padding:12px 16px 13px;padding:12px clamp(10px,4%,20px) 13px;"
    f"border:1px solid rgba(128,128,128,.3);border-radius:8px;text-align:left;font:13px/1.5 {FONT};"
    "font-variant-numeric:tabular-nums"
)
# Notebooks style tables, rows and cells in ways of their own: everything that shows is said anew.
_TABLE = "width:100%;margin:0;border:0;border-collapse:collapse;table-layout:auto;color:inherit;font-size:12px"
_ROW = "background:none;border:0;padding:0"
_CELL = "border:0;max-width:none;line-height:18px;vertical-align:top"
TEXT = f"{_CELL};padding:4px 14px 4px 0;text-align:left;white-space:normal"
NUMBER = f"{_CELL};padding:4px 0 4px 14px;text-align:right;white-space:nowrap"


def name(text: object, longest: int = 80) -> str:
    """A user's text: escaped, on one line, and kept from turning the direction of what stands beside it."""
    return f"<bdi>{escape(plain(text, longest))}</bdi>"


def faint(text: str, role: str | None = None) -> str:
    """Text that steps back."""
    return f'<span style="{FAINT}"{hook(role)}>{text}</span>'


def hook(role: str | None) -> str:
    """The mark by which the live view finds this element; nothing in what is saved."""
    return f' data-c="{role}"' if role else ""


def card(target: str | None, label: str, body: str, waiting: bool = False) -> str:
    """The frame of everything, found by its class: sanitizers take ids away.

    It declares its own language and direction: words and figures in it are English, whatever page it stands in.
    """
    classes = "carbon-magic" + (f" {escape(target)}" if target else "") + (" carbon-magic-waiting" if waiting else "")
    own = f'role="group" aria-label="{escape(label)}" lang="en" dir="ltr"'
    return f'<div class="{classes}" {own} style="{_CARD}">{body}</div>'


def heading(title: str, right: str, below: str = "") -> str:
    """A name and, at the right, how it went."""
    lower = f'<div style="{SMALL};{FAINT}">{below}</div>' if below else ""
    return (
        '<div style="display:flex;justify-content:space-between;align-items:baseline;gap:0 16px;line-height:22px">'
        f'<strong style="min-width:0;font-size:14px;font-weight:600;overflow-wrap:anywhere">{title}</strong> '
        f'<span style="flex:none;max-width:60%;text-align:right">{right}</span></div>{lower}'
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """One leading figure: '12.8 Wh', its range, and how it is known. `role` marks it as one that will change."""

    label: str
    value: str
    range: str
    known: Sign | str
    beside: str = ""
    role: str | None = None


def figures(items: Iterable[Figure]) -> str:
    """The leading figures in one line where there is room, else below each other; four of them also two by two."""
    style = "display:flex;flex-wrap:wrap;gap:8px 24px;margin:8px 0 0"
    several = list(items)
    basis = "clamp(13.4em,(100% - 32em)*999,15em)"  # a narrow page has room for two that are less wide
    if len(several) == _TWO_BY_TWO:
        basis = "clamp(13.4em,(66em - 100%)*999,max(13.4em,45%))"
    return f'<div style="{style}">{"".join(_figure(item, basis) for item in several)}</div>'


def _figure(item: Figure, basis: str) -> str:
    """Four lines of fixed height and a width that what they say does not change: live figures move nothing.

    Written in the order in which they are best read: without styles each figure is one line of text.
    """
    role = item.role
    cut = "min-width:0;white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
    line = f"flex:0 0 100%;{cut if role else 'min-width:0'}"  # what is saved may be of two lines
    below = item.range or ("&nbsp;" if role else "")
    parts = (
        f'<span style="order:1;flex:none;{FAINT}">{item.label}</span>',
        f'<span style="order:3;{line}">{_value(item)}</span>',
        f'<span style="order:2;flex:1 1 0;{cut};{FAINT}"{hook(role and f"{role}-beside")}>{item.beside}</span>',
        f'<span style="order:4;{line}"{hook(role and f"{role}-range")}>{below}</span>',
        f'<span style="order:5;flex:0 0 100%">{item.known}</span>',
    )
    box = f"flex:1 1 13.4em;flex-basis:{basis};min-width:0"
    inside = f"display:flex;flex-wrap:wrap;align-content:flex-start;gap:0 8px;{SMALL}"
    return f'<div style="{box};{inside}">{" ".join(parts)}</div>'


def _value(item: Figure) -> str:
    """Numbers large, units small. One that changes keeps room for four characters, so that its unit stands still."""
    large = "font-size:28px;line-height:36px;font-weight:500;letter-spacing:-.01em"
    if item.role:
        large += ";display:inline-block;min-width:3.45ch"
    words = [
        f'<span style="{large if word[0].isdigit() or word == NONE_YET else "font-size:16px"}">{word}</span>'
        for word in item.value.split(" ")
    ]
    # js/src/strip.ts finds a saved figure by its class.
    tag, quiet = (
        ("output", f' aria-live="off"{hook(item.role)}') if item.role else ("span", ' class="carbon-magic-figure"')
    )
    return f'<{tag}{quiet} style="line-height:36px">{" ".join(words)}</{tag}>'


def table(
    heads: Sequence[str],
    cells: Sequence[str],
    rows: Iterable[str],
    foot: str = "",
    style: str = "",
    role: str | None = None,
) -> str:
    """A table; `cells` are the styles of its columns."""
    columns = zip(heads, cells, strict=True)
    head = "".join(f'<th scope="col" style="{cell};font-weight:400">{faint(text)}</th>' for text, cell in columns)
    block = ";display:block" if "flex" in cells[0] else ""
    return (
        f'<table{hook(role)} style="{_TABLE}{block}{style}">'
        f'<thead style="border:0{block}"><tr style="{_ROW}{_flexed(cells)}">{head}</tr></thead>'
        f'<tbody style="border:0{block}">{"".join(rows)}</tbody>'
        + (f'<tfoot style="border:0{block}">{foot}</tfoot>' if foot else "")
        + "</table>"
    )


def row(values: Sequence[str], cells: Sequence[str], roles: Sequence[str | None] = (), line: str = HAIR) -> str:
    """A row of a table with these columns."""
    marks = [hook(role) for role in roles] or [""] * len(values)
    filled = "".join(
        f'<td{mark} style="{cell}">{value}</td>' for value, cell, mark in zip(values, cells, marks, strict=True)
    )
    return f'<tr style="{_ROW};border-top:{line}{_flexed(cells)}">{filled}</tr>'


def spanning(text: str, columns: int, flexed: bool = False) -> str:
    """A row that is a heading for those below, or a remark on what is not there."""
    style = f"{TEXT};padding-top:10px;font-weight:400"
    line = f"{_ROW};border-top:{HAIR}" + (";display:flex" if flexed else "")
    head = f'<th scope="rowgroup" colspan="{columns}" style="{style}">{faint(text)}</th>'
    return f'<tr style="{line}">{head}</tr>'


def _flexed(cells: Sequence[str]) -> str:
    """Rows whose columns are flexible break into two lines where the page is narrow."""
    return ";display:flex;flex-wrap:wrap;padding:4px 0" if "flex" in cells[0] else ""


def quiet(text: str, role: str | None = None, space: int = 8) -> str:
    """A line that is there for those who look for it."""
    return f'<div{hook(role)} style="margin:{space}px 0 0;{SMALL};{FAINT};overflow-wrap:anywhere">{text}</div>'


def bullets(items: Sequence[str], bullet: str = "disc") -> str:
    """One point a line."""
    indent = 16 if bullet == "disc" else 0
    style = f"margin:2px 0;padding:0;{SMALL};overflow-wrap:anywhere;list-style:{bullet}"
    points = "".join(f'<li style="{style}">{item}</li>' for item in items)
    return f'<ul style="margin:6px 0 0;padding:0 0 0 {indent}px;list-style:{bullet}">{points}</ul>' if items else ""
