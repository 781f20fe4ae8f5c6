"""The sentence for a place that the table does not have."""

from __future__ import annotations

import difflib

from .lookup import names
from .words import SHOWN, fold, shown

_MOST = 3
_LIKE = 0.65
# A match this much worse than the best one is noise beside it: "Frnce" is France, and not the grid called RFCE.
_WORSE = 0.1
_ASKED_FOR = "a country (FR), a region (US-CA) or a cloud region (aws:eu-west-1) is asked for"


def unknown(place: str) -> str:
    """One sentence that names the closest places by code and name, whatever is in `place`."""
    if not place.strip():
        return f"no place is given: {_ASKED_FOR}"
    near = [f"{key} ({name})" for key, name in closest(place)]
    if not near:
        return f"unknown place {shown(place)}: {_ASKED_FOR}"
    listed = " or ".join([", ".join(near[:-1]), near[-1]] if near[1:] else near)
    return f"unknown place {shown(place)}: did you mean {listed}?"


def closest(place: str) -> list[tuple[str, str]]:
    """The places whose code or name is most like these words, best first."""
    known = names()
    by_form: dict[str, list[str]] = {}
    for key, name in known.items():
        # "VT" is Vermont to those who live there, and "eu-west-1" a region to those who use it.
        for form in {fold(key), fold(name), fold(key.partition(":")[2]), fold(key.rpartition("-")[2])} - {""}:
            by_form.setdefault(form, []).append(key)
    words = fold(place[:SHOWN])
    forms = difflib.get_close_matches(words, by_form, n=2 * _MOST, cutoff=_LIKE)
    if not forms:
        return []
    bar = _likeness(words, forms[0]) - _WORSE
    keys = dict.fromkeys(key for form in forms if _likeness(words, form) >= bar for key in by_form[form])
    return [(key, known[key]) for key in keys][:_MOST]


def _likeness(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, b, a).ratio()
