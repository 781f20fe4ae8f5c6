"""A run's power over time as a picture: one band per device, stacked, in a box that may be stretched to any width.

It holds no words (they belong into the page) and no colour of the theme, which an <img> cannot see.
Bands are stretched with the box, their patterns are not: each is a box full of the pattern, cut out by its outline.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import units
from .extremes import keep
from .palette import Fill, Look, looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..device import Device
    from ..run import Run

WIDE, HIGH = 1000, 200
"""The grid that outlines are rounded to: finer than the pixels of a chart that is 112 of them high."""
COLUMNS = 450
"""Steps across at most: two pixels each."""
POINTS = 1800
"""Steps in the whole picture at most, all devices together: some 20 KB."""
SPARKS = 32
SPARK_PX = (64, 16)
"""Steps of a sparkline and its size: two pixels a step."""
_NS = 'xmlns="http://www.w3.org/2000/svg"'


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture, and what must be said beside it."""

    svg: str
    top_w: float
    peak_w: float
    limit_w: float | None
    """The power limit that the picture shows as a line, None where it shows none."""
    gaps: bool
    idle_w: float | None = None
    """The idle power that the picture shows as a band."""

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return _uri(self.svg)


def chart(run: Run) -> Chart | None:
    """The run's curve; None where it has no point with a figure."""
    total = run.curve.total_w()
    known = [w for w in total if w is not None]
    if not known or run.curve.t_s[-1] <= 0:
        return None
    devices = [d for d in stacking_order(run.devices) if d.name in run.curve.watts]
    if not devices:
        return None
    peak_w = max(known)
    limit_w = limit(devices, peak_w)
    top_w = nice_top(max(peak_w, 1.04 * (limit_w or 0.0)))  # the limit's line must not lie on the scale's own
    kept = keep(total, min(COLUMNS, POINTS // len(devices)))
    xs = _xs(run, kept)
    look_of = dict(zip((d.name for d in run.devices), looks(run.devices), strict=True))
    low = [0.0] * len(kept)
    shapes = []
    for n, device in enumerate(devices):
        watts = run.curve.watts[device.name]
        high = [a + (watts[i] or 0.0) for a, i in zip(low, kept, strict=True)]
        outline = band(xs, [_y(w, top_w) for w in low], [_y(w, top_w) for w in high])
        shapes.append(_band(n, outline, look_of[device.name]))
        low = high
    shapes += [_gap(xs[n], xs[n + 1]) for n, i in enumerate(kept) if total[i] is None]
    idle_w = idle(run.devices, top_w)
    picture = f'<svg {_NS} width="100%" height="100%">{"".join(shapes)}{_rules(limit_w, idle_w, top_w)}</svg>'
    return Chart(picture, top_w, peak_w, limit_w, None in total, idle_w)


def sparkline(run: Run) -> str | None:
    """The shape of the run's whole power in a few pixels, as a data URI: hatched unless most of it was measured."""
    total = run.curve.total_w()
    kept = keep(total, SPARKS)
    highs = [total[i] or 0.0 for i in kept]
    if len(kept) < 2 or max(highs) <= 0:
        return None
    wide, high = SPARK_PX
    xs = [x * wide // WIDE for x in _xs(run, kept)]
    outline = band(xs, [high] * len(kept), [round(high * (1 - w / max(highs))) for w in highs])
    look = Look("#5f7fb0", "solid" if run.measured_fraction > 0.5 else "hatch")
    return _uri(
        f'<svg {_NS} viewBox="0 0 {wide} {high}">{pattern("p", look)}<path d="{outline}" fill="url(#p)"/></svg>'
    )


def stacking_order(devices: Sequence[Device]) -> list[Device]:
    """From the bottom up: those with a limit first, so that the line of their summed limits is theirs."""
    return sorted(devices, key=lambda device: device.limit_w is None)


def limit(devices: Sequence[Device], peak_w: float) -> float | None:
    """The summed limits, where a line for them leaves the curve a third of the height at least."""
    limits = [device.limit_w for device in devices if device.limit_w]
    total = sum(limits)
    return total if limits and total <= 3 * peak_w else None


def idle(devices: Sequence[Device], top_w: float) -> float | None:
    """The summed idle power, where every device's is known and the line for it is not lost at the bottom."""
    idles = [device.idle_w for device in devices if device.idle_w is not None]
    total = sum(idles)
    return total if len(idles) == len(devices) and 0.02 * top_w < total < top_w else None


def nice_top(watts: float) -> float:
    """The end of the scale: the next of 1, 1.5, 2, 3, 4, 5, 6, 8 and their tens. js/src/chart.ts does the same."""
    if watts <= 0:
        return 1.0
    ten = 10.0 ** math.floor(math.log10(watts))
    return next((step * ten for step in (1, 1.5, 2, 3, 4, 5, 6, 8) if step * ten >= watts), 10 * ten)


def scale_end(watts: float) -> str:
    """The end of the scale as a label: "80 W", "1.5 kW"."""
    figure, _, unit = units.watts(watts).partition(" ")
    return f"{figure.rstrip('0').rstrip('.') if '.' in figure else figure} {unit}"


def band(xs: Sequence[int], low: Sequence[int], high: Sequence[int]) -> str:
    """A closed outline in steps: each value holds from xs[i] to xs[i + 1]. Forth along `high`, back along `low`."""
    path = f"M{xs[0]},{high[0]}" + _steps(xs, high, xs[0], high[0])
    path += f"V{low[-1]}" + _steps(xs[::-1], low[::-1], xs[-1], low[-1])
    return path + "z"


def _steps(xs: Sequence[int], ys: Sequence[int], x: int, y: int) -> str:
    out = []
    for i, level in enumerate(ys):
        if level != y:
            out.append(f"v{level - y}")
            y = level
        if i + 1 < len(ys) and ys[i + 1] == level:
            continue  # one line for a stretch of equal steps
        if xs[i + 1] != x:
            out.append(f"h{xs[i + 1] - x}")
            x = xs[i + 1]
    return "".join(out)


def swatch(look: Look) -> str:
    """A little square in the device's colour and pattern, as a data URI."""
    picture = (
        f'<svg {_NS} viewBox="0 0 12 12"><defs>{pattern("p", look)}</defs>'
        f'<rect width="12" height="12" rx="2.5" fill="url(#p)"/></svg>'
    )
    return _uri(picture)


_TILES: dict[Fill, str] = {
    "solid": "",
    "lines": '<path d="M0 1.2H4" stroke="{c}" stroke-width="2.2"/>',
    "hatch": '<path d="M-1 5L5 -1M-1 1L1 -1M3 5L5 3" stroke="{c}" stroke-width="1.25"/>',
}
_GROUND: dict[Fill, str] = {"solid": "0.92", "lines": "0.45", "hatch": "0.32"}


def pattern(name: str, look: Look) -> str:
    """The SVG pattern of a look: full where counted, lined where polled, hatched where modelled."""
    return (
        f'<pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse">'
        f'<rect width="4" height="4" fill="{look.colour}" fill-opacity="{_GROUND[look.fill]}"/>'
        f"{_TILES[look.fill].format(c=look.colour)}</pattern>"
    )


def _band(n: int, outline: str, look: Look) -> str:
    return (
        f'<clipPath id="c{n}" clipPathUnits="objectBoundingBox">'
        f'<path transform="scale({1 / WIDE:g} {1 / HIGH:g})" d="{outline}"/></clipPath>{pattern(f"p{n}", look)}'
        f'<rect width="100%" height="100%" fill="url(#p{n})" clip-path="url(#c{n})"/>'
    )


def _gap(x0: int, x1: int) -> str:
    return (
        f'<rect x="{x0 * 100 / WIDE:g}%" width="{max(x1 - x0, 1) * 100 / WIDE:g}%" height="100%" '
        'fill="#888" fill-opacity="0.18"/>'
    )


def _rules(limit_w: float | None, idle_w: float | None, top_w: float) -> str:
    """The idle band, lines at half and at full height, the ground, and the power limit."""
    lines = []
    if idle_w is not None:
        y = _percent(idle_w, top_w)
        dashed = 'stroke="#888" stroke-opacity="0.9" stroke-dasharray="8 4"'
        lines = [f'<rect y="{y}" width="100%" height="100%" fill="#888" fill-opacity="0.3"/>', _line(y, dashed)]
    at = (("0.5", 0.25), ("50%", 0.25), ("99.6%", 0.55))
    lines += [_line(y, f'stroke="#888" stroke-opacity="{opacity}"') for y, opacity in at]
    if limit_w is not None:
        dotted = 'stroke="#888" stroke-opacity="0.9" stroke-dasharray="2 5" stroke-linecap="round"'
        lines.append(_line(_percent(limit_w, top_w), dotted))
    return "".join(lines)


def _line(y: str, stroke: str) -> str:
    return f'<line x2="100%" y1="{y}" y2="{y}" {stroke}/>'


def _percent(watts: float, top_w: float) -> str:
    return f"{100 * (1 - watts / top_w):.1f}%"


def _xs(run: Run, kept: Sequence[int]) -> list[int]:
    end_s = run.curve.t_s[-1]
    return [0, *(round(run.curve.t_s[i] / end_s * WIDE) for i in kept[:-1]), WIDE]


def _uri(picture: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode("ascii")


def _y(watts: float, top_w: float) -> int:
    return round((1 - min(watts / top_w, 1.0)) * HIGH)


def alt(run: Run, picture: Chart) -> str:
    """The picture in a sentence."""
    parts = ", ".join(device.name for device in run.devices) or "no device"
    time, peak = units.duration(run.duration_s), units.watts(picture.peak_w)
    sentence = f"Power over {time}, stacked by device ({parts}): peak {peak}"
    if picture.limit_w is not None:
        sentence += f", power limit {units.watts(picture.limit_w)}"
    if picture.idle_w is not None:
        sentence += f", idle {units.watts(picture.idle_w)}"
    return sentence + ("; shaded where nothing could be read." if picture.gaps else ".")
