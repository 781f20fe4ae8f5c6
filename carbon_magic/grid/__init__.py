"""Grams of CO2e per kWh of electricity: for a place, with its source and how sure it is.

intensity("FR")       the published annual figure of a place; ValueError names close matches
guess(os.environ)     the same for where this machine seems to be, without a network
looks(os.environ)     everything that tells it, the surest first
pue(None, place)      how much more the building draws, as the provider of a cloud region publishes it
forecast("gb", "GB")          the hours to come of a service's zone: opens a connection, as nothing else here does
best_window(points, hours)    the cleanest hours of a forecast, with the range of what they save
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .annual import Annual
from .figure import Intensity
from .lookup import intensity
from .overhead import Pue, pue
from .place import Look, guess, looks

if TYPE_CHECKING:
    from .ahead import Forecast, Point, Window, best_window

__all__ = [
    "Annual", "Forecast", "Intensity", "Look", "Point", "Pue", "Window", "best_window", "forecast", "guess",
    "intensity", "looks", "pue",
]  # fmt: skip


def forecast(service: str, zone: str, hours: float = 24.0) -> Forecast:
    """The hours to come of a live service's zone: "gb", "GB"; "electricitymaps", "FR"; "watttime", "CAISO_NORTH".

    Waits for the network, 20 s at most. Raises ValueError for an unknown service or what is no zone, grid.live's
    LiveError in a sentence where the service does not tell. The key comes from CARBON_MAGIC_<SERVICE>_KEY in the
    environment or from the system's keyring.
    """
    from . import feeds, live
    from .live.service import zone as checked

    found = feeds.ahead(live.make(service), checked(zone), hours, os.environ)
    if isinstance(found, str):
        raise live.LiveError(found)
    return found


def __getattr__(name: str) -> Any:
    if name in ("Forecast", "Point", "Window", "best_window"):  # which no run needs
        from . import ahead

        return getattr(ahead, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
