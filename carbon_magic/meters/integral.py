"""Watts become a counter: for devices that tell power only, and for models."""

from __future__ import annotations

from collections.abc import Callable


class Integral:
    """Joules so far, over the time that really passed between the looks."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._joules = 0.0
        self._t_s: float | None = None
        self._watts: float | None = None

    def look(self, watts: float) -> float:
        """`watts` is drawn at this moment: a trapezoid since the look before. Returns joules so far."""
        before = watts if self._watts is None else self._watts
        self._watts = watts
        return self.step((before + watts) / 2)

    def step(self, mean_w: float, now_s: float | None = None) -> float:
        """`mean_w` was drawn since the last call, until now. Returns joules so far."""
        now = self._now() if now_s is None else now_s
        if self._t_s is not None:
            self._joules += mean_w * max(0.0, now - self._t_s)
        self._t_s = now
        return self._joules

    def pause(self) -> None:
        """Nothing is drawn until the next look: what lies between is not filled in."""
        self._t_s = self._watts = None
