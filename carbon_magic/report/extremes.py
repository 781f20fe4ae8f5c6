"""Fewer points of a long curve, with every peak and every trough still there. js/src/extremes.ts does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def keep(totals: Sequence[float | None], most: int) -> list[int]:
    """Indices of at most `most` points: of each stretch its lowest and its highest; a gap is lower than any value."""
    if len(totals) <= most:
        return list(range(len(totals)))
    size = -(-len(totals) // (most // 2))
    kept: list[int] = []
    for begin in range(0, len(totals), size):
        stretch = range(begin, min(begin + size, len(totals)))

        def height(i: int) -> float:
            value = totals[i]
            return -1.0 if value is None else value

        kept += sorted({min(stretch, key=height), max(stretch, key=height)})
    return kept
