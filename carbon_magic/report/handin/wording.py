"""The statement in sentences: plain text, which each form escapes in its own way. "CO2e" is written as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import units
from .. import beside
from .. import project_words as say
from ..money import SMALLEST_COIN
from ..plain import plain

if TYPE_CHECKING:
    from ...account import Group
    from .facts import Facts, GridPart

MOST = 3
CLOUDS = {
    "aws": "Amazon Web Services",
    "azure": "Microsoft Azure",
    "gcp": "Google Cloud Platform",
    "ovhcloud": "OVHcloud",
    "scaleway": "Scaleway",
}
"""Providers by the first part of a region's key."""
_PAID = {"electricity": "The electricity cost", "cloud": "The machines' time, electricity included, cost"}


def paragraph(facts: Facts) -> list[str]:
    """The account of a project, as for the text of a paper."""
    said = [scope(facts), energy(facts), emissions(facts), *costs(facts), development(facts)]
    return [*filter(None, (*said, tuning(facts), comparison(facts))), *limits(facts), tool(facts)]


def scope(facts: Facts) -> str:
    """How many runs, when and on what."""
    project = facts.project
    lost = f" ({say.losses(project.total)})" if say.losses(project.total) else ""
    when = say.dates(project.entries)
    period = f"from {when}" if " to " in when else f"on {when}"
    machines = f" on {several(list(facts.hardware))}" if facts.hardware else ""
    runs = say.counted(len(project.entries), "recorded run")
    return f"The experiments comprise {runs}{lost} {period}{machines}."


def energy(facts: Facts) -> str:
    """How much electricity, how sure, and how it is known."""
    project = facts.project
    low, high = project.energy_kwh_range
    hours = f"{number(project.gpu_hours)} GPU-hours" if project.gpu_hours > 0 else f"{number(facts.hours)} hours"
    return (
        f"In {hours} they took {number(project.energy_kwh)} kWh of electricity before PUE (90 % range "
        f"{span(low, high)} kWh), of which {known(facts)}."
    )


def known(facts: Facts) -> str:
    """The measured and the modelled part: '87 % was measured and 13 % modelled'."""
    measured = 100 * facts.measured
    if measured >= 99.95:
        return "100 % was measured"
    if measured <= 0.05:
        return "100 % was modelled"
    return f"{measured:.3g} % was measured and {100 - measured:.3g} % modelled"


def emissions(facts: Facts) -> str:
    """How many kilograms, by which grid figures and PUE."""
    project = facts.project
    low, high = project.co2e_kg_range
    grids = several([grid(part, len(facts.grids) > 1) for part in facts.grids])
    return (
        f"With {pue(facts)} and the electricity of {grids}, that is an estimated {number(project.co2e_kg)} kg CO2e "
        f"(location-based; 90 % range {span(low, high)} kg)."
    )


def costs(facts: Facts) -> list[str]:
    """A sentence for each currency, as the paper's table 3 has cost beside carbon; none below the smallest coin."""
    whole = len(facts.project.entries)
    said = []
    for cost, known in facts.project.bills:
        if cost.amount < SMALLEST_COIN:
            continue
        low, high = (number(end) for end in cost.amount_range)
        spread = f" (90 % range {low} to {high} {cost.currency})" if low != high else ""
        of = f"; the price of {known:,} of {whole:,} runs is known" if known < whole else ""
        source = f"{plain(cost.source, 160)}, {plain(cost.date, 40)}"
        said.append(f"{_PAID[cost.kind]} an estimated {number(cost.amount)} {cost.currency}{spread}: {source}{of}.")
    return said


def cloud(place: str) -> str | None:
    """The provider of a cloud region, as a key of CLOUDS; None of a place that is none."""
    provider, colon, _ = place.partition(":")
    return provider if colon and provider in CLOUDS else None


def grid(part: GridPart, shared: bool) -> str:
    """'France in 2024 (56.0 g CO2e/kWh, lifecycle; Ember)'."""
    share = f"; {100 * part.share:.2g} % of the energy" if shared else ""
    figure = f"{number(part.intensity_g_per_kwh)} g CO2e/kWh, {part.basis}"
    return f"{part.name} in {part.year} ({figure}; {part.source}{share})"


def pue(facts: Facts) -> str:
    """'a PUE of 1.1 (as published)'."""
    parts = [f"{part.pue:g}" + (f" ({part.source})" if part.source else "") for part in facts.pues]
    return f"a PUE of {several(parts)}" if len(parts) == 1 else f"PUEs of {several(parts)}"


def development(facts: Facts) -> str:
    """What the final model's runs were of it; empty where none is chosen."""
    project = facts.project
    if not project.final or not project.final_energy_j or project.multiplier is None:
        return ""
    part = 100 * project.final_energy_j / project.energy_j
    runs = "run accounts" if len(project.final) == 1 else f"{len(project.final):,} runs account"
    return (
        f"The final model's {runs} for {number(project.final_energy_j / units.J_PER_KWH)} kWh, {part:.3g} % of it: "
        f"the development multiplier (everything over the final model) is {number(project.multiplier)}."
    )


def tuning(facts: Facts) -> str:
    """What the runs of the stage "tune" took; empty where there are none."""
    one = facts.project.tuning
    if one is None:
        return ""
    lost = f" ({say.losses(one)})" if say.losses(one) else ""
    part = f"{100 * facts.project.share(one):.3g} % of the energy"
    took = f"{number(one.energy_kwh)} kWh and {number(one.co2e_kg)} kg CO2e, {part}"
    return f"Tuning (the stage tune) took {took}, in {say.counted(one.runs, 'run')}{lost}."


def comparison(facts: Facts) -> str:
    """Beside cars and flights."""
    lines = beside.lines(facts.project.co2e_g, facts.project.energy_kwh)[:2]
    return f"That is about as much CO2e as {' or '.join(lines)}."


def limits(facts: Facts) -> list[str]:
    """What is in the figures and what is not."""
    said = []
    if facts.embodied_g is not None:
        said.append(
            f"Beside this, {number(facts.embodied_g / 1000)} kg CO2e of the machines' making fall to these runs "
            "(ISO/IEC 21031)."
        )
    else:
        said.append("The making of the hardware is not included.")
    said += [text for text in say.remarks(facts.project) if text != say.LOST]
    return said


def tool(facts: Facts) -> str:
    """With what it was measured."""
    return f"Measured with carbon_magic {facts.version}."


def rows(facts: Facts) -> list[tuple[str, ...]]:
    """The table by stage, the total last, in the columns of `heads`."""
    groups = [(say.group_name(one.key, "stage"), one) for one in facts.project.groups("stage")]
    return [_row(facts, name, one) for name, one in (*groups, ("Total", facts.project.total))]


def heads(facts: Facts) -> tuple[str, ...]:
    """Columns of the table by stage."""
    hours = "GPU-hours" if facts.project.gpu_hours > 0 else "Hours"
    return "Stage", "Runs", "Failed", "Interrupted", hours, "Energy (kWh)", "90 % range", "CO2e (kg)", "Share (%)"


def _row(facts: Facts, name: str, one: Group) -> tuple[str, ...]:
    low, high = (joules / units.J_PER_KWH for joules in one.energy_j_range)
    hours = one.gpu_hours if facts.project.gpu_hours > 0 else one.duration_s / 3600
    counts = (f"{one.runs:,}", f"{one.failed:,}", f"{one.interrupted:,}")
    figures = (number(hours), number(one.energy_kwh), span(low, high), number(one.co2e_kg))
    return (plain(name, 60), *counts, *figures, f"{100 * facts.project.share(one):.3g}")


def caption(facts: Facts) -> str:
    """What the table shows."""
    where = several([f"{part.name} {part.year}" for part in facts.grids])
    return (
        f"Energy and CO2e of all runs by stage, failed and interrupted ones included: {known(facts)}; "
        f"{pue(facts)}; grid of {where}; carbon_magic {facts.version}."
    )


def number(x: float, digits: int = 3) -> str:
    """Three digits, or as many as are asked for and no zeros after them."""
    text = units.number(x, digits)
    return text.rstrip("0").rstrip(".") if digits > 3 and "." in text else text


def span(low: float, high: float) -> str:
    """A range without a unit: '59 to 96'. kWh to the formatter are joules."""
    text = units.span(low * units.J_PER_KWH, high * units.J_PER_KWH, units.kwh).removesuffix(" kWh")
    return text.replace("\N{EN DASH}", " to ")


def several(items: list[str]) -> str:
    """'a, b and 4 more'."""
    if len(items) > MOST:
        return f"{', '.join(items[:MOST])} and {len(items) - MOST} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
