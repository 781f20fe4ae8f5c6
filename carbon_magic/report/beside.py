"""Grams beside what people know: a car ride always, and what else fits the size."""

from __future__ import annotations

from .. import equivalents

_ALWAYS = (equivalents.car_km, equivalents.car_lifetime, equivalents.flight)
_ALWAYS_IDS = ("car_km", "car_lifetime", "flight")
MORE = 3


def by_car(co2e_g: float) -> str:
    """'≈ 1.34 km by car'."""
    return f"≈ {equivalents.car_km(co2e_g).text}"


def sentence(co2e_g: float, energy_kwh: float | None) -> str:
    """'≈ 1.34 km by car, or 12.1 phone charges'."""
    other = _others(co2e_g, energy_kwh, 1)
    return by_car(co2e_g) + "".join(f", or {text}" for text in other)


def lines(co2e_g: float, energy_kwh: float | None) -> list[str]:
    """A car ride, the car lifetimes and flights of Strubell et al., and at most three more that fit the size."""
    return [always(co2e_g).text for always in _ALWAYS] + _others(co2e_g, energy_kwh, MORE)


def _others(co2e_g: float, energy_kwh: float | None, most: int) -> list[str]:
    found = equivalents.describe(co2e_g, energy_kwh, most=most + len(_ALWAYS))
    return [item.text for item in found if item.id not in _ALWAYS_IDS][:most]
