"""Where a machine stands, on machines made of a few files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import grid
from carbon_magic.grid.place import looks

if TYPE_CHECKING:
    from collections.abc import Mapping

AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class Machine:
    """A root folder with the files that tell a place."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str | bytes) -> Machine:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self

    def localtime(self, target: str) -> Machine:
        (self.root / "etc").mkdir(exist_ok=True)
        (self.root / "etc/localtime").symlink_to(target)
        return self

    def cloud_init(self, **v1: Any) -> Machine:
        return self.write("run/cloud-init/instance-data.json", json.dumps({"base64_encoded_keys": [], "v1": v1}))

    def guess(self, **environ: str) -> grid.Intensity:
        return grid.guess(environ, self.root)


@pytest.mark.parametrize(
    ("v1", "place"),
    [
        (
            {"cloud_name": "aws", "platform": "ec2", "region": "eu-west-1", "availability_zone": "eu-west-1a"},
            "aws:eu-west-1",
        ),
        ({"cloud_name": "azure", "region": "westeurope"}, "azure:westeurope"),
        ({"cloud_name": "azure", "region": "West Europe"}, "azure:westeurope"),
        ({"cloud_name": "gce", "region": "us-central1"}, "gcp:us-central1"),
        ({"cloud_name": "gce", "region": None, "availability_zone": "us-central1-a"}, "gcp:us-central1"),
        ({"cloud_name": "gce", "availability_zone": "projects/7/zones/europe-west9-b"}, "gcp:europe-west9"),
        ({"cloud_name": "aws", "availability_zone": "us-west-2-lax-1a"}, "aws:us-west-2"),
        ({"cloud_name": "unknown", "platform": "ec2", "region": "us-east-1"}, "aws:us-east-1"),
        ({"cloud_name": "scaleway", "region": "fr-par-1"}, "scaleway:fr-par"),
    ],
)
def test_cloud_init_knows(machine: Machine, v1: Mapping[str, Any], place: str) -> None:
    found = machine.cloud_init(**v1).localtime("/usr/share/zoneinfo/Asia/Tokyo").guess(AWS_REGION="sa-east-1")
    assert found.place == place
    assert found.how == f"from this VM's cloud-init data: {place.replace(':', ' ')}"
    assert found.intensity_g_per_kwh == grid.intensity(place).intensity_g_per_kwh


def test_a_region_too_new_for_the_table_is_said_and_the_time_zone_used(machine: Machine) -> None:
    found = (
        machine.cloud_init(cloud_name="aws", region="mars-north-1")
        .localtime("/usr/share/zoneinfo/Europe/Paris")
        .guess()
    )
    assert found.place == "FR"
    assert found.how == "guessed from the time zone Europe/Paris (cloud-init names a region that is not in our table)"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"v1": null}', '{"v1": []}', '{"v1": {"region": 3, "cloud_name": {}}}', "[" * 100_000, b"\xff\0", "9" * 2_000_000]
)  # fmt: skip
def test_a_broken_cloud_init_file_is_passed_over(machine: Machine, text: str | bytes) -> None:
    assert machine.write("run/cloud-init/instance-data.json", text).guess(TZ="Europe/Paris").place == "FR"


def test_a_client_setting_is_not_a_place(machine: Machine) -> None:
    """AWS_REGION on a laptop says which region its owner talks to."""
    found = machine.localtime("/usr/share/zoneinfo/Europe/Paris").guess(
        AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1"
    )
    assert found.place == "FR"
    assert found.how.startswith("guessed from the time zone Europe/Paris (AWS_REGION is set but not used")
    found = machine.guess(TZ="UTC", CLOUDSDK_COMPUTE_REGION="us-central1")
    assert found.place == "FR"
    assert "CLOUDSDK_COMPUTE_REGION is set but not used" in found.how


@pytest.mark.parametrize(
    ("file", "words", "environ", "place"),
    [
        ("sys_vendor", "Amazon EC2\n", {"AWS_REGION": "eu-north-1"}, "aws:eu-north-1"),
        ("sys_vendor", "Amazon EC2\n", {"AWS_DEFAULT_REGION": "eu-north-1"}, "aws:eu-north-1"),
        ("chassis_asset_tag", AZURE_TAG, {"AZURE_REGION": "uksouth"}, "azure:uksouth"),
        ("product_name", "Google Compute Engine", {"CLOUDSDK_COMPUTE_ZONE": "europe-west4-c"}, "gcp:europe-west4"),
    ],
)
def test_a_variable_counts_on_the_providers_own_machine(
    machine: Machine, file: str, words: str, environ: dict[str, str], place: str
) -> None:
    found = machine.write(f"sys/class/dmi/id/{file}", words).guess(TZ="Europe/Paris", **environ)
    assert found.place == place
    assert found.how.startswith(f"from {next(iter(environ))} on a machine of {place.partition(':')[0]}")


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"AWS_REGION": "eu-west-3", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}, "aws:eu-west-3"),
        ({"AWS_REGION": "eu-west-3", "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"}, "aws:eu-west-3"),
        ({"REGION_NAME": "West Europe", "WEBSITE_SITE_NAME": "shop"}, "azure:westeurope"),
        ({"CLOUD_ML_REGION": "us-west1", "CLOUD_ML_JOB_ID": "7"}, "gcp:us-west1"),
    ],
)
def test_a_variable_counts_in_the_providers_own_runtime(machine: Machine, environ: dict[str, str], place: str) -> None:
    assert machine.guess(**environ).place == place


def test_a_region_too_new_for_the_table_is_said_on_the_providers_machine_alone(machine: Machine) -> None:
    assert "not in our table" not in machine.guess(TZ="Europe/Paris", AWS_REGION="mars-1").how
    found = machine.write("sys/class/dmi/id/sys_vendor", "Amazon EC2\n").guess(TZ="Europe/Paris", AWS_REGION="mars-1")
    assert found.how == "guessed from the time zone Europe/Paris (AWS_REGION names a region that is not in our table)"


def test_another_providers_variable_does_not_count(machine: Machine) -> None:
    machine.write("sys/class/dmi/id/sys_vendor", "Amazon EC2")
    assert machine.guess(CLOUDSDK_COMPUTE_REGION="us-central1", TZ="Europe/Paris").place == "FR"


@pytest.mark.parametrize(
    ("tz", "place"),
    [
        ("Europe/Paris", "FR"),
        (":Europe/Paris", "FR"),
        ("/usr/share/zoneinfo/Europe/Paris", "FR"),
        (":/usr/share/zoneinfo/posix/Europe/Paris", "FR"),
        ("Europe/Kiev", "UA"),
        ("Asia/Calcutta", "IN"),
        ("US/Eastern", "US"),
        ("America/Toronto", "CA"),
        ("Europe/Zurich", "CH"),
        ("Pacific/Auckland", "NZ"),
    ],
)
def test_a_time_zone_names_a_country(machine: Machine, tz: str, place: str) -> None:
    found = machine.guess(TZ=tz)
    assert found.place == place
    assert (
        found.how == f"guessed from the time zone {tz.split('zoneinfo/')[-1].removeprefix('posix/').removeprefix(':')}"
    )
    assert found.intensity_range == grid.intensity(place).intensity_range


@pytest.mark.parametrize(
    ("tz", "place", "others"),
    [
        ("EST5EDT", "US", ("CA",)),
        ("PST8PDT", "US", ("CA", "MX")),
        ("EET", "EUROPE", ("FI", "RO")),
        ("CET", "EUROPE", ("FR", "NO", "PL", "DE")),
    ],
)
def test_an_ambiguous_zone_says_so_and_covers_its_countries(
    machine: Machine, tz: str, place: str, others: tuple[str, ...]
) -> None:
    found = machine.guess(TZ=tz)
    assert found.place == place
    assert found.how.startswith(f"guessed from the time zone {tz}, an ambiguous one")
    low, high = found.intensity_range
    for code in (place, *others):
        assert low <= grid.intensity(code).intensity_range[0]
        assert grid.intensity(code).intensity_range[1] <= high
    assert len(found.how) < 200


@pytest.mark.parametrize(("tz", "place"), [("Europe/Stockholm", "SE"), ("Europe/Berlin", "DE"), ("Asia/Dubai", "AE")])
def test_a_zone_of_another_name_is_not_ambiguous(machine: Machine, tz: str, place: str) -> None:
    """Stockholm's clock is Berlin's, but nobody outside Sweden sets it by that name."""
    found = machine.guess(TZ=tz)
    assert found.intensity_range == grid.intensity(place).intensity_range
    assert found.how == f"guessed from the time zone {tz}"


@pytest.mark.parametrize(
    "target",
    [
        "/usr/share/zoneinfo/Europe/Madrid",
        "../usr/share/zoneinfo/Europe/Madrid",
        "/var/db/timezone/zoneinfo/Europe/Madrid",
    ],
)
def test_the_localtime_link(machine: Machine, target: str) -> None:
    found = machine.localtime(target).guess()
    assert (found.place, found.how) == ("ES", "guessed from the time zone Europe/Madrid")


def test_a_localtime_link_by_way_of_another_link(machine: Machine) -> None:
    zone = machine.root / "usr/share/zoneinfo/Europe/Madrid"
    machine.write("usr/share/zoneinfo/Europe/Madrid", b"TZif")
    (machine.root / "static").symlink_to(zone)
    assert machine.localtime(str(machine.root / "static")).guess().place == "ES"


def test_the_timezone_file_where_localtime_is_a_copy(machine: Machine) -> None:
    machine.write("etc/localtime", b"TZif2\0").write("etc/timezone", "Europe/Lisbon\n")
    assert machine.guess().place == "PT"


def test_a_zone_without_a_place_gives_way_to_one_with(machine: Machine) -> None:
    assert machine.localtime("/usr/share/zoneinfo/Europe/Paris").guess(TZ="UTC").place == "FR"
    assert machine.guess(TZ="Asia/Tokyo").place == "JP"


@pytest.mark.parametrize(
    "tz", ["UTC", "Etc/UTC", "Etc/GMT-1", "GMT", "CET-1CEST,M3.5.0,M10.5.0/3", "Factory", "Nowhere/Town", "Zulu"]
)
def test_a_zone_of_no_country_is_the_world(machine: Machine, tz: str) -> None:
    found = machine.guess(TZ=tz)
    assert found.place == "WORLD"
    assert found.how == f'place unknown: world average (the time zone "{tz}" names no country)'
    assert found.intensity_range == grid.intensity("world").intensity_range


def test_a_country_without_a_figure_is_the_world(machine: Machine) -> None:
    found = machine.guess(TZ="Pacific/Palau")
    assert found.place == "WORLD"
    assert found.how == "place unknown: world average (there is no figure for the time zone Pacific/Palau)"


def test_nothing_known_is_the_world(machine: Machine) -> None:
    found = grid.guess({}, machine.root / "nothing here")
    assert (found.place, found.how) == ("WORLD", "place unknown: world average")


@given(
    st.dictionaries(
        st.sampled_from(["TZ", "AWS_REGION", "REGION_NAME", "WEBSITE_SITE_NAME", "CLOUDSDK_COMPUTE_ZONE"]), st.text()
    )
)
def test_no_environment_raises(environ: dict[str, str]) -> None:
    found = grid.guess(environ, Path("/nonexistent"))
    assert found.how.isprintable()
    assert len(found.how) < 400


@pytest.mark.parametrize(
    "value", ["\0", "\ud800", "x" * 10**6, "../../etc/passwd", "/", ":", "Europe/Paris\n", "Europe/Paris,"]
)
def test_hostile_settings(machine: Machine, value: str) -> None:
    machine.write("etc/timezone", value.encode("utf-8", "surrogatepass"))
    found = machine.guess(TZ=value, AWS_REGION=value, AWS_EXECUTION_ENV="x")
    assert found.how.isprintable()
    assert len(found.how) < 300


def test_an_environment_of_the_wrong_kind_is_passed_over(machine: Machine) -> None:
    environ: Any = {"TZ": 7, "AWS_REGION": None, "AWS_EXECUTION_ENV": b"x"}
    assert grid.guess(environ, machine.root).place == "WORLD"


@pytest.mark.parametrize(
    "path", ["run/cloud-init/instance-data.json", "etc/timezone", "etc/localtime", "sys/class/dmi/id/sys_vendor"]
)
def test_a_folder_where_a_file_should_be(machine: Machine, path: str) -> None:
    (machine.root / path).mkdir(parents=True)
    assert machine.guess(AWS_REGION="eu-west-1").place == "WORLD"


def test_windows_is_asked_through_tzlocal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tzlocal:
        @staticmethod
        def get_localzone_name() -> str:
            return "Europe/Oslo"

    assert grid.guess({"TZ": "Europe/Oslo"}).place == "NO"  # the tables are read now, before no file can be opened
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "tzlocal", Tzlocal)
    monkeypatch.setattr(os, "readlink", lambda path: (_ for _ in ()).throw(FileNotFoundError(path)))
    monkeypatch.setattr(Path, "open", lambda self, **_: (_ for _ in ()).throw(FileNotFoundError(self)))
    found = grid.guess({})
    assert (found.place, found.how) == ("NO", "guessed from the time zone Europe/Oslo")


def test_this_machine_is_somewhere() -> None:
    found = grid.guess(os.environ)
    assert found.intensity_g_per_kwh > 0
    assert found.how


def test_a_guess_is_cheap_and_opens_no_socket() -> None:
    """Cold, in a fresh interpreter that has loaded what IPython has. CPU time, best of three."""
    code = """
import csv, dataclasses, io, json, pathlib, re, socket, time, typing, unicodedata
def forbidden(*a, **k): raise AssertionError("a socket")
socket.socket = socket.create_connection = socket.getaddrinfo = forbidden
from carbon_magic import grid
from carbon_magic.grid.place import looks
a = time.process_time()
grid.guess({"TZ": "Europe/Berlin"})
print(time.process_time() - a)
"""
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    assert min(map(float, runs)) < 0.015, "3 ms on a quiet machine"


PLACES = {"Jean-Zay": "FR", "hub.example.org": "aws:eu-north-1", "bad": "Atlantis"}


@pytest.mark.parametrize(
    ("environ", "place", "words"),
    [
        ({"SLURM_CLUSTER_NAME": "jean-zay"}, "FR", 'the Slurm cluster "jean-zay", whose place is set'),
        ({"SLURM_SUBMIT_HOST": "login1.hub.example.org"}, "aws:eu-north-1", 'the Slurm cluster "login1.hub.example.org"'),
        ({"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example.org/"}, "aws:eu-north-1", 'the JupyterHub "hub.example.org"'),
        ({"JUPYTERHUB_HOST": "https://user.HUB.example.org:443"}, "aws:eu-north-1", "the JupyterHub"),
    ],
)  # fmt: skip
def test_a_cluster_or_hub_whose_place_is_set(machine: Machine, environ: dict[str, str], place: str, words: str) -> None:
    machine.localtime("/usr/share/zoneinfo/Asia/Tokyo")
    found = grid.guess(environ, machine.root, PLACES)
    assert found.place == place
    assert words in found.how
    assert machine.cloud_init(cloud_name="aws", region="eu-west-1").guess(**environ).place == "aws:eu-west-1"


@pytest.mark.parametrize(
    "environ",
    [
        {"SLURM_CLUSTER_NAME": "other"},
        {"SLURM_CLUSTER_NAME": "bad"},
        {"JUPYTERHUB_HOST": "https://hub.other.fr", "JUPYTERHUB_USER": "ann"},
        {"JUPYTERHUB_API_URL": "http://hub:8081/hub/api"},
    ],
)
def test_a_name_that_nobody_explained_is_no_place_and_the_way_to_set_it_is_said(
    machine: Machine, environ: dict[str, str]
) -> None:
    machine.localtime("/usr/share/zoneinfo/Asia/Tokyo")
    found = grid.guess(environ, machine.root, PLACES)
    assert found.place == "JP"
    assert 'does not say where it stands: the setting "places" can' in found.how


@pytest.mark.parametrize("value", ["\0", "https://[", "x" * 10**6, "//", "\ud800", "http://\u202e"])
def test_hostile_names_of_clusters(machine: Machine, value: str) -> None:
    environ = {"SLURM_CLUSTER_NAME": value, "JUPYTERHUB_HOST": value, "TZ": "Europe/Paris"}
    found = grid.guess(environ, machine.root, PLACES)
    assert found.place == "FR"
    assert found.how.isprintable()
    assert len(found.how) < 400


def test_every_way_is_told_in_order(machine: Machine) -> None:
    machine.cloud_init(cloud_name="aws", region="mars-north-1").localtime("/usr/share/zoneinfo/Europe/Paris")
    found = list(looks({"AWS_REGION": "us-east-1", "SLURM_CLUSTER_NAME": "jean-zay"}, machine.root, PLACES))
    assert [look.way for look in found] == ["cloud-init", "provider's variables", "Slurm", "JupyterHub", "time zone"]
    assert [look.found.place if look.found else None for look in found] == [None, None, "FR", None, "FR"]
    assert "not in our table" in found[0].asides[0]
    assert "AWS_REGION is set but not used" in found[1].asides[0]
    assert found[3].asides == ()
