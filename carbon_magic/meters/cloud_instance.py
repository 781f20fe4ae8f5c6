"""Which cloud's machine this is and what stands behind its virtual CPUs, by what is on the machine: no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import data
from ..ranges import Range
from .power_curve import PowerCurve

RANGE: Range = (0.5, 2.5)
"""90 % of truth ÷ figure. Below: the processor alone, as its TDP tells it, is 0.6 to 0.9 of these figures. Above: what
Teads (2021) published for 449 of the same instance types, the machine's overhead included, is 2.5-fold in the middle
at full load. The figures come from SPECpower_ssj2008, for which makers configure a server frugally."""
_LARGEST_FILE = 1 << 20
_AZURE = ("Microsoft Corporation", "7783-7084-3265-9085-8269-3286-77")
"""Azure's chassis tag, which other machines of Hyper-V do not have."""

# Family and model of the processors that clouds have, as the kernel's arch/x86/include/asm/intel-family.h and AMD's
# processor programming references number them; a virtual machine is told these even where it is not told a name.
_INTEL = {
    45: "Sandy Bridge",
    62: "Ivy Bridge",
    63: "Haswell",
    79: "Broadwell",
    106: "Ice Lake",
    143: "Sapphire Rapids",
    207: "Emerald Rapids",
    173: "Granite Rapids",
}
_INTEL_SKYLAKE, _CASCADE_LAKE_STEPPING = 85, 5
_AMD = (
    (23, 1, 47, "EPYC 1st Gen"),
    (23, 48, 63, "EPYC 2nd Gen"),
    (25, 0, 15, "EPYC 3rd Gen"),
    (25, 16, 31, "EPYC 4th Gen"),
)
"""Family, first and last model."""


class Instance(NamedTuple):
    """A cloud's machine; each is "" where it is not told."""

    provider: str
    type: str


def find(root: Path) -> Instance:
    """By the firmware's words and by what cloud-init learned at boot."""
    vendor, product = (_text(_line(root / "sys/class/dmi/id" / name)) for name in ("sys_vendor", "product_name"))
    v1, ds = (_mapping(_init_data(root).get(key)) for key in ("v1", "ds"))
    meta = _mapping(ds.get("meta_data"))
    cloud = _text(v1.get("cloud_name")) or _text(v1.get("cloud_id"))
    if vendor == "Amazon EC2" or cloud == "aws":
        # Nitro machines carry their type as the product's name; Xen ones say "HVM domU".
        named = product if re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", product) else ""
        return Instance("aws", _text(meta.get("instance-type")) or named)
    if product == "Google Compute Engine" or cloud == "gce":
        return Instance("gcp", _text(meta.get("machine-type")).rpartition("/")[2])
    if cloud == "azure" or (vendor == _AZURE[0] and _line(root / "sys/class/dmi/id/chassis_asset_tag") == _AZURE[1]):
        compute = _mapping(_mapping(meta.get("imds")).get("compute"))
        return Instance("azure", _text(compute.get("vmSize")))
    return Instance("", "")


def curve(instance: Instance, cpuinfo: str, vcpus: int) -> PowerCurve | None:
    """Watts of so many virtual CPUs, by the instance's name, else by the processor that cpuinfo tells."""
    by_name = data.find("cloud_families", f"{instance.provider}:{_family(instance)}") if instance.type else None
    name = by_name["microarchitecture"] if by_name else microarchitecture(cpuinfo)
    row = data.find("vcpu_power", name) if name else None
    if row is None:
        return None
    who = f"{instance.provider.upper()} {instance.type}" if by_name else f"{vcpus} virtual CPUs"
    idle_w, full_w = (vcpus * float(row[column]) for column in ("idle_w", "full_w"))
    return PowerCurve(
        f"{who} ({name})",
        (0.0, 1.0),
        (idle_w, full_w),
        (RANGE[0] * idle_w, RANGE[0] * full_w),
        (RANGE[1] * idle_w, RANGE[1] * full_w),
        ("its part of the server's memory, board and power supply is in this figure, from SPECpower results",),
        ("dram",),
    )


def microarchitecture(cpuinfo: str) -> str:
    """As data/vcpu_power.csv names it; "" for what is not in it."""
    family, model, stepping = (_number(cpuinfo, name) for name in ("cpu family", "model", "stepping"))
    if "GenuineIntel" in cpuinfo and family == 6:
        if model == _INTEL_SKYLAKE:
            return "Skylake" if stepping < _CASCADE_LAKE_STEPPING else "Cascade Lake"
        return _INTEL.get(model, "")
    if "AuthenticAMD" in cpuinfo:
        return next((name for f, first, last, name in _AMD if f == family and first <= model <= last), "")
    return ""


def _family(instance: Instance) -> str:
    return instance.type.lower().partition("." if instance.provider == "aws" else "-")[0]


def _number(cpuinfo: str, name: str) -> int:
    match = re.search(rf"^{name}\s*:\s*(\d+)$", cpuinfo, re.MULTILINE)
    return int(match[1]) if match else -1


def _init_data(root: Path) -> Mapping[str, Any]:
    """What cloud-init lets everybody read; empty where there is none."""
    try:
        with (root / "run/cloud-init/instance-data.json").open("rb") as file:
            text = file.read(_LARGEST_FILE)
        import json

        return _mapping(json.loads(text))
    except (OSError, ValueError, RecursionError):
        return {}


def _line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(200).strip()
    except OSError:
        return ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) and len(value) < 100 else ""
