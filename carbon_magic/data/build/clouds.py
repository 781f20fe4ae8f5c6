"""cloud_regions.csv: where each provider's regions stand, on which grid, with the PUE that the provider publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("region", "place", "country", "grid", "pue", "pue_year", "source")
# Two regions whose collected row names the country only; their place is in Quebec and Ontario all the same.
GRIDS = {"ovhcloud:ca-east-bhs": "CA-QC", "ovhcloud:ca-east-tor": "CA-ON"}


def build(facts: Path) -> list[Row]:
    """One row per region, sorted by provider and region."""
    rows = []
    for fact in read(facts / "cloud_regions.csv"):
        region = f"{fact['provider']}:{fact['region']}"
        rows.append(
            {
                "region": region,
                "place": fact["place"].replace("Sāo Paulo", "São Paulo"),
                "country": fact["country_iso3166_alpha2"],
                "grid": GRIDS.get(region) or fact["grid_key_subnational"] or fact["grid_key_country"],
                "pue": figure(fact["pue"]),
                "pue_year": fact["pue_year"],
                "source": f"{fact['provider']}_regions",
            }
        )
    return sorted(rows, key=lambda row: row["region"])
