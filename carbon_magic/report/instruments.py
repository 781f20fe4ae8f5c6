"""The instruments of this machine as a table, and what would open those that are closed: text and HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

from .. import units
from ..meters.doctor import Diagnosis, Tried
from ..meters.site import Missing
from .html import FAINT, NUMBER, SMALL, TEXT, card, heading, name, quiet, row, spanning, table
from .plain import left, plain, right

COLUMNS = 80
HEADS = ("Instrument", "Method", "Moves every", "One read", "90 % range")
_WIDTHS = (26, 9, 13, 11, 18)
_COUNTED = "Counted in the total"
_BESIDE = "Beside the total, never added"
_NOTHING = "nothing more was found that could measure this machine"


def bundle(diagnosis: Diagnosis) -> dict[str, str]:
    """What %carbon meters shows."""
    return {"text/plain": text(diagnosis), "text/html": html(diagnosis)}


def text(diagnosis: Diagnosis) -> str:
    """At most 80 columns; commands stand on lines of their own, to be copied."""
    lines = [_line(HEADS)]
    for title, tried in _parts(diagnosis.tried):
        lines += [title]
        for one in tried:
            lines += [_line(_cells(one)), *_wrapped(_source(one), "    ")]
    lines += ["", "Missing, and what would open it"]
    for missing in diagnosis.missing:
        lines += _wrapped(_sentence(missing), "  ")
        lines += [f"    {command}" for command in missing.step.splitlines()]
    if not diagnosis.missing:
        lines.append(f"  {_NOTHING}")
    return "\n".join(line.rstrip() for line in lines)


def html(diagnosis: Diagnosis) -> str:
    """The same as a card."""
    cells = (TEXT, TEXT, NUMBER, NUMBER, NUMBER)
    rows = []
    for title, tried in _parts(diagnosis.tried):
        rows.append(spanning(title, len(HEADS)))
        for one in tried:
            first, *others = _cells(one)
            below = f'<br><span style="{FAINT}">{escape(plain(_source(one), 400))}</span>'
            rows.append(row((name(first) + below, *map(escape, others)), cells))
    body = heading("Instruments of this machine", "") + table(HEADS, cells, rows)
    body += quiet("Missing, and what would open it", space=12)
    body += "".join(_missing(missing) for missing in diagnosis.missing) or quiet(_NOTHING)
    return card(None, "Instruments of this machine", body)


def _missing(missing: Missing) -> str:
    box = f"margin:6px 0 0;{SMALL};overflow-wrap:anywhere"
    told = f'<div style="{box}">{escape(plain(_sentence(missing), 1000))}</div>'
    if not missing.step:
        return told
    style = f"margin:4px 0 0;padding:6px 8px;{SMALL};white-space:pre-wrap;background:rgba(128,128,128,.1)"
    return f'{told}<pre style="{style}">{escape(missing.step)}</pre>'


def _parts(tried: Sequence[Tried]) -> list[tuple[str, list[Tried]]]:
    parts = [
        (_COUNTED, [one for one in tried if one.meter.counted]),
        (_BESIDE, [one for one in tried if not one.meter.counted]),
    ]
    return [part for part in parts if part[1]]


def _cells(one: Tried) -> tuple[str, ...]:
    meter = one.meter
    low, high = one.range
    if one.state != "answers":
        moves = "asleep" if one.state == "asleep" else "no reading"
    elif meter.method != "counter":
        moves = "each look"
    else:
        moves = units.duration(one.tick_s) if one.tick_s is not None else "not seen"
    read = units.duration(one.read_s) if one.read_s is not None else "not read"
    return plain(meter.name), meter.method, moves, read, units.percent(low, 1.0, high)


def _source(one: Tried) -> str:
    scope = "" if one.meter.scope == "device" else f" ({one.meter.scope})"
    why = f": {one.why}" if one.why else ""
    return f"{one.meter.source}{scope}{why}"


def _sentence(missing: Missing) -> str:
    return f"{missing.what}: {missing.why}." + (" This opens it:" if missing.step else "")


def _line(cells: Sequence[str]) -> str:
    name_, method, *numbers = cells
    first, second, *others = _WIDTHS
    return f"  {left(name_, first)} {left(method, second)}" + "".join(map(right, numbers, others))


def _wrapped(sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(plain(sentence, 1000), COLUMNS, initial_indent=indent, subsequent_indent=indent)
