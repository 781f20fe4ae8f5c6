"""Settings: what can be set, from where, and what is wrong with a value in one clause.

Precedence: the cell's own options, %config, CARBON_MAGIC_<OPTION> in the environment, the project's file (see
project_file.py), ipython_config.py, the default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import budget as budgets
from . import cost, embodied, equivalents, project_file, units

PREFIX = "CARBON_MAGIC_"
HZ_RANGE = (0.1, 50.0)
PUE_RANGE = (1.0, 3.0)
"""1.0 is no overhead at all; the worst rooms in the Uptime Institute's surveys stay below 3."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with its default."""

    place: str | None = None
    """Where the electricity comes from: a country, region or cloud region; None: found out without a network."""
    places: str | None = None
    """Where clusters and hubs stand that do not say so themselves: "jean-zay=FR, hub.example.org=DE"."""
    pue: float | None = None
    """Power usage effectiveness of the building; None: what a cloud region's provider publishes, else 1.0."""
    embodied_kg: float | None = None
    """CO2e of the making of this machine, all of it, in kg; None: not accounted for."""
    embodied_years: float = embodied.USUAL_YEARS
    """How long the machine will serve."""
    embodied_share: float = 1.0
    """The part of the machine that is reserved for the work, 0 to 1."""
    units: str = "SI"
    """How energy and CO2e are shown: "SI" (Wh, g), or of Wh kWh MWh J and g kg t lb one each, as in "J lb"."""
    equivalents: str = ""
    """What a session's CO2e is compared with beside car and flight: three at most; empty: what fits."""
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
    budget: str | None = None
    """What one cell may use at most, "50g", "0.2kWh" or "10min": then it is stopped. None: no end."""
    session_budget: str | None = None
    """The same of all cells of a session together."""
    project_budget: str | None = None
    """The same of all runs of the project on record."""
    contract_g_per_kwh: float | None = None
    """Factor of the electricity contract, for a market-based account beside the location-based one."""
    contract_source: str | None = None
    """Who says so."""
    live: str | None = None
    """Service that is asked for the grid's figures of a run's own hours; None: none, and no socket is opened."""
    live_zone: str | None = None
    """Its zone, where the place does not tell it."""
    said: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Who set an option, in words ("by %config"): what is not in here has its default."""


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
    budgets.parse(value)
    return str(value)


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


def live(value: Any) -> str | None:
    """A service for live figures; "off" is none."""
    from .grid.live import known

    words = _text(value)
    return None if words.strip().lower() == cost.OFF else known(words)


def live_zone(value: Any) -> str:
    """A zone of that service."""
    from .grid.live.service import zone

    return zone(_text(value))


def places(value: Any) -> str:
    """Names of clusters and hubs with their places. As text or, in a project's file, as a table."""
    if isinstance(value, Mapping):
        value = ", ".join(f"{name}={where}" for name, where in value.items())
    for name, where in pairs(_text(value)):
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
    units.choice(_text(value))
    return str(value)


def _equivalents(value: Any) -> str:
    equivalents.choice(_text(value))
    return str(value)


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
    "places": places,
    "pue": pue,
    "embodied_kg": embodied_kg,
    "embodied_years": embodied_years,
    "embodied_share": embodied_share,
    "units": _units,
    "equivalents": _equivalents,
    "hz": hz,
    "quiet": _flag,
    "project": _text,
    "ledger": _text,
    "budget": budget,
    "session_budget": budget,
    "project_budget": budget,
    "price": price,
    "cloud_price": cloud_price,
    "contract_g_per_kwh": contract_g_per_kwh,
    "contract_source": _text,
    "live": live,
    "live_zone": live_zone,
}


def resolve(
    *sources: Mapping[str, Any], labels: Sequence[str] = (), words: Sequence[str] = ()
) -> tuple[Settings, list[str]]:
    """Settings from several sources, the first that sets an option wins; and a clause for each bad value.

    A bad value is passed over: the next source, or the default, applies. `words` say who a source is.
    """
    values: dict[str, Any] = {}
    said: dict[str, str] = {}
    problems: list[str] = []
    for i, source in enumerate(sources):
        label = labels[i] if i < len(labels) else ""
        for name, value in source.items():
            if name in values or value is None:
                continue
            try:
                if name not in CHECKS:
                    raise ValueError(f"there is no such setting{_near(name)}")
                values[name] = CHECKS[name](value)
                said[name] = words[i].replace("{name}", PREFIX + name.upper()) if i < len(words) else ""
            except (ValueError, TypeError) as error:
                shown = str(name)[:40]
                problems.append(f"{label}{shown.upper() if label == PREFIX else shown}: {str(error)[:200]}")
    return Settings(**values, said=said), problems


def _near(name: object) -> str:
    import difflib

    near = difflib.get_close_matches(str(name)[:40], CHECKS, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


class Source(NamedTuple):
    """Where settings come from."""

    words: str
    """Who says it, after "given": "by %config". {name} stands for the variable's name."""
    label: str
    """What stands before a complaint."""
    values: Mapping[str, Any]


def sources(environ: Mapping[str, str], project: project_file.ProjectFile) -> tuple[Source, ...]:
    """All but the options of a cell, the most binding first."""
    return (
        Source("by %config", "%config ", overrides),
        Source("by {name}", PREFIX, from_environment(environ)),
        Source(f"in {project.path}", f"{project.name} ", project.settings),
        Source("in ipython_config.py", "ipython_config ", defaults),
    )


def current(options: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Settings now, and a clause for each bad one outside `options`.

    `options` come first and must be right: ValueError or TypeError in a sentence.
    """
    checked = {name: CHECKS[name](value) for name, value in options.items() if value is not None}
    project = project_file.find()
    outside = sources(environ, project)
    settings, problems = resolve(
        checked,
        *(source.values for source in outside),
        labels=("", *(source.label for source in outside)),
        words=("", *(source.words for source in outside)),
    )
    return settings, [*problems, *project.problems]


def from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The options that CARBON_MAGIC_<OPTION> variables set; empty ones count as not set."""
    return {name: environ[PREFIX + name.upper()] for name in CHECKS if environ.get(PREFIX + name.upper())}
