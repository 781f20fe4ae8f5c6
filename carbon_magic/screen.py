"""Where figures are shown: one output of a cell, updated in place; plain text where there is no notebook."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from . import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from .account import Project
    from .run import Run
    from .terminal import LiveLine
    from .totals import Session
    from .tracking import Tracking
    from .widgets.live import LiveView
    from .widgets.project import ProjectView
    from .widgets.summary import Desk, SummaryView

PATIENCE_S = 0.25
"""A shorter run gets no live view: it would be gone before anyone saw it, and costs the browser a widget."""
REFRESH_S = 0.5
"""Blocks that follow each other faster than this share one redraw."""
VIEWS = 8
"""Sessions and projects kept interactive; the oldest fall back to the static table that they show anyhow."""
_views: list[SummaryView | ProjectView] = []


def shell() -> InteractiveShell | None:
    """The IPython shell that this code runs in, without importing IPython where there is none."""
    ipython = sys.modules.get("IPython")
    found: InteractiveShell | None = (
        ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    )
    return found


def in_kernel(ipython: InteractiveShell | None) -> bool:
    """Whether a notebook front end (rather than a terminal) shows what is displayed."""
    kernel = getattr(ipython, "kernel", None)
    # Not in a forked child: what it sends goes nowhere, and the kernel logs each attempt.
    return kernel is not None and getattr(kernel.session, "pid", os.getpid()) == os.getpid()


def seen(ipython: InteractiveShell) -> bool:
    """Whether somebody may be looking: a program that runs notebooks (nbclient, papermill) takes no input.

    Such a program keeps the state of every widget ever opened in the notebook's metadata, so that none is opened for
    it. Voila runs a notebook in the same way, but then shows it.
    """
    kernel = getattr(ipython, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", True)) or os.environ.get("SERVER_SOFTWARE", "").startswith("voila")


def captured(ipython: InteractiveShell) -> bool:
    """Whether %%capture or capture_output() takes what is displayed now."""
    return hasattr(ipython.display_pub, "outputs")


class Place:
    """One output in a notebook: words at first, live while a run goes on, a report at the end."""

    def __init__(self, ipython: InteractiveShell) -> None:
        self._shell = ipython
        self._display_id = os.urandom(16).hex()
        self._shown = False
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._view: LiveView | None = None
        self._gone = False
        self._listen()

    @property
    def target(self) -> str:
        """The id of the element in the page that a live view looks for."""
        return f"carbon-{self._display_id}"

    def wait(self, name: str, like: Run | None) -> None:
        """Show that a run is about to begin, with room for the devices that the run `like` had."""
        from . import report

        self._publish(report.waiting(name, self.target, like))

    def follow(self, tracking: Tracking) -> None:
        """Make the output live, from another thread: importing the widget machinery takes 70 ms."""
        if not seen(self._shell):
            return
        self._ended.clear()
        threads.start(self._go_live, tracking, name="view")

    def _go_live(self, tracking: Tracking) -> None:
        if self._ended.wait(PATIENCE_S):
            return
        try:
            from .widgets.live import LiveView

            view = LiveView(self.target, tracking.run())
        except Exception:  # without the widget the words stay until the report comes
            return
        with self._lock:
            if self._ended.is_set():
                view.retire()
            else:
                self._view = view
                tracking.listen(view.tick)

    def show(self, thing: Run | Session) -> None:
        """The report, in place of whatever stands there; anew where the output was cleared away."""
        from . import report

        self._ended.set()
        with self._lock:
            view, self._view = self._view, None
        if self._gone:
            self._display_id, self._shown, self._gone = os.urandom(16).hex(), False, False
        self._publish(report.bundle(thing, target=self.target))
        if view is not None:
            view.retire()

    def _publish(self, bundle: dict[str, str]) -> None:
        update, self._shown = self._shown, True
        self._shell.display_pub.publish(bundle, {}, transient={"display_id": self._display_id}, update=update)

    def _listen(self) -> None:
        """Notice clear_output(): the front end forgets the output then, and updates of it would go nowhere."""
        register = getattr(self._shell.display_pub, "register_hook", None)
        if register is not None:
            register(self._hear)

    def _hear(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("header", {}).get("msg_type") == "clear_output":
            self._gone = self._shown
        return message

    def leave(self) -> None:
        """Nothing more will be shown here."""
        unregister = getattr(self._shell.display_pub, "unregister_hook", None)
        if unregister is not None:
            unregister(self._hear)


class Block:
    """The one output of all track() blocks of a cell: live while one goes on, a table once there are several."""

    def __init__(self, ipython: InteractiveShell) -> None:
        self._place = Place(ipython)
        self._shell = ipython
        self._runs: list[Run] = []
        self._live = False
        self._stale = False
        self._shown_s = -REFRESH_S
        ipython.events.register("post_run_cell", self._cell_ended)

    def begin(self, name: str, like: Run | None) -> None:
        """A block begins. Many short ones in a loop do not each redraw the output."""
        self._live = time.monotonic() - self._shown_s >= REFRESH_S
        if self._live:
            self._place.wait(name, like)

    def follow(self, tracking: Tracking) -> None:
        if self._live:
            self._place.follow(tracking)

    def ended(self, run: Run) -> None:
        self._runs.append(run)
        self._stale = True
        if self._live:
            self._show()

    def _show(self) -> None:
        from .totals import Session

        self._place.show(self._runs[0] if len(self._runs) == 1 else Session(tuple(self._runs), "This cell"))
        self._stale = False
        self._shown_s = time.monotonic()

    def _cell_ended(self, *_: object) -> None:
        global _block
        if self._stale:
            self._show()
        self._place.leave()
        self._shell.events.unregister("post_run_cell", self._cell_ended)
        _block = None


_block: Block | None = None


def for_block(others_run: bool) -> Block | None:
    """The output for a track() block, where there is one to show it in.

    Not outside a notebook, not from another thread, and not inside another run, whose output is live already.
    """
    global _block
    ipython = shell()
    if others_run or ipython is None or not in_kernel(ipython) or captured(ipython):
        return None
    if threading.current_thread() is not threading.main_thread():
        return None
    if _block is None:
        _block = Block(ipython)
    return _block


def live_line(ipython: InteractiveShell, name: str) -> LiveLine | None:
    """A run's line in a terminal, where there is a terminal that can show one and none is shown yet."""
    if in_kernel(ipython) or captured(ipython):
        return None
    try:
        from .terminal import LiveLine, suits

        return LiveLine(name, sys.stdout) if suits(os.environ, sys.stdout) else None
    except Exception:  # without the line the report comes all the same
        return None


def show_run(ipython: InteractiveShell, run: Run) -> None:
    """A run's report by itself: as text in a terminal."""
    from . import report

    if not in_kernel(ipython):
        _print(report.bundle(run))
        return
    place = Place(ipython)
    place.show(run)
    place.leave()


def _print(bundle: dict[str, str]) -> None:
    from .report.plain import sayable

    print(sayable(bundle["text/plain"], getattr(sys.stdout, "encoding", None)))


def show_bundle(ipython: InteractiveShell, bundle: dict[str, str]) -> None:
    """Something that does not change: as text in a terminal."""
    ipython.display_pub.publish(bundle, {}) if in_kernel(ipython) else _print(bundle)


def show_session(ipython: InteractiveShell, session: Session, desk: Desk | None = None) -> None:
    """The session summary; interactive where a notebook shows it. `desk` carries out what is asked for there."""
    from . import report

    target = f"carbon-{os.urandom(16).hex()}"

    def show(thing: Session, update: bool = True) -> None:
        bundle = report.bundle(thing, target=target)
        ipython.display_pub.publish(bundle, {}, transient={"display_id": target}, update=update)

    def view() -> SummaryView:
        from .widgets.summary import SummaryView

        return SummaryView(target, session, desk, show)

    if not in_kernel(ipython):
        _print(report.bundle(session))
        return
    show(session, update=False)
    if session.runs:
        _interactive(ipython, view)


def show_project(ipython: InteractiveShell, project: Project, by: Sequence[str]) -> None:
    """A project's account; interactive where a notebook shows it."""
    from . import report

    target = f"carbon-{os.urandom(16).hex()}"
    show_bundle(ipython, report.project_bundle(project, by, target))

    def view() -> ProjectView:
        from .widgets.project import ProjectView

        return ProjectView(target, project, by)

    if project.entries:
        _interactive(ipython, view)


def _interactive(ipython: InteractiveShell, view: Callable[[], SummaryView | ProjectView]) -> None:
    """Make what was shown interactive, from another thread: importing the widget machinery takes 70 ms."""
    if in_kernel(ipython) and not captured(ipython) and seen(ipython):
        threads.start(_keep, view, name="view")


def _keep(view: Callable[[], SummaryView | ProjectView]) -> None:
    try:
        _views.append(view())
    except Exception:  # the static table is there already
        return
    while len(_views) > VIEWS:
        _views.pop(0).close()
