"""Writes the tables in carbon_magic/data from a folder of collected facts; a maintainer runs it once a year.

    python -m carbon_magic.data.build FACTS_DIR [ZONEINFO_DIR] [--accept-jumps]

FACTS_DIR holds grid_intensity.csv, grid_intensity_sources.json, electricity_mix.csv, cloud_regions.csv,
provider_pue.csv, equivalents.csv, flight_routes.csv and what else the modules here read; ZONEINFO_DIR the tz database's
zone.tab, zone1970.tab and tzdata.zi (default: those of the tzdata package). The same input gives the same bytes. A
figure that moved by more than half, or a key that vanished, is told and nothing is written, until --accept-jumps says
that somebody has looked.
"""
