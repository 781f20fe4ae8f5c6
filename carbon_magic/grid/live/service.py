"""What every service answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ahead import Point
    from .ask import Ask

DAY_S = 86400.0
_ZONE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class Service(Protocol):
    """A source of intensity by zone. Every method raises LiveError in a sentence."""

    name: str
    """As in the setting, the key's variable and the cache."""
    title: str
    """As people call it."""
    basis: str
    """ "lifecycle" or "direct": what the average figures hold."""
    boundary: str
    licence: str
    needs_key: bool
    every_s: float
    """How often it is worth asking again."""

    def zone(self, place: str) -> str | None:
        """The service's zone for the key of a place; None where the place does not tell it."""

    def history(self, ask: Ask, zone: str, now_s: float) -> Sequence[Point]:
        """Average intensity of the last day, as far as it is known."""

    def forecast(self, ask: Ask, zone: str, now_s: float, hours: float) -> Sequence[Point]:
        """The hours to come."""


def zone(value: str) -> str:
    """A zone that somebody names: it goes into addresses and file names. ValueError in a sentence."""
    text = value.strip()
    if not _ZONE.fullmatch(text):
        raise ValueError(f"a zone is a short code such as FR, US-CAL-CISO or DK1, not {value[:40]!r}")
    return text
