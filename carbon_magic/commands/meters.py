"""%carbon meters: every instrument found or missing, and the least that would open the missing ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import process, screen
from ..clock import SystemClock
from ..meters import cpu_model, doctor, with_wall
from ..meters.site import Site
from ..report import instruments
from . import no_more

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """A table, with the update period and the cost of a read as measured now."""
    no_more("meters", words)
    clock = SystemClock()
    environ = with_wall(os.environ, process.current().settings({}).wall)
    site = Site(environ, clock.monotonic, cpu_model.cpuinfo())
    screen.show_bundle(shell, instruments.bundle(doctor.examine(site, clock)))
