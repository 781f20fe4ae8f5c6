"""Figures and shapes in somebody else's JSON: what is not as it should be is None or empty, never an error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def positive(value: Any) -> float | None:
    """A number of watts or joules: finite and not below 0; a text of digits too. None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> Sequence[Any]:
    """A list; empty for anything else."""
    return value if isinstance(value, list) else []


def item(value: Any, n: int) -> Any:
    """The n-th of a list; the value itself where it is none."""
    if isinstance(value, list):
        return value[n] if n < len(value) else None
    return value
