"""Which runs made the final model: the stage "final", or what the user says."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from ..labels import clean
from .entry import Entry

FORMS = "a run's name, stage:NAME, tag:KEY=VALUE, id:ID or last"
HOW = (
    "Which run made the final model? Give it the stage final (%%carbon -s final), "
    "or choose it: %carbon project --final NAME."
)
SHORTEST_ID = 4
_PLAIN = re.compile(r"[\w.+-]+")
"""What stands in a command's line as it is."""


def final_runs(entries: Sequence[Entry]) -> list[int]:
    """Runs of the stage "final": those that are done, or all of them where none is."""
    final = [i for i, entry in enumerate(entries) if entry.stage == "final"]
    return [i for i in final if entries[i].state == "done"] or final


def chosen(entries: Sequence[Entry], selectors: Sequence[str]) -> list[int]:
    """The runs that any of these selectors names. ValueError in a sentence where one names none."""
    found: set[int] = set()
    for selector in selectors:
        matching = _matching(entries, selector)
        if not matching:
            raise ValueError(f"no run of this project is {clean(selector[:60])!r}; a final run is given by {FORMS}")
        found.update(matching)
    return sorted(found)


def in_words(entries: Sequence[Entry], final: Sequence[int]) -> list[str]:
    """Selectors that choose just these runs: the stage or a tag that they alone have, else beginnings of ids."""
    if not final:
        return []
    first = entries[final[0]]
    for selector in (f"stage:{first.stage}", *(f"tag:{key}={_text(value)}" for key, value in first.tags.items())):
        plain = all(map(_PLAIN.fullmatch, selector.partition(":")[2].split("=")))
        if plain and _matching(entries, selector) == list(final):
            return [selector]
    ids = sorted(entry.id for entry in entries)
    return [f"id:{_shortest(entries[i].id, ids)}" for i in final]


def _shortest(run_id: str, ids: Sequence[str]) -> str:
    """The beginning of an id that no other of these, which are in order, shares."""
    at = bisect_left(ids, run_id)
    beside = (*ids[max(0, at - 1) : at], *ids[at + 1 : at + 2])
    lengths = range(2 * SHORTEST_ID, len(run_id))
    return next((run_id[:n] for n in lengths if not any(i.startswith(run_id[:n]) for i in beside)), run_id)


def _matching(entries: Sequence[Entry], selector: str) -> list[int]:
    kind, colon, what = selector.partition(":")
    if selector == "last":
        latest = max(range(len(entries)), key=lambda i: entries[i].started_at, default=None)
        return [] if latest is None else [latest]
    if colon and what and kind in _TESTS:
        if kind == "id" and len(what) < SHORTEST_ID:
            return []
        return [i for i, entry in enumerate(entries) if _TESTS[kind](entry, what)]
    return [i for i, entry in enumerate(entries) if entry.name == selector or entry.id == selector] or [
        i for i, entry in enumerate(entries) if fnmatchcase(entry.name, selector)
    ]


def _tagged(entry: Entry, what: str) -> bool:
    key, equals, value = what.partition("=")
    return key in entry.tags and (not equals or _text(entry.tags[key]) == value)


def _text(tag: object) -> str:
    return str(tag).lower() if isinstance(tag, bool) else str(tag)


_TESTS: dict[str, Callable[[Entry, str], bool]] = {
    "stage": lambda entry, what: entry.stage == what,
    "name": lambda entry, what: entry.name == what or fnmatchcase(entry.name, what),
    "id": lambda entry, what: entry.id.startswith(what),
    "tag": _tagged,
}
