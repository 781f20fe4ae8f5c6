"""Printing quantities: three significant digits, the SI prefix that fits, "unknown" where nothing is known.

energy() and grams() print in the units that use() chose last; everything else has its own.

js/src/units.ts says the same in TypeScript; tests/units.json holds the vectors that both must print. A value is divided
by its unit's size in doubles, and the shortest decimal digits that name the result are rounded, ties away from zero, as
the page's Intl.NumberFormat does: so the two never differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable

J_PER_WH = 3600.0
J_PER_KWH = 3.6e6
UNKNOWN = "unknown"
USUAL_YEARS = 4.0
"""A machine's life, as makers' carbon footprints of servers and laptops and Cloud Carbon Footprint reckon it."""

Formatter = Callable[[float | None], str]
"""A function of this module that prints one quantity: watts, energy, grams ..."""

_MINUS = "\N{MINUS SIGN}"
_DASH = "\N{EN DASH}"
# Beyond these a row of zeros is harder to read than an exponent. 1 J is 0.000000278 kWh and must still print plainly.
_SMALLEST_PLAIN = 1e-9
_LARGEST_PLAIN = 1e15

_Scale = tuple[tuple[str, float], ...]  # units, smallest first, with their size in what the function takes
_W: _Scale = (("nW", 1e-9), ("µW", 1e-6), ("mW", 1e-3), ("W", 1.0), ("kW", 1e3), ("MW", 1e6), ("GW", 1e9))
_WH: _Scale = (
    ("nWh", J_PER_WH / 1e9),
    ("µWh", J_PER_WH / 1e6),
    ("mWh", J_PER_WH / 1e3),
    ("Wh", J_PER_WH),
    ("kWh", J_PER_WH * 1e3),
    ("MWh", J_PER_WH * 1e6),
    ("GWh", J_PER_WH * 1e9),
    ("TWh", J_PER_WH * 1e12),
)
_KWH: _Scale = (("kWh", J_PER_KWH),)
_MWH: _Scale = (("MWh", J_PER_KWH * 1e3),)
_J: _Scale = (("nJ", 1e-9), ("µJ", 1e-6), ("mJ", 1e-3), ("J", 1.0), ("kJ", 1e3), ("MJ", 1e6), ("GJ", 1e9), ("TJ", 1e12))
_G: _Scale = (("ng", 1e-9), ("µg", 1e-6), ("mg", 1e-3), ("g", 1.0), ("kg", 1e3), ("t", 1e6))
_KG: _Scale = (("kg", 1e3),)
_T: _Scale = (("t", 1e6),)
G_PER_LB = 453.59237
"""The international avoirdupois pound of 1959, by definition."""
_LB: _Scale = (("lb", G_PER_LB),)
_PER_KWH: _Scale = (("g/kWh", 1.0),)

_ENERGIES: dict[str, _Scale] = {"Wh": _WH, "kWh": _KWH, "MWh": _MWH, "J": _J}
_MASSES: dict[str, _Scale] = {"g": _G, "kg": _KG, "t": _T, "lb": _LB}
SI = "Wh g"
_chosen: tuple[str, str] = ("Wh", "g")

_KM: _Scale = (("nm", 1e-12), ("µm", 1e-9), ("mm", 1e-6), ("cm", 1e-5), ("m", 1e-3), ("km", 1.0))


def choice(words: str) -> tuple[str, str]:
    """The units that a setting asks for, energy's and mass's: "SI", "J", "lb", "kWh lb". ValueError for other words."""
    energies, masses = [], []
    for word in words.replace(",", " ").replace("SI", SI).split():
        if word in _ENERGIES:
            energies.append(word)
        elif word in _MASSES:
            masses.append(word)
        else:
            raise ValueError(f"units are SI, or of Wh kWh MWh J and of g kg t lb one each, not {words[:40]!r}")
    if len(energies) > 1 or len(masses) > 1:
        raise ValueError(f"of Wh kWh MWh J and of g kg t lb one each can be shown, not {words[:40]!r}")
    return (*energies, "Wh")[0], (*masses, "g")[0]


def use(words: str) -> None:
    """Print energy and CO2e in these units from now on. ValueError for words that are no units."""
    global _chosen
    _chosen = choice(words)


def chosen() -> str:
    """The units in which energy and CO2e are printed now, for the page's own script: "Wh g"."""
    return " ".join(_chosen)


def watts(w: float | None) -> str:
    """Power in watts: "28.0 W", "1.20 kW"."""
    return _quantity(w, _W, "W")


def energy(j: float | None) -> str:
    """Joules as watt-hours with the prefix that fits: "3.42 mWh", "12.8 Wh", "1.20 kWh"; or in the unit chosen."""
    return _quantity(j, _ENERGIES[_chosen[0]], _chosen[0])


def kwh(j: float | None) -> str:
    """Joules as kWh whatever their size: "0.0128 kWh"."""
    return _quantity(j, _KWH, "kWh")


def joules(j: float | None) -> str:
    """Joules: "3.42 J", "12.8 kJ"."""
    return _quantity(j, _J, "J")


def grams(g: float | None) -> str:
    """Grams as mg, g, kg or t (1e6 g): "3.20 g", "1.20 t"; or in the unit chosen."""
    return _quantity(g, _MASSES[_chosen[1]], _chosen[1])


def per_kwh(g: float | None) -> str:
    """A grid's grams of CO2e per kWh, whatever else is shown in pounds: "56.0 g/kWh"."""
    return _quantity(g, _PER_KWH, "g/kWh")


def pounds(g: float | None) -> str:
    """Grams as pounds, for what stands beside figures of the paper: "626,000 lb"."""
    return _quantity(g, _LB, "lb")


def distance(km: float | None) -> str:
    """Kilometres as nm, µm, mm, cm, m or km: "5.98 cm", "598 m", "1.34 km"."""
    return _quantity(km, _KM, "km")


def duration(s: float | None) -> str:
    """Seconds: "34.0 ms", "0.42 s", "12.8 s", "1 min 12 s", "3 h 05 min", "2 d 4 h"."""
    x = _known(s)
    if x is None:
        return UNKNOWN
    if x < 0:
        return _MINUS + duration(-x)
    if x == 0:
        return "0 s"
    if x >= _LARGEST_PLAIN:
        return f"{number(x / 86400)} d"
    if _scaled(x * 1e3, 1) < 1000:
        return f"{number(x * 1e6)} µs" if _scaled(x * 1e6, 0) < 1000 else f"{number(x * 1e3)} ms"
    if _scaled(x, 2) < 1000:
        return f"{_fixed(x, 2)} s"
    if _scaled(x, 1) < 600:
        return f"{_fixed(x, 1)} s"
    seconds, minutes, hours = (_scaled(x / size, 0) for size in (1, 60, 3600))
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{hours // 24:,} d {hours % 24} h"


def number(x: float | None, digits: int = 3) -> str:
    """A bare number with this many significant digits and thousands separators: "1.20", "12.8", "78,500"."""
    value = _known(x)
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    exponent = _exponent(abs(value), digits)
    if _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return _fixed(value, digits - 1 - exponent)
    mantissa = str(_scaled(abs(value), digits - 1 - exponent))
    power = f"{_MINUS if exponent < 0 else ''}{abs(exponent)}"
    return f"{_MINUS if value < 0 else ''}{mantissa[0]}{'.' if digits > 1 else ''}{mantissa[1:]}E{power}"


def span(low: float | None, high: float | None, fmt: Formatter) -> str:
    """A range with one unit: "26–31 W". Two digits at each end, more where the ends are close to each other."""
    bottom, top = _known(low), _known(high)
    if bottom is None or top is None:
        return UNKNOWN
    bottom, top = min(bottom, top), max(bottom, top)
    if top - bottom <= 1e-4 * max(abs(bottom), abs(top)):  # no instrument of ours knows a fourth digit
        return fmt(bottom / 2 + top / 2)
    scale = _scale(fmt)
    if scale is None:
        return f"{fmt(bottom)}{_DASH}{fmt(top)}"
    unit, factor = _fit(max(abs(bottom), abs(top)), scale, 2)
    # The last digit shown is worth at most half the width, so that the two ends never look the same.
    decimals = -_magnitude(top / factor / 2 - bottom / factor / 2)
    dash = _DASH if bottom >= 0 else " to "
    return f"{_end(bottom / factor, decimals)}{dash}{_end(top / factor, decimals)} {unit}"


def percent(low: float | None, mid: float | None, high: float | None) -> str:
    """How far a range reaches from its middle: "± 12 %", or "−40 % / +95 %" where the two sides differ."""
    bottom, middle, top = _known(low), _known(mid), _known(high)
    if bottom is None or middle is None or top is None:
        return UNKNOWN
    if bottom == middle == top:
        return "± 0 %"
    if middle == 0:
        return UNKNOWN
    below = _known(max(0.0, (middle - bottom) / abs(middle) * 100))
    above = _known(max(0.0, (top - middle) / abs(middle) * 100))
    if below is None or above is None:
        return UNKNOWN
    # A quarter more on one side is no news to a reader, and one figure reads faster than two: print the wider side.
    if max(below, above) <= 1.25 * min(below, above):
        return f"± {number(max(below, above), 2)} %"
    return f"{_MINUS}{number(below, 2)} % / +{number(above, 2)} %"


_SCALES: dict[Formatter, _Scale] = {watts: _W, kwh: _KWH, joules: _J, pounds: _LB, per_kwh: _PER_KWH, distance: _KM}


def _scale(fmt: Formatter) -> _Scale | None:
    if fmt is energy:
        return _ENERGIES[_chosen[0]]
    return _MASSES[_chosen[1]] if fmt is grams else _SCALES.get(fmt)


def _quantity(value: float | None, scale: _Scale, base: str) -> str:
    x = _known(value)
    if x is None:
        return UNKNOWN
    if x == 0:
        return f"0 {base}"
    unit, factor = _fit(abs(x), scale, 3)
    return f"{number(x / factor)} {unit}"


def _fit(size: float, scale: _Scale, digits: int) -> tuple[str, float]:
    """The largest unit in which `size`, once rounded, is at least 1 (999.6 g is 1.00 kg); else the smallest unit."""
    for unit, factor in reversed(scale):
        if size / factor >= 1 or (size / factor > 0.9 and _exponent(size / factor, digits) >= 0):
            return unit, factor
    return scale[0]


def _known(value: float | None) -> float | None:
    """The value as a double; None for what no figure can stand for (None, NaN, infinity)."""
    if value is None:
        return None
    x = float(value)
    return x if math.isfinite(x) else None


def _end(x: float, decimals: int) -> str:
    """One end of a range: as many decimals as the range needs, and never fewer than two significant digits."""
    if not _SMALLEST_PLAIN <= abs(x) < _LARGEST_PLAIN:
        return number(x, 2)
    return _fixed(x, max(decimals, 1 - _exponent(abs(x), 2)))


def _exponent(x: float, digits: int) -> int:
    """The power of ten of x > 0 after rounding to this many digits: 9.996 with three digits is 10.0, so 1."""
    exponent = _magnitude(x)
    return exponent + 1 if _scaled(x, digits - 1 - exponent) >= 10**digits else exponent


def _magnitude(x: float) -> int:
    """The power of ten of x > 0 as it stands. Eighteen digits tell every double below 10 from 10."""
    return int(f"{x:.17e}".partition("e")[2])


def _scaled(x: float, decimals: int) -> int:
    """x >= 0 times ten to the `decimals`, as a whole number: of the digits that name x, rounded once, ties upwards."""
    mantissa, _, exponent = repr(x).partition("e")
    whole, _, part = mantissa.partition(".")
    digits, power = int(whole + part), int(exponent or 0) - len(part) + decimals
    if power >= 0:
        return digits * int(10**power)
    size = int(10**-power)
    return (2 * digits + size) // (2 * size)


def _fixed(x: float, decimals: int) -> str:
    """Plain decimals with thousands separators and a true minus sign; negative `decimals` round to tens, hundreds."""
    scaled = _scaled(abs(x), decimals)
    sign = _MINUS if x < 0 and scaled else ""
    if decimals <= 0:
        return f"{sign}{scaled * 10**-decimals:,}"
    whole, part = divmod(scaled, 10**decimals)
    return f"{sign}{whole:,}.{part:0{decimals}d}"
