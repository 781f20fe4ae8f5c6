"""The ruler: from a phone charge to the largest trainings, on one logarithmic scale, with a mark "here".

marks.py     what stands on it, with sources
page.py      as a table in a page, whose words are text; and as plain text
poster.py    as a picture of one page: SVG, PDF
"""

from __future__ import annotations

from .marks import Here, Mark, marks
from .page import folded, html, text
from .poster import pdf, svg

__all__ = ["Here", "Mark", "folded", "html", "marks", "pdf", "svg", "text"]
