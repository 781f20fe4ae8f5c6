"""Other grids to compare with: the neighbours, the cloud regions in use, the cleanest and the dirtiest large grids."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .. import data
from .lookup import find, grid_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .figure import Intensity

_T = TypeVar("_T")

MOST = 10
LARGE_TWH = 100.0
"""A country that makes as much electricity in a year is a large grid: 37 of 213, with nine tenths of the world's."""
_REGIONS = 3
_NEIGHBOURS = 4


class Elsewhere(NamedTuple):
    """A grid, and why it is in the comparison; None where it is one's own."""

    grid: Intensity
    why: str | None


def others(here: Intensity, in_use: Iterable[str] = (), most: int = MOST) -> list[Elsewhere]:
    """At most `most` grids, `here` among them, the cleanest first. `in_use` are places of the session's runs."""
    chosen = {here.place: Elsewhere(here, None)}
    regions = dict.fromkeys(place for place in in_use if ":" in place and not place.startswith("EGRID:"))
    _add(chosen, [(place, "in use") for place in regions], min(most, 1 + _REGIONS))
    _add(chosen, [(place, "a neighbour") for place in neighbours(here.place)], min(most, len(chosen) + _NEIGHBOURS))
    _add(chosen, _extremes(), most)
    return sorted(chosen.values(), key=lambda other: (other.grid.intensity_g_per_kwh, other.grid.name))


def neighbours(place: str) -> list[str]:
    """The grids beside this one: the largest first, and of parts of a country cleanest and dirtiest by turns."""
    row = data.find("neighbours", grid_of(place))
    beside = [figure for key in (row["neighbours"].split() if row else ()) if (figure := find(key)) is not None]
    sizes = {figure.place: _twh(figure.place) for figure in beside}
    beside.sort(key=lambda figure: (-sizes[figure.place], figure.intensity_g_per_kwh))
    large = [figure.place for figure in beside if sizes[figure.place]]
    return large or list(_by_turns([figure.place for figure in beside]))


def _add(chosen: dict[str, Elsewhere], wanted: Iterable[tuple[str, str]], most: int) -> None:
    """Those that are found, and of two names of one grid the first."""
    grids = {grid_of(place) for place in chosen}
    for place, why in wanted:
        figure = find(place)
        if len(chosen) < most and figure is not None and place not in chosen and grid_of(place) not in grids:
            chosen[place] = Elsewhere(figure, why)
            grids.add(grid_of(place))


def _extremes() -> list[tuple[str, str]]:
    large = [row for row in data.rows("grid_intensity") if float(row["twh"] or 0) >= LARGE_TWH]
    large.sort(key=lambda row: float(row["g_per_kwh"]))
    half = len(large) // 2
    words = ["among the cleanest large grids"] * half + ["among the dirtiest large grids"] * (len(large) - half)
    return list(_by_turns([(row["key"], why) for row, why in zip(large, words, strict=True)]))


def _by_turns(ordered: Sequence[_T]) -> Iterator[_T]:
    """First, last, second, last but one ..."""
    low, high = 0, len(ordered) - 1
    while low <= high:
        yield ordered[low]
        if low < high:
            yield ordered[high]
        low, high = low + 1, high - 1


def _twh(place: str) -> float:
    row = data.find("grid_intensity", place)
    return float(row["twh"] or 0) if row else 0.0
