"""What one tracked piece of work cost: a Run, frozen, to and from JSON."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .curve import Curve
from .device import Device
from .grid import Intensity
from .ranges import Range, product
from .record import Record
from .units import J_PER_KWH

if TYPE_CHECKING:
    import pandas as pd

    from .cost import Cost, Price
    from .embodied import Embodied

State = Literal["running", "done", "failed", "interrupted"]
Tag = str | int | float | bool


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Share(Record):
    """The part of the machine's joules that is this notebook's: an estimate."""

    energy_j: float
    energy_j_range: Range
    how: str = ""
    """What the split rests on, in words."""

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Share:
        return cls(d["energy_j"], tuple(d["energy_j_range"]), d.get("how", ""))


class Contract(NamedTuple):
    """The market-based account: grams by the factor of a supply contract, shown beside the grid's, never instead."""

    intensity_g_per_kwh: float
    co2e_g: float
    co2e_g_range: Range
    source: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Run(Record):
    """What one tracked cell or block cost. Units stand in the names; ranges are (low, high) at 90 %."""

    id: str
    name: str
    state: State
    started_at: float
    """Seconds since 1970 (UTC), by the wall clock: for people and for joining tables, never for durations."""
    duration_s: float
    energy_j_range: Range
    grid: Intensity
    devices: tuple[Device, ...] = ()
    others: tuple[Device, ...] = ()
    """Never to be added to `devices`: parts or supersets of them, or devices that are not this kernel's."""
    stage: str | None = None
    tags: Mapping[str, Tag] = field(default_factory=dict)
    pue: float = 1.0
    pue_range: Range = (1.0, 1.0)
    pue_source: str = ""
    """Who says so; empty where none was given and none is published: 1.0."""
    embodied: Embodied | None = None
    """The making of the machine, where it was given: its grams are told apart and never part of co2e_g."""
    share: Share | None = None
    share_reason: str = ""
    """Why there is no share, in words."""
    notes: tuple[str, ...] = ()
    project: str = ""
    host: str = ""
    seed: int | None = None
    """The seed of the run's random numbers, as the user told it."""
    notebook: str | None = None
    """The notebook's name or path, where the program that runs it tells one."""
    cell_hash: str | None = None
    """The first 16 hexadecimal digits of the SHA-256 of the cell's source, without the %%carbon line."""
    git_commit: str | None = None
    """The commit that was checked out when the run began; files may have been changed since."""
    hardware: str = ""
    """The machine in a few words: processor, CPUs, memory, GPUs."""
    prices: tuple[Price, ...] = ()
    """Of the machine by the hour, of electricity by the kWh: those that are known."""
    contract_g_per_kwh: float | None = None
    contract_source: str = ""
    curve: Curve = field(default_factory=Curve)

    @property
    def energy_j(self) -> float:
        """Joules of all devices, before PUE."""
        return sum([device.energy_j for device in self.devices])

    @property
    def gpus(self) -> int:
        """How many GPUs are counted in it."""
        return [device.kind for device in self.devices].count("gpu")

    @property
    def energy_kwh(self) -> float:
        return self.energy_j / J_PER_KWH

    @property
    def power_w(self) -> float:
        """Mean watts of all devices."""
        return self.energy_j / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def co2e_g(self) -> float:
        """Grams of CO2e: energy x PUE x carbon intensity of the grid (location-based)."""
        return self.energy_kwh * self.pue * self.grid.intensity_g_per_kwh

    @property
    def co2e_kg(self) -> float:
        return self.co2e_g / 1000

    @property
    def co2e_g_range(self) -> Range:
        """The energy's range, the PUE's and the grid's, as independent factors."""
        energy = (self.energy_j, self.energy_j_range)
        low, high = product(
            energy, (self.pue, self.pue_range), (self.grid.intensity_g_per_kwh, self.grid.intensity_range)
        )
        return low / J_PER_KWH, high / J_PER_KWH

    @property
    def contract(self) -> Contract | None:
        """The same energy by the factor of the electricity contract, None where none was given."""
        factor = self.contract_g_per_kwh
        if factor is None:
            return None
        used, (low, high) = self._drawn_kwh
        return Contract(factor, used * factor, (low * factor, high * factor), self.contract_source)

    @property
    def cost(self) -> Cost | None:
        """What it cost, None where no price is known: the machine's hours where it is hired, else the electricity."""
        return next(iter(self.costs), None)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """By each known price. Never to be added: a machine's hour has its electricity in it."""
        if not self.prices:
            return ()
        day = time.strftime("%Y-%m-%d", time.gmtime(self.started_at))
        known = self.prices if self.devices else [price for price in self.prices if price.per == "hour"]
        return tuple(price.cost(*self._drawn_kwh, self.duration_s / 3600, day) for price in known)

    @property
    def _drawn_kwh(self) -> tuple[float, Range]:
        """What the building drew for it, PUE included."""
        low, high = product((self.energy_j, self.energy_j_range), (self.pue, self.pue_range))
        return self.energy_kwh * self.pue, (low / J_PER_KWH, high / J_PER_KWH)

    @property
    def embodied_g(self) -> float | None:
        """Grams of CO2e of the machine's making that fall to this run (ISO/IEC 21031); None where it was not given."""
        return None if self.embodied is None else self.embodied.g(self.duration_s)

    @property
    def embodied_g_range(self) -> Range | None:
        return None if self.embodied is None else self.embodied.g_range(self.duration_s)

    @property
    def method(self) -> str:
        """How the energy is known: "counter", "polled", "modelled", or "mixed" where devices differ."""
        methods = {device.method for device in self.devices}
        return methods.pop() if len(methods) == 1 else "mixed" if methods else "unknown"

    @property
    def measured_fraction(self) -> float:
        """The part of the energy that an instrument told, 0 to 1; the rest is modelled."""
        energy_j = self.energy_j
        if energy_j <= 0:
            return 1.0 if self.devices and all(d.method != "modelled" for d in self.devices) else 0.0
        return sum([d.energy_j for d in self.devices if d.method != "modelled"]) / energy_j

    @property
    def samples(self) -> pd.DataFrame:
        """Power over time: `t_s` (seconds since the beginning) and mean watts per device up to that moment."""
        return self.curve.to_frame()

    def to_dict(self, samples: bool = False) -> dict[str, Any]:
        """Plain data for JSON. With `samples`, the power curve too."""
        d: dict[str, Any] = plain(self if not self.curve.t_s else replace(self, curve=_NO_CURVE))
        del d["curve"]
        if samples:
            d["curve"] = self.curve.to_dict()
        d |= {"energy_j": self.energy_j, "co2e_g": self.co2e_g, "co2e_g_range": self.co2e_g_range}
        d["cost"] = plain(self.cost)
        d["embodied_g"] = self.embodied_g
        return d

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Run:
        """The reverse of to_dict. Raises ValueError where `d` is no run."""
        try:
            fields = {name: d[name] for name in cls.__dataclass_fields__ if name in d}
            fields |= {
                "energy_j_range": tuple(d["energy_j_range"]),
                "grid": Intensity.from_dict(d["grid"]),
                "devices": tuple(Device.from_dict(x) for x in d.get("devices", ())),
                "others": tuple(Device.from_dict(x) for x in d.get("others", ())),
                "pue_range": tuple(d.get("pue_range", (1.0, 1.0))),
                "embodied": _embodied(d.get("embodied")),
                "notes": tuple(d.get("notes", ())),
                "prices": _prices(d.get("prices", ())),
                "tags": dict(d.get("tags", {})),
                "share": Share.from_dict(d["share"]) if d.get("share") else None,
                "curve": Curve.from_dict(d["curve"]) if "curve" in d else Curve(),
            }
            return cls(**fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a run written by carbon_magic ({type(error).__name__}: {error})") from error

    def __repr__(self) -> str:
        from .report.text import line

        return f"<Run {line(self)}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from .report import bundle

        return bundle(self)


def _embodied(found: Mapping[str, Any] | None) -> Embodied | None:
    if not found:
        return None
    from .embodied import Embodied

    return Embodied.from_dict(found)


def _prices(found: Sequence[Mapping[str, Any]]) -> tuple[Price, ...]:
    if not found:
        return ()
    from .cost import Price

    return tuple(Price.from_dict(d) for d in found)


_NO_CURVE = Curve()
_LEAVES = frozenset({float, int, str, bool, type(None)})


_FIELDS: dict[Any, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None] = {}


def fields(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """Names of a dataclass's fields, and what takes their values at once; None of anything else."""
    if kind not in _FIELDS:
        names = tuple(getattr(kind, "__dataclass_fields__", ()))
        _FIELDS[kind] = (names, operator.attrgetter(*names)) if len(names) > 1 else None
    return _FIELDS[kind]


def plain(value: Any) -> Any:
    """Dataclasses as dicts, down to numbers and texts: asdict without its deep copies, in a tenth of the time."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if kind is tuple:
        return value if not value or type(value[0]) in _LEAVES else tuple(map(plain, value))  # all are of one kind
    told = fields(kind)
    if told is None:
        return dict(value) if isinstance(value, Mapping) else value
    names, get = told
    d = dict(zip(names, get(value), strict=True))
    for name, each in d.items():
        if type(each) not in _LEAVES:
            d[name] = plain(each)
    return d
