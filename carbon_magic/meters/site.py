"""Where an instrument looks, and what it answers: what it found, and what it would take to find more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from .meter import Meter


class Site(NamedTuple):
    """One machine, real or simulated: all that an instrument may look at to find its meters."""

    environ: Mapping[str, str]
    now: Callable[[], float]
    cpuinfo: str = ""
    """/proc/cpuinfo, or the same in words of other systems."""
    sys: Path = Path("/sys")
    pause: Callable[[float], None] = time.sleep
    """For the few milliseconds that telling two counters apart may take."""

    @property
    def sensors(self) -> Path:
        """The /sys whose counters and sensors are read; a container may have its host's elsewhere and say so."""
        return Path(self.environ.get("CARBON_MAGIC_SYS") or self.sys)


class Missing(NamedTuple):
    """An instrument that is not there or not open, and the least that would open it."""

    what: str
    """Its name: "RAPL through powercap"."""
    why: str
    """A sentence, without a full stop."""
    step: str = ""
    """The exact least-privilege step, commands on lines of their own; empty where nothing can be done."""
    kind: str = ""
    """ "cpu", "dram", "gpu": what would be measured by it; a model of that kind says why in its notes."""
    hint: str = ""
    """What such a model's note says, in one sentence; `why` where it is empty."""


class Found(NamedTuple):
    """What one instrument's `find` answers."""

    meters: Sequence[Meter] = ()
    missing: Sequence[Missing] = ()


class Instrument(Protocol):
    """What each file of an instrument holds."""

    def find(self, site: Site) -> Found:
        """The meters at this site. Wakes no device, opens no socket that nobody asked for; may raise."""
        ...
