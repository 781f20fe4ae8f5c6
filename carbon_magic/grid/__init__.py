"""Grams of CO2e per kWh of electricity: for a place, with its source and how sure it is.

intensity("FR")       the published annual figure of a place; ValueError names close matches
guess(os.environ)     the same for where this machine seems to be, without a network
looks(os.environ)     everything that tells it, the surest first
pue(None, place)      how much more the building draws, as the provider of a cloud region publishes it
best_window(points, hours)    the cleanest hours of a forecast, with the range of what they save
"""

from __future__ import annotations

from .ahead import Forecast, Point, Window, best_window
from .figure import Intensity
from .lookup import intensity
from .overhead import Pue, pue
from .place import Look, guess, looks

__all__ = [
    "Forecast", "Intensity", "Look", "Point", "Pue", "Window", "best_window", "guess", "intensity", "looks", "pue",
]  # fmt: skip
