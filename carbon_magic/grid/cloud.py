"""Which cloud region this machine is in, by what the cloud left on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .lookup import find

if TYPE_CHECKING:
    from pathlib import Path

    from .figure import Intensity

_LARGEST_FILE = 1 << 20


class _Provider(NamedTuple):
    """How a provider's machines can be told from a client of the provider."""

    name: str
    regions: tuple[str, ...]
    """Variables that name a region. On any other machine they say which region to talk to, not where it stands."""
    runtimes: tuple[str, ...]
    """Variables that the provider's own runtimes set."""
    firmware: tuple[str, str]
    """A file of /sys/class/dmi/id that everybody may read, and what it says there."""


_PROVIDERS = (
    _Provider(
        "aws",
        ("AWS_REGION", "AWS_DEFAULT_REGION"),
        ("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "ECS_CONTAINER_METADATA_URI_V4", "AWS_BATCH_JOB_ID"),
        ("sys_vendor", "Amazon EC2"),
    ),
    _Provider(
        "azure",
        ("REGION_NAME", "AZURE_REGION", "AZURE_LOCATION"),
        ("WEBSITE_SITE_NAME", "AZUREML_RUN_ID"),
        ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
    ),
    _Provider(
        "gcp",
        (
            "GOOGLE_CLOUD_REGION",
            "CLOUD_ML_REGION",
            "FUNCTION_REGION",
            "CLOUDSDK_COMPUTE_REGION",
            "CLOUDSDK_COMPUTE_ZONE",
        ),
        ("CLOUD_ML_JOB_ID", "K_SERVICE"),
        ("product_name", "Google Compute Engine"),
    ),
)


def from_cloud_init(root: Path, asides: list[str]) -> Intensity | None:
    """By what cloud-init learned from the provider when this machine was booted."""
    v1 = _mapping(_mapping(_json(root / "run/cloud-init/instance-data.json")).get("v1"))
    for place in (_text(v1.get("region")), _text(v1.get("availability_zone"))):
        for cloud in ("cloud_name", "platform", "cloud_id"):
            found = _region(_text(v1.get(cloud)), place)
            if found is not None:
                return replace(found, how=f"from this VM's cloud-init data: {found.place.replace(':', ' ')}")
    if v1.get("region"):
        asides.append("cloud-init names a region that is not in our table")
    return None


def from_variables(environ: Mapping[str, str], root: Path, asides: list[str]) -> Intensity | None:
    """By a variable that names a region, where firmware or runtime shows that the machine is the provider's."""
    for provider in _PROVIDERS:
        for variable in provider.regions:
            found = _region(provider.name, _text(environ.get(variable)))
            if found is None:
                if environ.get(variable) and _is_of(provider, environ, root):
                    asides.append(f"{variable} names a region that is not in our table")
                continue
            if _is_of(provider, environ, root):
                return replace(
                    found, how=f"from {variable} on a machine of {provider.name}: {found.place.partition(':')[2]}"
                )
            asides.append(f"{variable} is set but not used: nothing else says that this machine is of {provider.name}")
            break
    return None


def _is_of(provider: _Provider, environ: Mapping[str, str], root: Path) -> bool:
    if any(environ.get(variable) for variable in provider.runtimes):
        return True
    file, words = provider.firmware
    try:
        with (root / "sys/class/dmi/id" / file).open(encoding="utf-8", errors="replace") as stream:
            return stream.read(200).strip() == words
    except OSError:
        return False


def _region(cloud: str, place: str) -> Intensity | None:
    """A provider's region by its name, or by the name of a zone within it."""
    if not cloud or not place:
        return None
    return next((found for name in _forms(place) if (found := find(f"{cloud}:{name}")) is not None), None)


def _forms(place: str) -> Iterator[str]:
    """The region a name may mean: "West Europe", "eu-west-1a", "us-west-2-lax-1a", "projects/7/zones/us-east1-b"."""
    name = place.rpartition("/")[2].lower().replace(" ", "")
    yield name
    yield re.sub(r"-?[a-z]$", "", name)
    yield re.sub(r"-\d$", "", name)
    match = re.match(r"[a-z]{2}(?:-gov)?-[a-z]+-\d", name)
    if match:
        yield match[0]


def _json(path: Path) -> Any:
    """What a JSON file holds; None where it cannot be read, is no JSON or is too large to be what it should be."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE)
        import json

        return json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) and len(value) < 100 else ""
