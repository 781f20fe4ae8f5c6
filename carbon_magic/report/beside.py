"""Grams beside what people know: a car ride and a flight always, and what else fits the size."""

from __future__ import annotations

from .. import equivalents

_RIDES = ("car_km", "new_car_km", "electric_car_km")
_FLIGHTS = ("flight", "flight_km", "flight_paris")
MORE = 3
_SMALLEST_LIFETIME = 0.001
"""Less of a car's whole life than this is nothing to picture, and the car ride says it better."""
_LONGEST_RIDE = 0.3
"""From so many lifetimes on it is the other way round: nobody pictures a million kilometres."""


PAPER = (
    "For scale, as Strubell et al. (2019) print them: a car's lifetime with its fuel is 126,000 lb, "
    "a New York to San Francisco flight 1,984 lb a passenger."
)


def scale(co2e_g: float) -> str:
    """The paper's two measures, where the amount is too small to be told as parts of them; else empty."""
    small = equivalents.car_lifetime(co2e_g).amount < _SMALLEST_LIFETIME
    return PAPER if small else ""


def by_car(co2e_g: float) -> str:
    """'≈ 1.34 km by car', '≈ 4.97 car lifetimes ...'."""
    return f"≈ {_car(co2e_g)}"


def _car(co2e_g: float) -> str:
    lifetimes = equivalents.car_lifetime(co2e_g)
    return (lifetimes if lifetimes.amount >= _LONGEST_RIDE else equivalents.car_km(co2e_g)).text


def sentence(co2e_g: float, energy_kwh: float | None) -> str:
    """'≈ 1.34 km by car, or 12.1 phone charges'."""
    other = _others(co2e_g, energy_kwh, 1, ("car_km", "car_lifetime", *_FLIGHTS))
    return by_car(co2e_g) + "".join(f", or {text}" for text in other)


def lines(co2e_g: float, energy_kwh: float | None) -> list[str]:
    """A car and a flight, the car lifetimes of Strubell et al. where they say something, and what else fits.

    At most MORE beside the car and the flight; instead of what fits, what was chosen.
    """
    said = [_car(co2e_g), equivalents.flight(co2e_g).text]
    if equivalents.chosen():
        asked = equivalents.named(equivalents.chosen(), co2e_g, energy_kwh)
        return said + [item.text for item in asked if item.text not in said]
    lifetimes = equivalents.car_lifetime(co2e_g)
    if _SMALLEST_LIFETIME <= lifetimes.amount < _LONGEST_RIDE:
        said.append(lifetimes.text)
    taken = (*_RIDES, *_FLIGHTS, "car_lifetime")
    return said + _others(co2e_g, energy_kwh, 2 + MORE - len(said), taken)


def _others(co2e_g: float, energy_kwh: float | None, most: int, without: tuple[str, ...]) -> list[str]:
    found = equivalents.describe(co2e_g, energy_kwh, most=most + len(without))
    return [item.text for item in found if item.id not in without][:most]
