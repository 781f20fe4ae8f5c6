"""Software Carbon Intensity (ISO/IEC 21031:2024): SCI = ((E x I) + M) per R. Offsets do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plain import plain
from . import wording
from .markdown import escape

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts


def write(facts: Facts, options: Options) -> str:
    """The four terms, the score, and what they stand for. ValueError in a sentence for a count that is none."""
    project = facts.project
    unit, count = plain(options.unit, 60) if options.unit else "run", options.count
    if count is None:
        if options.unit:
            raise ValueError(f"how many {unit!r} the project's work was is missing: --count NUMBER")
        count = float(len(project.entries))
    if not 0 < count < float("inf"):
        raise ValueError(f"a count of functional units is a number above zero, not {count:g}")
    made = facts.embodied_g or 0.0
    low, high = project.co2e_g_range
    ends = wording.span((low + made) / count, (high + made) / count)
    absent = "not given, so not included: the score is of the operation alone"
    number = wording.number
    grids = escape(wording.several([wording.grid(part, len(facts.grids) > 1) for part in facts.grids]))
    score = f"{number((project.co2e_g + made) / count)} gCO2e per {escape(unit)}"
    how = f"energy × PUE {facts.mean_pue:.3g}; {wording.known(facts)}"
    lines = [
        f"- **E** {number(facts.facility_kwh)} kWh ({how})",
        f"- **I** {number(facts.intensity_g_per_kwh)} gCO2e/kWh ({grids})",
        f"- **M** {absent if facts.embodied_g is None else f'{number(made)} gCO2e'}",
        f"- **R** {number(count, digits=6)} × {escape(unit)}",
        f"- **SCI** = ((E × I) + M) per R = **{score}** (90 % range {ends})",
    ]
    said = " ".join(map(escape, (wording.scope(facts), wording.development(facts), wording.tool(facts))))
    return "\n".join(lines) + f"\n\n{said}\n"
