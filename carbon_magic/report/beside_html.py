"""A total in a page beside things people know: what it is as much as, the paper's measures, its place on the ruler."""

from __future__ import annotations

from html import escape

from . import beside, ruler
from .html import bullets, quiet


def beside_html(title: str, here: ruler.Here, energy_kwh: float) -> str:
    """`title` is HTML; `here` says the grams, and what they are called on the ruler."""
    lines = [f"\N{ALMOST EQUAL TO} {escape(text)}" for text in beside.lines(here.co2e_g, energy_kwh)]
    scale = beside.scale(here.co2e_g)
    return (
        quiet(title, space=12)
        + bullets(lines, "none")
        + (quiet(escape(scale), space=4) if scale else "")
        + ruler.folded(here)
    )
