"""The ruler as a picture of one page: SVG for a screen, PDF for a wall. Both are drawn by the same few strokes."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING, Protocol

from ..plain import plain
from .marks import CAPTION, CORRECTED, SOURCES, Scale, amount, marks
from .page import COLOURS

if TYPE_CHECKING:
    from .marks import Here, Kind, Mark

WIDE, HIGH = 1123, 794
"""A4, landscape, in CSS pixels (96 to the inch)."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 470, 1000, 118, 96
_INK, _FAINT, _LINE = "#1d2126", "#5c636b", "#c9ced4"
_KINDS: dict[Kind, str] = {
    "life": "everyday life",
    "paper": "the paper",
    "published": "published later",
    "here": "here",
}


class Canvas(Protocol):
    """What both pictures are drawn with: lengths in CSS pixels from the top left."""

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> None: ...
    def rect(self, x: float, y: float, wide: float, high: float, colour: str, opacity: float) -> None: ...
    def polygon(self, points: list[tuple[float, float]], colour: str, filled: bool) -> None: ...
    def circle(self, x: float, y: float, radius: float, colour: str, filled: bool) -> None: ...
    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str, bold: bool) -> None: ...


def svg(here: Here | None = None) -> str:
    """The poster as an SVG document."""
    canvas = _Svg()
    _draw(canvas, here)
    return canvas.document()


def pdf(here: Here | None = None) -> bytes:
    """The poster as a PDF of one A4 page. Raises ImportError in a sentence without reportlab."""
    try:
        canvas = _Pdf()
    except ImportError as error:
        raise ImportError("a PDF needs reportlab: pip install 'carbon_magic[poster]', or ask for an .svg") from error
    _draw(canvas, here)
    return canvas.document()


def _draw(canvas: Canvas, here: Here | None) -> None:
    shown = marks(here)
    scale = Scale.of(shown)
    step = (HIGH - _TOP - _BOTTOM) / len(shown)

    title = "What does training cost? CO\N{SUBSCRIPT TWO}e from a phone charge to the largest models"
    canvas.text(40, 52, title, 23, _INK, "start", bold=True)
    at = 40.0
    for kind, words in _KINDS.items():
        if kind != "here" or here is not None:
            _sign(canvas, kind, at + 5, 78)
            canvas.text(at + 16, 83, words, 13, _FAINT, "start", bold=False)
            at += 36 + 7.2 * len(words)
    for place, words in scale.decades:
        canvas.line(_x(place), _TOP - 6, _x(place), HIGH - _BOTTOM + 4, _LINE, 1.2 if words else 0.6)
        if words:
            canvas.text(_x(place), _TOP - 12, words, 12, _FAINT, "middle", bold=False)
    for i, mark in enumerate(shown):
        _row(canvas, mark, _TOP + step * (i + 0.5), step, scale)
    for n, words in enumerate((CAPTION, CORRECTED, SOURCES)):
        canvas.text(40, HIGH - _BOTTOM + 30 + 18 * n, words, 11.5, _FAINT, "start", bold=False)


def _x(place: float) -> float:
    """A place on the scale, 0 to 1, as a place on the page."""
    return _LEFT + place * (_RIGHT - _LEFT)


def _row(canvas: Canvas, mark: Mark, y: float, step: float, scale: Scale) -> None:
    own = mark.kind == "here"
    at = _x(scale.at(mark.g))
    if own:
        canvas.rect(30, y - step / 2, WIDE - 60, step, COLOURS["here"], 0.08)
    colour = COLOURS["here"] if own else _INK
    canvas.text(_LEFT - 14, y + 4.5, plain(mark.label, 48 if own else 68), 13.5, colour, "end", bold=own)
    canvas.text(_RIGHT + 88, y + 4.5, amount(mark), 13.5, colour, "end", bold=own)
    if mark.range is not None:
        low, high = (_x(scale.at(end)) for end in mark.range)
        canvas.rect(low, y - 3.5, max(high - low, 1.0), 7, COLOURS[mark.kind], 0.35)
    _sign(canvas, mark.kind, at, y)


def _sign(canvas: Canvas, kind: Kind, x: float, y: float) -> None:
    """A ring, a square, a diamond, a disc: told apart without colour."""
    colour = COLOURS[kind]
    if kind == "paper":
        canvas.polygon(
            [(x - 4.5, y - 4.5), (x + 4.5, y - 4.5), (x + 4.5, y + 4.5), (x - 4.5, y + 4.5)], colour, filled=True
        )
    elif kind == "published":
        canvas.polygon([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], colour, filled=True)
    else:
        canvas.circle(x, y, 6 if kind == "here" else 4.5, colour, filled=kind == "here")


class _Svg:
    """Strokes as SVG elements, on white: a poster is not part of a theme."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> None:
        self._parts.append(f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def rect(self, x: float, y: float, wide: float, high: float, colour: str, opacity: float) -> None:
        size = f'width="{wide:.1f}" height="{high:.1f}"'
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="2" fill="{colour}" fill-opacity="{opacity}"/>')

    def polygon(self, points: list[tuple[float, float]], colour: str, filled: bool) -> None:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._parts.append(f'<path d="M{path}z" {_paint(colour, filled)}/>')

    def circle(self, x: float, y: float, radius: float, colour: str, filled: bool) -> None:
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {_paint(colour, filled)}/>')

    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str, bold: bool) -> None:
        weight = ' font-weight="600"' if bold else ""
        style = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}'
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def document(self) -> str:
        font = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="{font}">'
        return f'{head}<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>{"".join(self._parts)}</svg>'


def _paint(colour: str, filled: bool) -> str:
    return f'fill="{colour}"' if filled else f'fill="#fff" stroke="{colour}" stroke-width="2"'


class _Pdf:
    """Strokes by reportlab. A PDF counts from the bottom, in points of 1/72 inch, and its own fonts know Latin only."""

    def __init__(self) -> None:
        from reportlab.lib.colors import HexColor
        from reportlab.pdfgen.canvas import Canvas as Page

        self._colour = HexColor
        self._file = io.BytesIO()
        self._page = Page(self._file, pagesize=(0.75 * WIDE, 0.75 * HIGH), initialFontSize=10)
        self._page.setTitle("carbon_magic: what does training cost?")
        self._page.setCreator("carbon_magic")

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> None:
        self._page.setStrokeColor(self._colour(colour))
        self._page.setLineWidth(0.75 * width)
        self._page.line(*self._at(x0, y0), *self._at(x1, y1))

    def rect(self, x: float, y: float, wide: float, high: float, colour: str, opacity: float) -> None:
        self._page.setFillColor(self._colour(colour), opacity)
        self._page.rect(*self._at(x, y + high), 0.75 * wide, 0.75 * high, stroke=0, fill=1)

    def polygon(self, points: list[tuple[float, float]], colour: str, filled: bool) -> None:
        path = self._page.beginPath()
        path.moveTo(*self._at(*points[0]))
        for point in points[1:]:
            path.lineTo(*self._at(*point))
        path.close()
        self._page.setFillColor(self._colour(colour), 1)
        self._page.drawPath(path, stroke=0, fill=int(filled))

    def circle(self, x: float, y: float, radius: float, colour: str, filled: bool) -> None:
        self._page.setStrokeColor(self._colour(colour))
        self._page.setFillColor(self._colour(colour if filled else "#ffffff"), 1)
        self._page.setLineWidth(1.5)
        self._page.circle(*self._at(x, y), 0.75 * radius, stroke=1, fill=1)

    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str, bold: bool) -> None:
        self._page.setFont("Helvetica-Bold" if bold else "Helvetica", 0.75 * size)
        self._page.setFillColor(self._colour(colour), 1)
        draw = {
            "start": self._page.drawString,
            "middle": self._page.drawCentredString,
            "end": self._page.drawRightString,
        }
        draw[anchor](*self._at(x, y), _latin(words))

    def document(self) -> bytes:
        self._page.showPage()
        self._page.save()
        return self._file.getvalue()

    @staticmethod
    def _at(x: float, y: float) -> tuple[float, float]:
        return 0.75 * x, 0.75 * (HIGH - y)


def _latin(words: str) -> str:
    """What the fonts that every PDF has can print; a letter that they lack becomes a question mark."""
    return words.replace("\N{SUBSCRIPT TWO}", "2").encode("cp1252", "replace").decode("cp1252")
