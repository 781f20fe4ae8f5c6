"""What was fetched, on disk: small, whole or not at all, and nobody's secret."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..ahead import Point

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 1
MOST = 1000
"""Points in a file: three days in steps of five minutes."""
_LARGEST = 1 << 20


def folder() -> Path:
    """The platform's place for what can be fetched again."""
    from platformdirs import user_cache_path

    return user_cache_path("carbon_magic") / "live"


def read(name: str, younger_s: float, where: Path | None = None) -> tuple[tuple[Point, ...], float] | None:
    """Points and their age in seconds; None where there are none, where they are older, or where the file is damaged.

    Never raises.
    """
    try:
        with _path(name, where).open("rb") as file:
            d = json.loads(file.read(_LARGEST))
        age_s = time.time() - float(d["fetched_at"])
        if d["version"] != VERSION or not 0 <= age_s < younger_s:
            return None
        points = [Point(float(a), float(b), float(g), bool(e), bool(m)) for a, b, g, e, m in d["points"]]
        good = all(p.start_s < p.end_s and 0 <= p.g_per_kwh <= 2000 for p in points)
        return (tuple(points), age_s) if points and good else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write(name: str, points: Sequence[Point], where: Path | None = None) -> None:
    """Keep them: readers see the old file or the new one, never a part. Never raises."""
    path = _path(name, where)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    body = {"version": VERSION, "fetched_at": time.time(), "points": [list(point) for point in points[-MOST:]]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(body, separators=(",", ":")), encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True) if beside.exists() else None


def _path(name: str, where: Path | None) -> Path:
    return (where or folder()) / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.json"
