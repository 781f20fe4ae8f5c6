"""Which runs made the final model: the stage "final", or what the user says."""

from __future__ import annotations

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
