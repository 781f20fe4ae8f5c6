"""What every hand-in states: how much, how sure, where, by which grid figures, on what, with which version."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ... import __version__
from ...totals import Session
from ...units import J_PER_KWH
from ..plain import plain

if TYPE_CHECKING:
    from ...account import Project
    from ...ranges import Range
    from ...run import Run

LONGEST = 120


class GridPart(NamedTuple):
    """A place's grid figure, and the part of the energy that it stands for."""

    place: str
    name: str
    year: int
    intensity_g_per_kwh: float
    intensity_range: Range
    basis: str
    source: str
    share: float


class PuePart(NamedTuple):
    """A PUE, who says so ("" where nobody does: 1.0), and the part of the energy that it stands for."""

    pue: float
    source: str
    share: float


@dataclass(frozen=True)
class Facts:
    """A project with what its runs say in common."""

    project: Project
    hardware: tuple[str, ...]
    """The machines in a few words, those of the most runs first."""
    grids: tuple[GridPart, ...]
    pues: tuple[PuePart, ...]
    facility_kwh: float
    """Energy x PUE."""
    embodied_g: float | None
    """The making of the machines that falls to these runs; None where none was given."""
    version: str = __version__

    @property
    def intensity_g_per_kwh(self) -> float:
        """The grids' mean, weighed by the energy."""
        return self.project.co2e_g / self.facility_kwh if self.facility_kwh > 0 else 0.0

    @property
    def mean_pue(self) -> float:
        """Weighed by the energy."""
        return self.facility_kwh / self.project.energy_kwh if self.project.energy_kwh > 0 else 1.0

    @property
    def measured(self) -> float:
        return self.project.measured_fraction

    @property
    def modelled(self) -> float:
        return 1.0 - self.project.measured_fraction

    @property
    def hours(self) -> float:
        """Of machines, each counted once where runs overlap on a host."""
        return self.project.total.duration_s / 3600


def facts_of(project: Project) -> Facts:
    """What is to be stated. ValueError in a sentence where there is nothing to state."""
    if not project.entries:
        raise ValueError(f"there are no runs on record of a project {plain(project.name, 60)!r}")
    if not any(run.devices for run in project.runs):
        raise ValueError(f"no run of the project {plain(project.name, 60)!r} has any figure")
    joules = [own.energy_j for own in project.own]
    return Facts(
        project,
        _hardware(project.runs),
        _grids(project.runs, joules),
        _pues(project.runs, joules),
        sum(j * run.pue for j, run in zip(joules, project.runs, strict=True)) / J_PER_KWH,
        Session(project.runs).embodied_g,
    )


def _hardware(runs: tuple[Run, ...]) -> tuple[str, ...]:
    counts: defaultdict[str, int] = defaultdict(int)
    for run in runs:
        if run.hardware:
            counts[plain(run.hardware, LONGEST)] += 1
    return tuple(sorted(counts, key=lambda text: -counts[text]))


def _grids(runs: tuple[Run, ...], joules: list[float]) -> tuple[GridPart, ...]:
    """By place, year and source. Figures that change with the hour are one part, with their mean."""
    found: defaultdict[tuple[str, str, int, str, str], list[tuple[float, Run]]] = defaultdict(list)
    for run, j in zip(runs, joules, strict=True):
        if run.devices:
            grid = run.grid
            found[grid.place, grid.name, grid.year, grid.basis, grid.source].append((j, run))
    parts = []
    for (place, name, year, basis, source), members in found.items():
        weights = [j * run.pue for j, run in members]
        if sum(weights) <= 0:
            weights = [1.0] * len(members)

        def mean(values: list[float], weights: list[float] = weights) -> float:
            return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)

        middle = mean([run.grid.intensity_g_per_kwh for _, run in members])
        low, high = (mean([run.grid.intensity_range[end] for _, run in members]) for end in (0, 1))
        share = sum(j for j, _ in members) / max(sum(joules), 1e-300)
        text = (plain(place, 40), plain(name, 60), year, middle, (low, high), plain(basis, LONGEST))
        parts.append(GridPart(*text, plain(source, LONGEST), share))
    return tuple(sorted(parts, key=lambda part: -part.share))


def _pues(runs: tuple[Run, ...], joules: list[float]) -> tuple[PuePart, ...]:
    found: defaultdict[tuple[float, str], float] = defaultdict(float)
    for run, j in zip(runs, joules, strict=True):
        if run.devices:
            found[run.pue, plain(run.pue_source, LONGEST) if run.pue_source else ""] += j
    whole = max(sum(joules), 1e-300)
    parts = [PuePart(pue, source, j / whole) for (pue, source), j in found.items()]
    return tuple(sorted(parts, key=lambda part: -part.share))
