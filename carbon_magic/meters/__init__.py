"""Instruments: everything on this machine that can say how many joules so far.

A new instrument is one file with a `find` (see site.Instrument) and one line here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from ..folders import calibrations_folder
from . import cpu_model, external, models
from .meter import Meter
from .site import Found, Instrument, Missing, Site

if TYPE_CHECKING:
    from ..calibration import Calibration

INSTRUMENTS: dict[str, str] = {
    "rapl": "linux",
    "hwmon": "linux",
    "battery": "linux",
    "emi": "win32",
    "apple": "darwin",
    "nvml": "",
    "amd": "linux",
    "external": "",
}
"""Each instrument's module, and the system (sys.platform) it is for; "" where it may be on any. Earlier ones come
first in every list."""

CHOICE = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
"""What a notebook may set in its first cell, to choose the GPUs that it uses."""


def choice(environ: Mapping[str, str]) -> tuple[str | None, ...]:
    """Which GPUs the environment chooses now: where that changes, the meters are looked for anew."""
    return tuple(map(environ.get, CHOICE))


def find(environ: Mapping[str, str], now: Callable[[], float]) -> list[Meter]:
    """All meters of this machine, a model for each part that has none. Never raises, never wakes a device."""
    return list(survey(Site(environ, now, cpu_model.cpuinfo())).meters)


def with_wall(environ: Mapping[str, str], wall: str | None) -> Mapping[str, str]:
    """The environment with the setting `wall` in it, wherever that was set."""
    return {**environ, external.VARIABLE: wall or ""}


def survey(site: Site) -> Found:
    """All that is found at a site and all that is missing, no joule counted twice, models for the rest."""
    meters: list[Meter] = []
    missing: list[Missing] = []
    for name, platform in INSTRUMENTS.items():
        if platform not in ("", sys.platform):
            continue
        try:
            found = cast("Instrument", importlib.import_module(f".{name}", __name__)).find(site)
        except Exception as error:  # one instrument in trouble takes no other with it
            found = Found((), (Missing(name, f"looking for it failed ({type(error).__name__}: {error})"),))
        meters += found.meters
        missing += found.missing
    meters = count_once(meters)
    known = {meter.kind for meter in meters if meter.scope == "device"}
    known |= {part for meter in meters if meter.counted for part in meter.contains}
    kept = _calibration(site)
    hint = _why("cpu", missing) or _no_meter()
    modelled = models.find(site, known, hint, kept)
    gpus = [meter for meter in meters if meter.kind == "gpu"]
    ordered = [*(meter for meter in meters if meter not in gpus), *modelled, *gpus]
    _at_rest(ordered, kept)
    # A door that is closed matters only where no other is open.
    measured = known & {"cpu", "dram"}
    return Found(ordered, [each for each in missing if each.kind not in measured])


def _calibration(site: Site) -> Calibration | None:
    """What was measured on this host once. Where there is no such folder, a look for it is all."""
    try:
        if not os.path.isdir(calibrations_folder(site.environ)):  # noqa: PTH112 - a Path costs more
            return None
    except OSError:
        return None  # nor is there a home that it could be in
    from .. import calibration

    return calibration.of_this_host(site.cpuinfo, site.sys.parent, site.environ)


def _at_rest(meters: Iterable[Meter], known: Calibration | None) -> None:
    """What each draws while nothing runs, where this host was calibrated."""
    for meter in meters:
        if known is not None and meter.name in known.idle:
            meter.idle_w = known.idle[meter.name].watts


def count_once(meters: Iterable[Meter]) -> list[Meter]:
    """Without spare ones where there are others; what the figure of another holds stands beside the total."""
    meters = list(meters)
    for meter in meters:
        if meter.scope != "device":
            meter.counted = False
    taken = {_part(meter) for meter in meters if meter.counted and not meter.spare}
    meters = [meter for meter in meters if not meter.spare or _part(meter) not in taken]
    pending = [meter for meter in meters if meter.counted]
    wholes: list[Meter] = []
    while pending:
        # From the outside in: what is held by one that does not count itself is not lost.
        meter = next((m for m in pending if not _holders(m, pending)), pending[0])
        pending.remove(meter)
        holders = _holders(meter, wholes)
        if holders:
            meter.counted = False
            meter.notes = (*meter.notes, f"not added: {holders[0].name} holds it already")
        else:
            wholes.append(meter)
    return meters


def _holders(meter: Meter, others: Iterable[Meter]) -> list[Meter]:
    return [other for other in others if other is not meter and _part(meter) in other.contains]


def _part(meter: Meter) -> str:
    return meter.part or meter.kind


def _why(kind: str, missing: Iterable[Missing]) -> str | None:
    return next((m.hint or m.why for m in missing if m.kind == kind), None)


def _no_meter() -> str:
    if sys.platform == "linux":
        return "modelled, because no energy counter is visible here; %carbon meters shows what was looked for"
    return f"modelled, because no CPU energy counter was found on {sys.platform}; %carbon meters shows what could be"
