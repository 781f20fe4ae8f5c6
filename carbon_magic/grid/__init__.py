"""Grams of CO2e per kWh of electricity: for a place, with its source and how sure it is.

intensity("FR")       the published annual figure of a place; ValueError names close matches
guess(os.environ)     the same for where this machine seems to be, without a network
"""

from __future__ import annotations

from .figure import Intensity
from .lookup import intensity
from .place import guess

__all__ = ["Intensity", "guess", "intensity"]
