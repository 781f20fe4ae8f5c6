"""Settings: what can be set, from where, and what is wrong with a value in one clause.

Precedence: the cell's own options, %config, CARBON_MAGIC_<OPTION> in the environment, ipython_config.py, the default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from . import cost

PREFIX = "CARBON_MAGIC_"
HZ_RANGE = (0.1, 50.0)
PUE_RANGE = (1.0, 3.0)
"""1.0 is no overhead at all; the worst rooms in the Uptime Institute's surveys stay below 3."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with its default."""

    place: str | None = None
    """Where the electricity comes from: a country, region or cloud region; None: found out without a network."""
    pue: float = 1.0
    """Power usage effectiveness of the building: 1.0 on a desk."""
    hz: float | None = None
    """Points of the power curve per second; None: as many as the view needs."""
    quiet: bool = False
    """Show nothing."""
    project: str | None = None
    """What the ledger files the run under; None: the git repository's name, else the folder's."""
    ledger: str | None = None
    """Where runs are kept: a file; None: one file per user in the platform's data folder."""
    price: str | None = None
    """Of a kWh of electricity, "0.32 EUR"; None: what is published for the place, "off": none."""
    cloud_price: str | None = None
    """Of an hour of this machine: "2.48 USD", or its name, "aws:p3.2xlarge"; None: found out, "off": none."""
    contract_g_per_kwh: float | None = None
    """Factor of the electricity contract, for a market-based account beside the location-based one."""
    contract_source: str | None = None
    """Who says so."""


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


def price(value: Any) -> str:
    """A price of electricity."""
    return _checked(value, lambda words: cost.given(words, "kWh"))


def cloud_price(value: Any) -> str:
    """A price of this machine by the hour, or its name in our table."""
    return _checked(value, lambda words: cost.machine(words) if ":" in words else cost.given(words, "hour"))


def _checked(value: Any, check: Callable[[str], object]) -> str:
    words = _text(value).strip()
    if words.lower() == cost.OFF:
        return cost.OFF
    check(words)
    return words


def contract_g_per_kwh(value: Any) -> float:
    """A contract's factor: nothing that makes electricity emits more than this."""
    return _number(value, 0.0, 2000.0, "a contract's factor in g/kWh")


def _number(value: Any, low: float, high: float, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not low <= number <= high:
        raise ValueError(f"{what} is a number from {low:g} to {high:g}, not {str(value)[:40]!r}")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    known = words.get(str(value).strip().lower())
    if known is None:
        raise ValueError(f"yes or no is asked for, not {str(value)[:40]!r}")
    return known


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > 1000:
        raise ValueError("a text of at most 1,000 characters is asked for")
    return value


overrides: dict[str, Any] = {}
"""What %config set."""
defaults: dict[str, Any] = {}
"""What ipython_config.py set."""

CHECKS: dict[str, Callable[[Any], Any]] = {
    "place": place,
    "pue": pue,
    "hz": hz,
    "quiet": _flag,
    "project": _text,
    "ledger": _text,
    "price": price,
    "cloud_price": cloud_price,
    "contract_g_per_kwh": contract_g_per_kwh,
    "contract_source": _text,
}


def resolve(*sources: Mapping[str, Any], labels: Sequence[str] = ()) -> tuple[Settings, list[str]]:
    """Settings from several sources, the first that sets an option wins; and a clause for each bad value.

    A bad value is passed over: the next source, or the default, applies.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for i, source in enumerate(sources):
        for name, value in source.items():
            if name in values or value is None:
                continue
            try:
                values[name] = CHECKS[name](value)
            except (ValueError, TypeError) as error:
                label = labels[i] if i < len(labels) else ""
                problems.append(f"{label}{name.upper() if label == PREFIX else name}: {str(error)[:200]}")
    return Settings(**values), problems


def current(options: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Settings now, and a clause for each bad one outside `options`.

    `options` come first and must be right: ValueError or TypeError in a sentence.
    """
    checked = {name: CHECKS[name](value) for name, value in options.items() if value is not None}
    sources = (checked, overrides, from_environment(environ), defaults)
    return resolve(*sources, labels=("", "%config ", PREFIX, "ipython_config "))


def from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The options that CARBON_MAGIC_<OPTION> variables set; empty ones count as not set."""
    names = [field.name for field in fields(Settings)]
    return {name: environ[PREFIX + name.upper()] for name in names if environ.get(PREFIX + name.upper())}
