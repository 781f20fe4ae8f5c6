"""Where this machine stands, as far as it can be told without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .cloud import from_cloud_init, from_variables
from .lookup import WORLD, intensity
from .zone import from_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .figure import Intensity

_ROOT = Path("/")


def guess(environ: Mapping[str, str], root: Path = _ROOT) -> Intensity:
    """The grid that this machine most likely draws from; `how` says what that rests on.

    What the cloud wrote on its own machine comes first, then a provider's variable on that provider's machine, then the
    time zone, in the end the world average. No network, no exception: what cannot be read is passed over.
    """
    asides: list[str] = []
    ways: tuple[Callable[[], Intensity | None], ...] = (
        lambda: from_cloud_init(root, asides),
        lambda: from_variables(environ, root, asides),
        lambda: from_time_zone(environ, root, asides),
    )
    for way in ways:
        try:
            found = way()
        except Exception:  # a setting so odd that nobody thought of it must not cost the user their cell
            found = None
        if found is not None:
            return replace(found, how=_with(found.how, asides))
    return replace(intensity(WORLD), how=_with("place unknown: world average", asides))


def _with(how: str, asides: list[str]) -> str:
    return f"{how} ({'; '.join(asides)})" if asides else how
