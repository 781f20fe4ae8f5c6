"""Live and forecast intensity from public services: only when asked for, and never in the way of a cell.

One file per service; each turns one documented answer into Points, and believes nothing of it unchecked. Average
figures enter the account; marginal ones are marked and only say when to run.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .error import LiveError

if TYPE_CHECKING:
    from .service import Service

__all__ = ["NAMES", "LiveError", "known", "make"]

NAMES = {
    "electricitymaps": "ElectricityMaps",
    "watttime": "WattTime",
    "gb": "CarbonIntensityGB",
    "energidataservice": "EnergiDataService",
    "rte": "Rte",
}
"""A new service is one file and one line: its module, and its class."""


def known(name: str) -> str:
    """The proper name of a service. ValueError names those there are."""
    plain = name.strip().lower().replace(" ", "").replace("-", "").replace("_", "")
    if plain not in NAMES:
        raise ValueError(f"a live service is one of {', '.join(NAMES)}, not {name[:40]!r}")
    return plain


def make(name: str) -> Service:
    """The service of this name. ValueError names those there are."""
    module = known(name)
    made: Service = getattr(importlib.import_module(f".{module}", __name__), NAMES[module])()
    return made
