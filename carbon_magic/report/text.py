"""Runs and sessions as plain text: one line for a repr, a compact table of at most 80 columns, no colour needed."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from .. import units
from . import at_the_wall, beside, money, words
from .extremes import keep
from .plain import left, plain, right, widest, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..device import Device
    from ..run import Run
    from ..totals import Session

COLUMNS = 80
_LEAST = (11, 8, 8, 8)
"""Columns of time, energy, power and CO2e; units that a user chose may need more room, which the names give."""
_LEAST_OF_A_DEVICE = (9, 14, 7)
"""Columns of energy, its range, and power; the name and the bar give the room."""
_NAME, _BAR, _SHORTEST_NAME = 19, 10, 8
_KEPT = "\N{NO-BREAK SPACE}"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def line(run: Run) -> str:
    """A run in one line: 'train: done in 34.2 s, 12.8 Wh, 3.20 g CO2e (measured)'."""
    *_, grams = words.figures_of(run)
    state = "running for" if run.state == "running" else f"{run.state} after" if run.state != "done" else "done in"
    figures = f"{words.energy_of_run(run)}, {units.grams(grams)} CO2e ({words.known(run).word})"
    return f"{plain(run.name, 60)}: {state} {units.duration(run.duration_s)}, {figures}"


def session_line(session: Session) -> str:
    """A session in one line."""
    if not session.runs:
        return "no runs yet"
    joules, grams = words.figures_of_session(session)
    runs = f"{len(session.runs):,} run{'s' if len(session.runs) != 1 else ''} in {units.duration(session.duration_s)}"
    return f"{runs}, {units.energy(joules)}, {units.grams(grams)} CO2e ({words.known_of_session(session).word})"


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
        *figure(
            "energy", words.energy_of_run(run), energy_range, str(known), "" if joules is None else units.kwh(joules)
        ),
        *figure("CO2e", units.grams(grams), grams_range, str(words.known_co2e(known, run.grid)), ""),
        *figure("power", units.watts(watts), units.span(*power_range, units.watts) if power_range else "", "mean", ""),
    ]
    if grams is not None:
        lines += wrapped(beside.sentence(grams, run.energy_kwh))
    lines += wrapped(words.share_sentence(run))
    if run.devices:
        lines += ["", *_devices(run.devices, run)]
    lines += _curve(run)
    if run.others:
        lines += ["", "  not added to the total:", *_devices(run.others, run)]
    lines += [part for said in at_the_wall.sentences(run) for part in wrapped(said)]
    lines += ["", *wrapped(words.grid_sentence(run)), *wrapped(words.embodied_sentence(run))]
    lines += [part for said in money.of_run(run) for part in wrapped(said)]
    lines += [part for note in words.notes(run) for part in wrapped(note, "! ")]
    return "\n".join(text.rstrip() for text in lines)


def waiting_text(name: str) -> str:
    """What stands in the output until the first figures come."""
    return f"{plain(name, 50)}: measuring\n" + "\n".join(wrapped(words.WAITING))


def session_text(session: Session) -> str:
    """A session as a table with its total, beside cars and flights."""
    if not session.runs:
        return "\n".join(wrap(words.EMPTY_SESSION, COLUMNS))
    joules, grams = words.figures_of_session(session)
    known = words.known_of_session(session)
    rule = "─" * COLUMNS
    total = ("total", units.duration(session.duration_s), units.energy(joules), "", units.grams(grams), str(known))
    head = ("run", "time", "energy", "mean W", "CO2e", "how known")
    runs = [_run_row(run) for run in session.runs]
    wide = widest(_LEAST, (row[1:-1] for row in (*runs, total)))
    lines = [_row(head, wide), rule, *(_row(row, wide) for row in runs), rule, _row(total, wide)]
    if joules is not None and grams is not None:
        spans = units.span(*session.energy_j_range, units.energy), units.span(*session.co2e_g_range, units.grams)
        lines += wrapped(f"{units.kwh(joules)}; 90 % ranges {spans[0]} and {spans[1]} CO2e; {known.word}")
    lines += [part for said in money.of_session(session) for part in wrapped(said)]
    if words.overlapping(session):
        lines += wrapped(words.OVERLAP)
    lines += wrapped(words.bases(session)) + wrapped(words.embodied_of_session(session))
    if joules is not None and grams is not None:
        lines += ["", "  As much CO2e as"]
        lines += [part for text in beside.lines(grams, session.energy_kwh) for part in wrapped(text, "≈ ")]
        lines += wrapped(beside.scale(grams))
    return "\n".join(text.rstrip() for text in lines)


def _labels(run: Run) -> list[str]:
    said = [f"stage {plain(run.stage, 20)}"] if run.stage else []
    said += [f"{plain(key, 20)}={plain(value, 20)}" for key, value in run.tags.items()]
    return wrapped(", ".join(said)) if said else []


def figure(label: str, value: str, span: str, known: str, beside_it: str = "") -> list[str]:
    """A leading figure with its range in one line; in two where the units that were chosen make it longer."""
    at, wide = widest((9, 15), [(value, span)])
    said = f"  {left(label, 6)} {left(value, at)} {left(span, wide)} {left(known, 29)} {beside_it}".rstrip()
    if width(said) <= COLUMNS:
        return [said]
    kept = (part.replace(" ", _KEPT) for part in (value, span, known, beside_it) if part)  # a figure and its unit
    lines = wrap(f"  {left(label, 6)} {'  '.join(kept)}", COLUMNS, subsequent_indent=" " * 9)
    return [line.replace(_KEPT, " ") for line in lines]


def _devices(devices: Sequence[Device], run: Run) -> list[str]:
    most = max((device.energy_j for device in run.devices), default=0.0)
    figures = [
        (_close(words.energy_of(d)), units.span(*d.energy_j_range, units.energy), _close(words.watts_of(d, run)))
        for d in devices
    ]
    wide = widest(_LEAST_OF_A_DEVICE, figures)
    lacking = sum(wide) - sum(_LEAST_OF_A_DEVICE)
    name = max(_SHORTEST_NAME, _NAME - lacking)
    columns = max(0, _BAR - (lacking - (_NAME - name)))
    lines = []
    for device, told in zip(devices, figures, strict=True):
        shape = bar(device.energy_j / most if most > 0 else 0.0, columns, "" if device.method != "modelled" else "░")
        shown = " ".join(map(right, told, wide))
        lines.append(f"  {left(plain(device.name), name)} {shape} {shown} {words.METHODS[device.method]}")
    return lines


def bar(part: float, columns: int, filled: str) -> str:
    """A bar in eighths of a column; a modelled one is shaded, as it is hatched in the chart."""
    eighths = round(max(0.0, min(part, 1.0)) * columns * 8)
    if filled:
        return (filled * max(round(eighths / 8), 1 if eighths else 0)).ljust(columns)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(columns)


def _curve(run: Run) -> list[str]:
    totals = run.curve.total_w()
    kept = [totals[i] for i in keep(totals, 40)]
    top = max((w for w in kept if w is not None), default=0.0)
    if len(kept) < 3 or top <= 0:
        return []
    marks = "".join(" " if w is None else _LEVELS[min(7, int(8 * w / top))] for w in kept)
    return [f"  {left('total', 19)} {marks}  peak {units.watts(top)}"]


def _run_row(run: Run) -> tuple[str, ...]:
    watts, joules, grams = words.figures_of(run)
    mark = words.STATES[run.state].mark
    said = "" if run.state == "done" else f" ({run.state})"
    name = f"{mark} {plain(run.name, 22 - len(said))}{said}"
    figures = units.duration(run.duration_s), units.energy(joules), units.watts(watts), units.grams(grams)
    return (name, *figures, str(words.known(run)))


def _row(cells: Sequence[str], wide: Sequence[int]) -> str:
    name, *figures, known = cells
    short = known.partition(",")[0]
    shown = " ".join(right(figure, columns) for figure, columns in zip(figures, wide, strict=True))
    return f"{left(name, max(8, 24 + sum(_LEAST) - sum(wide)))} {shown}  {left(short, 15)}"


def wrapped(text: str, mark: str = "") -> list[str]:
    """A sentence in lines of at most COLUMNS, a little to the right."""
    first, rest = "  " + mark, "  " + " " * len(mark)
    return wrap(text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _close(figure: str) -> str:
    """ "≤3.87 mWh": the columns are narrow."""
    return figure.replace(words.AT_MOST, words.AT_MOST.rstrip())
