"""Finding a processor in the table by the name that the operating system gives it."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import find

_NOISE = re.compile(r"\((?:r|tm)\)|®|™|@.*$|\bcpu\b|\bprocessor\b|\b\d+-core\b")
# The shortest names that still mean one processor; "3280" or "e350" could be part of anything.
_SHORTEST = 6
_MOST_WORDS = 12


class ListedCpu(NamedTuple):
    """A processor in the table; cores and threads of one package, None where they are not known."""

    name: str
    tdp_w: float
    cores: int | None
    threads: int | None


def plain(name: str) -> str:
    """A processor's name in lower case, without trade marks, clock speeds and core counts."""
    return " ".join(_NOISE.sub(" ", name.lower()).split())


def look_up(name: str) -> ListedCpu | None:
    """The listed processor with the longest name inside `name` ("11th Gen Intel(R) Core(TM) i7-1185G7 @ 3.00GHz")."""
    words = plain(name[:200]).split()[:_MOST_WORDS]
    for length in range(len(words), 0, -1):
        for first in range(len(words) - length + 1):
            part = " ".join(words[first : first + length])
            row = find("cpu_tdp", part) if len(part) >= _SHORTEST else None
            if row is not None:
                return ListedCpu(part, float(row["tdp_w"]), _count(row["cores"]), _count(row["threads"]))
    return None


def _count(cell: str) -> int | None:
    return int(cell) if cell else None
