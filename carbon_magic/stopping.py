"""Stopping the main thread in the midst of what it does: by a signal that becomes an exception there.

pthread_kill rather than _thread.interrupt_main, which does not wake sleep, wait or a subprocess. One long call into C
ends when it ends: nobody can stop it from within the process.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

from .budget import CarbonBudgetExceeded

_POKE_S = 0.05


class Stopper:
    """From its making to close(), stop() raises CarbonBudgetExceeded in the main thread, where it was made."""

    def __init__(self) -> None:
        self._thread = threading.main_thread().ident
        self._loop = _running_loop()
        self._lock = threading.Lock()
        self._sentence: str | None = None
        self._sent = self._handled = self._closing = False
        self._before: Any = signal.signal(signal.SIGINT, self._handle)

    @staticmethod
    def possible() -> bool:
        """Only the main thread may be stopped, and only it may say so."""
        return threading.current_thread() is threading.main_thread()

    def stop(self, sentence: str) -> None:
        """From any other thread: stop the main one. Does nothing the second time, and after close()."""
        with self._lock:
            if self._sent or self._closing or self._thread is None:
                return
            self._sent, self._sentence = True, sentence
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(self._thread, signal.SIGINT)
            else:
                import _thread

                _thread.interrupt_main()
        if self._loop is not None:
            # A loop that waits for a timer takes no notice of what its own signal handlers ask of it.
            import time

            time.sleep(_POKE_S)
            try:
                self._loop.call_soon_threadsafe(lambda: None)
            except RuntimeError:
                return  # closed meanwhile

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._sent and not self._handled:
            self._handled = True
            if self._closing:
                return  # too late: the work is done
            if not _loop_is_idle(frame):
                raise CarbonBudgetExceeded(self._sentence)
            # The loop itself must not be torn down: the handler before knows how to cancel what it waits for.
        if callable(self._before):
            self._before(number, frame)
        elif self._before == signal.SIG_DFL:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Give the signal back. A stop that was sent but has not arrived yet is swallowed here."""
        self._closing = True
        with self._lock:
            awaited = self._sent
        while awaited and not self._handled:
            pass  # it is on its way to this thread: Python handles it between two of these
        if signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._before if self._before is not None else signal.default_int_handler)


def _running_loop() -> Any:
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio.get_running_loop() if asyncio is not None else None
    except RuntimeError:
        return None


def _loop_is_idle(frame: FrameType | None) -> bool:
    """Whether asyncio's own code was interrupted, rather than a task's or whatever runs outside of a loop."""
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename.replace("\\", "/")
        if file.endswith("/asyncio/events.py") and name == "_run":
            return False
        if file.endswith("/asyncio/base_events.py") and name == "_run_once":
            return True
        frame = frame.f_back
    return False
