"""vcpu_power.csv: watts of a virtual CPU by the server's microarchitecture. cloud_families.csv: which one a family has.

A cloud's instance type names a family ("m6i" of m6i.2xlarge), a family has one processor, and a processor has a
microarchitecture. Rows stay out where the collected list stands under AGPL alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from .table import Row, figure, read

if TYPE_CHECKING:
    from pathlib import Path

POWER_COLUMNS = ("microarchitecture", "idle_w", "full_w", "source")
FAMILY_COLUMNS = ("family", "microarchitecture", "source")
_SOURCE = "ccf_coefficients"
# Of three lists of instances these rows are in the Apache-licensed one, whether or not in others too.
_PERMISSIVE = ("inst_1", "inst_3", "inst_5")
# Four times the generation before it, out of a handful of machines: not to be believed.
_OUTLIERS = ("EPYC 5th Gen",)
# Each cloud's figure differs from the others' in the share of machines it buys, by less than a tenth.
_PROVIDERS = ("aws", "gcp", "azure")
# The makers' own code names of the processors that the clouds name.
_MICROARCHITECTURES = {
    "Sandy Bridge": r"E5-26(70|65)$",
    "Ivy Bridge": r"E5-26\d\d V2$",
    "Haswell": r"E[57]-\d{4} V3$",
    "Broadwell": r"E[57]-\d{4} V4$",
    "Skylake": r"Platinum 8(175M|124M|151|176M|173M)$",
    "Cascade Lake": r"Platinum 8(259CL|275CL|252C|273CL|280L)$|Gold 6253CL$|Cascade Lake$",
    "Ice Lake": r"Platinum 8(375C|373C)$|Ice Lake$",
    "Sapphire Rapids": r"Platinum 8(488C|481C|490H)$|6455B$|Sapphire Rapids$",
    "Emerald Rapids": r"Platinum 8(559C|581C)$|Emerald Rapids$",
    "Granite Rapids": r"Granite Rapids",
    "Coffee Lake": r"i7-8700B$",
    "EPYC 1st Gen": r"EPYC 7571$",
    "EPYC 2nd Gen": r"EPYC 7(R32|B12)$",
    "EPYC 3rd Gen": r"EPYC 7(R13|B13)$",
    "EPYC 4th Gen": r"EPYC 9(R14|B14)$",
    "Graviton2": r"Graviton2$",
    "Graviton3": r"Graviton3$",
    "Graviton3E": r"Graviton3E$",
    "Graviton4": r"Graviton4$",
}


def power(facts: Path) -> list[Row]:
    """Watts at rest and at full load for one virtual CPU, by microarchitecture."""
    rows: dict[str, Row] = {}
    for fact in sorted(read(facts / "vcpu_coefficients.csv"), key=lambda fact: _PROVIDERS.index(fact["provider"])):
        name = fact["microarchitecture"]
        if name not in _OUTLIERS and name not in rows:
            idle, full = figure(fact["idle_w_per_vcpu"]), figure(fact["full_load_w_per_vcpu"])
            rows[name] = {"microarchitecture": name, "idle_w": idle, "full_w": full, "source": _SOURCE}
    return [rows[name] for name in sorted(rows)]


def families(facts: Path) -> list[Row]:
    """The microarchitecture of each family of instances; where it has had several, the one of most of its sizes."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for fact in read(facts / "cloud_instances.csv"):
        name = _microarchitecture(fact["cpu_name"])
        if fact["source_key"] in _PERMISSIVE and name:
            seen[f"{fact['provider']}:{family(fact['provider'], fact['instance_type'])}"][name] += 1
    rows = [(key, max(sorted(names), key=names.__getitem__)) for key, names in sorted(seen.items())]
    return [{"family": key, "microarchitecture": name, "source": _SOURCE} for key, name in rows]


def family(provider: str, instance: str) -> str:
    """The family in the name of an instance type: "m6i" of m6i.2xlarge, "n2d" of n2d-standard-8."""
    return instance.lower().partition("." if provider == "aws" else "-")[0]


def _microarchitecture(cpu: str) -> str:
    return next((name for name, words in _MICROARCHITECTURES.items() if re.search(words, cpu, re.IGNORECASE)), "")
