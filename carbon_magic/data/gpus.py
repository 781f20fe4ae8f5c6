"""Finding a GPU in the table by the name that its driver gives it."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import rows

_MEMORY = re.compile(r"\b(\d+) ?gb\b")
_CHIP = re.compile(r"\b([a-z]{1,2}\d{1,4}[a-z]{0,2})\b")
"""The chip of a data-centre board: "a100", "t4", "v100s", "gh200"."""


class ListedGpu(NamedTuple):
    """A GPU in the table; its memory where its name tells."""

    name: str
    tdp_w: float
    memory_gb: float | None


def plain(name: str) -> str:
    """A GPU's name in lower case, without punctuation and its maker."""
    return " ".join(re.sub(r"[^a-z0-9.]+", " ", name.lower()).replace("nvidia ", "").split())


def look_up(name: str) -> ListedGpu | None:
    """The listed GPU of that name; else the strongest of that chip ("GRID V100D-8Q" is a part of some V100)."""
    wanted = plain(name[:200])
    listed = {plain(row["name"]): row for row in rows("gpu_tdp")}
    if wanted in listed:
        return _listed(listed[wanted])
    chips = set(_CHIP.findall(wanted)) | {chip[:-1] for chip in _CHIP.findall(wanted) if chip[-1] == "d"}
    same = [row for key, row in listed.items() if chips & set(key.split())]
    return _listed(max(same, key=lambda row: float(row["tdp_w"]))) if same else None


def _listed(row: dict[str, str]) -> ListedGpu:
    return ListedGpu(row["name"], float(row["tdp_w"]), float(row["memory_gb"]) if row["memory_gb"] else None)
