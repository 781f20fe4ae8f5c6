"""From the cell to the ledger, and never the other way round: whoever puts a run here goes on at once."""

from __future__ import annotations

import _thread
import atexit
import contextvars
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from .. import threads
from ..forks import no_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..run import Run
    from . import Store

EXIT_S = 2.0
"""How long the end of the interpreter waits for the last write."""
PATIENCE_S = 5.0
"""How long a ledger that another program holds is tried again before anybody hears of it."""
STUCK_S = 10.0
"""A single write that takes longer than this is worth a word."""
LINGER_S = 2.0
"""How long the thread stays after a run that goes on was written: the next snapshot comes within a second, and a thread
that waits for it costs half of one that is started."""
MOST_ENDED = 1000
"""Ended runs that are remembered, so that no late "running" overtakes them."""


class Pump:
    """Keeps the newest snapshot of each run and writes it in a thread that lives only while a run goes on.

    `open_store` is called in that thread and the store kept for the next time; after trouble it is opened anew. What
    could not be written stays here, and every later put() or flush() tries again. `say` hears of trouble once.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        say: Callable[[str], None],
        rescue: Callable[[Sequence[Run]], None] | None = None,
    ) -> None:
        self._open_store = open_store
        self._rescue = rescue
        self._say = say
        self._told = False
        self._start_over()
        _pumps.add(self)

    def _start_over(self) -> None:
        # Reentrant: a signal handler may put a run in the midst of a put.
        self._changed = threading.Condition(threading.RLock())
        self._waiting: dict[str, Run] = {}
        self._current: Run | None = None
        self._ended: dict[str, None] = {}
        self._store: Store | None = None
        self._writing = False
        self._lingering = False
        self._call = threading.Lock()
        self._call.acquire()
        self._began_s = 0.0
        self._exits = False
        self._gave_up = False

    def put(self, run: Run) -> None:
        """Have this snapshot written soon. Never waits, never raises."""
        try:
            with self._changed:
                if run.state != "running":
                    self._ended[run.id] = None
                    if len(self._ended) > MOST_ENDED:
                        del self._ended[next(iter(self._ended))]
                elif run.id in self._ended:
                    return
                self._waiting[run.id] = run
                self._start()
                stuck = self._writing and time.monotonic() - self._began_s > STUCK_S
            if stuck:
                self._tell(f"The ledger has not answered for {STUCK_S:.0f} s")
        except Exception as error:
            self._tell(_told(error))

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where it is not by then."""
        with self._changed:
            here = bool(self._waiting) and not self._start()
            self._writing = self._writing or here
        if here:  # no thread can be started while the interpreter shuts down (Python 3.12)
            self._drain(patience_s=0.0)
        with self._changed:
            self._changed.wait_for(lambda: not self._writing, timeout_s)
            return not self._writing and not self._waiting

    def close(self, timeout_s: float = EXIT_S) -> bool:
        """Flush and let go of the store; a later put() opens it again. False where not everything could be written."""
        written = self.flush(timeout_s)
        self._let_go_if_idle()
        atexit.unregister(self._leave)
        self._exits = False
        return written

    def _start(self) -> bool:
        """See to it that somebody writes. False where no thread is to be had."""
        if not self._exits:
            self._exits = True
            atexit.register(self._leave)
            _at_worker_exit(self._leave)
        if not self._writing:
            self._writing = True
            self._began_s = time.monotonic()
            if self._lingering:
                self._lingering = False
                self._call.release()
                return True
            try:
                # Not threading.Thread, whose start() waits for the new thread to get the GIL: 5 ms beside a busy one.
                _thread.start_new_thread(contextvars.copy_context().run, (self._work,))
            except RuntimeError:
                self._writing = False
        return self._writing

    def _work(self) -> None:
        """The thread: it writes, and stays for the next snapshot while a run goes on."""
        while self._drain(stays=True) and self._called():
            pass

    def _called(self) -> bool:
        """Wait for more to write; False where nobody has called in time."""
        if not self._call.acquire(timeout=LINGER_S):
            with self._changed:
                if self._lingering:
                    self._lingering = False
                    return False
            self._call.acquire()  # at the last moment
        return True

    def _drain(self, patience_s: float = PATIENCE_S, stays: bool = False) -> bool:
        """Write until nothing waits, or until the store is found to be of no use for now.

        Whether the thread `stays` for the next snapshot: where the run that was written last goes on.
        """
        failures, give_up_s, goes_on = 0, 0.0, False
        while True:
            with self._changed:
                # Twice in a row is the store; once may be the run, which has gone to the end of the queue.
                if not self._waiting or failures > 1:
                    self._writing = False
                    self._lingering = stays and goes_on
                    self._changed.notify_all()
                    return self._lingering
                run = self._current = self._waiting.pop(next(iter(self._waiting)))
                self._began_s = time.monotonic()
            error = self._write(run)
            if error is None:
                self._current = None
                failures, give_up_s, goes_on = 0, 0.0, run.state == "running"
                continue
            with self._changed:
                self._waiting.setdefault(run.id, run)  # unless a newer snapshot has come
                self._current = None
                give_up_s = give_up_s or self._began_s + patience_s
                if isinstance(error, TimeoutError) and time.monotonic() < give_up_s:
                    self._changed.wait(0.05)
                    continue
            failures, goes_on = failures + (2 if isinstance(error, TimeoutError) else 1), False
            self._tell_from_here(_told(error))

    def _write(self, run: Run) -> Exception | None:
        """Write it, with a second chance on a store opened anew: the file may have been moved, or found damaged."""
        failure: Exception | None = None
        for _ in range(2):
            try:
                with no_fork:
                    if self._store is None:
                        self._store = self._open_store()
                    self._store.put(run)
                return None
            except Exception as error:
                failure = error
                self._let_go()
                if isinstance(error, TimeoutError):
                    break
        return failure

    def _let_go(self) -> None:
        store, self._store = self._store, None
        try:
            if store is not None:
                with no_fork:
                    store.close()
        except Exception:
            return  # it is not needed any more

    def _let_go_if_idle(self) -> None:
        """In place of the thread, as it were: nobody who puts a run meanwhile waits for a slow disk."""
        with self._changed:
            if self._writing:
                return
            self._writing = True
        self._let_go()
        with self._changed:
            self._writing = False
            if self._waiting:
                self._start()
            self._changed.notify_all()

    def _tell_from_here(self, reason: str) -> None:
        """Tell from a proper thread: one that threading does not know would stay in its list once it asks its name."""
        if self._told:
            return
        teller = threads.start(self._tell, reason)
        if teller is None:
            self._tell(reason)
        else:
            teller.join(1.0)

    def _tell(self, reason: str, fate: str = "runs stay in memory and are written as soon as it can be done") -> None:
        if self._told:
            return
        self._told = True
        clean = " ".join(reason.encode("utf-8", "backslashreplace").decode().split())
        clean = clean if len(clean) <= 130 else f"{clean[:60]} … {clean[-65:]}"
        try:
            self._say(f"{clean}: {fate}; see to it, or set CARBON_MAGIC_LEDGER to another one.")
        except Exception:
            return  # nobody is there to hear it

    def _leave(self) -> None:
        """At the end of the interpreter."""
        if self._gave_up:
            return
        if self.flush(EXIT_S):
            self._let_go_if_idle()
        else:
            self._gave_up = True
            fate = "the last figures of this process are not in it"
            if self._rescued():
                fate = "the last figures of this process wait on this machine, and the next one writes them"
            self._tell(f"The ledger took nothing for {EXIT_S:.0f} s", fate)

    def _rescued(self) -> bool:
        """Have what waits, and what a hanging store is busy with, kept elsewhere."""
        with self._changed:
            busy = {self._current.id: self._current} if self._current is not None else {}
            runs = list((busy | self._waiting).values())
        try:
            if self._rescue is not None and runs:
                self._rescue(runs)
                return True
        except Exception:
            return False
        return False

    def forget(self) -> None:
        """For the child after a fork: everything in here is the parent's to write."""
        store = self._store
        self._start_over()
        if store is not None:
            # SQLite: a connection must not be used after a fork, nor even closed (it could fold up the parent's files).
            # One reference too many keeps it from being closed when the child's interpreter ends.
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(store))


def _told(error: Exception) -> str:
    text = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return f"The ledger cannot be written ({text})"


def _at_worker_exit(leave: Callable[[], None]) -> None:
    """A worker of multiprocessing leaves by os._exit, without atexit, but calls its own finalizers."""
    modules: dict[str, Any] = sys.modules
    if "multiprocessing.util" in modules and modules["multiprocessing.process"].parent_process() is not None:
        modules["multiprocessing.util"].Finalize(None, leave, exitpriority=0)


_pumps: weakref.WeakSet[Pump] = weakref.WeakSet()


def _forked() -> None:
    for pump in list(_pumps):
        pump.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
