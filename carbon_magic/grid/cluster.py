"""Which cluster or hub this process runs on. Both tell their names and neither says where it stands.

So a name counts only where the setting `places` says what it means ("jean-zay=FR, hub.example.org=DE"): somebody who
runs the cluster sets it once for all, by CARBON_MAGIC_PLACES. A hub's top-level domain is no evidence: .ai and .org
stand anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .lookup import find
from .words import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .figure import Intensity

_SLURM = ("SLURM_CLUSTER_NAME", "SLURM_SUBMIT_HOST")
_HUBS = (
    "JUPYTERHUB_PUBLIC_HUB_URL",
    "JUPYTERHUB_PUBLIC_URL",
    "JUPYTERHUB_HOST",
    "BINDER_LAUNCH_HOST",
    "JUPYTERHUB_API_URL",
)
_LONGEST = 300


def from_slurm(environ: Mapping[str, str], places: Mapping[str, str], asides: list[str]) -> Intensity | None:
    """By the name of the Slurm cluster, or of the machine that the job was sent from."""
    return _from("the Slurm cluster", [_text(environ.get(name)) for name in _SLURM], places, asides)


def from_hub(environ: Mapping[str, str], places: Mapping[str, str], asides: list[str]) -> Intensity | None:
    """By the address of the JupyterHub that started this server."""
    hosts = [_host(_text(environ.get(name))) for name in _HUBS]
    if not any(hosts) and not environ.get("JUPYTERHUB_USER"):
        return None
    return _from("the JupyterHub", hosts, places, asides)


def _from(what: str, names: Sequence[str], places: Mapping[str, str], asides: list[str]) -> Intensity | None:
    known = {name.casefold(): place for name, place in places.items()}
    for name in filter(None, names):
        # hub.example.org is in example.org too.
        parts = name.casefold().split(".")
        for i in range(len(parts)):
            found = find(known.get(".".join(parts[i:]), ""))
            if found is not None:
                return replace(found, how=f"{what} {shown(name)}, whose place is set")
    first = next(filter(None, names), "")
    if first:
        asides.append(f'{what} {shown(first)} does not say where it stands: the setting "places" can')
    return None


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) and len(value) < _LONGEST else ""
