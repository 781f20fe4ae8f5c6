"""Stopping the main thread in the midst of what it does: by a signal that becomes an exception there.

pthread_kill rather than _thread.interrupt_main, which does not wake sleep, wait or a subprocess. One long call into C
ends when it ends: nobody can stop it from within the process.

What catches the stop and goes on is stopped again; when, depends on what it does with it (see _wait).
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from . import children, stack
from .budget import CarbonBudgetExceeded
from .share import tree

AGAIN_S = 1.0
"""What caught the stop with a clause that catches anything, and goes on, is stopped again so much later."""
KIND_S = 30.0
"""Tidying up, or going on after a clause that names the interrupt, has so long at least ..."""
KIND_PART = 0.1
"""... and until it has used so much of the budget on top: what takes hours may take minutes to save."""
WAIT_S = 0.2
"""Waiting for threads saves nothing: it is stopped again so soon."""
STUBBORN = 3
"""A loop that catches anything, each time anew, is stopped between two lines from this stop on."""
LAST_S = 0.5
"""How long the end of a run waits for a signal that is still on its way."""


class Stopper:
    """From its making to close(), stop() raises CarbonBudgetExceeded in the main thread, where it was made."""

    def __init__(self) -> None:
        self._thread = threading.main_thread().ident or 0
        self._pid = os.getpid()
        self._cell = stack.in_cell(sys._getframe())  # noqa: SLF001 - the documented way to one's own frame
        self._loop, self._task = _running_loop()
        self._processes = tree.descendants()
        self._lock = threading.Lock()
        self._sentence = ""
        self.closing = self._awaited = False
        self._next_s = self._last_s = 0.0
        self._part = self._last_part = 1.0
        self._error: CarbonBudgetExceeded | None = None
        self._caught: stack.Clause | None = None
        self._commanded = False
        self._traced: list[FrameType] = []
        self.stops = 0
        """How often the work was stopped."""
        self.went_on = False
        """Whether it caught a stop, and went on."""
        self.before = _open(signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, self._handle)

    @staticmethod
    def possible() -> bool:
        """Only the main thread may be stopped, and only it may say so."""
        return threading.current_thread() is threading.main_thread()

    def stop(self, sentence: str, part: float = 1.0) -> None:
        """From any other thread, again and again: stop the main one, if it is time to. Nothing after close().

        `part`: how much of the budget is used, 1.0 when it is used up.
        """
        with self._lock:
            self._part = part
            now_s = time.monotonic()
            if self.closing or (self._awaited and now_s < self._next_s) or (self.stops and now_s < self._due_s()):
                return
            self._sentence, self._awaited, self._next_s = sentence, True, now_s + AGAIN_S
            if not self._is_ours():
                self._awaited = False
                if self._task is not None and not self._runs(stack.of(self._thread)):
                    self._cancel()  # the cell that the task was started in has ended
                    return
                self._delivered()  # the user's own handler is asked to stop the work, as Ctrl-C would ask it
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(self._thread, signal.SIGINT)
            else:
                import _thread

                _thread.interrupt_main()

    def _due_s(self) -> float:
        """When what was stopped and is not at its end yet is to be stopped again."""
        if self._error is None and self._caught is None:
            return self._next_s  # a task was cancelled
        if self._error is not None and stack.in_flight(self._error, stack.handled(self._thread)):
            if stack.caught_by(self._error, CarbonBudgetExceeded.__name__, still=True) == "ours":
                return math.inf  # whoever names it knows what it means
            if stack.waits_for_threads(stack.of(self._thread)):
                return self._last_s + WAIT_S
            return self._kind_s(2.0 ** (self.stops - 1))
        if not stack.is_users(stack.of(self._thread), self._cell):
            return math.inf  # it is at its end
        if self._error is not None:
            self._caught = stack.caught_by(self._error, CarbonBudgetExceeded.__name__, still=False)
            self._error = None  # not kept: it holds what the stopped functions held
            self.went_on |= not self._commanded
        if self._caught != "any" and self.stops == 1 and not self._commanded:
            return self._kind_s(1.0)
        return self._last_s + AGAIN_S

    def _kind_s(self, times: float) -> float:
        """The time after KIND_S, or when KIND_PART is used: whichever is later."""
        return self._last_s + times * KIND_S if self._part >= self._last_part + times * KIND_PART else math.inf

    def _is_ours(self) -> bool:
        """Whether SIGINT comes here, by itself or by way of another run's that began later."""
        handler: Any = signal.getsignal(signal.SIGINT)
        while isinstance(owner := getattr(handler, "__self__", None), Stopper):
            if owner is self:
                return True
            handler = owner.before
        return False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._awaited and os.getpid() == self._pid:
            self._awaited = False
            if self.closing:
                return  # too late: the work is done
            if not self._reaches(frame):
                return
        if callable(self.before):
            self.before(number, frame)
        elif self.before == signal.SIG_DFL:
            raise KeyboardInterrupt

    def _reaches(self, frame: FrameType | None) -> bool:
        """Raise in the user's code, or cancel its task; True where the handler before knows how to do that."""
        if self._task is not None and not self._runs(frame):
            # The loop itself must not be torn down. asyncio.run() has its own way for what it was called with.
            if getattr(self.before, "keywords", {}).get("main_task") is self._task:
                self._delivered()
                return True
            self._cancel()
            return False
        if not stack.is_users(frame, self._cell):
            self._commanded = False
            self._trace(self._users(frame))  # a loop that asks for figures is in our code nearly always
            return False  # if need be the next look sends it again
        self._delivered()
        commands = tree.below(stack.command_pids(frame))
        children.interrupt(self._processes)
        children.end(commands)
        commanding = stack.commanding(frame)
        self._commanded = bool(commanding)
        if commanding:
            self._trace(commanding)
        elif self.stops >= STUBBORN:
            self._trace(self._users(frame))
        raise self._new()

    def _users(self, frame: FrameType | None) -> list[FrameType]:
        return [it for it in stack.outward(frame) if stack.is_users(it, self._cell)]

    def _runs(self, frame: FrameType | None) -> bool:
        """Whether the task that is to be stopped runs now, where an exception does no harm to the loop around it."""
        import asyncio

        if stack.loop_is_idle(frame) or asyncio.current_task(self._loop) is not self._task:
            return False
        kernels = any(stack.is_ipythons(it) for it in stack.outward(frame))
        return stack.in_cell(frame) or not kernels

    def _cancel(self) -> None:
        self._delivered()
        children.interrupt(self._processes)
        try:
            self._loop.call_soon_threadsafe(self._cancel_now)
        except RuntimeError:
            return  # closed meanwhile

    def _cancel_now(self) -> None:
        if not self.closing:
            self._task.cancel(CarbonBudgetExceeded(self._sentence))

    def _delivered(self) -> None:
        self.stops += 1
        self._last_s, self._last_part = time.monotonic(), self._part
        self._error = self._caught = None
        # For what gets no exception of ours: a task may await in its `finally`, a handler is asked like a person asks.
        self._next_s = self._last_s + (AGAIN_S if self._task is None else KIND_S * 2.0 ** (self.stops - 1))

    def _new(self) -> CarbonBudgetExceeded:
        self._error = CarbonBudgetExceeded(self._sentence)
        return self._error

    def _trace(self, frames: list[FrameType]) -> None:
        """Raise anew at the next line of these, or at their end, once the stop has been swallowed on the way to them.

        IPython's commands swallow an interrupt, and what stands after `!train` would run as if nothing had happened.
        """
        if sys.gettrace() not in (None, _untraced):
            return  # a debugger's or a test's: the next stop comes in time
        commanded = self._commanded

        def look(_: FrameType, event: str, arg: Any) -> Any:
            if self.closing or event == "call":
                return None
            if event == "exception" and not commanded:
                return None
            if event == "exception" and isinstance(arg[1], KeyboardInterrupt):
                sys.settrace(None)  # it was not swallowed, and what a command makes of it is no more than that
                return None
            if self._error is not None and stack.in_flight(self._error, sys.exc_info()[1]):
                return look
            self._commanded = False
            if not commanded:
                self._delivered()
                children.interrupt(self._processes)
            raise self._new() from None

        for frame in frames:
            frame.f_trace = look
        self._traced += [frame for frame in frames if frame not in self._traced]
        sys.settrace(_untraced)

    def resume(self) -> None:
        """A cell within the run's own has ended: go on with what raising in it has put an end to (sys.settrace)."""
        if self._traced and not self.closing and sys.gettrace() is None:
            sys.settrace(_untraced)

    def close(self) -> None:
        """Give the signal back. A stop that was sent but has not arrived yet is swallowed here."""
        with self._lock:
            self.closing = True
        ends_s = time.monotonic() + LAST_S
        while self._awaited and time.monotonic() < ends_s:
            pass  # it is on its way to this thread: Python handles it between two of these
        self._error = None
        if sys.gettrace() is _untraced:
            sys.settrace(None)
        while self._traced:
            self._traced.pop().f_trace = None
        if signal.getsignal(signal.SIGINT) == self._handle and self.possible():
            before = _open(self.before)
            signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)


def _untraced(*_: Any) -> None:
    """What the interpreter is given to trace new functions by: nothing."""


def _open(handler: Any) -> Any:
    """The handler, or what was there before, where its run has ended: in another order than it began, or thread."""
    while isinstance(owner := getattr(handler, "__self__", None), Stopper) and owner.closing:
        handler = owner.before
    return handler


def _running_loop() -> tuple[Any, Any]:
    asyncio = sys.modules.get("asyncio")
    try:
        loop = asyncio.get_running_loop() if asyncio is not None else None
    except RuntimeError:
        return None, None
    return loop, asyncio.current_task(loop) if asyncio is not None and loop is not None else None
