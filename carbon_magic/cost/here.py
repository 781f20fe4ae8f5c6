"""The prices that hold for this machine.

Shown without being asked for, as a price that the table has costs nobody anything, and its range covers homes and
business alike; where nothing is published for the place, nothing is said.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .instance import instance

if TYPE_CHECKING:
    from .price import Price

OFF = "off"
_ROOT = Path("/")


@lru_cache(maxsize=8)
def known(place: str, price: str | None, cloud_price: str | None, root: Path = _ROOT) -> tuple[Price, ...]:
    """The machine's price by the hour before the electricity's by the kWh; `place` is a key, the others settings.

    Raises ValueError for a setting that is none.
    """
    by_hour, by_kwh = _by_hour(cloud_price, root), _by_kwh(place, price)
    return tuple(price for price in (by_hour, by_kwh) if price is not None)


def _by_hour(setting: str | None, root: Path) -> Price | None:
    if setting == OFF:
        return None
    name = instance(root) if setting is None else setting
    if name is None:
        return None
    from dataclasses import replace

    from . import given, machine
    from .price import GIVEN

    if ":" not in name:
        return given(name, "hour")
    try:
        found = machine(name)
        return found if setting is None else replace(found, source=f"{found.source}, the machine {GIVEN}")
    except ValueError:
        if setting is not None:
            raise
        return None  # one of the hundreds of kinds that our selection leaves out


def _by_kwh(place: str, setting: str | None) -> Price | None:
    """A cloud region's electricity is the provider's affair, and what homes pay there is not its price."""
    if setting == OFF:
        return None
    if setting is None:
        from .table import electricity

        return electricity(place)
    from .price import given

    return given(setting, "kWh")
