"""A paragraph and a table in LaTeX that any engine sets: no package is needed, nothing of a user's is a command."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from . import wording

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\ensuremath{<}", ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}", '"': "''", "`": r"{\`{}}",
    "\N{EN DASH}": "--", "\N{EM DASH}": "---", "\N{MINUS SIGN}": r"\ensuremath{-}", "\N{NO-BREAK SPACE}": "~",
    "\N{MULTIPLICATION SIGN}": r"\ensuremath{\times}", "\N{DIVISION SIGN}": r"\ensuremath{\div}",
    "\N{ALMOST EQUAL TO}": r"\ensuremath{\approx}", "\N{PLUS-MINUS SIGN}": r"\ensuremath{\pm}",
    "\N{MICRO SIGN}": r"\ensuremath{\mu}", "\N{DEGREE SIGN}": r"\ensuremath{^\circ}",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``", "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{MIDDLE DOT}": r"\ensuremath{\cdot}",
    "\N{LEFT SINGLE QUOTATION MARK}": "`", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{SUBSCRIPT TWO}": r"\ensuremath{_2}",
    "\N{LATIN SMALL LETTER SHARP S}": r"{\ss}", "\N{LATIN SMALL LETTER O WITH STROKE}": r"{\o}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"{\O}", "\N{LATIN SMALL LETTER AE}": r"{\ae}",
    "\N{LATIN CAPITAL LETTER AE}": r"{\AE}", "\N{LATIN SMALL LETTER L WITH STROKE}": r"{\l}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"{\L}", "\N{LATIN SMALL LETTER DOTLESS I}": r"{\i}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0323": "d",
}  # fmt: skip


def escape(text: str) -> str:
    """Text that LaTeX sets as it is. Letters that a standard font lacks are named by their code point."""
    apart = text.split("--")  # two hyphens would be set as a dash
    return "-{}-".join("".join(map(_sign, part)) for part in apart).replace("CO2e", r"CO\ensuremath{_2}e")


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if " " <= character <= "~":
        return character
    if character.isspace():
        return " "
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and letter.isascii() and letter.isalpha() and marks[0] in _ACCENTS:
        return rf"{{\{_ACCENTS[marks[0]]}{{{letter}}}}}"
    return rf"{{\ttfamily U+{ord(character):04X}}}"


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """The paragraph and the table by stage."""
    said = "\n".join(map(escape, wording.paragraph(facts)))
    heads = wording.heads(facts)
    *stages, total = [" & ".join(map(escape, cells)) + r" \\" for cells in wording.rows(facts)]
    table = [
        r"\begin{table}",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escape(wording.caption(facts))}}}",
        r"\label{tab:carbon}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\hline",
        " & ".join(map(escape, heads)) + r" \\",
        r"\hline",
        *stages,
        r"\hline",
        total,
        r"\hline",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return r"\paragraph{Energy and carbon footprint.}" + f"\n{said}\n\n" + "\n".join(table) + "\n"
