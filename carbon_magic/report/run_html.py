"""A run in a page: while its first figures are awaited, live, and as the report that stays."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .. import units
from . import at_the_wall, beside, money, svg, words
from .html import (
    FAINT,
    HAIR,
    NONE_YET,
    NUMBER,
    SMALL,
    TEXT,
    Figure,
    bullets,
    card,
    faint,
    figures,
    heading,
    hook,
    name,
    quiet,
    row,
    spanning,
    table,
)
from .palette import looks
from .plain import plain, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..device import Device
    from ..run import Run, State
    from .palette import Look

CHART_PX = 112
CO2E = "CO\N{SUBSCRIPT TWO}e"
_DOT = " \N{MIDDLE DOT} "
NO_BREAK = "\N{NO-BREAK SPACE}"
_HEADS = ("Whole machine, by device", "Power", "Energy", "90 % range")
_LIVE_HEADS = ("Whole machine, by device", f"<span{hook('when')}>Power now</span>", "Energy", "Share")
_WAITING_HEADS = ("Whole machine, by device", "Power now", "Energy", "Share")
# Fixed widths, 254 px together, which is what a page of 320 has: the same columns while it waits, lives and stays.
# Where the page is narrower than 480 px, the first
# column asks for a huge width, which is cut to a whole line: all figures go below the name, or none.
_WHOLE_LINE = "flex:1 1 17em;flex-basis:calc((480px - 100%)*999);min-width:0;max-width:100%;box-sizing:border-box"
_FIGURES = ((74, ";margin-left:auto"), (84, ""), (96, ""))
_CELLS = (
    f"{TEXT};padding:0;{_WHOLE_LINE};display:flex;flex-wrap:wrap;align-items:flex-start;gap:0 8px",
    *(f"{NUMBER};padding:0 0 0 8px;flex:0 0 {px}px;box-sizing:border-box{end}" for px, end in _FIGURES),
)
_USUAL_DEVICES = 2
_SHORTEST_NAME, _LONGEST_NAME = 12, 30
"""Columns that names get, so that what follows them stands in a column too."""


def final(run: Run, target: str | None) -> str:
    """The report of a run that has ended, or of one in progress as it stands now."""
    rows = [_row(device, run, svg.swatch(look)) for device, look in _painted(run)]
    if run.others:
        rows.append(spanning("Also seen, not added to the total", len(_HEADS), flexed=True))
        rows += [_row(device, run, None) for device in run.others]
    body = (
        _heading(run)
        + figures(_figures(run))
        + (quiet(escape(beside.sentence(run.co2e_g, run.energy_kwh))) if run.devices else "")
        + (quiet(escape(said), space=0) if (said := words.share_sentence(run)) else "")
        + _picture(run)
        + (table(_HEADS, _CELLS, rows) if rows else "")
        + "".join(quiet(escape(said)) for said in at_the_wall.sentences(run))
        + _foot(run, money.of_run(run))
    )
    return card(target, f"Energy of {plain(run.name)}: {words.STATES[run.state].word}", body)


def live(run: Run) -> str:
    """The inside of the same card with marks at what will change; the figures come from the page's own script."""
    known = words.known(run)
    roles = (None, "watts", "joules", "share")
    rows = [
        row((_device(device, run, svg.swatch(look)), NONE_YET, NONE_YET, _meter(look.colour)), _CELLS, roles)
        for device, look in _painted(run)
    ]
    return (
        _heading(run, live=True)
        + figures(_empty_figures((known, known, words.known_co2e(known, run.grid)), ("power", "energy", "co2e")))
        + _beside_live()
        + _chart_box(f'<div{hook("chart")} style="height:{CHART_PX}px"></div>', live=True)
        + table(_LIVE_HEADS, _CELLS, rows)
        + _foot(run, [NO_BREAK] * len(money.of_run(run)))  # room for what the report will say there
    )


def waiting(title: str, target: str, like: Run | None) -> str:
    """The frame of a run whose figures are still to come, as high as what will stand in it.

    `like` is an earlier run on this machine, whose devices say what the table will hold.
    """
    empty = (faint(NONE_YET),) * 3
    rows = [row((faint(NONE_YET), *empty), _CELLS)] * _USUAL_DEVICES
    if like is not None:
        rows = [row((_device(device, like, svg.swatch(look)), *empty), _CELLS) for device, look in _painted(like)]
    rules = f"box-sizing:border-box;height:{CHART_PX}px;border-top:{HAIR};border-bottom:{HAIR}"
    body = (
        heading(name(title, 160), faint(f"{words.STATES['running'].mark} measuring"))
        + figures(_empty_figures(empty, (None,) * 3))
        + quiet("&nbsp;")
        + _chart_box(f'<div style="{rules}"></div>')
        + table(_WAITING_HEADS, _CELLS, rows)
        + quiet(escape(words.WAITING).replace("CO2e", CO2E))
    )
    return card(target, f"Energy of {plain(title)}, being measured", body, waiting=True)


def span(ends: tuple[float, float] | None, fmt: units.Formatter) -> str:
    """A 90 % range below a leading figure."""
    return f"{units.span(*ends, fmt)} {faint('(90 %)')}" if ends is not None else ""


def energy_beside(joules: float | None) -> str:
    """The kWh beside an energy, unless it is in kWh already."""
    text = units.kwh(joules) if joules is not None else ""
    return text if text != units.energy(joules) else ""


def state(of: State, role: str | None = None) -> str:
    """A state as a coloured mark and its word."""
    mark, word = state_parts(of)
    return f"{mark} <span{hook(role)}>{word}</span>"


def state_parts(of: State) -> tuple[str, str]:
    """A state's coloured mark, and its word."""
    theme, plain_colour = _STATE_COLOURS[of]
    sign = words.STATES[of]
    # Twice: where the first look at a style drops var(), the plain colour stays.
    colour = f"color:{plain_colour};color:var(--jp-{theme}-color1,{plain_colour})"
    return f'<span class="carbon-magic-{of}" aria-hidden="true" style="{colour}">{sign.mark}</span>', sign.word


def live_state(of: State) -> str:
    """A state in a row of a page that has js/src/rows.css."""
    sign = words.STATES[of]
    mark = f'<span class="carbon-magic-{of}" aria-hidden="true">{sign.mark}</span>'
    return f'<span class="carbon-magic-brief">{mark} <span>{sign.word}</span></span>'


_STATE_COLOURS: dict[State, tuple[str, str]] = {
    "running": ("brand", "#3b78c2"),
    "done": ("success", "#3a8a4d"),
    "failed": ("error", "#d0453e"),
    "interrupted": ("warn", "#c2731d"),
}


def _figures(run: Run) -> tuple[Figure, ...]:
    watts, joules, grams = words.figures_of(run)
    known = words.known(run)
    peak = max((w for w in run.curve.total_w() if w is not None), default=None)
    energy_range, grams_range = (run.energy_j_range, run.co2e_g_range) if run.devices else (None, None)
    peak_text = f"peak {units.watts(peak)}" if peak else ""
    return (
        Figure("Mean power", units.watts(watts), span(words.power_range(run), units.watts), known, peak_text),
        Figure("Energy", words.energy_of_run(run), span(energy_range, units.energy), known, energy_beside(joules)),
        Figure(CO2E, units.grams(grams), span(grams_range, units.grams), words.known_co2e(known, run.grid)),
    )


def _empty_figures(known: Sequence[words.Sign | str], roles: Sequence[str | None]) -> list[Figure]:
    energy_unit, mass_unit = units.chosen().split()
    labels = (("Power now", "W"), ("Energy", energy_unit), (CO2E, mass_unit))
    return [
        Figure(label, f"{NONE_YET} {unit}", "&nbsp;", sign, "", role)
        for (label, unit), sign, role in zip(labels, known, roles, strict=True)
    ]


def _heading(run: Run, live: bool = False) -> str:
    labels = [f"stage {name(run.stage, 24)}"] if run.stage else []
    labels += [f"{name(key, 24)}={name(value, 24)}" for key, value in run.tags.items()]
    roles = ("state", "elapsed") if live else (None, None)
    clock = f"<span{hook(roles[1])}>{units.duration(run.duration_s)}</span>"
    return heading(name(run.name, 160), f"{state(run.state, roles[0])}{faint(_DOT)}{clock}", _DOT.join(labels))


def _picture(run: Run) -> str:
    picture = svg.chart(run)
    if picture is None:
        return ""
    image = (
        f'<img src="{picture.uri}" alt="{escape(svg.alt(run, picture))}" width="640" height="{CHART_PX}" '
        f'style="display:block;width:100%;max-width:none;height:{CHART_PX}px;margin:0">'
    )
    aside = [f"dotted: power limit {units.watts(picture.limit_w)}"] if picture.limit_w is not None else []
    aside += [f"band: idle {units.watts(picture.idle_w)}"] if picture.idle_w is not None else []
    aside += ["shaded: no reading"] if picture.gaps else []
    top = f"0\N{EN DASH}{svg.scale_end(picture.top_w)}"
    return _chart_box(image, top, _DOT.join(aside), units.duration(run.duration_s))


def _chart_box(image: str, top: str = "&nbsp;", aside: str = "", end: str = "", live: bool = False) -> str:
    roles = [hook(role if live else None) for role in ("top", "aside", "start", "end")]
    line = "display:flex;justify-content:space-between;gap:0 16px;font-size:11px;line-height:16px;opacity:.72"
    above = f'<div style="{line}"><span{roles[0]}>{top}</span> <span{roles[1]}>{aside}</span></div>'
    below = f'<div style="{line}"><span{roles[2]}>0 s</span> <span{roles[3]}>{end}</span></div>'
    return f'<div style="margin:8px 0 6px">{above}{image}{below}</div>'


def _row(device: Device, run: Run, swatch: str | None) -> str:
    figures_of_it = (
        words.watts_of(device, run),
        words.energy_of(device),
        units.span(*device.energy_j_range, units.energy),
    )
    return row((_device(device, run, swatch), *figures_of_it), _CELLS)


def _painted(run: Run) -> list[tuple[Device, Look]]:
    return list(zip(run.devices, looks(run.devices), strict=True))


def _device(device: Device, run: Run, swatch: str | None) -> str:
    """Swatch, name and how it is known: in columns where there is room for both, else below each other."""
    longest = max(width(plain(d.name)) for d in (*run.devices, *run.others))
    columns = min(max(longest, _SHORTEST_NAME), _LONGEST_NAME)
    square = "flex:none;width:12px;height:12px;margin:3px 8px 0 0"
    image = f'<span style="{square}"></span>'
    if swatch:
        image = f'<img src="{swatch}" alt="" width="12" height="12" style="{square}">'
    how = escape(f"{words.METHODS[device.method]}{_DOT}{words.source(device)}")
    return (
        f'<span style="flex:0 1 {0.66 * columns + 1.7:.1f}em;display:flex">{image} '
        f'<span style="overflow-wrap:anywhere">{name(device.name)}</span></span> '
        f'<span style="flex:1 1 14em;min-width:0;opacity:.72;overflow-wrap:anywhere">{how}</span>'
    )


_TRACK = (
    "display:inline-block;flex:none;width:84px;height:6px;border-radius:3px;vertical-align:1px;overflow:hidden;"
    "text-align:left;background:rgba(128,128,128,.22)"
)


def _meter(colour: str, marks: str = "") -> str:
    """A bar for a part of a whole: a device's of the energy so far, what is spent of the budget."""
    filled = f"display:block;height:6px;width:0;background:{colour}"
    return f'<span{marks} style="{_TRACK}"><span class="carbon-magic-part" style="{filled}"></span></span>'


def _beside_live() -> str:
    """The line below the figures: what that is by car, and where there is a budget, what of it is spent."""
    meter = ' role="meter" aria-label="Budget" aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"'
    line = f"margin:8px 0 0;{SMALL};display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 16px"
    bar = _meter("currentColor", meter).replace("flex:none;width:84px", "flex:1 0 64px", 1)
    return (
        f'<div style="{line}"><span{hook("beside")} style="{FAINT};min-width:0">&nbsp;</span>'
        f'<span{hook("budget")} hidden style="min-width:0;display:flex;flex-wrap:wrap;align-items:center;gap:0 8px">'
        f"<span></span> {bar}</span></div>"
    )


def _foot(run: Run, paid: Sequence[str] = ()) -> str:
    said = [words.grid_sentence(run), words.embodied_sentence(run), *paid]
    lines = [quiet(escape(text).replace("CO2e", CO2E)) for text in said if text]
    return "".join(lines) + bullets([escape(note) for note in words.notes(run)])
