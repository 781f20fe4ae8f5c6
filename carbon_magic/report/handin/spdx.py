"""The energy of an AI package in SPDX 3.0.1, as its JSON form of JSON-LD.

Model: spdx.org/rdf/3.0.1, classes AI/AIPackage, AI/EnergyConsumption and AI/EnergyConsumptionDescription. The AI
profile wants a licence, which is the author's to say, so only "core" is claimed. Elements stand in the graph and
are named by their spdxId; what is no element is inline.
"""

from __future__ import annotations

import json
import time
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...units import J_PER_KWH
from ..plain import plain
from . import wording

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_CREATION = "_:creationinfo"


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """A document with one AI package."""
    seed = "\n".join((facts.version, facts.project.name, *(entry.id for entry in facts.project.entries)))
    base = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, seed.encode('utf-8', 'backslashreplace').decode())}"
    agent, tool, package = (f"{base}#{part}" for part in ("agent", "tool", "package"))
    graph = [
        {
            "type": "CreationInfo",
            "@id": _CREATION,
            "specVersion": "3.0.1",
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "createdBy": [agent],
            "createdUsing": [tool],
        },
        _element("SoftwareAgent", agent, name="carbon_magic"),
        _element("Tool", tool, name=f"carbon_magic {facts.version}"),
        _element("SpdxDocument", base, profileConformance=["core"], rootElement=[package]),
        _element(
            "ai_AIPackage",
            package,
            name=plain(facts.project.name, 120),
            software_primaryPurpose="model",
            ai_informationAboutTraining=" ".join(wording.paragraph(facts)),
            ai_energyConsumption=_consumption(facts),
            comment=_comment(facts),
        ),
    ]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=2, ensure_ascii=False) + "\n"


def _element(kind: str, name_of: str, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "spdxId": name_of, "creationInfo": _CREATION, **properties}


def _consumption(facts: Facts) -> dict[str, Any]:
    """The stage "tune" as fine-tuning, all the rest as training: the two add up to everything."""
    tuning = facts.project.tuning
    tuned_j = tuning.energy_j if tuning is not None else 0.0
    found: dict[str, Any] = {"type": "ai_EnergyConsumption"}
    if facts.project.energy_j > tuned_j or tuning is None:
        found["ai_trainingEnergyConsumption"] = [_description(max(0.0, facts.project.energy_j - tuned_j))]
    if tuning is not None:
        found["ai_finetuningEnergyConsumption"] = [_description(tuned_j)]
    return found


def _description(joules: float) -> dict[str, str]:
    """A quantity is an xsd:decimal: never with an exponent."""
    quantity = f"{Decimal(f'{joules / J_PER_KWH:.6g}'):f}"
    return {
        "type": "ai_EnergyConsumptionDescription",
        "ai_energyQuantity": quantity,
        "ai_energyUnit": "kilowattHour",
    }


def _comment(facts: Facts) -> str:
    low, high = facts.project.energy_kwh_range
    return (
        f"Energy of the machines before PUE, failed and interrupted runs included; 90 % range of the total "
        f"{wording.span(low, high)} kWh; {wording.known(facts)}; {wording.pue(facts)}. Fine-tuning is the stage "
        "'tune', hyperparameter search included; training is everything else. The AI profile also wants a licence, "
        "releaseTime, suppliedBy, downloadLocation and packageVersion, which are for the author to add."
    )
