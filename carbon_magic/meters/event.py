"""Something that befell a meter while it was watched."""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """Something a reader of the figures should know, and when (monotonic seconds)."""

    t_s: float
    text: str
    until_s: float | None = None

    def sentence(self, t0_s: float) -> str:
        """As it stands among the notes of a run that began at `t0_s`."""
        at = f"at {max(0.0, self.t_s - t0_s):.1f} s"
        if self.until_s is not None:
            at = f"from {max(0.0, self.t_s - t0_s):.1f} s to {self.until_s - t0_s:.1f} s"
        return f"{at} {self.text}"
