"""The tables: whole, sourced, plausible, and small."""

from __future__ import annotations

import csv
import json
import time
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from carbon_magic import data
from carbon_magic.data import cpus
from carbon_magic.data.build import grid as grid_build
from carbon_magic.data.build import paper, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {
    "grid_intensity": "key",
    "cloud_regions": "region",
    "equivalents": "id",
    "cpu_tdp": "name",
    "gpu_tdp": "name",
    "time_zones": "zone",
    "electricity_price": "key",
    "cloud_prices": "name",
    "provider_pue": "provider",
    "flight_routes": "route",
    "sources": "key",
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_found(name: str) -> None:
    keys = [row[KEYS[name]] for row in data.rows(name)]
    assert [key for key, times in Counter(keys).items() if times > 1] == []
    assert len(keys) >= 4
    for key in (keys[0], keys[len(keys) // 2], keys[-1]):
        found = data.find(name, key)
        assert found is not None
        assert found[KEYS[name]] == key


@pytest.mark.parametrize("key", ["", "FR,", "FR\n", "no such key", "\ud800", "\0"])
def test_a_key_that_is_not_there(key: str) -> None:
    assert data.find("grid_intensity", key) is None


def test_find_reads_quoted_cells() -> None:
    row = data.find("cloud_regions", "azure:australiaeast")
    assert row is not None
    assert row["place"] == "Sydney, New South Wales"


def test_every_figure_has_a_source_and_a_licence() -> None:
    sources = {row["key"]: row for row in data.rows("sources")}
    for source in sources.values():
        assert source["publisher"]
        assert source["title"]
        assert source["licence"]
        assert 2009 <= int(source["year"]) <= 2035
    for name in ("grid_intensity", "cloud_regions", "electricity_price", "cloud_prices", "provider_pue", "gpu_tdp"):
        assert {sources[row["source"]]["table"] for row in data.rows(name)} == {name}
    for name in ("cpu_tdp", "time_zones", "flight_routes"):
        assert [source["table"] for source in sources.values()].count(name) == 1
    for row in data.rows("equivalents"):
        assert row["source"]
        assert row["licence"]
        assert bool(row["kwh_per_unit"]) == bool(row["kwh_source"])


def test_nothing_that_must_be_shared_alike() -> None:
    licences = [row["licence"] for name in ("sources", "equivalents") for row in data.rows(name)]
    assert not [words for words in licences if any(bad in words for bad in ("ODbL", "AGPL", "SA", "NC"))]


def test_intensities_are_possible() -> None:
    """The dirtiest oil and coal plants stay under 1,400 g/kWh, and nothing that makes electricity is free."""
    for row in data.rows("grid_intensity"):
        assert 5 <= float(row["g_per_kwh"]) <= 1500, row
        assert 2009 <= int(row["year"]) <= 2035, row
        assert all(row[column] for column in ("name", "basis", "boundary")), row
        assert row["level"] in ("country", "region", "alternate", "part"), row


def test_the_table_is_complete() -> None:
    rows = {row["key"]: row for row in data.rows("grid_intensity")}
    levels = Counter(row["level"] for row in rows.values())
    assert levels["country"] >= 200
    parts = Counter(row["parent"] for row in rows.values() if row["level"] == "part")
    assert parts == {"US": 51 + 27, "CN": 30, "CA": 13, "AU": 8, "NO": 5, "SE": 4}
    assert all(row["parent"] in rows for row in rows.values() if row["parent"])
    assert all(len(row["alpha3"]) == 3 for row in rows.values() if row["level"] == "country")


def test_no_part_is_far_from_what_its_country_allows() -> None:
    """An average lies between its parts: a table with a unit mixed up (lb, kg, per MWh) would not."""
    rows = list(data.rows("grid_intensity"))
    for country in ("US", "CN", "CA", "AU", "NO", "SE"):
        parts = [float(row["g_per_kwh"]) for row in rows if row["parent"] == country and row["level"] == "part"]
        mean = next(float(row["g_per_kwh"]) for row in rows if row["key"] == country)
        assert min(parts) <= 1.3 * mean
        assert max(parts) >= 0.7 * mean


@pytest.mark.parametrize(
    ("key", "g_per_kwh", "year"),
    [
        ("FR", 41.44, 2025),
        ("US", 384.4, 2025),
        ("IN", 670.13, 2025),
        ("WORLD", 458, 2025),
        ("US-CA", 179.064, 2023),  # 394.769 lb/MWh
        ("EGRID:SRSO", 383.969, 2023),  # 846.506 lb/MWh
        ("CN-BJ", 555.4, 2023),
        ("AU-VIC", 860, 2023),  # 0.77 + 0.09 kg/kWh
        ("GB-DESNZ", 245.4, 2023),
        ("SE-SE3", 27.0, 2025),
    ],
)
def test_published_figures(key: str, g_per_kwh: float, year: int) -> None:
    row = data.find("grid_intensity", key)
    assert row is not None
    assert (float(row["g_per_kwh"]), int(row["year"])) == (g_per_kwh, year)


def test_cloud_regions_stand_on_a_grid_with_a_possible_pue() -> None:
    grids = {row["key"] for row in data.rows("grid_intensity")}
    for row in data.rows("cloud_regions"):
        assert {row["grid"], row["country"]} <= grids, row
        assert row["place"], row
        assert bool(row["pue"]) == bool(row["pue_year"]), row
        if row["pue"]:
            assert 1.0 <= float(row["pue"]) <= 2.0, row
            assert 2020 <= int(row["pue_year"]) <= 2035, row


def test_time_zones_name_countries() -> None:
    zones = {row["zone"]: row["countries"].split() for row in data.rows("time_zones")}
    assert zones["Europe/Paris"][0] == zones["Europe/Monaco"][0].replace("MC", "FR") == "FR"
    assert zones["Europe/Kiev"] == zones["Europe/Kyiv"] == ["UA"]
    assert zones["Asia/Calcutta"] == ["IN"]
    assert zones["US/Eastern"] == ["US"]
    assert zones["Europe/Stockholm"] == ["SE"]
    assert zones["Europe/Berlin"] == ["DE"]
    assert "SE" in zones["CET"]
    assert zones["Europe/Zurich"] == ["CH"]
    assert "Etc/UTC" not in zones
    assert "UTC" not in zones
    assert "GMT" not in zones
    assert {len(code) for codes in zones.values() for code in codes} <= {2, len("EUROPE")}


def test_processors_are_possible() -> None:
    for row in data.rows("cpu_tdp"):
        assert 0 < float(row["tdp_w"]) <= 700, row
        assert row["name"] == cpus.plain(row["name"]), row
        if row["threads"]:
            assert 1 <= int(row["cores"] or 1) <= int(row["threads"]) <= 1024, row


@pytest.mark.parametrize(
    ("name", "tdp_w", "threads"),
    [
        ("11th Gen Intel(R) Core(TM) i7-1185G7 @ 3.00GHz", 28, None),
        ("Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz", 250, 64),
        ("AMD Ryzen 7 7700X 8-Core Processor", 105, None),
        ("AMD EPYC 9474F 48-Core Processor", 360, 96),
    ],
)
def test_a_processor_is_found_by_what_the_kernel_calls_it(name: str, tdp_w: float, threads: int | None) -> None:
    found = cpus.look_up(name)
    assert found is not None
    assert (found.tdp_w, found.threads) == (tdp_w, threads)


@pytest.mark.parametrize(
    "name", ["", "Intel Xeon Processor", "AMD EPYC", "Virtual CPU", "x" * 10**6, "a " * 10**5, "\0\ud800"]
)
def test_a_processor_that_is_not_listed(name: str) -> None:
    assert cpus.look_up(name) is None


def test_looking_up_a_processor_is_cheap() -> None:
    cpus.look_up("warm up the text of the table")
    begin = time.process_time()
    for _ in range(20):
        cpus.look_up("Some 13th Gen Intel(R) Core(TM) i9-1390000KX @ 3.00GHz with a long name")
    assert (time.process_time() - begin) / 20 < 0.01


def test_the_tables_are_small() -> None:
    assert sum(path.stat().st_size for path in data.FOLDER.glob("*.csv")) < 350_000


def test_a_wheel_stays_below_600_kb(tmp_path: Path) -> None:
    """The package as a wheel packs it: a zip, deflated."""
    package = data.FOLDER.parent
    with zipfile.ZipFile(tmp_path / "package.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                wheel.write(path, path.relative_to(package.parent))
    assert (tmp_path / "package.whl").stat().st_size < 600_000


def test_who_asks_to_be_named_is_named_in_the_notice() -> None:
    notice = " ".join((data.FOLDER.parents[1] / "NOTICE").read_text(encoding="utf-8").split())
    told = [(row["publisher"], row["licence"]) for row in data.rows("sources")]
    told += [(row["source"].partition(",")[0], row["licence"]) for row in data.rows("equivalents")]
    asking = {
        who for who, licence in told if any(name in licence for name in ("CC BY", "Open Government", "MIT", "Apache"))
    }
    assert len(asking) >= 8
    for who in asking - {"derived by carbon_magic"}:
        words = who.partition(",")[0].partition(" data")[0].partition(" (")[0].removeprefix("UK ")
        words = words.removesuffix(" et al.")
        assert words in notice, who
    for path in data.FOLDER.glob("*.csv"):
        # Four tables of one paper are named by what their names share.
        assert path.stem.partition("_table_")[0] in notice or path.name == "sources.csv", path.name


# The build


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_a_figure_that_jumps_or_vanishes_is_told() -> None:
    old = [{"key": key, "g": g} for key, g in (("FR", "40"), ("DE", "330"), ("XX", "1"), ("PL", "600"), ("IT", ""))]
    new = [{"key": key, "g": g} for key, g in (("FR", "61"), ("DE", "340"), ("PL", ""), ("IT", "300"), ("YY", "5"))]
    assert table.jumps(old, new, ("key",), "g") == ["FR: g 40 -> 61", "XX is gone", "PL has lost its g (was 600)"]


@pytest.mark.parametrize(
    ("words", "year"),
    [("2025", "2025"), ("FY2022-23", "2023"), ("about 2022", "2022"), ("2025 edition (2023 data)", "2023")],
)
def test_the_year_a_figure_is_about(words: str, year: str) -> None:
    assert grid_build.year(words) == year


def test_a_year_that_is_none() -> None:
    with pytest.raises(ValueError, match="no year in 'soon'"):
        grid_build.year("soon")


def test_building_twice_gives_the_same_bytes_and_a_jump_stops_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a small collection made up here: the real one is not part of the repository."""
    from carbon_magic.data.build.__main__ import main

    facts, zoneinfo, out = tmp_path / "facts", tmp_path / "zoneinfo", tmp_path / "out"
    for folder in (facts, zoneinfo, out):
        folder.mkdir()
    fact = {
        "grid_key": "AA", "level": "country", "parent_key": "", "name": "Aland", "iso3166_alpha3": "AAA",
        "carbon_intensity_g_co2e_per_kwh": "100.0", "year": "2030", "gas": "CO2e", "basis": "lifecycle",
        "boundary": "production", "source_key": "s",
    }  # fmt: skip
    write(facts / "grid_intensity.csv", [fact])
    source = '{"s": {"publisher": "P", "title": "T", "year": 2030, "licence": "CC0"}}'
    (facts / "grid_intensity_sources.json").write_text(source, encoding="utf-8")
    write(
        facts / "electricity_mix.csv",
        [{"iso3166_alpha2": "AA", "total_twh": "9"}, {"iso3166_alpha2": "BB", "total_twh": "1"}],
    )
    region = {"provider": "aws", "region": "aa-1", "place": "Town", "country_iso3166_alpha2": "AA"}
    region |= {"grid_key_country": "AA", "grid_key_subnational": "", "pue": "1.20", "pue_year": "2030"}
    write(facts / "cloud_regions.csv", [region])
    write(
        facts / "cpu_tdp.csv",
        [
            {
                "cpu_name": "Some CPU X-100",
                "tdp_w": "95.0",
                "cores": "",
                "threads": "",
                "segment_guess": "",
                "source_key": "cpu_1",
            }
        ],
    )
    board = {"gpu_name": "Some G1", "tdp_w": "250.0", "memory_gb": "16.0", "check_tdp_mlco2_w": "250.0"}
    other = board | {"gpu_name": "Some G2", "check_tdp_mlco2_w": "300.0", "match_key": "some g2"}
    write(facts / "gpu_tdp.csv", [board | {"match_key": "some g1"}, other])
    write(facts / "gpu_aliases.csv", [{"driver_name": "Tesla G2", "match_key": "some g2", "tdp_w": "250.0"}])
    fleets = [{"entity": who, "period": period, "pue": "1.1"} for who, period in _fleets()]
    write(facts / "provider_pue.csv", fleets)
    flight = {"origin_iata": "LHR", "destination_iata": "CDG", "great_circle_km": "300.0", "desnz_band": "short_haul"}
    flight |= {"economy_one_way_with_rf_kg_co2e": "40.0", "economy_one_way_without_rf_kg_co2e": "24.0"}
    write(facts / "flight_routes.csv", [flight])
    write(facts / "equivalents.csv", list(_equivalent_facts()))
    write(facts / "electricity_price.csv", _price_facts())
    write(facts / "cloud_prices.csv", _machine_facts())
    write(facts / "cpu_load_power.csv", list(_load_facts()))
    write(facts / "vcpu_coefficients.csv", _vcpu_facts())
    write(facts / "cloud_instances.csv", list(_instance_facts()))
    write(facts / "reported_training.csv", _training_facts())
    (facts / "strubell2019.json").write_text(json.dumps(_paper_facts()), encoding="utf-8")
    (zoneinfo / "zone.tab").write_text("AA\t+0+0\tEurope/Paris\nBB\t+0+0\tEurope/Rome\n", encoding="utf-8")
    zi = "# version 2030a\nL Europe/Paris Old/Name\nL Etc/UTC UTC\nL Old/Name Older/Name\n"
    (zoneinfo / "tzdata.zi").write_text(zi, encoding="utf-8")

    arguments = [str(facts), str(zoneinfo)]
    assert main(arguments, out) == 0
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert len(first) == 20
    assert b"AA,country,,Aland,,AAA,9,100,2030,lifecycle,production,s\n" in first["grid_intensity.csv"]
    assert b"some x-100,95,,\n" in first["cpu_tdp.csv"]
    assert first["gpu_tdp.csv"].endswith(b"source\nSome G1,250,16,mlco2_gpu\nTesla G2,250,16,makers_gpu\n")
    assert b"AA-1,0.3,0.1,,USD,homes as billed,2030-04,eia_price\n" in first["electricity_price.csv"]
    assert first["electricity_price.csv"].count(b"\n") == 3  # of two editions the newer one, and no business alone
    assert b'aws:p3.2xlarge,3,1,"on demand, spot at the low end",2030-01,aws_prices\n' in first["cloud_prices.csv"]
    assert b"some.small" not in first["cloud_prices.csv"]
    # Three machines with twice, once and half the same curve: theirs is the middle one's.
    assert first["cpu_load_curve.csv"].startswith(b"load,of_tdp,low,high\n0,0.1,")
    assert b"\nIce Lake,1,4,ccf_coefficients\n" in first["vcpu_power.csv"]
    assert b"EPYC 5th" not in first["vcpu_power.csv"]
    assert first["cloud_families.csv"] == b"family,microarchitecture,source\naws:m6i,Ice Lake,ccf_coefficients\n"
    zones = first["time_zones.csv"].decode().splitlines()
    assert {"Europe/Paris,AA", "Europe/Rome,BB", "Old/Name,AA", "Older/Name,AA"} <= set(zones)
    assert not [zone for zone in zones if zone.startswith("UTC")]
    assert main(arguments, out) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    assert b"LHR-CDG,London,Paris,300," in first["flight_routes.csv"]
    assert b"aws:aa-1,Town,AA,AA,1.2,2030,,aws_regions" in first["cloud_regions.csv"]

    write(facts / "grid_intensity.csv", [fact | {"carbon_intensity_g_co2e_per_kwh": "1000"}])
    capsys.readouterr()
    assert main(arguments, out) == 1
    assert "grid_intensity: AA: g_per_kwh 100 -> 1000" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    assert main([*arguments, "--accept-jumps"], out) == 0
    assert b",1000,2030," in (out / "grid_intensity.csv").read_bytes()


def _fleets() -> list[tuple[str, str]]:
    from carbon_magic.data.build.clouds import ENTITIES, FLEETS

    return [(ENTITIES.get(provider, provider), period) for provider, period in FLEETS.items()]


def _load_facts() -> Iterator[dict[str, str]]:
    for name, factor in (("A", 2.0), ("B", 1.0), ("C", 0.5)):
        for load, fraction in ((0.0, 0.1), (0.1, 0.2), (0.5, 0.4), (1.0, 0.5)):
            point = {"cpu_name": name, "tdp_w_all_sockets": "100.0", "pattern": "all cores"}
            yield {**point, "cpu_load_fraction": str(load), "rapl_power_w": str(100 * fraction * factor)}


def _vcpu_facts() -> list[dict[str, str]]:
    """A second provider's figure for the same processors, and one that nobody should believe."""
    figures = (("gcp", "Ice Lake", "2"), ("aws", "Ice Lake", "4"), ("aws", "EPYC 5th Gen", "9"))
    names = ("provider", "microarchitecture", "full_load_w_per_vcpu")
    return [dict(zip(names, row, strict=True)) | {"idle_w_per_vcpu": "1.0"} for row in figures]


def _instance_facts() -> Iterator[dict[str, str]]:
    """Two of a family, one with a processor of another kind; a family in the AGPL list alone; an unknown processor."""
    ice, sky = "Intel Xeon Platinum 8375C", "Intel Xeon Platinum 8175M"
    for row in (
        ("m6i.large", ice, "inst_1"),
        ("m6i.xlarge", ice, "inst_3"),
        ("m6i.old", sky, "inst_5"),
        ("agpl.large", ice, "inst_4"),
        ("odd.large", "Some CPU", "inst_1"),
    ):
        yield {"provider": "aws", **dict(zip(("instance_type", "cpu_name", "source_key"), row, strict=True))}


def _equivalent_facts() -> list[dict[str, str]]:
    from carbon_magic.data.build.equivalents import CHOICES

    names = {name for choice in CHOICES for name in (choice.grams_from, choice.kwh_from) if name}
    cells = {"kg_co2e_per_unit": "1.5", "kwh_per_unit": "0.5", "publisher": "P", "source_title": "T"}
    return [{"equivalent_id": name, **cells, "source_year": "2030", "licence": "CC0"} for name in sorted(names)]


def _price_facts() -> list[dict[str, str]]:
    columns = ("country_iso3166_alpha2", "subregion", "customer", "price", "currency", "period", "source")
    rows = (
        ("AA", "", "household", "0.2", "EUR", "2029-H2", "Eurostat nrg_pc_204"),
        ("AA", "", "household", "0.25", "EUR", "2030-H1", "Eurostat nrg_pc_204"),
        ("AA", "AA-1", "residential", "0.30", "USD", "2030-04", "EIA"),
        ("AA", "AA-1", "industrial", "0.10", "USD", "2030-04", "EIA"),
        ("BB", "", "non-household", "0.10", "EUR", "2030-H1", "Eurostat nrg_pc_205"),
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _machine_facts() -> list[dict[str, str]]:
    columns = ("provider", "accelerator", "accelerator_count", "instance_type", "price_kind", "price_low_usd_per_hour",
               "price_high_usd_per_hour", "as_of")  # fmt: skip
    rows = (
        ("aws", "NVIDIA V100", "1", "p3.2xlarge", "on-demand", "3.0", "3.0", "2030-01"),
        ("aws", "NVIDIA V100", "1", "p3.2xlarge", "spot (range over zones)", "1.0", "1.2", "2030-01"),
        ("aws", "", "1", "some.small", "on-demand", "1.0", "1.0", "2030-01"),
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_published_prices() -> None:
    """As the publishers print them; and none that a unit mixed up (cents, per MWh) would give."""
    prices = {row["key"]: row for row in data.rows("electricity_price")}
    assert (prices["DE"]["per_kwh"], prices["DE"]["period"]) == ("0.3835", "2025-H1")
    assert (prices["US-CT"]["per_kwh"], prices["US-CT"]["low"]) == ("0.3228", "0.1907")
    grids = {row["key"] for row in data.rows("grid_intensity")}
    assert set(prices) <= grids
    for row in prices.values():
        assert 0.02 <= float(row["low"] or 0.02) <= float(row["per_kwh"]) <= float(row["high"] or 1) <= 1, row
    machines = {row["name"]: row for row in data.rows("cloud_prices")}
    v100 = machines["gcp:v100"]  # Strubell et al., section 2
    assert (v100["low"], v100["usd_per_hour"], v100["period"]) == ("0.74", "2.48", "2019")
    for row in machines.values():
        assert 0.05 <= float(row["low"] or row["usd_per_hour"]) <= float(row["usd_per_hour"]) <= 150, row


def _training_facts() -> list[dict[str, str]]:
    row = dict.fromkeys(paper.PUBLISHED_COLUMNS, "1") | dict.fromkeys(paper.RENAMED.values(), "1")
    row |= {"source": "a paper", "source_place": "Table 1", "note": ""}
    return [row | {"status": "verified"}, row | {"status": "derived"}, row | {"status": "doubtful"}]


def _paper_facts() -> dict[str, list[dict[str, object]]]:
    names = {told: name for name, told in paper.PAPER_NAMES.items()}
    return {
        f"table_{n}": [{names.get(c, c): None if c == "power_w" else 1.0 for c in columns}]
        for n, columns in paper.TABLES.items()
    }
