"""cloud_regions.csv: where each provider's regions stand, on which grid, with the PUE that the provider publishes.

provider_pue.csv: a provider's mean over all its data centres, for regions without a figure of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("region", "place", "country", "grid", "pue", "pue_year", "pue_kind", "source")
FLEET_COLUMNS = ("provider", "pue", "year", "source")
# Entity and period of the rows taken: the newest that two copies agree on.
FLEETS = {"aws": "2024", "azure": "FY2024", "gcp": "CY2025", "ovhcloud": ""}
ENTITIES = {"gcp": "google"}
DESIGN = ("azure", "1.12")
"""Microsoft prints this one for most of its regions: what new halls are designed for, not what was measured."""
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
                "pue_kind": "design" if (fact["provider"], fact["pue"]) == DESIGN else "",
                "source": f"{fact['provider']}_regions",
            }
        )
    return sorted(rows, key=lambda row: row["region"])


def fleets(facts: Path) -> list[Row]:
    """One row per provider."""
    known = {(fact["entity"], fact["period"]): fact for fact in read(facts / "provider_pue.csv")}
    return [
        {
            "provider": provider,
            "pue": figure(known[ENTITIES.get(provider, provider), period]["pue"]),
            "year": period[-4:],
            "source": f"{provider}_pue",
        }
        for provider, period in FLEETS.items()
    ]
