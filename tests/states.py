"""Every state that people see, as a page shows it: HTML from Python, and the models that make it move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from looks import device, modelled, rapl, run, server, session
from project_runs import project

from carbon_magic import equivalents, report, units
from carbon_magic.curve import Curve
from carbon_magic.tick import Budget, Tick
from carbon_magic.totals import Session


@dataclass
class Model:
    """What a widget's model holds at first, and the ticks that come after."""

    state: dict[str, Any]
    ticks: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Shown:
    """A state: HTML as it is displayed, and what makes it live."""

    html: str
    models: list[Model] = field(default_factory=list)
    press: tuple[str, ...] = ()
    """Selectors of what is pressed before the picture is taken."""


def wave(devices, count, seconds, gap=(), lost=()):
    """Watts of each device at each tick: up and down; None in the gap, and for a device that was lost."""
    for n in range(1, count + 1):
        t = seconds * n / count
        yield (
            n,
            t,
            {
                d.name: None
                if n in gap or (d.name, n) >= (d.name, dict(lost).get(d.name, math.inf))
                else d.energy_j / 3 * (1 + 0.3 * math.sin(t / seconds * 14 + i) + 0.06 * math.sin(n * (7 + i)))
                for i, d in enumerate(devices)
            },
        )


def live(devices, count=240, seconds=60.0, gap=(), lost=(), budget=None, name="train", target="live", **fields):
    """A run in progress; `devices(seconds)` makes its devices."""
    from carbon_magic.widgets.live import LiveView, wire

    last = run(name, devices=devices(3.0), seconds=3.0, **fields)
    view = LiveView(target, replace(last, state="running", duration_s=0.05, curve=Curve()))
    names = [d.name for d in last.devices]
    power = sum(d.energy_j for d in last.devices) / 3
    ticks = []
    for n, t, watts in wave(last.devices, count, seconds, gap, lost):
        joules = power * t
        spent = Budget(budget * t / seconds, 1.0, f"{50 * budget * t / seconds:.1f} of 50.0 g CO2e") if budget else None
        ticks.append(
            wire(
                Tick(
                    n,
                    t,
                    watts,
                    joules,
                    (0.95 * joules, 1.05 * joules),
                    joules / 7e4,
                    (joules / 9e4, joules / 5e4),
                    spent,
                ),
                names,
            )
        )
    return Shown(report.waiting(name, target, like=last)["text/html"], [Model(model_state(view), ticks)])


def model_state(view):
    """What the page gets of a view, without what anywidget and ipywidgets add."""
    state = view.get_state()
    return {name: value for name, value in state.items() if not name.startswith("_")}


def idle(devices):
    """The same devices with an idle power: a third of what they draw."""
    return lambda seconds: [replace(d, idle_w=0.3 * d.energy_j / seconds) for d in devices(seconds)]


class Obedient:
    """Does what the page asks for, with the runs that it is asked about."""

    def __init__(self):
        self.runs, self.preferred = {}, []

    def amend(self, run_id, *, name=None, tags=None):
        self.runs[run_id] = replace(self.runs[run_id], name=name, tags=tags)
        return self.runs[run_id]

    def prefer(self, setting, value):
        self.preferred.append((setting, value))
        {"units": units, "equivalents": equivalents}[setting].use(value)


def summary(target, count):
    """A session, interactive."""
    from carbon_magic.widgets.summary import SummaryView

    thing = session(count)
    view = SummaryView(target, thing, Obedient())
    return Shown(report.bundle(thing, target=target)["text/html"], [Model(model_state(view))])


def saved(thing):
    """What stays in a notebook."""
    return Shown(report.bundle(thing)["text/html"])


def project_view(target, count):
    """A project's account, interactive."""
    from carbon_magic.widgets.project import ProjectView

    thing = project(count)
    view = ProjectView(target, thing, ("stage",))
    return Shown(report.project_bundle(thing, ("stage",), target)["text/html"], [Model(model_state(view))])


HEAVY = "x" * 90 + " <b>bold</b> \u202e \u05d0\u05d1"

STATES: dict[str, Callable[[str], Shown]] = {
    "waiting": lambda t: Shown(report.waiting("train", t)["text/html"]),
    "first-tick": lambda t: live(rapl, count=1, seconds=0.2, target=t),
    "busy": lambda t: live(idle(rapl), stage="train", tags={"lr": 0.1}, target=t),
    "gpu-lost": lambda t: live(
        lambda s: server(s, gpus=2), lost=(("GPU 1 NVIDIA H100 80GB HBM3", 150),), gap=range(60, 75), target=t
    ),
    "modelled-only": lambda t: live(modelled, target=t),
    "eight-gpus": lambda t: live(server, target=t),
    "budget": lambda t: live(rapl, budget=0.62, target=t),
    "over-budget": lambda t: live(rapl, budget=1.07, target=t),
    "ended": lambda t: saved(
        run(others=(device("Platform (psys)", "platform", 2400.0),), stage="tune", tags={"lr": 0.1})
    ),
    "ended-eight-gpus": lambda t: saved(run("eight GPUs", devices=server(18000), seconds=18000, points=1500)),
    "ended-modelled": lambda t: saved(run(devices=modelled())),
    "failed": lambda t: saved(run(state="failed", gap=range(60, 90), notes=("GPU 3: lost at 12.3 s",))),
    "interrupted": lambda t: saved(run(HEAVY, state="interrupted")),
    "unknown": lambda t: saved(run(devices=[])),
    "no-runs": lambda t: saved(Session()),
    "summary-1": lambda t: summary(t, 1),
    "summary-20": lambda t: summary(t, 20),
    "summary-500": lambda t: summary(t, 500),
    "summary-used": lambda t: replace(
        summary(t, 5),
        press=(
            "text=Options",
            "text=On other grids",
            "tbody .carbon-magic-pick >> nth=1",
            ".carbon-magic-name >> nth=1",
            "text=Rename or tag",
        ),
    ),
    "folded": lambda t: replace(live(rapl, target=t), press=(".carbon-magic-fold",)),
    "project": lambda t: project_view(t, 20),
    "saved-summary-5": lambda t: saved(session(5)),
}


def state(name: str, target: str = "shown") -> Shown:
    """One of them."""
    return STATES[name](target)


def together(names) -> Shown:
    """Several in one page, each with a target of its own."""
    all_of_them = [state(name, f"shown-{i}") for i, name in enumerate(names)]
    return Shown("".join(s.html for s in all_of_them), [model for s in all_of_them for model in s.models])
