"""What %carbon calibrate shows: watts at rest, and the processors' by load."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from .. import units
from .html import NUMBER, TEXT, card, heading, name, quiet, row, table
from .plain import left, plain, right

if TYPE_CHECKING:
    from pathlib import Path

    from ..calibration import Calibration

COLUMNS = 80
HEADS = ("Instrument", "At rest", "90 % range")


def bundle(known: Calibration, path: Path) -> dict[str, str]:
    """A table, as text and as HTML."""
    lines = _lines(known, path)
    cells = [(device, units.watts(w.watts), units.span(w.low, w.high, units.watts)) for device, w in known.idle.items()]
    text = [f"This machine at rest for {units.duration(known.seconds)}", _row(*HEADS), *(_row(*cell) for cell in cells)]
    text += [part for line in lines for part in wrap(line, COLUMNS, initial_indent="  ", subsequent_indent="  ")]
    columns = (TEXT, NUMBER, NUMBER)
    rows = [row((name(device), escape(rest), escape(span)), columns) for device, rest, span in cells]
    title = heading("This machine at rest", units.duration(known.seconds))
    html = card(None, "Calibration", title + table(HEADS, columns, rows) + "".join(quiet(escape(s)) for s in lines))
    return {"text/plain": "\n".join(text), "text/html": html}


def sentence(words: str) -> dict[str, str]:
    """Why there is none."""
    return {"text/plain": "\n".join(wrap(words, COLUMNS)), "text/html": card(None, "Calibration", escape(words))}


def _lines(known: Calibration, path: Path) -> list[str]:
    said = []
    if known.cpu_curve:
        rest, full = known.cpu_curve[0], known.cpu_curve[-1]
        ends = [
            f"{units.watts(p.watts)} ({units.span(p.low_w, p.high_w, units.watts)}) at {p.load:.0%} load"
            for p in (rest, full)
        ]
        said.append(
            f"Where the processors have no counter, they are modelled from now on by {' and '.join(ends)}, "
            f"known by {known.cpu_source}."
        )
    return [*said, f"Kept for this host in {plain(path, 300)}; %carbon calibrate --forget takes it back."]


def _row(device: str, rest: str, span: str) -> str:
    return f"  {left(plain(device), 40)} {right(rest, 12)} {right(span, 20)}".rstrip()
