"""What the view and the reports of a project say in words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .. import units
from ..account import choice
from . import words
from .plain import plain

if TYPE_CHECKING:
    from ..account import Group, Project
    from ..account.entry import Entry
    from ..run import Tag

EMPTY = (
    "No runs on record under this name. Runs are filed under the git repository or folder of their notebook; "
    "%%carbon -p NAME or %config CarbonMagic.project chooses another name."
)
CROWDED = (
    "Runs overlapped on a host: each joule and each hour counts once, and a run inside a longer one holds what it "
    "spent itself."
)
LOST = "Lost runs failed or were interrupted; what they took counts."
BEGAN = "A run counts in the week in which it began."
LONGEST = 60
_TAGS = 6
_SELECTORS = 6


def counted(number: int, one: str, several: str | None = None) -> str:
    """'1 run', '4,789 runs'."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def day(t_s: float) -> str:
    """A day of the calendar on the wall: 2026-11-25."""
    return time.strftime("%Y-%m-%d", time.localtime(t_s))


def dates(entries: tuple[Entry, ...]) -> str:
    """From when to when, as one day or two."""
    first, last = day(min(e.started_at for e in entries)), day(max(e.ended_at for e in entries))
    return first if first == last else f"{first} to {last}"


def losses(one: Group) -> str:
    """'312 failed, 40 interrupted'; empty where all went well."""
    said = ((one.failed, "failed"), (one.interrupted, "interrupted"))
    return ", ".join(f"{count:,} {word}" for count, word in said if count)


def group_name(key: Tag | None, what: str) -> str:
    """What a group is called."""
    if key is None:
        return "no stage" if what == "stage" else f"without {plain(what.removeprefix('tag:'), 20)}"
    return plain(key, LONGEST)


def heading(what: str) -> str:
    """The heading of a grouping's first column."""
    return plain(what.removeprefix("tag:"), 30) if what.startswith("tag:") else what.capitalize()


def known(project: Project) -> words.Sign:
    """How the energy is known."""
    methods = {entry.method for entry in project.entries if entry.method != words.UNKNOWN}
    return words.known_of_methods(methods, project.measured_fraction)


def figures(project: Project) -> tuple[float | None, float | None]:
    """Joules and grams; None where no run has any."""
    seen = any(entry.method != words.UNKNOWN for entry in project.entries)
    return (project.energy_j, project.co2e_g) if seen else (None, None)


def hours(one: Group, gpus: bool) -> str:
    """GPU-hours where the project has GPUs, else the runs' time."""
    return units.number(one.gpu_hours) if gpus else units.duration(one.duration_s)


def share(project: Project, one: Group) -> str:
    """A group's part of the energy: '62 %'."""
    percent = 100 * project.share(one)
    return f"{units.number(percent, 2 if percent >= 1 else 1)} %"


def multiplier(project: Project) -> str | None:
    """'41.2×'; None where no run is final."""
    return None if project.multiplier is None else f"{units.number(project.multiplier)}×"


def final(project: Project) -> str:
    """Which runs are the final model's, and what they took; or how to choose them."""
    if not project.final:
        return choice.HOW
    names = list(dict.fromkeys(_named(project.entries[i]) for i in project.final))
    said = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    runs = counted(len(project.final), "final run")
    if not project.final_energy_j:
        return f"{runs} ({said}) took no energy that could be seen, so there is no multiplier"
    return f"{runs} ({said}): {units.energy(project.final_energy_j)}, {units.grams(project.final_co2e_g)} CO2e"


def _named(entry: Entry) -> str:
    """A final run; of one that is not done a reader must know it, as the multiplier is over what it took."""
    return plain(entry.name, 40) + ("" if entry.state == "done" else f", {entry.state}")


def kept(project: Project) -> str:
    """How a choice that is not that of the stage final is made again: it is a view's, and on record nowhere."""
    if not project.final or list(project.final) == choice.final_runs(project.entries):
        return ""
    words = choice.in_words(project.entries, project.final)
    if len(words) > _SELECTORS:
        return "This choice is this view's: a tag that just these runs have would name them to %carbon report."
    asked = " ".join(f"--final {word}" for word in words)
    return f"This choice is this view's: %carbon report takes the same by {asked}"


def chosen(project: Project) -> str:
    """The final runs, and how to choose them again."""
    more = kept(project)
    return f"{final(project)}. {more}" if more else final(project)


def tuning(project: Project) -> str:
    """What the tuning took; empty where there was none."""
    one = project.tuning
    if one is None:
        return ""
    lost = f", {losses(one)}" if losses(one) else ""
    took = f"{units.energy(one.energy_j)}, {units.grams(one.co2e_g)} CO2e, {share(project, one)} of everything"
    return f"Tuning (stage tune) took {took}, in {counted(one.runs, 'run')}{lost}."


def tags(project: Project) -> str:
    """The tags that runs can be grouped by; empty where there are none."""
    keys: dict[str, None] = {}
    for one in {str(entry.told_tags): entry for entry in project.entries}.values():  # many have the same
        keys |= dict.fromkeys(map(str, one.tags))
    if not keys:
        return ""
    names = [plain(key, 20) for key in list(keys)[:_TAGS]]
    more = f" and {len(keys) - _TAGS} more" if len(keys) > _TAGS else ""
    return f"Tags: {', '.join(names)}{more}; %carbon project --by tag:{names[0]} groups by one."


def remarks(project: Project) -> list[str]:
    """What to know of the sums."""
    unknown = sum(entry.method == words.UNKNOWN for entry in project.entries)
    summed = sum(entry.energy_j for entry in project.entries)
    said = [LOST] if project.total.failed + project.total.interrupted else []
    said += [CROWDED] if project.energy_j < 0.999999 * summed else []
    if unknown:
        said.append(f"{counted(unknown, 'run')} without any figure: nothing of them is in the sums.")
    running = sum(entry.state == "running" for entry in project.entries)
    if running:
        said.append(f"{counted(running, 'run')} still going on: with what they took so far.")
    mixed = words.mixed(entry.basis for entry in project.entries if entry.method != words.UNKNOWN)
    return [*said, mixed] if mixed else said
