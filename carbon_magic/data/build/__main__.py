"""Run the build: see the package's docstring."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from .. import FOLDER
from . import clouds, cpus, equivalents, flights, gpus, grid, instances, load_curve, paper, prices, sources, zones
from .table import Row, jumps, read, text

# Where a figure is watched from one edition to the next: the columns that name a row, and the one with the figure.
WATCHED = {
    "grid_intensity": (("key",), "g_per_kwh"),
    "cloud_regions": (("region",), "pue"),
    "provider_pue": (("provider",), "pue"),
    "equivalents": (("id",), "g_per_unit"),
    "flight_routes": (("route",), "km"),
    "cpu_tdp": (("name",), "tdp_w"),
    "gpu_tdp": (("name",), "tdp_w"),
    "electricity_price": (("key",), "per_kwh"),
    "cloud_prices": (("name",), "usd_per_hour"),
    "cpu_load_curve": (("load",), "of_tdp"),
    "vcpu_power": (("microarchitecture",), "full_w"),
}


def main(arguments: list[str] | None = None, out: Path = FOLDER) -> int:
    """Write all tables into `out`; 1 where a figure jumped and nothing was written."""
    parser = argparse.ArgumentParser(
        prog="python -m carbon_magic.data.build", description="Write the tables of figures."
    )
    parser.add_argument("facts", type=Path, metavar="FACTS_DIR", help="the collected facts")
    parser.add_argument("zoneinfo", type=Path, nargs="?", metavar="ZONEINFO_DIR", help="zone.tab and its neighbours")
    parser.add_argument("--accept-jumps", action="store_true", help="write although figures moved by more than half")
    options = parser.parse_args(arguments)
    zoneinfo = options.zoneinfo or _tzdata()
    measured = load_curve.power(options.facts)
    tables = {
        "grid_intensity": (grid.COLUMNS, grid.build(options.facts)),
        "cloud_regions": (clouds.COLUMNS, clouds.build(options.facts)),
        "provider_pue": (clouds.FLEET_COLUMNS, clouds.fleets(options.facts)),
        "equivalents": (equivalents.COLUMNS, equivalents.build(options.facts)),
        "flight_routes": (flights.COLUMNS, flights.build(options.facts)),
        "cpu_tdp": (cpus.COLUMNS, cpus.build(options.facts)),
        "gpu_tdp": (gpus.COLUMNS, gpus.build(options.facts)),
        "electricity_price": (prices.ELECTRICITY_COLUMNS, prices.electricity(options.facts)),
        "cloud_prices": (prices.CLOUD_COLUMNS, prices.cloud(options.facts)),
        "cpu_load_power": (load_curve.POWER_COLUMNS, measured),
        "cpu_load_curve": (load_curve.COLUMNS, load_curve.build(measured)),
        "vcpu_power": (instances.POWER_COLUMNS, instances.power(options.facts)),
        "cloud_families": (instances.FAMILY_COLUMNS, instances.families(options.facts)),
        **{f"strubell_table_{n}": (columns, paper.table(options.facts, n)) for n, columns in paper.TABLES.items()},
        "published_training": (paper.PUBLISHED_COLUMNS, paper.published(options.facts)),
        "time_zones": (zones.COLUMNS, zones.build(zoneinfo)),
        "sources": (sources.COLUMNS, sources.build(options.facts, zones.version(zoneinfo))),
    }
    moved = [sentence for name in WATCHED for sentence in _moved(name, tables[name][1], out)]
    if moved and not options.accept_jumps:
        print(*moved, "nothing written: look at these, then run again with --accept-jumps", sep="\n", file=sys.stderr)
        return 1
    for name, (columns, built) in tables.items():
        (out / f"{name}.csv").write_text(text(columns, built), encoding="utf-8", newline="\n")
        print(f"{name}: {len(built)} rows")
    return 0


def _moved(name: str, built: list[Row], out: Path) -> list[str]:
    if not (out / f"{name}.csv").exists():
        return []
    key, value = WATCHED[name]
    return [f"{name}: {sentence}" for sentence in jumps(read(out / f"{name}.csv"), built, key, value)]


def _tzdata() -> Path:
    spec = importlib.util.find_spec("tzdata")
    if spec is None or spec.origin is None:
        return Path("/usr/share/zoneinfo")
    return Path(spec.origin).parent / "zoneinfo"


if __name__ == "__main__":
    sys.exit(main())
