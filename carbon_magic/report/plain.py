"""A user's text on one line of a terminal or a page: no control character, no run-away length."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Emoji families and several scripts are spelt with these two; every other format character (direction marks,
# overrides, invisible tags) could make the rest of the line read differently than it is.
_JOINERS = "\u200c\u200d"
_ALIKE = str.maketrans(
    "µ×÷±≈≤–−·•…●○◐◕✓✕■◆▸→₂² █▇▆▅▄▃▂▁▉▊▋▌▍▎▏░─",
    "ux/~~<--.*.*o%%vx##>>22 ########" + "#######.-",
)
_CLUSTER = 4
"""Characters per column at most: a letter may carry accents, not a tower of them."""


def plain(text: object, longest: int = 80) -> str:
    """`text` as one printable line of at most `longest` columns; "unnamed" where nothing is left of it."""
    kept = "".join(_kept(c) for c in str(text)[: longest * 2 * _CLUSTER])
    line = " ".join(kept.split())
    return shorten(line, longest) or "unnamed"


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return character if category[0] != "C" or character in _JOINERS else ""


def width(text: str) -> int:
    """Columns that a terminal gives to `text`: two for wide East Asian characters and emoji, none for accents."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in _JOINERS or unicodedata.category(character) == "Mn":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis where it is wider than `longest` columns."""
    if width(text) <= longest and len(text) <= longest * _CLUSTER:
        return text
    kept, columns = "", 0
    for character in text[: longest * _CLUSTER]:
        columns += _columns(character)
        if columns > longest - 1:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def left(text: str, columns: int) -> str:
    """Padded or shortened to exactly this many columns."""
    text = shorten(text, columns)
    return text + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """Like left, with the text at the right."""
    text = shorten(text, columns)
    return " " * (columns - width(text)) + text


def widest(least: Sequence[int], rows: Iterable[Sequence[str]]) -> list[int]:
    """Columns for some figures: these, or wider where one needs it. A figure that is cut says another number."""
    return [max(few, *map(width, figures)) for few, figures in zip(least, zip(*rows, strict=True), strict=True)]


def sayable(text: str, encoding: str | None) -> str:
    """The text, with signs of the same width that look alike where an output cannot say it: micro is u, never "?"."""
    encoding = encoding or "utf-8"
    if _can(text, encoding):
        return text
    said = "".join(c if _can(c, encoding) else c.translate(_ALIKE) for c in text)
    return said.encode(encoding, "replace").decode(encoding)


def _can(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
