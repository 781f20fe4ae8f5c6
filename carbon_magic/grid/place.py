"""Where this machine stands, as far as it can be told without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .cloud import from_cloud_init, from_variables
from .cluster import from_hub, from_slurm
from .lookup import WORLD, intensity
from .zone import from_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .figure import Intensity

    Way = Callable[[list[str]], Intensity | None]

_ROOT = Path("/")
_NOWHERE: Mapping[str, str] = {}


class Look(NamedTuple):
    """One way of telling the place, and what came of it."""

    way: str
    found: Intensity | None
    asides: tuple[str, ...]
    """What stood there and could not be used, in clauses."""


def guess(environ: Mapping[str, str], root: Path = _ROOT, places: Mapping[str, str] = _NOWHERE) -> Intensity:
    """The grid that this machine most likely draws from; `how` says what that rests on.

    What the cloud wrote on its own machine comes first, then a provider's variable on that provider's machine, then the
    cluster or hub where `places` says where it stands, then the time zone, in the end the world average. No network, no
    exception: what cannot be read is passed over.
    """
    asides: list[str] = []
    for look in looks(environ, root, places):
        asides += look.asides
        if look.found is not None:
            return replace(look.found, how=_with(look.found.how, asides))
    return replace(intensity(WORLD), how=_with("place unknown: world average", asides))


def looks(environ: Mapping[str, str], root: Path = _ROOT, places: Mapping[str, str] = _NOWHERE) -> Iterator[Look]:
    """Every way of telling the place, the surest first; each is tried when it is asked for."""
    ways: tuple[tuple[str, Way], ...] = (
        ("cloud-init", lambda asides: from_cloud_init(root, asides)),
        ("provider's variables", lambda asides: from_variables(environ, root, asides)),
        ("Slurm", lambda asides: from_slurm(environ, places, asides)),
        ("JupyterHub", lambda asides: from_hub(environ, places, asides)),
        ("time zone", lambda asides: from_time_zone(environ, root, asides)),
    )
    for name, way in ways:
        asides: list[str] = []
        try:
            found = way(asides)
        except Exception:  # a setting so odd that nobody thought of it must not cost the user their cell
            found = None
        yield Look(name, found, tuple(asides))


def _with(how: str, asides: list[str]) -> str:
    return f"{how} ({'; '.join(asides)})" if asides else how
