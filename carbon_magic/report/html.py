"""The building blocks of a report in a page: card, heading, figures, table, quiet lines.

Only what survives in a saved, untrusted notebook: ordinary tags with inline styles. Colours are the page's own text
colour, made fainter or laid over the ground, so that every theme fits, known or not. Where styles are stripped (code
hosts), what remains are plain lines and tables in a sensible order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from .plain import plain
from .words import Sign

FONT = "var(--jp-ui-font-family,system-ui,-apple-system,'Segoe UI',sans-serif)"
HAIR = "1px solid rgba(128,128,128,.28)"
CARD = (
    "box-sizing:border-box;max-width:880px;min-width:0;margin:4px 0 6px;padding:12px 20px 13px;overflow:hidden;"
    f"border:{HAIR};border-radius:8px;text-align:left;font:13px/1.5 {FONT};font-variant:tabular-nums;"
    "font-variant-numeric:tabular-nums"
)
FAINT = "opacity:.72"
SMALL = "font-size:12px;line-height:18px"
_TABLE = "width:100%;margin:0;border:0;border-collapse:collapse;table-layout:auto;color:inherit;font-size:12px"
_CELL = "padding:4px 0 4px 14px;text-align:right;vertical-align:baseline;white-space:nowrap;line-height:18px;max-width:none"
_FIRST = "padding:4px 0;text-align:left;vertical-align:baseline;white-space:normal;line-height:18px;max-width:none"
ROW = f"background:none;border:0;border-top:{HAIR}"


def name(text: object, longest: int = 80) -> str:
    """A user's text: escaped, on one line, and kept from turning the direction of what stands beside it."""
    return f"<bdi>{escape(plain(text, longest))}</bdi>"


def hook(role: str | None) -> str:
    """The mark by which the live view finds this element; nothing in what is saved."""
    return f' data-c="{role}"' if role else ""


def card(target: str | None, label: str, body: str, waiting: bool = False) -> str:
    """The frame of everything, found by its class: sanitizers take ids away."""
    classes = "carbon-magic" + (f" {escape(target)}" if target else "") + (" carbon-magic-waiting" if waiting else "")
    return f'<div class="{classes}" role="group" aria-label="{escape(label)}" dir="ltr" style="{CARD}">{body}</div>'


def heading(title: str, right: str, below: str = "") -> str:
    """A name and, at the right, how it went."""
    lower = f'<div style="{SMALL};{FAINT}">{below}</div>' if below else ""
    return (
        '<div style="display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:0 16px">'
        f'<strong style="font-size:14px;line-height:22px;font-weight:600;overflow-wrap:anywhere">{title}</strong> '
        f'<span style="line-height:22px">{right}</span></div>{lower}'
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """One leading figure: '12.8 Wh', its range, and how it is known."""

    label: str
    value: str
    range: str
    known: Sign | str
    beside: str = ""
    role: str | None = None


def figures(items: Iterable[Figure]) -> str:
    """The leading figures in one line where there is room, else below each other."""
    return (
        '<table role="presentation" style="width:100%;margin:8px 0 0;border:0;color:inherit;font-size:13px">'
        '<tbody style="display:block"><tr style="display:flex;flex-wrap:wrap;gap:8px 24px;background:none;border:0;padding:0">'
        + "".join(_figure(item) for item in items)
        + "</tr></tbody></table>"
    )


def _figure(item: Figure) -> str:
    number, _, unit = item.value.rpartition(" ")
    role = item.role
    tag, quiet = ("output", ' aria-live="off"') if role else ("span", "")
    lines = (
        f'<div style="{SMALL};{FAINT}">{item.label}</div>',
        f'<div style="white-space:nowrap"><{tag}{quiet}{hook(role)}>'
        f'<span style="display:inline-block;min-width:3.4ch;font-size:28px;line-height:36px;font-weight:600;'
        f'letter-spacing:-.01em">{number or unit}</span> <span style="font-size:16px">{unit if number else ""}</span></{tag}> '
        f'<span style="padding-left:6px;{SMALL};{FAINT}"{hook(role and role + "-beside")}>{item.beside}</span></div>',
        f'<div style="{SMALL}"{hook(role and role + "-range")}>{item.range or "&nbsp;"}</div>',
        f'<div style="{SMALL}">{item.known}</div>',
    )
    cell = "flex:1 1 11em;padding:0;border:0;text-align:left;vertical-align:top;white-space:normal;max-width:none"
    return f'<td style="{cell}">{"".join(lines)}</td>'


def table(heads: Sequence[str], rows: Iterable[str], foot: str = "", role: str | None = None, wide: str = "") -> str:
    """A table whose first column is text and the rest right-aligned figures."""
    head = "".join(
        f'<th scope="col" style="{_CELL if i else _FIRST};font-weight:400;border:0"><span style="{FAINT}">{text}</span></th>'
        for i, text in enumerate(heads)
    )
    return (
        f'<table{hook(role)} style="{_TABLE}{wide}"><thead style="border:0"><tr style="background:none;border:0">{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody>{foot and f'<tfoot>{foot}</tfoot>'}</table>"
    )


def row(cells: Sequence[str], roles: Sequence[str | None] = (), styles: Sequence[str] = (), weight: str = "") -> str:
    """One row; `roles` and `styles` belong to the cells one by one."""
    filled = []
    for i, cell in enumerate(cells):
        role = hook(roles[i]) if i < len(roles) else ""
        style = f"{_CELL if i else _FIRST};border:0{weight}" + (f";{styles[i]}" if i < len(styles) and styles[i] else "")
        filled.append(f'<td{role} style="{style}">{cell}</td>')
    return f'<tr style="{ROW}">{"".join(filled)}</tr>'


def spanning(text: str, columns: int) -> str:
    """A row that is a heading for those below."""
    style = f"{_FIRST};padding-top:10px;font-weight:400;border:0"
    return f'<tr style="{ROW}"><th scope="rowgroup" colspan="{columns}" style="{style}"><span style="{FAINT}">{text}</span></th></tr>'


def quiet(text: str, role: str | None = None, space: int = 6) -> str:
    """A line that is there for those who look for it."""
    return f'<div{hook(role)} style="margin:{space}px 0 0;{SMALL};{FAINT};overflow-wrap:anywhere">{text}</div>'


def bullets(items: Sequence[str]) -> str:
    """What a reader should know, one point a line."""
    style = f"margin:2px 0;padding:0;{SMALL};overflow-wrap:anywhere"
    points = "".join(f'<li style="{style}">{item}</li>' for item in items)
    return f'<ul style="margin:8px 0 0;padding:0 0 0 16px">{points}</ul>' if items else ""
