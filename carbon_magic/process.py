"""What this process has one of: its tracker, its session, its way to the ledger."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from . import config, cost, grid, labels, origin, project_file, screen, trouble, units
from .clock import SystemClock
from .config import Settings
from .grid import Annual, Intensity, Look, looks
from .labels import Label
from .run import Run, State
from .store import Pump, open_store, rescue, where
from .tracker import Tracker
from .tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from . import budgeting
    from .account import Project
    from .budget import Watch
    from .cost import Price
    from .grid import Forecast
    from .grid.feeds import Feeds
    from .meters.meter import Meter
    from .stopping import Stopper
    from .store.ledger import Ledger
    from .totals import Session

SETTLE_S = 5.0
"""How long a question to the ledger waits for this process's own runs to be in it."""


class Wanted(NamedTuple):
    """A run about to begin: everything about it that could be wrong has been checked."""

    label: Label
    settings: Settings
    place: Intensity
    prices: tuple[Price, ...] = ()
    budget: Watch | None = None
    during: Annual | None = None


class Whereabouts(NamedTuple):
    """The place, and how it was chosen."""

    chosen: Intensity
    settings: Settings
    given: list[tuple[str, Any]]
    """Each source of settings in words, the most binding first, and the place that it names, or None."""
    looks: list[Look]
    """Each way of telling it from the machine."""


class Process:
    """The parts put together. A forked child gets its own: see current()."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.pid = os.getpid()
        self.runs: list[Run] = []
        self.last: Run | None = None
        self.tracker = Tracker(self._find_meters, SystemClock(), environ)
        self._wall: str | None = None
        self.pump: Pump | None = None
        self._environ = environ
        self.stoppers: dict[str, Stopper] = {}
        self._spent: dict[tuple[str, str], budgeting.Used] = {}
        self._guesses: dict[str, Intensity] = {}
        self._feeds: Feeds | None = None
        self._looks_at: tuple[Path | None, origin.Lookout] | None = None
        self.tracker.subscribers.append(self._keep)
        atexit.register(trouble.speak)  # after the pump's own last words: exit handlers run last in, first out

    def settings(self, options: Mapping[str, Any]) -> Settings:
        """Settings now; `options` come first and must be right: ValueError or TypeError in a sentence."""
        settings, problems = config.current(options, self._environ)
        units.use(settings.units)
        if settings.equivalents or "carbon_magic.equivalents" in sys.modules:
            from . import equivalents

            equivalents.use(settings.equivalents)
        if problems:
            sentence = f"settings that are not used, the defaults apply: {'; '.join(problems)}"
            trouble.say_once(f"settings {sentence}", sentence)
        return settings

    def wanted(
        self,
        name: Any,
        stage: Any,
        tags: Any,
        options: Mapping[str, Any],
        default_name: str = "",
        seed: Any = None,
        cell: str | None = None,
    ) -> Wanted:
        """What is to be run, checked. ValueError or TypeError in a sentence where an argument is wrong.

        `cell` is the source of the cell that runs, where the caller knows it better than the shell.
        """
        settings = self.settings(options)
        shell = screen.shell()
        notebook = origin.notebook(shell, self._environ)
        stands_in = self._lookout(notebook).now()
        label = Label(
            name=labels.name(
                name, labels.clean(default_name) or f"run {len(self.runs) + len(self.tracker.active) + 1}"
            ),
            stage=labels.stage(stage),
            tags=labels.tags(tags),
            project=labels.clean(settings.project or stands_in.project),
            host=_host(),
            seed=labels.seed(seed),
            notebook=notebook,
            cell_hash=origin.cell_hash(cell or origin.cell(shell)),
            git_commit=stands_in.commit,
        )
        place = self.place(settings)
        prices = cost.known(place.place, settings.price, settings.cloud_price)
        watch = self._budget(settings, label, cell is not None)
        return Wanted(label, settings, place, prices, watch, self._during(settings, place))

    def begin(self, wanted: Wanted) -> Tracking:
        """Start a run; its first row goes to the ledger a moment later, off the cell's path."""
        if self.pump is None:
            ledger, store = wanted.settings.ledger, wanted.settings.store
            kept = rescue(ledger, self._environ, store)
            self.pump = Pump(lambda: open_store(ledger, self._environ, _say, store), _say, kept)
        if wanted.during is not None:
            wanted.during.refresh()
        if wanted.settings.wall != self._wall and not self.tracker.active:
            self.tracker.close()  # the meters are looked for anew
        self._wall = wanted.settings.wall
        stopper = None
        if wanted.budget is not None:
            from . import budgeting

            stopper = budgeting.stopper(wanted.budget)
        tracking = self.tracker.begin(
            wanted.label,
            wanted.settings,
            wanted.place,
            wanted.prices,
            budget=wanted.budget,
            stop=stopper.stop if stopper is not None else None,
            during=wanted.during,
        )
        if stopper is not None:
            self.stoppers[tracking.id] = stopper
        return tracking

    def end(self, tracking: Tracking, state: State, error: BaseException | None = None) -> Run:
        """End a run: into the session, to the ledger. `error` is what left it."""
        stopper = self.stoppers.pop(tracking.id, None)
        if stopper is not None:
            stopper.close()  # first of all: what follows is not to be interrupted
        if stopper is not None or error is not None:
            from . import budgeting

            state = budgeting.outcome(tracking, stopper, state, error, self.tracker.active)
        first = tracking.final is None and not tracking.inherited
        run = self.tracker.end(tracking, state)
        if first:
            self.runs.append(run)
            self.last = run
            trouble.speak()
        return run

    def session(self) -> Session:
        """The runs that have ended."""
        from .totals import Session

        return Session(tuple(self.runs))

    def ledger(self) -> Ledger:
        """What is on record, this process's own runs included."""
        from .store.ledger import Ledger

        settings = self.settings({})
        return Ledger(where(settings.ledger, self._environ, _say, settings.store), self._settle, _say)

    def _budget(self, settings: Settings, label: Label, cell: bool) -> Watch | None:
        if settings.budget is settings.session_budget is settings.project_budget is None:
            return None

        from . import budgeting

        def spent() -> budgeting.Spent:
            known = self._spent.setdefault((str(settings.ledger), label.project), {})
            return budgeting.Spent(self.ledger, label.project, known)

        return budgeting.watch(settings, self.session(), spent, "cell" if cell else "run")

    def whereabouts(self) -> Whereabouts:
        """The place that a run would have now, and everything that was looked at, looked at anew."""
        project = project_file.find(anew=True)
        settings = self.settings({})
        self._guesses.clear()
        places = dict(config.pairs(settings.places or ""))
        given = [(source.words, source.values.get("place")) for source in config.sources(self._environ, project)]
        return Whereabouts(self.place(settings), settings, given, list(looks(self._environ, places=places)))

    def _lookout(self, notebook: str | None) -> origin.Lookout:
        """The one on the folder that this notebook stands in."""
        folder = origin.folder(notebook)
        if self._looks_at is None or self._looks_at[0] != folder:
            self._looks_at = folder, origin.Lookout(folder)
        return self._looks_at[1]

    def project(self, name: str | None = None) -> Project:
        """The account of a project on record: the one that runs are filed under now, or another by its name.

        Raises OSError in plain words where the ledger cannot be read.
        """
        from .account.read import read

        return read(self.ledger(), self.project_name() if name is None else labels.clean(name))

    def project_name(self) -> str:
        """What runs are filed under now."""
        chosen = self.settings({}).project
        return labels.clean(chosen or self._lookout(origin.notebook(screen.shell(), self._environ)).now().project)

    def _find_meters(self, environ: Mapping[str, str], now: Callable[[], float]) -> list[Meter]:
        from . import meters  # the instruments themselves: looked for when the first run begins

        return meters.find(meters.with_wall(environ, self._wall), now)

    def _settle(self) -> None:
        if self.pump is not None:
            self.pump.flush(SETTLE_S)

    def place(self, settings: Settings) -> Intensity:
        """The grid of a run with these settings."""
        if settings.place is not None:
            found = grid.intensity(settings.place)
            return replace(found, how=f"{found.how} {settings.said.get('place', '')}".strip())
        key = settings.places or ""
        if key not in self._guesses:
            self._guesses[key] = grid.guess(self._environ, places=dict(config.pairs(key)))
        return self._guesses[key]

    def forecast(self, hours: float = 24.0, place: str | None = None) -> Forecast | None:
        """The hours to come at this place, by the service that `live` names; None where it names none.

        Waits for the network, 20 s at most. LiveError in a sentence where the service does not tell.
        """
        settings = self.settings({"place": place})
        if settings.live is None:
            return None
        return self._fed().forecast(settings.live, settings.live_zone, self.place(settings), hours)

    def _during(self, settings: Settings, place: Intensity) -> Annual | None:
        if settings.live is None:
            return None
        return self._fed().during(settings.live, settings.live_zone, place)

    def _fed(self) -> Feeds:
        if self._feeds is None:
            from .grid.feeds import Feeds

            self._feeds = Feeds(self._environ)
        return self._feeds

    def _keep(self, run: Run) -> None:
        if self.pump is not None:
            self.pump.put(run)


def _say(sentence: str) -> None:
    trouble.say_once("ledger", sentence)


def _host() -> str:
    """This machine's name."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform

    return platform.node()


_current: Process | None = None


def current() -> Process:
    """This process's own; a forked child starts with an empty session and devices opened anew."""
    global _current
    if _current is None or _current.pid != os.getpid():
        _current = Process()
    return _current
