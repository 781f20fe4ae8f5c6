"""Settings: what can be set, from where, and what is wrong with a value in one clause.

Precedence: the cell's own options, %config, CARBON_MAGIC_<OPTION> in the environment, the project's file (see
project_file.py), ipython_config.py, the default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import project_file, units
from .checks import CHECKS, pairs
from .record import Record

__all__ = ["CHECKS", "PREFIX", "Settings", "current", "defaults", "overrides", "pairs", "resolve", "sources"]

PREFIX = "CARBON_MAGIC_"


PRIVATE = ("wall",)
"""What a project's file does not set: code from elsewhere must not make this machine ask addresses in its network."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Settings(Record):
    """Everything that can be set, with its default."""

    place: str | None = None
    """Where the electricity comes from: a country, region or cloud region; None: found out without a network."""
    places: str | None = None
    """Where clusters and hubs stand that do not say so themselves: "jean-zay=FR, hub.example.org=DE"."""
    pue: float | None = None
    """Power usage effectiveness of the building; None: what a cloud region's provider publishes, else 1.0."""
    embodied_kg: float | None = None
    """CO2e of the making of this machine, all of it, in kg; None: not accounted for."""
    embodied_years: float = units.USUAL_YEARS
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
    precise: bool = False
    """Wait for a slow counter's tick before a run begins: sharper short runs, for a tenth of a second or so."""
    project: str | None = None
    """What the ledger files the run under; None: the git repository's name, else the folder's."""
    ledger: str | None = field(default=None, repr=False)  # a URL may have a password in it
    """Where runs are kept: a file, or a team's postgresql:// URL; None: a file of the user in the platform's folder."""
    store: str | None = None
    """How the file's runs are kept: "sqlite", or "spool" on a network file system; None: what the folder is on."""
    wall: str | None = None
    """Meters on the network that see all of it: "shelly://HOST, prometheus://HOST:9090"; None: none is asked."""
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


overrides: dict[str, Any] = {}
"""What %config set."""
defaults: dict[str, Any] = {}
"""What ipython_config.py set."""


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
        Source(
            f"in {project.path}",
            f"{project.name} ",
            {name: value for name, value in project.settings.items() if not _private(name, value)},
        ),
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
    given = project.settings.items()
    private = [f"{project.name} {name}: not a project's to set" for name, value in given if _private(name, value)]
    return settings, [*problems, *project.problems, *private]


def _private(name: str, value: Any) -> bool:
    return name in PRIVATE or (name == "ledger" and "://" in str(value))  # nor send runs to a server of its own


def from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The options that CARBON_MAGIC_<OPTION> variables set; empty ones count as not set."""
    return {name: environ[PREFIX + name.upper()] for name in CHECKS if environ.get(PREFIX + name.upper())}
