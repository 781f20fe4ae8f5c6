"""Lines of an account put together: by stage, by week, by the value of a tag."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..units import J_PER_KWH
from .entry import Entry

if TYPE_CHECKING:
    from ..ranges import Range
    from ..run import Tag

STAGES = ("explore", "train", "tune", "evaluate", "final")
"""In the order of a project's life; the user's own words come after them."""
KEYS = ("stage", "week", "month", "state", "host")
"""What runs can be grouped by, beside tag:NAME."""

Key = Callable[[Entry], "Tag | None"]


class Own(NamedTuple):
    """What a run holds of the project's account, each joule held by one run only."""

    energy_j: float
    energy_j_low: float
    energy_j_high: float
    co2e_g: float
    co2e_g_low: float
    co2e_g_high: float
    measured_j: float
    gpu_s: float
    host_s: float


NOTHING = Own(*[0.0] * 9)


def held(entry: Entry, weight: float, gpu_s: float, host_s: float) -> Own:
    """A part of an entry's account."""
    joules = weight * entry.energy_j
    return Own(
        joules,
        weight * entry.energy_j_low,
        weight * entry.energy_j_high,
        weight * entry.co2e_g,
        weight * entry.co2e_g_low,
        weight * entry.co2e_g_high,
        joules * entry.measured_fraction,
        gpu_s,
        host_s,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that have something in common, and what they took together. Units stand in the names."""

    key: Tag | None
    runs: int
    failed: int
    interrupted: int
    duration_s: float
    """Seconds of machines, each counted once where runs overlap on a host."""
    gpu_hours: float
    energy_j: float
    energy_j_range: Range
    co2e_g: float
    co2e_g_range: Range
    measured_fraction: float

    @property
    def energy_kwh(self) -> float:
        return self.energy_j / J_PER_KWH

    @property
    def co2e_kg(self) -> float:
        return self.co2e_g / 1000


def group(key: Tag | None, members: Sequence[tuple[Entry, Own]]) -> Group:
    """The sum of some lines. Ends of ranges add up: the runs' errors have the same sources, so they do not cancel."""
    states = [entry.state for entry, _ in members]
    joules, low_j, high_j, grams, low_g, high_g, measured_j, gpu_s, host_s = (
        map(sum, zip(*(own for _, own in members), strict=True)) if members else NOTHING
    )
    return Group(
        key,
        runs=len(members),
        failed=states.count("failed"),
        interrupted=states.count("interrupted"),
        duration_s=host_s,
        gpu_hours=gpu_s / 3600,
        energy_j=joules,
        energy_j_range=(low_j, high_j),
        co2e_g=grams,
        co2e_g_range=(low_g, high_g),
        measured_fraction=measured_j / joules if joules > 0 else 0.0,
    )


def grouped(what: str, lines: Iterable[tuple[Entry, Own]]) -> list[Group]:
    """Groups in their natural order; a run without the stage or the tag is in a group of its own, whose key is None.

    ValueError in a sentence where runs cannot be grouped by `what`.
    """
    key = key_of(what)
    members: defaultdict[Tag | None, list[tuple[Entry, Own]]] = defaultdict(list)
    for line in lines:
        members[key(line[0])].append(line)
    return [group(value, members[value]) for value in sorted(members, key=_order(what))]


def key_of(what: str) -> Key:
    """By what a run is grouped. ValueError in a sentence where it cannot be."""
    if what.startswith("tag:") and what != "tag:":
        name = what.removeprefix("tag:")
        return lambda entry: entry.tags.get(name)
    if what in ("week", "month"):
        form = "%G-W%V" if what == "week" else "%Y-%m"
        # A quarter of an hour lies within one day in every time zone, and is formatted once.
        period = cache(lambda quarter: time.strftime(form, time.localtime(quarter * 900)))
        return lambda entry: period(entry.started_at // 900)
    if what in KEYS:
        return lambda entry: getattr(entry, what) or None
    raise ValueError(f"runs are grouped by {', '.join(KEYS)} or tag:NAME, not by {what[:40]!r}")


def _order(what: str) -> Callable[[Tag | None], tuple[object, ...]]:
    """Stages in the order of a project's life, numbers by size, texts by the alphabet; what has no value comes last."""

    def order(key: Tag | None) -> tuple[object, ...]:
        if key is None:
            return (3,)
        if what == "stage" and key in STAGES:
            return 0, STAGES.index(str(key))
        number = _number(key)
        return (1, number, str(key)) if number is not None else (2, str(key))

    return order


def _number(key: Tag) -> float | None:
    """Tags given on a cell's line are texts: "0.1" is a number all the same."""
    try:
        number = float(key)
    except ValueError:
        return None
    return number if number == number else None  # NaN has no place in an order
