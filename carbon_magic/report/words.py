"""What a report says in words: states, how a figure is known, where the grams come from, and what to know of it.

The sign of a method fills up with what is known: a full disc is an instrument's own counter, an empty one is a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import units
from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..device import Device, Method
    from ..grid import Intensity
    from ..run import Run, State
    from ..totals import Session

UNKNOWN = "unknown"
AT_MOST = "\N{LESS-THAN OR EQUAL TO}\N{NO-BREAK SPACE}"
LONGEST_NOTE = 400
WAITING = (
    "Figures of this cell follow here. After a page reload, %carbon has them in the end; "
    "without its kernel, carbon_magic.ledger().runs()."
)
EMPTY_SESSION = (
    "No runs yet in this session: put %%carbon on the first line of a cell, or use carbon_magic.track() around a block."
)
OVERLAP = "Runs overlapped: the total counts each joule once and is less than their sum."


@dataclass(frozen=True, slots=True)
class Sign:
    """A mark and the word that says the same."""

    mark: str
    word: str

    def __str__(self) -> str:
        return f"{self.mark} {self.word}"


STATES: dict[State, Sign] = {
    "running": Sign("\N{BLACK RIGHT-POINTING SMALL TRIANGLE}", "running"),
    "done": Sign("\N{CHECK MARK}", "done"),
    "failed": Sign("\N{MULTIPLICATION X}", "failed"),
    "interrupted": Sign("\N{BLACK SQUARE}", "interrupted"),
}
METHODS: dict[Method, Sign] = {
    "counter": Sign("\N{BLACK CIRCLE}", "measured"),
    "polled": Sign("\N{CIRCLE WITH ALL BUT UPPER LEFT QUADRANT BLACK}", "polled"),
    "modelled": Sign("\N{WHITE CIRCLE}", "modelled"),
}
_PART = "\N{CIRCLE WITH LEFT HALF BLACK}"
_NOT_KNOWN = Sign("\N{EN DASH}", UNKNOWN)


def known(run: Run) -> Sign:
    """How the energy is known."""
    methods = {device.method for device in run.devices}
    if len(methods) == 1:
        return METHODS[methods.pop()]
    if methods == {"counter", "polled"}:
        return Sign(METHODS["polled"].mark, "measured, part polled")
    return _part(run.measured_fraction) if methods else _NOT_KNOWN


def known_of_methods(methods: set[str], measured_fraction: float) -> Sign:
    """The same of a sum, by the methods of its runs ("mixed" where a run's devices differ)."""
    if not methods:
        return _NOT_KNOWN
    if methods == {"counter"}:
        return METHODS["counter"]
    if methods == {"polled"}:
        return METHODS["polled"]
    if methods == {"modelled"}:
        return METHODS["modelled"]
    if measured_fraction >= 1:
        return Sign(METHODS["polled"].mark, "measured, part polled")
    return _part(measured_fraction)


def known_of_session(session: Session) -> Sign:
    """The same of a session's total."""
    signs = {known(run) for run in session.runs if run.devices}
    if len(signs) == 1 and (sign := next(iter(signs))).mark != _PART:
        return sign
    return _part(session.measured_fraction) if signs else _NOT_KNOWN


def _part(fraction: float) -> Sign:
    percent = min(99, max(1, round(100 * fraction)))
    return Sign(_PART, f"part measured, {percent} %")


def known_co2e(energy: Sign, grid: Intensity | None) -> Sign:
    """How the grams are known: never measured as a whole, as the grid's figure is a mean of its own."""
    if energy is _NOT_KNOWN:
        return energy
    word = energy.word.partition(",")[0]
    mean = f"grid mean {grid.year}" if grid is not None else "grid mean"
    mean = "live grid" if grid is not None and grid.series is not None else mean
    return Sign(energy.mark if energy.mark == METHODS["modelled"].mark else _PART, f"{word} × {mean}")


def grid_sentence(run: Run) -> str:
    """Place, year, figure, basis, source, how the place was chosen, PUE."""
    grid = run.grid
    figure = f"{units.number(grid.intensity_g_per_kwh)} g CO2e/kWh"
    low, high = grid.intensity_range
    if low < high:
        figure += f" ({units.span(low, high, units.per_kwh).removesuffix(' g/kWh')})"
    how = f"{grid.how}; to set it: %carbon where" if grid.how.startswith("place unknown") else grid.how
    said = [f"{grid.name} {grid.year}: {figure}", grid.basis, grid.source, how]
    return " \N{MIDDLE DOT} ".join([*(plain(part, LONGEST_NOTE) for part in said if part), _pue(run)])


def _pue(run: Run) -> str:
    low, high = run.pue_range
    spread = f" ({low:g}\N{EN DASH}{high:g})" if low < high else ""
    source = f", {plain(run.pue_source, LONGEST_NOTE)}" if run.pue_source else ""
    return f"PUE\N{NO-BREAK SPACE}{run.pue:g}{spread}{source}"


def embodied_sentence(run: Run) -> str:
    """What of the machine's making falls to the run: a line of its own, as it is no part of the grams above."""
    making, ends = run.embodied, run.embodied_g_range
    if making is None or ends is None:
        return ""
    part = f", {units.number(100 * making.share)} % of it reserved" if making.share != 1 else ""
    figure = f"{units.grams(run.embodied_g)} CO2e ({units.span(*ends, units.grams)})"
    return (
        f"Embodied, beside this and not part of it: {figure}"
        f" of the machine's making: {units.grams(1000 * making.total_kg)} over {making.lifetime_years:g} years{part}"
        " (ISO/IEC 21031, SCI)"
    )


def embodied_of_session(session: Session) -> str:
    """The same of a session."""
    grams = session.embodied_g
    if grams is None:
        return ""
    return f"Embodied, beside this and not part of it: {units.grams(grams)} CO2e of the machine's making (SCI)"


def bases(session: Session) -> str:
    """What to know where a total adds figures that count different things; empty where all count the same."""
    return mixed(run.grid.basis for run in session.runs if run.devices)


def mixed(told: Iterable[str]) -> str:
    """The same of some grids' bases, as Intensity says them."""
    found = {basis.partition(",")[0] for basis in told if basis}
    if len(found) < 2 or not any(basis.startswith("direct") for basis in found):
        return ""
    why = "they do not count the same"
    if "direct" in found:
        why = "direct ones leave out what is emitted before and beside the stacks, so runs on them look cleaner"
    return f"The CO2e total mixes {' and '.join(sorted(found))} grid figures: {why}."


def notes(run: Run) -> list[str]:
    """What a reader should know: the run's notes, then the devices', said once where several share one."""
    said = list(dict.fromkeys(plain(note, LONGEST_NOTE) for note in run.notes))
    by_note: dict[str, list[str]] = {}
    for device in (*run.devices, *run.others):
        name = plain(device.name)
        for note in (plain(note, LONGEST_NOTE) for note in device.notes):
            if f"{name}: {note}" not in said and note not in said:
                by_note.setdefault(note, []).append(name)
    return said + [f"{_names(names)}: {note}" for note, names in by_note.items()]


def source(device: Device) -> str:
    """Where a device's figure comes from, on one line."""
    text = device.source.removeprefix("model: ") if device.method == "modelled" else device.source
    return plain(text, 100)


def _names(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def figures_of(run: Run) -> tuple[float | None, float | None, float | None]:
    """Mean watts, joules and grams; None where nothing was read, as no figure is not zero."""
    if not run.devices:
        return None, None, None
    return (run.power_w if run.duration_s > 0 else None), run.energy_j, run.co2e_g


def figures_of_session(session: Session) -> tuple[float | None, float | None]:
    """Joules and grams of a session; None where no run has any."""
    return (session.energy_j, session.co2e_g) if any(run.devices for run in session.runs) else (None, None)


def energy_of(device: Device) -> str:
    """A device's energy; below its counter's resolution, the most that it can have been."""
    return units.energy(device.energy_j) if not device.below_resolution else AT_MOST + units.energy(_most_j(device))


def watts_of(device: Device, run: Run) -> str:
    """Its mean power, in the same way."""
    if not device.below_resolution or run.duration_s <= 0:
        return units.watts(mean_w(device, run))
    return AT_MOST + units.watts(_most_j(device) / run.duration_s)


def energy_of_run(run: Run) -> str:
    """A run's energy; where all of its devices are below their resolution, the most that it can have been."""
    if run.devices and all(device.below_resolution for device in run.devices):
        return AT_MOST + units.energy(run.energy_j_range[1])
    return units.energy(figures_of(run)[1])


def _most_j(device: Device) -> float:
    return device.energy_j_range[1]


def mean_w(device: Device, run: Run) -> float | None:
    """A device's mean watts over the run."""
    return device.energy_j / run.duration_s if run.duration_s > 0 else None


def power_range(run: Run) -> tuple[float, float] | None:
    """The mean power's 90 % range: the energy's, over the time."""
    if not run.devices or run.duration_s <= 0:
        return None
    low, high = run.energy_j_range
    return low / run.duration_s, high / run.duration_s


def share_sentence(run: Run) -> str:
    """This notebook's part of the machine, or why it is not known; empty where nothing was read."""
    if not run.devices:
        return ""
    if run.share is None:
        return (
            f"This notebook's share is not known: {plain(run.share_reason, LONGEST_NOTE)}" if run.share_reason else ""
        )
    span = units.span(*run.share.energy_j_range, units.energy)
    said = f"This notebook's share (estimate): {units.energy(run.share.energy_j)} ({span})"
    return f"{said}, {plain(run.share.how, LONGEST_NOTE)}" if run.share.how else said


def overlapping(session: Session) -> bool:
    """Whether the runs share time, so that the total is less than their sum."""
    return session.energy_j < 0.999999 * sum(run.energy_j for run in session.runs)
