"""Comparing and showing what somebody typed."""

from __future__ import annotations

import re
import unicodedata

SHOWN = 40
"""Characters of somebody's text that a message repeats."""

_PUNCTUATION = re.compile(r"[\W_]+")


def fold(words: str) -> str:
    """Words as they are compared: no case, no accents, no punctuation."""
    if not words.isascii():
        words = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    return _PUNCTUATION.sub(" ", words).strip().casefold()


def shown(text: str) -> str:
    """Somebody's text for a message: quoted, short, one line, nothing that a terminal or a file cannot hold."""
    short = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in short) + '"'
