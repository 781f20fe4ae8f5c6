"""The NeurIPS paper checklist's answer on compute resources, which asks for failed experiments too.

The guidelines (neurips.cc/public/guides/PaperChecklist, Experiments Compute Resources) want the type of workers and
their memory, the compute of each run and the total, and whether the project took more than what is reported.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from ... import units
from .. import project_words as say
from . import wording
from .latex import escape

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """The answer and its justification, with the commands of the checklist's own LaTeX."""
    said = " ".join(map(escape, sentences(facts)))
    return f"\\item[] Answer: \\answerYes{{}}\n\\item[] Justification: {said}\n"


def sentences(facts: Facts) -> list[str]:
    """What the guidelines ask for, in their order."""
    project = facts.project
    workers = wording.several(list(facts.hardware)) if facts.hardware else "a machine that was not recorded"
    clouds = [wording.CLOUDS[cloud] for part in facts.grids if (cloud := wording.cloud(part.place))]
    said = [f"Compute workers: {workers}."]
    said += [f"Cloud provider: {wording.several(list(dict.fromkeys(clouds)))}."] if clouds else []
    for one in project.groups("stage"):
        times = [e.duration_s for e in project.entries if (e.stage or None) == one.key]
        each = f"{units.duration(median(times))} each (median)" if len(times) > 1 else units.duration(times[0])
        stage = say.group_name(one.key, "stage")
        said.append(f"{stage[0].upper()}{stage[1:]}: {say.counted(len(times), 'run')}, {each}.")
    lost = say.losses(project.total)
    said.append(
        f"In total {say.counted(len(project.entries), 'run')}{f' ({lost})' if lost else ''}, {_hours(facts)}, "
        f"{wording.number(project.energy_kwh)} kWh (90 % range {wording.span(*project.energy_kwh_range)} kWh; "
        f"{wording.known(facts)}) and {wording.number(project.co2e_kg)} kg CO2e ({wording.pue(facts)}; "
        f"{wording.several([wording.grid(part, len(facts.grids) > 1) for part in facts.grids])})."
    )
    return [*said, _more(facts), wording.tool(facts)]


def _hours(facts: Facts) -> str:
    if facts.project.gpu_hours > 0:
        return f"{wording.number(facts.project.gpu_hours)} GPU-hours"
    return f"{wording.number(facts.hours)} hours"


def _more(facts: Facts) -> str:
    """Whether the whole project took more than what is reported."""
    project = facts.project
    if project.multiplier is None or not project.final_energy_j:
        return (
            "These are all runs of the project, preliminary, failed and interrupted ones included; which of them are "
            "reported in the paper is not marked."
        )
    if project.multiplier < 1.0005:
        return "The project took no more than the runs that are reported."
    return (
        f"The full project took {wording.number(project.multiplier)} times the energy of the final runs that are "
        f"reported ({wording.number(project.final_energy_j / units.J_PER_KWH)} kWh): the rest is preliminary, "
        "tuning, failed and interrupted experiments."
    )
