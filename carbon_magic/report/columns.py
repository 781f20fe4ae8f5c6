"""Columns of a table whose rows break into two lines where the page is narrow: every figure stays, nothing scrolls.

Inline styles know no queries of the width. A flexible basis may though ask for (limit - width) x 999, which is less
than nothing where the page is wider than the limit and more than a whole line where it is narrower: so a row is one
line or two, in all rows alike. Where such a basis is stripped (untrusted notebooks), fixed ones stand, and rows break
where they must. The formulas stand once, as custom properties of the table, --cm0 for the name's column and so
on: the rows of a live table take them from js/src/rows.css instead of saying them each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = 0.8
"""Between two columns, in em."""
_WIDER_GAP = 1.6
"""Between the figures and what comes after them in one line."""
_LETTERS = {**dict.fromkeys(" .,-il", 0.36), **dict.fromkeys("mMW\N{MINUS SIGN}\N{ALMOST EQUAL TO}", 1.06)}
_LETTER = 0.68
"""Widths in em of bold letters and digits of DejaVu Sans, the widest of the usual fonts."""
_NAME, _SHORT_NAME = 9.0, 6.0
"""What a name has at least, in one line and in the first of two."""
_SPACE = 1.2
"""What more lies between columns where the page is wide, and from which room for the name on."""
_WIDE_NAME = 13.0
_CELL = "box-sizing:border-box;border:0;min-width:0;max-width:none;line-height:18px"


@dataclass(frozen=True, slots=True)
class Column:
    """A column beside the name: its head, the em it needs, the em that it takes where there is room for `more`."""

    head: str
    em: float
    more: float = 0.0
    """Words or a picture that it can do without."""
    text: bool = False
    extra: bool = False
    """Whether a row may be one line without `more`, which then gets room last."""
    fluid: bool = False
    """Whether any part of `more` is of use."""
    right: bool = False
    """Whether it and what follows stand at the right end of their line."""


def width(texts: Iterable[str]) -> float:
    """The em that the longest of these figures needs."""
    widths = (sum(_LETTERS.get(letter, _LETTER) for letter in text) for text in texts)
    return max(widths, default=0.0) + GAP


class Columns:
    """A name and columns; the first `beside` of them stand beside the name also where the others are below it."""

    def __init__(self, name: str, columns: Sequence[Column], beside: int = 2) -> None:
        self.heads = (name, *(column.head for column in columns))
        self._columns = columns
        self._beside = beside
        self._one = _NAME + sum(column.em + (0 if column.extra else column.more) for column in columns)

    @property
    def cells(self) -> tuple[str, ...]:
        """The style of each column's cells."""
        name = f"{_CELL};padding:0;text-align:left;white-space:normal;flex:1 1 {_NAME}em;flex-basis:var(--cm0)"
        return (name, *(self._cell(i, column) for i, column in enumerate(self._columns, 1)))

    @property
    def style(self) -> str:
        """What the table's style must hold for the cells."""
        one, name, short = f"({self._one:.1f}em - 100%)*999", f"{_NAME}em", f"{_SHORT_NAME}em"
        first = sum(column.em for column in self._columns[: self._beside])
        needed, spare = sum(column.em for column in self._columns[self._beside :]), self._one
        bases = {"0": f"clamp(min({name},max({short},100% - {first:.1f}em)),{one},max({short},100% - {first:.1f}em))"}
        for i, column in sorted(enumerate(self._columns, 1), key=lambda numbered: numbered[1].extra):
            spare += column.more if column.extra else 0
            needed += column.more
            step = "" if column.fluid else "*999"
            above = spare - (column.em + column.more if column.fluid else 0)
            below = needed - (column.em + column.more if column.fluid else 0)
            room = f"max((100% - {above:.1f}em){step},min((100% - {below:.1f}em){step},{one}))"
            small, large = f"{column.em:.1f}em", f"{column.em + column.more:.1f}em"
            basis = f"clamp({small},{room},{large})" if column.more else small
            bases[f"{i}"] = f"calc({basis} + var(--cms))"
        wide = spare - _NAME + _WIDE_NAME + _SPACE * len(self._columns)
        bases["s"] = f"clamp(0em,(100% - {wide:.1f}em)*999,{_SPACE}em)"
        bases["p"] = f"calc({GAP}em + var(--cms))"
        bases["f"] = f"calc(clamp(0em,(100% - {self._one:.1f}em)*999,{_WIDER_GAP}em) + var(--cms))"
        return "".join(f";--cm{i}:{basis}" for i, basis in bases.items())

    def _cell(self, i: int, column: Column) -> str:
        side, wrap = ("left", "normal") if column.text else ("right", "nowrap")
        # The first of the second line begins where the name does.
        gap = f"padding:0 0 0 {GAP}em;padding-left:var(--cm{'f' if i == self._beside + 1 else 'p'})"
        end = "margin-left:auto;" if column.right else ""
        flex = f"flex:0 0 {column.em + column.more:.1f}em;flex-basis:var(--cm{i})"
        return f"{_CELL};{gap};text-align:{side};white-space:{wrap};{end}{flex}"


def brief(mark: str, words: str) -> str:
    """A mark, and where there is room for them its words, which else fall into a line that is not seen."""
    line = "display:flex;flex-wrap:wrap;gap:0 .5em;height:18px;overflow:hidden"
    return f'<span style="{line}"><span style="min-width:1em">{mark or "&nbsp;"}</span> <span>{words}</span></span>'


def live_row(values: Iterable[str]) -> str:
    """A row of a page that has js/src/rows.css: a quarter of the size."""
    return f'<tr class="carbon-magic-row">{"".join(f"<td>{value}</td>" for value in values)}</tr>'
