"""What an amount of CO2e compares with: a car ride, a flight, a phone charge.

Figures and sources are in data/equivalents.csv. A kilometre by car is the UK government's average car of 2025
(0.16725 kg, DESNZ): all fuels and sizes on the road, published anew each year under an open licence, and nearer to the
cars of most countries than the US average (0.2442 kg, EPA).
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from . import data, units

if TYPE_CHECKING:
    from collections.abc import Sequence

# Less of the paper's flight than this, and the kilometres of a flight say more than "1 / 8,130,000 of" one.
_SMALLEST_FLIGHT = 0.01
# Below this a fraction reads better as "1 / 8,130 of" than as "0.000123 of".
_SMALLEST_FRACTION = 0.01
# Less than a tenth of a millimetre nobody has seen; a human hair everybody has: 17 to 181 µm, mostly about 70.
_SMALLEST_DISTANCE_KM = 1e-7
HAIR = " (a hair is some 70 µm wide)"
_NOTHING = 1e-30  # of anything in the table: less than a molecule
MOST_CHOSEN = 3
"""Things that a reader may choose to see beside the car and the flight."""
_chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Equivalent:
    """So much of a thing that everybody knows; `text` says it in words."""

    id: str
    name: str
    amount: float
    unit: str
    text: str
    source: str
    year: int | None


class FlightRoute(NamedTuple):
    """One passenger's flight, one way along the great circle; in economy, within the UK on the average seat."""

    origin: str
    """The airport, by its IATA code."""
    destination: str
    name: str
    """ "New York to San Francisco"."""
    km: float
    g_with_rf: float
    """Grams of CO2e with radiative forcing: the warming that an aircraft causes beside its CO2."""
    g_without_rf: float
    band: str
    """Which of the published factors was taken."""
    source: str
    year: int

    def compare(self, co2e_g: float, radiative_forcing: bool = True) -> Equivalent:
        """So many of these flights emit as much. Raises TypeError and ValueError as car_km() does."""
        amount = _grams(co2e_g) / (self.g_with_rf if radiative_forcing else self.g_without_rf)
        seat = "one passenger" if "average" in self.band else "one passenger in economy"
        who = f"{self.name} ({seat} {'with' if radiative_forcing else 'without'} radiative forcing)"
        text = _counted(amount, f"{{}} flights from {who}", f"{{}} of a flight from {who}")
        return Equivalent(
            f"flight_{self.origin}_{self.destination}", who, amount, "passenger trip", text, self.source, self.year
        )


class _Thing(NamedTuple):
    """A row of the table."""

    id: str
    group: str
    name: str
    unit: str
    shown_as: str
    text: str
    text_below_one: str
    g_per_unit: float | None
    kwh_per_unit: float | None
    low: float
    high: float
    year: int | None
    source: str
    kwh_source: str


def describe(
    co2e_g: float | None, energy_kwh: float | None = None, grid_g_per_kwh: float | None = None, most: int = 3
) -> list[Equivalent]:
    """At most `most` equivalents that fit the size, of different kinds, the best first; none for zero and for unknown.

    With the energy, or the grid's g/kWh to find it, things that use electricity are compared by their electricity.
    Raises ValueError for a negative or infinite amount.
    """
    if co2e_g is None or co2e_g != co2e_g:  # NaN is the one number that differs from itself
        return []
    grams = _grams(co2e_g)
    if grams == 0 or most < 1:
        return []
    kwh = _kwh(grams, energy_kwh, grid_g_per_kwh)
    fits = [
        (_misfit(thing, found.amount), thing.group, found)
        for thing in _things()
        if (found := _of(thing, grams, kwh)) and (thing.shown_as != "number" or found.amount >= _SMALLEST_FRACTION)
    ]
    best: dict[str, Equivalent] = {}
    for _, group, found in sorted(fits, key=lambda fit: fit[0]):
        best.setdefault(group, found)
    return list(best.values())[:most]


def sentence(
    co2e_g: float | None, energy_kwh: float | None = None, grid_g_per_kwh: float | None = None, most: int = 2
) -> str:
    """The best equivalents: "≈ 1.34 km by car, or 12.1 phone charges"; empty where there is nothing to say."""
    texts = [found.text for found in describe(co2e_g, energy_kwh, grid_g_per_kwh, most)]
    if not texts:
        return ""
    return "≈ " + ", or ".join([", ".join(texts[:-1]), texts[-1]] if texts[1:] else texts)


def choice(words: str) -> tuple[str, ...]:
    """The things that a setting asks for, by their ids: "phone_charge kettle". ValueError for other words."""
    ids = tuple(dict.fromkeys(words.replace(",", " ").split()))
    wrong = [word for word in ids if word not in names()]
    if wrong:
        raise ValueError(f"nothing to compare with is called {wrong[0][:40]!r}: there are {' '.join(names())}")
    if len(ids) > MOST_CHOSEN:
        raise ValueError(f"at most {MOST_CHOSEN} things stand beside the car and the flight, not {len(ids)}")
    return ids


def use(words: str) -> None:
    """Compare with these things from now on; with none named, with those that fit the size. ValueError as choice()."""
    global _chosen
    _chosen = choice(words)


def chosen() -> tuple[str, ...]:
    """What use() chose last."""
    return _chosen


def names() -> dict[str, str]:
    """What there is to compare with: ids and names."""
    return {thing.id: thing.name for thing in _things()}


def named(ids: Sequence[str], co2e_g: float, energy_kwh: float | None = None) -> list[Equivalent]:
    """Just these, as far as they can be told: a thing that is known by its electricity needs the energy."""
    grams, kwh = _grams(co2e_g), _kwh(co2e_g, energy_kwh, None)
    return [found for thing in _things() if thing.id in ids and (found := _of(thing, grams, kwh))]


def car_km(co2e_g: float) -> Equivalent:
    """Kilometres by an average car. Raises TypeError for what is no number, ValueError below zero."""
    return _always("car_km", co2e_g)


def flight(co2e_g: float) -> Equivalent:
    """One passenger's New York to San Francisco flights, as Strubell et al. print it: 1,984 lb of CO2e.

    Less than a hundredth of one is told as the length of a flight, by the UK government's factor of 2025.
    """
    found = _always("flight", co2e_g)
    return found if found.amount >= _SMALLEST_FLIGHT else _always("flight_km", co2e_g)


def car_lifetime(co2e_g: float) -> Equivalent:
    """Lifetimes of an average US car with its fuel, as Strubell et al. print it: 126,000 lb of CO2e."""
    return _always("car_lifetime", co2e_g)


def flight_route(origin: str, destination: str) -> FlightRoute:
    """A named route, either way: "JFK", "SFO", or by the cities' names. ValueError names the routes there are."""
    wanted = {_folded(origin), _folded(destination)}
    for row in data.rows("flight_routes"):
        ends = row["route"].split("-")
        cities = (row["origin"], row["destination"])
        if wanted in ({_folded(name) for name in names} for names in (ends, cities)):
            if _folded(origin) in (_folded(ends[1]), _folded(cities[1])):
                ends, cities = ends[::-1], cities[::-1]
            source = data.find("sources", "desnz_flights") or {}
            return FlightRoute(
                ends[0],
                ends[1],
                f"{cities[0]} to {cities[1]}",
                float(row["km"]),
                1000 * float(row["kg_with_rf"]),
                1000 * float(row["kg_without_rf"]),
                row["band"],
                f"{source['publisher']}, {source['title']}, x {units.number(float(row['km']), 4)} km",
                int(source["year"]),
            )
    known = ", ".join(row["route"] for row in data.rows("flight_routes"))
    raise ValueError(f"no flight from {str(origin)[:20]!r} to {str(destination)[:20]!r} here; there are {known}")


def _folded(name: str) -> str:
    return str(name).strip().casefold().replace("ã", "a")


def _always(name: str, co2e_g: float) -> Equivalent:
    grams = _grams(co2e_g)
    return next(found for thing in _things() if thing.id == name and (found := _of(thing, grams, None)))


def _of(thing: _Thing, grams: float, kwh: float | None) -> Equivalent | None:
    """The amount of a thing: by its electricity where both are known, else by its grams; None where it has no grams."""
    if kwh is not None and thing.kwh_per_unit is not None:
        return _equivalent(thing, kwh / thing.kwh_per_unit, thing.kwh_source)
    if thing.g_per_unit is not None:
        return _equivalent(thing, grams / thing.g_per_unit, thing.source)
    return None


def _equivalent(thing: _Thing, amount: float, source: str) -> Equivalent:
    year = thing.year if source == thing.source else None
    return Equivalent(thing.id, thing.name, amount, thing.unit, _text(thing, amount), source, year)


def _text(thing: _Thing, amount: float) -> str:
    if thing.shown_as == "distance":
        small = HAIR if thing.id == "car_km" and 0 < amount < _SMALLEST_DISTANCE_KM else ""
        return thing.text.format(units.distance(amount)) + small
    if thing.shown_as == "duration":
        return thing.text.format(units.duration(3600 * amount))
    return _counted(amount, thing.text, thing.text_below_one)


def _counted(amount: float, text: str, text_below_one: str) -> str:
    if amount < _NOTHING:
        return text.format("0")
    if amount >= 0.9995:  # what prints as 1.00 is no fraction
        return text.format(units.number(amount))
    if amount >= _SMALLEST_FRACTION:
        return text_below_one.format(units.number(amount))
    return text_below_one.format(f"1 / {units.number(1 / amount)}")


def _misfit(thing: _Thing, amount: float) -> float:
    """How hard an amount is to picture: 0 amid its range, 1 at the ends, beyond them 1 more per factor of ten."""
    if amount <= 0:
        return math.inf
    half = math.log10(thing.high / thing.low) / 2
    off = abs(math.log10(amount) - math.log10(thing.low) - half)
    return off / half if off <= half else 1 + off - half


def _grams(co2e_g: float) -> float:
    if isinstance(co2e_g, bool) or not isinstance(co2e_g, numbers.Real):
        raise TypeError(f"an amount of CO2e is a number of grams, not {type(co2e_g).__name__}")
    if not 0 <= co2e_g < math.inf:
        raise ValueError(f"an amount of CO2e is a number of grams, zero or more, not {float(co2e_g):g}")
    return float(co2e_g)


def _kwh(grams: float, energy_kwh: float | None, grid_g_per_kwh: float | None) -> float | None:
    if energy_kwh is not None and 0 < energy_kwh < math.inf:
        return float(energy_kwh)
    if grid_g_per_kwh is not None and 0 < grid_g_per_kwh < math.inf:
        return grams / grid_g_per_kwh
    return None


@lru_cache(maxsize=1)
def _things() -> tuple[_Thing, ...]:
    return tuple(
        _Thing(
            id=row["id"],
            group=row["group"],
            name=row["name"],
            unit=row["unit"],
            shown_as=row["shown_as"],
            text=row["text"],
            text_below_one=row["text_below_one"],
            g_per_unit=_number(row["g_per_unit"]),
            kwh_per_unit=_number(row["kwh_per_unit"]),
            low=float(row["low"]),
            high=float(row["high"]),
            year=int(row["year"]) if row["year"] else None,
            source=row["source"],
            kwh_source=row["kwh_source"],
        )
        for row in data.rows("equivalents")
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
