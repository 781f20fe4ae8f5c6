"""Every option's check: what it takes, made proper; ValueError or TypeError in a clause for what it does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from . import cost, units
from .secret import hidden

HZ_RANGE = (0.1, 50.0)
LONGEST = 1000
PUE_RANGE = (1.0, 3.0)
"""1.0 is no overhead at all; the worst rooms in the Uptime Institute's surveys stay below 3."""


def hz(value: Any) -> float:
    """A rate of the power curve."""
    return _number(value, *HZ_RANGE, "a rate in Hz")


def pue(value: Any) -> float:
    """A power usage effectiveness."""
    return _number(value, *PUE_RANGE, "a PUE")


def place(value: Any) -> str:
    """A place that the grid knows, under its proper key."""
    from . import grid

    if not isinstance(value, str):
        raise TypeError(f"a place is a text such as FR or US-CA, not {type(value).__name__}")
    grid.intensity(value)
    return value


def budget(value: Any) -> str:
    """The most that may be used."""
    from .budget import parse

    parse(value)
    return str(value)


def price(value: Any) -> str:
    """A price of electricity."""
    return _checked(value, lambda words: cost.given(words, "kWh"))


def cloud_price(value: Any) -> str:
    """A price of this machine by the hour, or its name in our table."""
    return _checked(value, lambda words: cost.machine(words) if ":" in words else cost.given(words, "hour"))


def _checked(value: Any, check: Callable[[str], object]) -> str:
    words = (
        str(value) if isinstance(value, int | float) else _text(value, "a price")
    ).strip()  # 0.32 lacks its currency
    if words.lower() == cost.OFF:
        return cost.OFF
    check(words)
    return words


def contract_g_per_kwh(value: Any) -> float:
    """A contract's factor: nothing that makes electricity emits more than this."""
    return _number(value, 0.0, 2000.0, "a contract's factor in g/kWh")


def live(value: Any) -> str | None:
    """A service for live figures; "off" is none."""
    from .grid.live import known

    words = _text(value, "a live service")
    return None if words.strip().lower() == cost.OFF else known(words)


def live_zone(value: Any) -> str:
    """A zone of that service."""
    from .grid.live.service import zone

    return zone(_text(value, "a live zone"))


def places(value: Any) -> str:
    """Names of clusters and hubs with their places. As text or, in a project's file, as a table."""
    if isinstance(value, Mapping):
        value = ", ".join(f"{name}={where}" for name, where in value.items())
    for name, where in pairs(_text(value, "what places says")):
        if not name or not where:
            raise ValueError(f"places are NAME=PLACE, with commas between, not {value[:40]!r}")
        place(where)
    return str(value)


def pairs(value: str) -> list[tuple[str, str]]:
    """The names and places of a `places` setting."""
    parts = [part.partition("=") for part in value.split(",") if part.strip()]
    return [(name.strip(), where.strip()) for name, _, where in parts]


def embodied_kg(value: Any) -> float:
    """What the making of a machine emitted: from a board computer to a rack."""
    return _number(value, 0.0, 1e6, "kilograms of CO2e")


def embodied_years(value: Any) -> float:
    """A machine's lifetime."""
    return _number(value, 0.1, 50.0, "a lifetime in years")


def embodied_share(value: Any) -> float:
    """A part of a machine."""
    return _number(value, 0.0, 1.0, "a share")


def _units(value: Any) -> str:
    units.choice(_text(value, "what units says"))
    return str(value)


def _equivalents(value: Any) -> str:
    from . import equivalents

    equivalents.choice(_text(value, "what equivalents says"))
    return str(value)


def wall(value: Any) -> str:
    """Addresses of meters, as they were written."""
    from .meters.external.address import addresses

    text = _text(value, "an address of a meter")
    addresses(text)
    return text


def _number(value: Any, low: float, high: float, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not low <= number <= high:
        raise ValueError(f"{what} is a number from {low:g} to {high:g}, not {str(value)[:40]!r}")
    return number


def _flag(what: str) -> Callable[[Any], bool]:
    return lambda value: _yes_or_no(value, what)


def _yes_or_no(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    known = words.get(str(value).strip().lower())
    if known is None:
        raise ValueError(f"{what} is yes or no, not {str(value)[:40]!r}")
    return known


def _store(value: Any) -> str:
    if value not in ("sqlite", "spool"):
        raise ValueError(f"a store is sqlite or spool, not {str(value)[:40]!r}")
    return str(value)


def _ledger(value: Any) -> Any:
    return hidden(_text(value, "a ledger"))


def _words(what: str) -> Callable[[Any], str]:
    return lambda value: _text(value, what)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is a text, not {type(value).__name__}")
    if "\0" in value or len(value) > LONGEST:
        raise ValueError(f"{what} is a text of at most {LONGEST:,} characters, none of them NUL")
    return value


CHECKS: dict[str, Callable[[Any], Any]] = {
    "place": place,
    "places": places,
    "pue": pue,
    "embodied_kg": embodied_kg,
    "embodied_years": embodied_years,
    "embodied_share": embodied_share,
    "units": _units,
    "equivalents": _equivalents,
    "hz": hz,
    "quiet": _flag("quiet"),
    "precise": _flag("precise"),
    "project": _words("a project"),
    "ledger": _ledger,
    "store": _store,
    "wall": wall,
    "budget": budget,
    "session_budget": budget,
    "project_budget": budget,
    "price": price,
    "cloud_price": cloud_price,
    "contract_g_per_kwh": contract_g_per_kwh,
    "contract_source": _words("a contract's source"),
    "live": live,
    "live_zone": live_zone,
}
