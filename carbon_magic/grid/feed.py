"""One zone's live figures in this process: fetched by a thread that lives for one question, read by whoever wants."""

from __future__ import annotations

import _thread
import threading
import time
from typing import TYPE_CHECKING

from .. import threads
from .live.error import LiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .ahead import Point
    from .live.service import Service

LONGEST_PAUSE_S = 900.0
FIRST_PAUSE_S = 60.0
"""After a failure; doubled with each one more."""
MOST = 5000
"""Points kept in memory: two weeks in steps of five minutes."""


class Feed:
    """Points of one service and zone, kept up to date while somebody asks for it.

    Nothing here waits, but for wait() with its bound; nothing raises. `problem` says what went wrong last.
    """

    def __init__(
        self,
        service: Service,
        zone: str | None,
        environ: Mapping[str, str],
        fetch: Callable[[Service, str, Mapping[str, str]], tuple[Sequence[Point], float]],
        problem: str | None = None,
    ) -> None:
        self.service = service
        self.zone = zone
        self.points: tuple[Point, ...] = ()
        self.problem = problem
        self._environ = environ
        self._fetch = fetch
        self._due_s = 0.0
        self._failures = 0
        self._idle = threading.Event()
        self._idle.set()

    def refresh(self) -> None:
        """Ask again in a thread of its own, if it is time to. Comes back at once."""
        if self.zone is None or not self._idle.is_set() or time.monotonic() < self._due_s:
            return
        self._idle.clear()
        try:
            _thread.start_new_thread(self._launch, ())
        except RuntimeError:  # the interpreter shuts down
            self._idle.set()

    def _launch(self) -> None:
        # A proper thread, as HTTP and keyrings ask threading who they are; its start() waits until it has run, which is
        # 5 ms beside a busy one, so that it is called from here.
        if threads.start(self._work, name="live") is None:
            self._idle.set()

    def wait(self, seconds: float) -> None:
        """Until an answer under way is here, this long at most."""
        self._idle.wait(seconds)

    def _work(self) -> None:
        again_s: float | None = None
        try:
            points, age_s = self._fetch(self.service, self.zone or "", self._environ)
            self._take(points)
            self.problem, self._failures = None, 0
            again_s = max(1.0, self.service.every_s - age_s)
        except LiveError as error:
            self.problem, again_s = str(error), error.again_s
        except Exception as error:  # whatever a server made of its answer: the annual figure takes over
            self.problem = (
                f"{self.service.title} answers with something that is not understood ({type(error).__name__})"
            )
        finally:
            if again_s is None:
                again_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._failures)
            self._failures += self.problem is not None
            self._due_s = time.monotonic() + again_s
            self._idle.set()

    def _take(self, points: Sequence[Point]) -> None:
        """What is new beside what is known. Marginal figures are never counted, so they never come in."""
        if any(point.marginal for point in points):
            raise LiveError(f"{self.service.title} gives marginal figures only, which are never counted")
        begin, end = min(point.start_s for point in points), max(point.end_s for point in points)
        before = [point for point in self.points if point.end_s <= begin]
        after = [point for point in self.points if point.start_s >= end]
        self.points = tuple([*before, *points, *after][-MOST:])
