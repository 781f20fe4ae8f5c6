"""A page that stands by itself: no script, nothing fetched, light and dark, printable."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

from .. import project_html
from ..html import bullets, card
from ..plain import plain
from ..run_html import CO2E
from . import wording

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts, GridPart

RUNS = 200
"""Rows of the table of runs: some 300 kB; a row per run is what the CSV is for."""
_STYLE = (
    ":root{color-scheme:light dark;font:14px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1b1f24}"
    ":root{background:#fff}"
    "body{max-width:900px;margin:32px auto;padding:0 16px}h2{font-size:17px;margin:36px 0 8px}p,ul{max-width:72ch}"
    "footer{margin:40px 0 16px;font-size:12px;opacity:.72}[tabindex]:focus-visible{outline:2px solid #5b8fd6}"
    "@media (prefers-color-scheme:dark){:root{color:#dfe3e8;background:#14171a}}"
    "@media print{body{margin:0}tr{break-inside:avoid}[tabindex]{overflow:visible!important}}"
)
# No source of anything but what stands in the page itself: pictures as data.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """Totals, stages, weeks, runs, and how all of it is known."""
    project = facts.project
    title = f"Energy and carbon footprint of {plain(project.name, 80)}"
    head = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
    )
    written = time.strftime("%Y-%m-%d %H:%M")
    body = (
        f'<body><main><h1 style="font-size:22px;margin:0 0 16px;overflow-wrap:anywhere">{escape(title)}</h1>'
        f"{card(None, title, project_html.content(project, ('stage', 'week'), runs=RUNS))}"
        f'<h2>In words</h2><p style="overflow-wrap:anywhere">{_said(" ".join(wording.paragraph(facts)))}</p>'
        f"<h2>Method</h2>{bullets([_said(text) for text in method(facts)])}</main>"
        f"<footer>carbon_magic {escape(facts.version)} · written {written}</footer></body></html>\n"
    )
    return head + body


def _said(text: str) -> str:
    return escape(text).replace("CO2e", CO2E)


def method(facts: Facts) -> list[str]:
    """How each figure is known, and what it leaves out."""
    grids = [f"Grid: {wording.grid(part, len(facts.grids) > 1)}, {_range(part)}." for part in facts.grids]
    sources = sorted({plain(d.source, 120) for run in facts.project.runs for d in run.devices})
    hardware = [f"Machines: {'; '.join(facts.hardware[:8])}."] if facts.hardware else []
    return [
        f"Energy is that of the whole machine while a run goes on: {wording.known(facts)}.",
        f"Instruments and models: {'; '.join(sources[:8])}.",
        *hardware,
        "Ranges hold the truth in nine cases of ten: instrument accuracy, edges, model, PUE and grid are in them.",
        f"CO2e is energy × PUE × the grid's carbon intensity (location-based); {wording.pue(facts)}.",
        *grids[:8],
        "Where runs overlap on a machine each joule is counted once. Failed and interrupted runs count.",
        *wording.limits(facts)[:1],
        "Not included: parts of the machine without an instrument or a model (board, disks, fans, power supply).",
    ]


def _range(part: GridPart) -> str:
    low, high = part.intensity_range
    return f"90 % range {wording.span(low, high)} g/kWh"
