"""Runs and sessions as plain text: one line for a repr, a compact table of at most 80 columns, no colour needed."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from .. import units
from ..device import Device
from ..run import Run
from ..totals import Session
from . import beside, words
from .extremes import keep
from .plain import left, plain, right

COLUMNS = 80
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def line(run: Run) -> str:
    """A run in one line: 'train: done in 34.2 s, 12.8 Wh, 3.20 g CO2e (measured)'."""
    _, joules, grams = words.figures_of(run)
    state = "running for" if run.state == "running" else f"{run.state} after" if run.state != "done" else "done in"
    figures = f"{units.energy(joules)}, {units.grams(grams)} CO2e ({words.known(run).word})"
    return f"{plain(run.name, 60)}: {state} {units.duration(run.duration_s)}, {figures}"


def session_line(session: Session) -> str:
    """A session in one line."""
    if not session.runs:
        return "no runs yet"
    figures = f"{units.energy(session.energy_j)}, {units.grams(session.co2e_g)} CO2e"
    return f"{_runs(session)} in {units.duration(session.duration_s)}, {figures} ({words.known_of_session(session).word})"


def run_text(run: Run) -> str:
    """A run as a small table."""
    watts, joules, grams = words.figures_of(run)
    energy_range = units.span(*run.energy_j_range, units.energy) if run.devices else ""
    grams_range = units.span(*run.co2e_g_range, units.grams) if run.devices else ""
    power_range = words.power_range(run)
    known = words.known(run)
    lines = [
        f"{plain(run.name, COLUMNS - 32)}  {words.STATES[run.state]}  {units.duration(run.duration_s)}",
        *_labels(run),
        _figure("energy", units.energy(joules), energy_range, str(known), units.kwh(joules) if joules is not None else ""),
        _figure("CO2e", units.grams(grams), grams_range, str(words.known_co2e(known, run.grid)), ""),
        _figure("power", units.watts(watts), units.span(*power_range, units.watts) if power_range else "", "mean", ""),
    ]
    if grams is not None:
        lines += _wrapped(beside.sentence(grams, run.energy_kwh))
    most = max((device.energy_j for device in run.devices), default=0.0)
    if run.devices:
        lines += ["", *(_device(device, run, most) for device in run.devices)]
    lines += _curve(run)
    if run.others:
        lines += ["", "  not added to the total:", *(_device(device, run, most) for device in run.others)]
    lines += ["", *_wrapped(words.grid_sentence(run))]
    lines += [part for note in words.notes(run) for part in _wrapped(note, "! ")]
    return "\n".join(text.rstrip() for text in lines)


def waiting_text(name: str) -> str:
    """What stands in the output until the first figures come."""
    return f"{plain(name, 50)}: measuring\n" + "\n".join(_wrapped(words.WAITING))


def session_text(session: Session) -> str:
    """A session as a table with its total, beside cars and flights."""
    if not session.runs:
        return words.EMPTY_SESSION
    lines = [_row("run", "time", "energy", "mean W", "CO2e", "how known"), "─" * COLUMNS]
    lines += [_row(*_cells(run)) for run in session.runs]
    known = words.known_of_session(session)
    total = ("total", units.duration(session.duration_s), units.energy(session.energy_j), "")
    lines += ["─" * COLUMNS, _row(*total, units.grams(session.co2e_g), str(known))]
    spans = units.span(*session.energy_j_range, units.energy), units.span(*session.co2e_g_range, units.grams)
    lines += _wrapped(f"{units.kwh(session.energy_j)}; 90 % ranges {spans[0]} and {spans[1]} CO2e")
    if words.overlapping(session):
        lines += _wrapped(words.OVERLAP)
    lines += ["", "  As much CO2e as", *(f"  ≈ {text}" for text in beside.lines(session.co2e_g, session.energy_kwh))]
    return "\n".join(text.rstrip() for text in lines)


def _runs(session: Session) -> str:
    return f"{len(session.runs):,} run" + ("s" if len(session.runs) != 1 else "")


def _labels(run: Run) -> list[str]:
    said = [f"stage {plain(run.stage, 20)}"] if run.stage else []
    said += [f"{plain(key, 20)}={plain(value, 20)}" for key, value in run.tags.items()]
    return _wrapped(", ".join(said)) if said else []


def _figure(label: str, value: str, span: str, known: str, beside_it: str) -> str:
    return f"  {left(label, 7)} {left(value, 10)} {left(span, 17)} {left(known, 30)} {beside_it}"


def _device(device: Device, run: Run, most: float) -> str:
    filled = "" if device.method != "modelled" else "░"
    span = units.span(*device.energy_j_range, units.energy)
    bar = _bar(device.energy_j / most if most > 0 else 0.0, 10, filled)
    watts = units.watts(words.mean_w(device, run))
    figures = f"{right(units.energy(device.energy_j), 9)} {right(span, 15)} {right(watts, 8)}"
    return f"  {left(plain(device.name), 18)} {bar} {figures} {words.METHODS[device.method]}"


def _bar(part: float, columns: int, filled: str) -> str:
    """A bar in eighths of a column; a modelled one is shaded, as it is hatched in the chart."""
    eighths = round(max(0.0, min(part, 1.0)) * columns * 8)
    if filled:
        return (filled * max(round(eighths / 8), 1 if eighths else 0)).ljust(columns)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(columns)


def _curve(run: Run) -> list[str]:
    totals = run.curve.total_w()
    kept = [totals[i] for i in keep(totals, 50)]
    top = max((w for w in kept if w is not None), default=0.0)
    if len(kept) < 3 or top <= 0:
        return []
    marks = "".join(" " if w is None else _LEVELS[min(7, int(8 * w / top))] for w in kept)
    return [f"  {left('total', 18)} {marks}  peak {units.watts(top)}"]


def _cells(run: Run) -> Sequence[str]:
    watts, joules, grams = words.figures_of(run)
    sign = words.known(run)
    word = sign.word if run.state == "done" else f"{sign.word.partition(',')[0]}, {run.state}"
    return (
        plain(run.name),
        units.duration(run.duration_s),
        units.energy(joules),
        units.watts(watts),
        units.grams(grams),
        f"{sign.mark} {word}",
    )


def _row(name: str, time: str, energy: str, watts: str, grams: str, known: str) -> str:
    return f"{left(name, 20)} {right(time, 11)} {right(energy, 8)} {right(watts, 8)} {right(grams, 8)}  {left(known, 20)}"


def _wrapped(text: str, mark: str = "") -> list[str]:
    first, rest = "  " + mark, "  " + " " * len(mark)
    return wrap(text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
