"""The figures: CSV tables beside this file, each row with its source; read when asked for, written by data.build.

grid_intensity   grams of CO2e per kWh of countries, states, provinces, bidding zones
cloud_regions    where the providers' regions stand, and their published PUE
provider_pue     a provider's mean PUE, for regions without one of their own
neighbours       the grids beside a grid; written by hand, not by data.build
equivalents      what an amount of CO2e or electricity compares with
flight_routes    kilometres and kilograms of flights between cities
cpu_tdp          thermal design power by processor name
electricity_price what a kWh costs homes, by place
cloud_prices     what cloud machines cost by the hour
cpu_load_power   watts of four machines by their load, as RAPL told them
cpu_load_curve   the curve fitted to those, with its range
vcpu_power       watts of a virtual CPU by microarchitecture
cloud_families   the microarchitecture behind a cloud's instance types
gpu_tdp          board power of GPUs by the name their driver gives them
time_zones       the countries of a tz database zone
sources          publisher, title, year and licence behind the keys in the `source` columns
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent


def rows(table: str) -> Iterator[dict[str, str]]:
    """The rows of a table, one after the other; empty cells are empty strings."""
    lines = csv.reader(_text(table).splitlines())
    header = next(lines)
    for line in lines:
        yield dict(zip(header, line, strict=True))


def find(table: str, key: str) -> dict[str, str] | None:
    """The row whose first cell is `key`, None where there is none. Parses that one line: thousands cost nothing."""
    text = _text(table)
    start = -1 if "\n" in key or "," in key else text.find(f"\n{key},")
    if start < 0:
        return None
    header = text[: text.index("\n")]
    line = text[start + 1 : text.index("\n", start + 1)]
    names, cells = csv.reader([header, line])
    return dict(zip(names, cells, strict=True))


@cache
def _text(table: str) -> str:
    return (FOLDER / f"{table}.csv").read_text(encoding="utf-8")
