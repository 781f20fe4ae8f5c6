"""A run in a page: while its first figures are awaited, live, and as the report that stays."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .. import units
from ..device import Device
from ..run import Run
from . import beside, svg, words
from .html import FAINT, SMALL, Figure, bullets, card, figures, heading, hook, name, quiet, row, spanning, table
from .palette import looks
from .plain import plain

CHART_PX = 112
NONE_YET = "\N{EN DASH}"
_HEADS = ("Device", "Power", "Energy", "90 % range")
_DOT = " \N{MIDDLE DOT} "
_USUAL_DEVICES = 2


def final(run: Run, target: str | None) -> str:
    """The report of a run that has ended, or of one in progress as it stands now."""
    watts, joules, grams = words.figures_of(run)
    known = words.known(run)
    ranges = words.power_range(run)
    peak = max((w for w in run.curve.total_w() if w is not None), default=None)
    leading = (
        Figure("Mean power", units.watts(watts), _span(ranges, units.watts), known, f"peak {units.watts(peak)}" if peak else ""),
        Figure(
            "Energy",
            units.energy(joules),
            _span(run.energy_j_range if run.devices else None, units.energy),
            known,
            units.kwh(joules) if joules is not None else "",
        ),
        Figure(
            "CO\N{SUBSCRIPT TWO}e",
            units.grams(grams),
            _span(run.co2e_g_range if run.devices else None, units.grams),
            words.known_co2e(known, run.grid),
        ),
    )
    rows = [_row(device, run, svg.swatch(look)) for device, look in zip(run.devices, looks(run.devices), strict=True)]
    if run.others:
        rows.append(spanning("Also seen, not added to the total", len(_HEADS)))
        rows += [_row(device, run, None) for device in run.others]
    body = (
        _heading(run)
        + figures(leading)
        + quiet("&nbsp;" if grams is None else escape(beside.sentence(grams, run.energy_kwh)), space=8)
        + _picture(run)
        + (table(_HEADS, rows) if rows else "")
        + _foot(run)
    )
    return card(target, _label(run), body)


def live(run: Run) -> str:
    """The same with marks at what will change; figures come from the page's own script."""
    known = words.known(run)
    unit = ("W", "Wh", "g")
    co2e = words.known_co2e(known, run.grid)
    leading = _empty_figures(unit, (known, known, co2e), ("power", "energy", "co2e"))
    rows = [
        row(
            (_device_cell(device, svg.swatch(look)), NONE_YET, NONE_YET, _meter(look.colour)),
            (None, "watts", "joules", "share"),
        )
        for device, look in zip(run.devices, looks(run.devices), strict=True)
    ]
    body = (
        _heading(run, live=True)
        + figures(leading)
        + quiet("&nbsp;", "beside", space=8)
        + _chart_box(f'<div{hook("chart")} style="height:{CHART_PX}px"></div>', live=True)
        + table(("Device", "Power now", "Energy", "Share"), rows, role="devices")
        + _foot(run)
    )
    return body


def waiting(title: str, target: str, like: Run | None) -> str:
    """The frame of a run whose figures are still to come, as high as what will stand in it.

    `like` is an earlier run on this machine, whose devices say how long the table will be.
    """
    signs: tuple[str, ...] = (NONE_YET,) * 3
    blank = f'<span style="display:inline-block;width:12px"></span> {NONE_YET}'
    count = len(like.devices) if like is not None else _USUAL_DEVICES
    rows = [row((blank, NONE_YET, NONE_YET, NONE_YET)) for _ in range(count)]
    body = (
        heading(name(title), f'<span style="{FAINT}">{words.STATES["running"].mark} measuring</span>')
        + figures(_empty_figures(("W", "Wh", "g"), signs, (None, None, None)))
        + quiet("&nbsp;", space=8)
        + _chart_box(f'<div style="height:{CHART_PX}px"></div>')
        + table(("Device", "Power now", "Energy", "Share"), rows)
        + quiet(escape(words.WAITING), space=8)
    )
    return card(target, f"Energy of {title[:80]}, being measured", body, waiting=True)


def _empty_figures(
    unit: Sequence[str], known: Sequence[words.Sign | str], roles: Sequence[str | None]
) -> list[Figure]:
    labels = ("Power now", "Energy", "CO\N{SUBSCRIPT TWO}e")
    return [
        Figure(label, f"{NONE_YET} {u}", "", sign, "", role)
        for label, u, sign, role in zip(labels, unit, known, roles, strict=True)
    ]


def _heading(run: Run, live: bool = False) -> str:
    sign = words.STATES[run.state]
    labels = [f"stage {name(run.stage, 24)}"] if run.stage else []
    labels += [f"{name(key, 24)}={name(value, 24)}" for key, value in run.tags.items()]
    state = f"{_mark(run.state)} <span{hook('state' if live else None)}>{sign.word}</span>"
    clock = f"<span{hook('elapsed' if live else None)}>{units.duration(run.duration_s)}</span>"
    return heading(name(run.name, 160), f'{state} <span style="{FAINT}">\N{MIDDLE DOT}</span> {clock}', _DOT.join(labels))


def _mark(state: str) -> str:
    colours = {"done": "success", "failed": "error", "interrupted": "warn", "running": "brand"}
    plain_colours = {"done": "#3a8a4d", "failed": "#d0453e", "interrupted": "#c2731d", "running": "#3b78c2"}
    mark = words.STATES[state].mark  # type: ignore[index]
    colour = f"color:{plain_colours[state]};color:var(--jp-{colours[state]}-color1,{plain_colours[state]})"
    return f'<span class="carbon-magic-{state}" aria-hidden="true" style="{colour}">{mark}</span>'


def _span(ends: tuple[float, float] | None, fmt: units.Formatter) -> str:
    if ends is None:
        return ""
    return f'{units.span(*ends, fmt)} <span style="{FAINT}">(90 %)</span>'


def _picture(run: Run) -> str:
    picture = svg.chart(run)
    if picture is None:
        return ""
    image = (
        f'<img src="{picture.uri}" alt="{escape(svg.alt(run, picture))}" width="640" height="{CHART_PX}" '
        f'style="display:block;width:100%;max-width:none;height:{CHART_PX}px;margin:0">'
    )
    top = f"0\N{EN DASH}{units.number(picture.top_w, 2)} W"
    aside = [f"dotted: power limit {units.watts(picture.limit_w)}"] if picture.limit_w is not None else []
    aside += ["shaded: no reading"] if picture.gaps else []
    return _chart_box(image, top, _DOT.join(aside), units.duration(run.curve.t_s[-1]))


def _chart_box(image: str, top: str = "&nbsp;", aside: str = "", end: str = "", live: bool = False) -> str:
    line = f"display:flex;justify-content:space-between;gap:0 16px;font-size:11px;line-height:16px;{FAINT}"
    roles = [hook(role if live else None) for role in ("top", "aside", "end")]
    return (
        f'<div style="margin:8px 0 6px"><div style="{line}"><span{roles[0]}>{top}</span> <span{roles[1]}>{aside}</span></div>'
        f'{image}<div style="{line}"><span>0 s</span> <span{roles[2]}>{end}</span></div></div>'
    )


def _row(device: Device, run: Run, swatch: str | None) -> str:
    watts = units.watts(words.mean_w(device, run))
    spread = units.span(*device.energy_j_range, units.energy)
    return row((_device_cell(device, swatch), watts, units.energy(device.energy_j), spread))


def _device_cell(device: Device, swatch: str | None) -> str:
    """Swatch, name and how it is known: side by side where there is room for both, else below each other."""
    inner = f'<img src="{swatch}" alt="" width="12" height="12" ' if swatch else "<span "
    square = f'{inner}style="display:inline-block;width:12px;height:12px;margin:0 8px 0 0;vertical-align:-1px">'
    how = escape(f"{words.METHODS[device.method]}{_DOT}{words.source(device)}")
    return (
        f'{square}{"" if swatch else "</span>"}<span style="display:inline-block;min-width:12em;padding-right:10px">'
        f'{name(device.name)}</span> <span style="{FAINT}">{how}</span>'
    )


def _meter(colour: str) -> str:
    """A bar for a device's part of the energy so far."""
    track = "display:inline-block;width:72px;height:6px;border-radius:3px;vertical-align:1px;overflow:hidden;text-align:left"
    return (
        f'<span style="{track};background:rgba(128,128,128,.22)">'
        f'<span class="carbon-magic-part" style="display:block;height:6px;width:0;background:{colour}"></span></span>'
    )


def _foot(run: Run) -> str:
    sentence = escape(words.grid_sentence(run)).replace("CO2e", "CO\N{SUBSCRIPT TWO}e")
    return quiet(sentence, space=8) + bullets([escape(note) for note in words.notes(run)])


def _label(run: Run) -> str:
    return f"Energy of {plain(run.name)}: {words.STATES[run.state].word}"
