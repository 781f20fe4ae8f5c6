"""What a run asks for its grid's figure, where nothing is fetched; during.py is the other answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..curve import Curve
    from .figure import Intensity

Found = tuple["Intensity", str | None]
"""The figure, and a note where it is not the one that was asked for."""


class Annual:
    """Where no service is set: the published figure of the place, for every hour."""

    def __init__(self, place: Intensity) -> None:
        self._place = place

    def refresh(self) -> None:
        """Nothing is fetched."""

    def settle(self, begin_s: float, duration_s: float) -> None:
        """Nothing is waited for."""

    def figure(
        self, begin_s: float, duration_s: float, curve: Callable[[], Curve], slept_s: float, final: bool
    ) -> Found:
        """The place's."""
        return self._place, None
