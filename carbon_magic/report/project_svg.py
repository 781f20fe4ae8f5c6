"""A project's energy week by week as a picture, a colour for each stage; the table of stages is its legend."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..account import Project
    from ..account.entry import Entry

# Lightness as well as hue apart, 3 or more of contrast with white and with #111 (as report/palette.py).
COLOURS = {"explore": "#7d8590", "train": "#3a6cb8", "tune": "#d27e26", "evaluate": "#2a8f80", "final": "#a8508f"}
OTHER = "#9a8b6a"
WIDE, HIGH = 1000, 200
MOST_BARS = 60


@dataclass(frozen=True, slots=True)
class Weeks:
    """The picture, and what must be said beside it."""

    svg: str
    top_j: float
    first: str
    last: str
    weeks_a_bar: int
    joules: tuple[float, ...]
    """Of each bar."""

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


def colour(stage: object) -> str:
    """The colour of a stage."""
    return COLOURS.get(str(stage), OTHER)


def weeks(project: Project) -> Weeks | None:
    """Bars from the first week to the last, empty ones too; None where all was in one week."""
    sums: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for entry, own in zip(project.entries, project.own, strict=True):
        sums[_week(entry)][entry.stage if entry.stage in COLOURS else ""] += own.energy_j
    if len(sums) < 2:
        return None
    first, last = min(sums), max(sums)
    step = -(-(last - first + 1) // MOST_BARS)
    bars: list[defaultdict[str, float]] = [defaultdict(float) for _ in range((last - first) // step + 1)]
    for week, stages in sums.items():
        for stage, joules in stages.items():
            bars[(week - first) // step][stage] += joules
    heights = tuple(sum(bar.values()) for bar in bars)
    top_j = max(heights)
    if top_j <= 0:
        return None
    width = WIDE / len(bars)
    order = [*COLOURS, ""]
    rects = [rect for n, bar in enumerate(bars) for rect in _bar(bar, order, n * width, 0.82 * width, top_j)]
    ground = f'<path d="M0 {HIGH - 0.5}H{WIDE}" stroke="#888" stroke-opacity=".55"/>'
    box = f'viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{"".join(rects)}{ground}</svg>'
    return Weeks(svg, top_j, _monday(first), _monday(last), step, heights)


def _bar(bar: dict[str, float], order: list[str], x: float, width: float, top_j: float) -> list[str]:
    rects, y = [], float(HIGH)
    for stage in order:
        high = HIGH * bar.get(stage, 0.0) / top_j
        if high > 0:
            y -= high
            fill = colour(stage)
            rects.append(f'<rect x="{x:.1f}" y="{y:.2f}" width="{width:.1f}" height="{high:.2f}" fill="{fill}"/>')
    return rects


def _week(entry: Entry) -> int:
    """The number of its week, Monday to Sunday by the calendar on the wall; day 0 of 1970 was a Thursday."""
    local = time.localtime(entry.started_at)
    return (int((entry.started_at + local.tm_gmtoff) // 86400) + 3) // 7


def _monday(week: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime((7 * week - 3) * 86400))
