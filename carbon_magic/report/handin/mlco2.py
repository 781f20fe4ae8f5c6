"""The fields of the ML CO2 Impact calculator, as model cards have them, and its sentence with measured figures.

Lacoste et al. 2019 (arXiv:1910.09700), mlco2.github.io/impact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import wording
from .markdown import escape

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts

_PRIVATE = "private infrastructure"


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """Five fields, then how they are known."""
    project = facts.project
    clouds = (wording.cloud(part.place) for part in facts.grids)
    providers = list(dict.fromkeys(wording.CLOUDS[cloud] if cloud else _PRIVATE for cloud in clouds))
    gpus = project.gpu_hours > 0
    hours = f"{wording.number(project.gpu_hours)} (GPU-hours)" if gpus else wording.number(facts.hours)
    fields = {
        "Hardware Type": wording.several(list(facts.hardware)) if facts.hardware else "not recorded",
        "Hours used": hours,
        "Cloud Provider": wording.several(providers),
        "Compute Region": wording.several([_region(part.place, part.name) for part in facts.grids]),
        "Carbon Emitted": f"{wording.number(project.co2e_kg)} kg CO2e "
        f"(90 % range {wording.span(*project.co2e_kg_range)} kg)",
    }
    lines = [f"- **{name}:** {escape(value)}" for name, value in fields.items()]
    efficiency = wording.number(facts.intensity_g_per_kwh / 1000)
    said = [
        f"A carbon efficiency of {efficiency} kg CO2e/kWh.",
        wording.scope(facts),
        wording.energy(facts),
        wording.emissions(facts),
        wording.development(facts),
        "Nothing of it was offset as far as is recorded here.",
        wording.tool(facts),
    ]
    return "\n".join(lines) + "\n\n" + " ".join(escape(text) for text in said if text) + "\n"


def _region(place: str, name: str) -> str:
    return place.partition(":")[2] if wording.cloud(place) else name
