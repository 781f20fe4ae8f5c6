"""A meter that is asked over the network, by a thread of its own: a slow or dead one delays nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from ... import threads
from ...forks import no_fork
from ...ranges import Range
from ..counter import Fault
from ..meter import Meter
from .fetch import Client, NoAnswerError
from .sample import Follower, Sample

UNASKED_S = 10.0
"""Nobody has read the meter for so long: its thread rests, and asks the device no more. (The watcher reads every
second while a run goes on.)"""
PATIENCE_S = 6.0
"""So long the first answer may take: a dead address takes two attempts to tell."""
STALE_TICKS = 6
"""Answers that fail for so many periods: the meter has none."""
LONGEST_PERIODS = 6
"""After failures it is asked more and more rarely, down to a sixth as often."""


FAULTS: dict[Fault, str] = {
    "reset": "its counter was reset; the energy around that moment is taken from the power it told",
    "implausible": "its counter jumped impossibly; the energy around that moment is taken from the power it told",
    "several wraps": "its counter may have gone round more than once",
}


class Asks(Protocol):
    """What the file of a protocol holds."""

    def sample(self, client: Client) -> Sample:
        """Ask once. Raises NoAnswerError."""
        ...


class WallMeter(Meter):
    """Joules at the wall, as the device on the network counts them; never added to what it contains."""

    kind = "wall"
    counted = False
    remote = True
    max_w = 30_000.0  # a rack's worth: a chassis of eight GPUs takes 10 kW

    def __init__(
        self, name: str, source: str, protocol: Asks, client: Client, *, period_s: float, tick_s: float, counts: bool,
        gain: Range, now: Callable[[], float],
    ) -> None:  # fmt: skip
        self.name, self.source, self.gain = name, source, gain
        self.group = name
        self.method = "counter" if counts else "polled"
        self.scope = "wall"
        self.tick_s = tick_s
        self._protocol, self._client = protocol, client
        self._period_s, self._now = period_s, now
        self._follower = Follower(max(period_s, tick_s), self.max_w)
        self._lock = threading.Condition()
        self._asked_s: float | None = None  # when the meter was last read
        self._since_s = 0.0  # when reading began, after a pause
        self._answered_s: float | None = None
        self._trouble = ""
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def slow(self) -> bool:
        return False  # its ticks are not waited for: what it said it draws goes on until the next answer

    def read(self) -> float | None:
        """Joules so far, at once: what the device told last, carried on to this moment."""
        now = self._now()
        with self._lock:
            if self._asked_s is None or now - self._asked_s > UNASKED_S:
                self._follower.pause(now)
                self._since_s, self._answered_s = now, None
                self._wake()
            self._asked_s = now
            if self._answered_s is None:
                # At the very first there is nothing yet, and the first answer will tell what was used since now.
                return self._follower.at(now) if now - self._since_s < PATIENCE_S else None
            stale = now - self._answered_s > max(STALE_TICKS * self._period_s, PATIENCE_S)
            return None if stale else self._follower.at(now)

    def unheard(self) -> str | None:
        with self._lock:
            if self._answered_s is not None and self._follower.known:
                return None
            if not self._trouble and self._answered_s is None and self._now() - self._since_s > PATIENCE_S:
                return f"no answer within {PATIENCE_S:g} s"
            return self._trouble

    def slack_j(self) -> tuple[float, float]:
        return self._follower.slack_low_j, self._follower.slack_high_j

    def unsure_j(self) -> float:
        with self._lock:
            return self._follower.unsure_j(self._now())

    def news(self) -> list[str]:
        with self._lock:
            faults, self._follower.faults = self._follower.faults, []
        return [FAULTS[fault] for fault in faults]

    def close(self) -> None:
        with self._lock:
            self._closed, self._asked_s = True, None
            self._lock.notify_all()

    def _learned(self) -> None:
        """An answer came: for meters that learn from it what they are."""

    def _wake(self) -> None:
        self._closed = False
        if self._thread is None or not self._thread.is_alive():
            self._thread = threads.start(self._loop, name="wall")
        self._lock.notify_all()

    def _loop(self) -> None:
        with no_fork:  # what a fork in the midst of an import would leave half made
            import http.client  # noqa: F401
            import ssl  # noqa: F401
        wait_s = self._period_s
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._closed or self._wanted())
                if self._closed:
                    break
            wait_s = self._period_s if self._ask() else min(2 * wait_s, LONGEST_PERIODS * self._period_s)
            with self._lock:
                since_s = self._since_s
                # A run that begins meanwhile is not kept waiting for its first answer.
                self._lock.wait_for(lambda s=since_s: self._closed or self._since_s != s, wait_s)  # type: ignore[misc]
        self._client.close()

    def _wanted(self) -> bool:
        return self._asked_s is not None and self._now() - self._asked_s <= UNASKED_S

    def _ask(self) -> bool:
        before = self._now()
        try:
            sample = self._protocol.sample(self._client)
            trouble = "its answer holds no energy" if sample == Sample() else ""
        except NoAnswerError as error:
            sample, trouble = Sample(), str(error)
        except Exception as error:  # a device's nonsense ends here
            sample, trouble = Sample(), f"its answer is not understood ({type(error).__name__})"
        now = self._now()
        with self._lock:
            self._trouble = trouble
            if trouble or before < self._since_s:
                return not trouble  # asked before this run: it says nothing of it
            self._follower.add((before + now) / 2, sample)
            self._answered_s = now
            self._learned()
        return True
