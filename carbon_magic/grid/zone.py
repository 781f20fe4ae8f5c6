"""Which country this machine is in, by its time zone."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import data
from . import spread
from .lookup import find
from .words import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .figure import Intensity

_MOST_NAMED = 4


def from_time_zone(environ: Mapping[str, str], root: Path, asides: list[str]) -> Intensity | None:
    """By the first setting that names a place: TZ=UTC on a laptop in Paris says nothing, its /etc/localtime does."""
    silent: list[str] = []
    for zone in _zones(environ, root):
        row = data.find("time_zones", zone)
        if row is None:
            silent.append(f"the time zone {shown(zone)} names no country")
            continue
        found = [figure for code in row["countries"].split() if (figure := find(code)) is not None]
        if found:
            return _of(zone, found)
        silent.append(f"there is no figure for the time zone {zone}")
    asides.extend(silent[:1])
    return None


def _of(zone: str, found: list[Intensity]) -> Intensity:
    first, others = found[0], found[1:]
    if not others:
        return replace(first, how=f"guessed from the time zone {zone}")
    names = [other.name for other in others]
    if len(names) > _MOST_NAMED:
        names = [*names[: _MOST_NAMED - 1], f"{len(names) - _MOST_NAMED + 1} more"]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    return replace(
        first,
        intensity_range=spread.union(figure.intensity_range for figure in found),
        how=f"guessed from the time zone {zone}, an ambiguous one: the range covers {listed} too",
    )


def _zones(environ: Mapping[str, str], root: Path) -> Iterator[str]:
    """Names of the tz database that this machine's settings hold, the most binding first."""
    yield from _named(environ.get("TZ", ""))
    link = root / "etc/localtime"
    try:
        target = str(link.readlink())
        # A link to a link (NixOS, some containers): only its far end names the zone.
        yield from _named(target if "zoneinfo/" in target else os.path.realpath(link))
    except OSError:
        pass
    try:
        with (root / "etc/timezone").open(encoding="utf-8", errors="replace") as file:
            yield from _named(file.readline(200))
    except OSError:
        pass
    if sys.platform == "win32" and root == Path("/"):
        yield from _of_windows()


def _named(setting: str) -> Iterator[str]:
    """The zone in a setting: "Europe/Paris", ":Europe/Paris", "/usr/share/zoneinfo/posix/Europe/Paris"."""
    zone = setting.strip().removeprefix(":").rpartition("zoneinfo/")[2].removeprefix("posix/").removeprefix("right/")
    if zone and not zone.startswith(("/", ".")):
        yield zone


def _of_windows() -> Iterator[str]:
    """Windows has its own names for time zones, and tzlocal the way from them to ours."""
    try:
        import tzlocal
    except ImportError:
        return
    yield tzlocal.get_localzone_name()
