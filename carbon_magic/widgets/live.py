"""The live view of a run: one small dict per tick goes to the page."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import traitlets

from .. import units
from ..report import beside, run_html
from ..report.extremes import keep
from ..report.palette import looks
from ..report.plain import plain
from .view import View, file

if TYPE_CHECKING:
    from ..run import Run
    from ..tick import Tick

PAST = 300
"""Points of the curve before the view was there, sent once with the model."""
LOADING_S = 2.0
"""After so long anywidget gives up loading a model, and says so itself."""
_retired: list[LiveView] = []


class LiveView(View):
    """Makes the waiting element of class `target` live: construct it in any thread, feed it ticks, close it.

    `run` is the first look at the run: its devices, its place, its name.
    """

    _esm = file("live.js")
    _css = file("live.css")
    target = traitlets.Unicode().tag(sync=True)
    html = traitlets.Unicode().tag(sync=True)
    units = traitlets.Unicode().tag(sync=True)
    looks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    past: traitlets.List[Any] = traitlets.List().tag(sync=True)
    now = traitlets.Dict().tag(sync=True)
    ready = traitlets.Bool(False).tag(sync=True)

    def __init__(self, target: str, run: Run) -> None:
        self.made_s = time.monotonic()
        self._names = [device.name for device in run.devices]
        look_of = zip(run.devices, looks(run.devices), strict=True)
        super().__init__(
            target=target,
            html=run_html.live(run),
            units=units.chosen(),
            looks=[
                {
                    "name": device.name,
                    "colour": look.colour,
                    "fill": look.fill,
                    "limit": device.limit_w,
                    "idle": device.idle_w,
                }
                for device, look in look_of
            ],
            past=_past(run),
        )

    def retire(self) -> None:
        """Close it, as soon as the page has it: closing what is still being made is an error in the page's console.

        A page that never says so is given LOADING_S, until the next view retires.
        """
        for view in [view for view in _retired if time.monotonic() - view.made_s > LOADING_S]:
            _retired.remove(view)
            view.close()
        if self.ready or time.monotonic() - self.made_s > LOADING_S:
            self.close()
        else:
            _retired.append(self)
            self.observe(self._closed_by_the_page, "ready")

    def _closed_by_the_page(self, _: object) -> None:
        if self in _retired:
            _retired.remove(self)
            self.close()

    def tick(self, tick: Tick) -> None:
        """Send the figures so far; the page draws them at its next frame."""
        self.now = wire(tick, self._names)


def _past(run: Run) -> list[tuple[float, list[float | None]]]:
    """The curve so far: seconds, and watts in the devices' order."""
    missing = (None,) * len(run.curve.t_s)
    columns = [run.curve.watts.get(device.name, missing) for device in run.devices]
    kept = keep(run.curve.total_w(), PAST)
    return [(round(run.curve.t_s[i], 3), [_short(column[i]) for column in columns]) for i in kept]


def wire(tick: Tick, names: list[str]) -> dict[str, Any]:
    """A tick as js/src/model.ts reads it: short keys, four digits, watts in the devices' order."""
    known = [watts for watts in tick.watts.values() if watts is not None]
    sent = {
        "n": tick.n,
        "t": round(tick.t_s, 3),
        "w": [_short(tick.watts.get(name)) for name in names],
        "p": _short(sum(known)) if known else None,
        "e": [_short(x) for x in (tick.energy_j, *tick.energy_j_range)],
        "g": [_short(x) for x in (tick.co2e_g, *tick.co2e_g_range)],
        "k": beside.by_car(tick.co2e_g),
    }
    if tick.budget is not None and tick.budget.limit > 0:
        sent["b"] = [_short(tick.budget.used / tick.budget.limit), plain(tick.budget.label, 60)]
    return sent


def _short(value: float | None) -> float | None:
    """Four significant digits: one more than is shown. JSON has no infinity and no NaN: they are unknown too."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None
