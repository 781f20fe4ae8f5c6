"""%carbon calibrate: measure this machine at rest, and at work, and keep it for the runs to come."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from .. import calibrating, process, screen
from .. import calibration as kept
from ..calibrating import Bench, BusyError, Measured, Work
from ..calibration import Host
from ..clock import Clock, SystemClock
from ..device import Device
from ..meters import cpu_model, cpu_time, survey, with_wall
from ..meters.processor import curve_of
from ..meters.site import Site
from ..progress import Progress
from ..report import calibrated

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

USUAL_S = 60
SHORTEST_S, LONGEST_S = 5, 900
LOAD_S = 6.0
"""For each step of the load: a plug has told its power six times."""
NOTHING = (
    "Nothing here can be calibrated: no instrument of this machine can be read. %carbon meters tells what would open "
    "one; a smart plug serves too (%config CarbonMagic.wall)."
)
IN_RUN = "%carbon calibrate measures a machine at rest: not while a run is in progress."


def run(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Takes a minute; an interrupt leaves what was known before as it is."""
    seconds, load, forget = _options(words)
    here = process.current()
    if here.tracker.active:
        raise UsageError(IN_RUN)
    clock = SystemClock()
    site = Site(with_wall(os.environ, here.settings({}).wall), clock.monotonic, cpu_model.cpuinfo())
    host = kept.this_host(site.cpuinfo)
    if forget:
        was = kept.forget(host, os.environ)
        _say(shell, "This host's calibration is forgotten." if was else "This host was not calibrated.")
        here.tracker.close()
        return
    progress = Progress(shell, seconds + (len(calibrating.LOADS) * LOAD_S if load else 0.0), "at rest")
    answer = calibrated.sentence("Not calibrated.")
    try:
        answer = _answer(site, host, clock, seconds, load, progress)
    except KeyboardInterrupt:
        answer = calibrated.sentence("Interrupted: nothing was stored, and what was known before is as it was.")
    finally:
        progress.answer(answer)
    here.tracker.close()  # the next run looks for its meters anew, and finds this


def _answer(site: Site, host: Host, clock: Clock, seconds: float, load: bool, progress: Progress) -> dict[str, str]:
    """What is known now, or why nothing more is."""
    found = survey(site)
    cpus = cpu_time.cpus_shown()
    try:
        measured = _measure(Bench(found.meters, cpu_time.busy_and_total, cpus, clock), seconds, load, progress)
    except BusyError as error:
        again = "Again, please, when nothing else runs on it."
        return calibrated.sentence(f"Not calibrated: this machine is busy ({error}). {again}")
    finally:
        for meter in found.meters:
            meter.close()
    if measured is None:
        return calibrated.sentence(NOTHING)
    known = calibrating.calibration(host, time.time(), measured, curve_of(site.cpuinfo, cpus))
    try:
        path = kept.save(known, os.environ)
    except OSError as error:
        why = f"{error.strerror}: {kept.folder(os.environ)}" if error.strerror else str(error)
        return calibrated.sentence(f"Measured, but not stored ({why}).")
    return calibrated.bundle(known, path)


def _measure(bench: Bench, seconds: float, load: bool, progress: Progress) -> Measured | None:
    bench.listen()
    if not bench.odometers:
        return None
    rest, rest_s = bench.rest(seconds, progress.passed)
    return Measured(rest, rest_s, _loads(bench, progress) if load else ())


def _loads(bench: Bench, progress: Progress) -> tuple[tuple[float, float, tuple[Device, ...]], ...]:
    """A quarter of the CPUs busy, then a half, three quarters, all of them."""
    found = []
    with Work() as work:
        for part in calibrating.LOADS:
            progress.doing(f"{part:.0%} busy")
            work.spread(max(1, round(part * bench.cpus)))
            bench.load(calibrating.WARM_S, progress.passed)
            found.append(bench.load(LOAD_S - calibrating.WARM_S, progress.passed))
    return tuple(found)


def _options(words: Sequence[str]) -> tuple[float, bool, bool]:
    """Seconds at rest, whether at work too, whether to forget. UsageError in a sentence."""
    usage = f"%carbon calibrate takes --seconds N ({SHORTEST_S} to {LONGEST_S}), --load, or --forget"
    left, seconds, flags = list(words), float(USUAL_S), set[str]()
    while left:
        word = left.pop(0)
        if word in ("--load", "--forget"):
            flags.add(word)
        elif word == "--seconds" and left:
            try:
                seconds = float(left.pop(0))
            except ValueError:
                raise UsageError(usage) from None
        else:
            raise UsageError(usage)
    if not SHORTEST_S <= seconds <= LONGEST_S or ("--forget" in flags and len(words) > 1):
        raise UsageError(usage)
    return seconds, "--load" in flags, "--forget" in flags


def _say(shell: InteractiveShell, sentence: str) -> None:
    screen.show_bundle(shell, calibrated.sentence(sentence))
