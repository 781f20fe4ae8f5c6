"""What every instrument is: a counter of joules with a name and its known weaknesses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..device import Method, Scope
from ..ranges import Range
from .lag import Lag

SLOW_S = 0.005
"""Counters that tick less often than this are read densely around an edge, to see when they tick."""


class Split(NamedTuple):
    """The parts, 0 to 1, of a device's work and of its idling that are this notebook's; `work` None: not known."""

    since: object
    """To be given back at the next look."""
    work: float | None
    idle: float


class Meter(ABC):
    """Joules so far, by one device.

    Attributes:
        name, kind: what people read ("GPU 0 NVIDIA A100"), and "cpu", "dram" or "gpu".
        source: where the number comes from.
        method: "counter", "polled" or "modelled".
        gain: the 90 % range of truth ÷ figure, instrument accuracy alone.
        group: meters of one group err together (one sensor design, one model).
        key: the device's own name, the same for as long as it exists (a GPU's UUID); None where it has none.
        tick_s: the counter moves at least this often; a slow one's tick is measured at first use.
        wraps_at_j: the counter starts again from 0 after this many joules; None where it does not.
        max_w: more than this is impossible: tells a wrap from a reset.
        limit_w: the device's own power limit, for the chart.
        idle_w: what it draws while nothing runs, where that is known, for the chart.
        notes: what a reader of the figure should know, a hint how to get a better one included.
        counted: False for a figure that must not be added to the machine's total.
        scope: what the figure holds; all but "device" hold parts that others measure, so they are not counted.
        part: what it measures, for `contains` of others; its kind where not said otherwise.
        remote: it is asked over a network, so that its first answer takes a while; read() never waits for it.
        contains: the parts whose joules are in this figure too ("dram", "igpu"): not counted again, nor modelled.
        lag: how late what it shows is, of a sensor of watts; its shown_w() tells that.
        spare: only wanted where no other instrument measures this part.
    """

    name: str
    kind: str
    source: str
    method: Method
    gain: Range
    group: str
    key: str | None = None
    tick_s: float = 0.001
    wraps_at_j: float | None = None
    max_w: float = 1000.0
    limit_w: float | None = None
    idle_w: float | None = None
    notes: tuple[str, ...] = ()
    counted: bool = True
    scope: Scope = "device"
    part: str = ""
    remote: bool = False
    contains: tuple[str, ...] = ()
    spare: bool = False
    lag: Lag | None = None

    @abstractmethod
    def read(self) -> float | None:
        """Joules so far; None when there is no answer now. May raise: that counts as no answer."""

    def slack_j(self) -> tuple[float, float]:
        """Joules so far by which the figure may be too high and too low, beside `gain`: what changes with the load."""
        return 0.0, 0.0

    def watts(self) -> float | None:
        """What the device says that it draws now, None where it does not. Asked at the edges of slow counters only."""
        return None

    def unsure_j(self) -> float:
        """± how far off the last reading may be because the device has not told of the moments before it."""
        return 0.0

    def shown_w(self) -> float | None:
        """What its sensor showed at the last look, of one with a lag."""
        return None

    def past_w(self, since_s: float) -> Sequence[tuple[float, float]]:  # noqa: ARG002 - see nvml
        """What the device itself recorded since then: monotonic seconds, and the mean watts since the sample before."""
        return ()

    @property
    def slow(self) -> bool:
        """Whether it moves in ticks long enough to matter at a cell's edges."""
        return self.method == "counter" and self.tick_s >= SLOW_S

    def watch(self, counting: bool) -> None:  # noqa: B027 - a counter counts whether we look or not
        """A run begins, or none is left: for what samples by itself meanwhile."""

    def news(self) -> list[str]:
        """What happened to it that readers of the figure should know, since it was asked last."""
        return []

    def unheard(self) -> str | None:
        """Why nothing is known since the counting began, "" where it was too short to know; None once it is known."""
        return None

    def asleep(self) -> bool:
        """Whether the device is suspended: it is not read then, and its counter may stand still."""
        return False

    def split(self, since: object, pids: Collection[int], allotted: float) -> Split:  # noqa: ARG002 - see nvml
        """Whose work it did since the look that gave `since`, where a device has its own account of processes.

        `pids` are this notebook's; `allotted` is the part of idling that falls to it where nobody uses the device.
        """
        return Split(since, None, 0.0)

    def close(self) -> None:  # noqa: B027 - most instruments hold nothing open
        """Give back what is held open."""
