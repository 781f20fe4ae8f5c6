"""Counters that are not what they seem: one that stands at zero, and two that show the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from .meter import Meter

ALIVE_S = 0.02
"""An energy register moves about every millisecond, even of an idle package; one emulated by a hypervisor never."""
PAUSE_S = 0.001
INTERVALS = 3
AGREE = 0.001
INTERVAL_J = 0.07
"""A thousand counts of 2^-14 J and some: below, two packages of one load agree to a count or two by chance."""
PATIENCE = 150
STILL = 10
"""Looks at a counter that does not move."""
CLOSE_J = 1.0
"""Two registers that count on their own are never this close together, those that mirror each other always."""


def alive(meter: Meter, pause: Callable[[float], None]) -> bool:
    """Whether a counter gives a reading that is not for ever zero. Raises what reading it raises."""
    joules = meter.read()
    tries = 0
    while joules == 0 and tries * PAUSE_S < ALIVE_S:
        pause(PAUSE_S)
        tries += 1
        joules = meter.read()
    return bool(joules)


def close(one: Meter, other: Meter) -> bool:
    """Whether two counters stand at nearly the same energy."""
    try:
        a, b = one.read(), other.read()
    except (OSError, ValueError):
        return False
    return a is not None and b is not None and abs(a - b) < CLOSE_J


def mirrored(one: Meter, other: Meter, pause: Callable[[float], None]) -> bool:
    """Whether two counters are one register: equal each time they move, or agreeing to 0.1 % over three intervals.

    The other is read between two readings of the one, and what it says counts only if the one has not moved meanwhile.
    """
    seen: list[tuple[float, float]] = []
    equal = 0
    moved = False
    for tries in range(PATIENCE):
        if tries > STILL and not moved:
            return False
        try:
            before, between, after = one.read(), other.read(), one.read()
        except (OSError, ValueError):
            return False
        if before is None or between is None:
            return False
        moved = moved or (bool(seen) and before != seen[0][0])
        if before == after:
            if between == before and (not seen or before != seen[-1][0]):
                equal += 1
            if not seen or abs(before - seen[-1][0]) >= INTERVAL_J or (equal and before != seen[-1][0]):
                seen.append((before, between))
            if equal == INTERVALS or len(seen) > INTERVALS:
                break
            if len(seen) > 1 and not _agree(seen):
                return False
        pause(PAUSE_S)
    return equal >= INTERVALS or (len(seen) > INTERVALS and _agree(seen))


def _agree(seen: list[tuple[float, float]]) -> bool:
    return all(abs((b - y) - (a - x)) <= AGREE * abs(a - x) for (x, y), (a, b) in pairwise(seen))
