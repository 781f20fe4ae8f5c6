"""A BoAmps report (Boavizta): how much energy a computing task took, on what, where, and how well that is known.

Schemas: github.com/Boavizta/BoAmps, model/report_schema.json and those it refers to. What only the author knows and the
schema demands (the family of the task, the algorithm, the data) says that it is not stated.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from ..plain import plain
from . import wording

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts

FORMAT = "0.1"
NOT_STATED = "not stated"
_STAGES = {"train": "training", "final": "training", "tune": "finetuning", "evaluate": "inference"}
"""Ours in the words of the schema; others stay as they are."""
_CLOUDS = {"gcp": "google", "ovhcloud": "ovh"}


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """One report of the whole project; its description states ranges, PUE and the rest that has no field."""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    report = {
        "header": {
            "formatVersion": FORMAT,
            "formatVersionSpecificationUri": "https://github.com/Boavizta/BoAmps/tree/main/model",
            "reportId": str(uuid.uuid4()),
            "reportDatetime": now,
            "reportStatus": "draft",
            "publisher": {"projectName": plain(facts.project.name, 120), "confidentialityLevel": "internal"},
        },
        "task": {
            "taskStage": "+".join(_stages(facts)),
            "taskFamily": NOT_STATED,
            "algorithms": [{"algorithmName": NOT_STATED}],
            "dataset": [{"dataUsage": "input", "dataType": "other"}],
            "taskDescription": " ".join(wording.paragraph(facts)),
        },
        "measures": [_measure(facts)],
        "software": {"language": "python"},
        "infrastructure": _infrastructure(facts),
        "environment": _environment(facts),
        "quality": quality(facts),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _stages(facts: Facts) -> list[str]:
    found = (one.key for one in facts.project.groups("stage"))
    return list(dict.fromkeys(_STAGES.get(str(key), plain(key, 40)) if key else NOT_STATED for key in found))


def _measure(facts: Facts) -> dict[str, Any]:
    project = facts.project
    devices = [device for run in project.runs for device in run.devices]
    tracked = {
        "cpuTrackingMode": {d.source for d in devices if d.kind == "cpu"},
        "gpuTrackingMode": {d.source for d in devices if d.kind == "gpu"},
    }
    return {
        "measurementMethod": "carbon_magic",
        "version": facts.version,
        **{mode: "; ".join(sorted(plain(s, 80) for s in found)[:3]) for mode, found in tracked.items() if found},
        "powerConsumption": float(f"{project.energy_kwh:.6g}"),
        "measurementDuration": round(project.total.duration_s, 3),
        "measurementDateTime": time.strftime(
            "%Y-%m-%d %H:%M:%S", time.localtime(min(entry.started_at for entry in project.entries))
        ),
    }


def _infrastructure(facts: Facts) -> dict[str, Any]:
    clouds = sorted({cloud for part in facts.grids if (cloud := wording.cloud(part.place))})
    place: dict[str, Any] = {"infraType": "publicCloud" if clouds else "other"}
    if clouds:
        place["cloudProvider"] = "+".join(_CLOUDS.get(cloud, cloud) for cloud in clouds)
    parts = [part for machine in facts.hardware for part in components(machine)]
    return {**place, "components": parts or _by_devices(facts)}


def components(machine: str) -> list[dict[str, Any]]:
    """The parts of a machine as meters/hardware.py describes it: 'CPU, 2 CPUs, 25 GB; 2 × GPU; GPU'."""
    host, *boards = machine.split("; ")
    found: list[dict[str, Any]] = []
    count = re.search(r"(?:^|, )(\d+) CPUs?(?:,|$)", host)
    name = re.split(r"(?:, )?\d+ CPUs?(?:,|$)", host)[0]
    if count or name:
        cpu = {"componentType": "cpu", "nbComponent": int(count[1]) if count else 1}
        found.append({"componentName": name, **cpu} if name else cpu)
    memory = re.search(r"(?:^|, )([\d.]+) GB$", host)
    if memory:
        found.append({"componentType": "ram", "nbComponent": 1, "memorySize": round(float(memory[1]))})
    for board in boards:
        several = re.match(r"(\d+) × (.+)$", board)
        number, title = (int(several[1]), several[2]) if several else (1, board)
        found.append({"componentName": title, "componentType": "gpu", "nbComponent": number})
    return found


def _by_devices(facts: Facts) -> list[dict[str, Any]]:
    """Where no machine was described: what was counted in the largest run."""
    largest = max(facts.project.runs, key=lambda run: len(run.devices))
    names = {"dram": "ram"}
    return [
        {"componentName": plain(d.name, 80), "componentType": names.get(d.kind, d.kind), "nbComponent": 1}
        for d in largest.devices
    ]


def _environment(facts: Facts) -> dict[str, Any]:
    return {
        "country": wording.several([part.name for part in facts.grids]),
        "location": wording.several([part.place for part in facts.grids]),
        "powerSourceCarbonIntensity": float(f"{facts.intensity_g_per_kwh:.4g}"),
    }


def quality(facts: Facts) -> str:
    """By the 90 % range of the energy: within 10, within 25 %, or wider."""
    middle = facts.project.energy_j
    low, high = facts.project.energy_j_range
    wide = max(high - middle, middle - low) / middle if middle > 0 else 1.0
    return "high" if wide <= 0.1 else "medium" if wide <= 0.25 else "low"
