"""What a fork must not happen in the midst of, though it is done by a background thread.

A fork copies the thread's half-made module or locked mutex without the thread: in a data loader's worker the user's own
`import sqlite3` would fail for ever, or SQLite never return. So a fork waits for it: 0.5 ms for a write, 15 ms for the
imports before the first.
"""

from __future__ import annotations

import os
import threading
import time

LONGEST_S = 0.5
"""A fork waits no longer than this, and not at all again while what it waited for has not become quick."""


class NoFork:
    """A context manager for any number of threads at once."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[int, float] = {}
        self._forking = 0
        self._slow = False

    def __enter__(self) -> None:
        with self._changed:
            if self._forking:
                self._changed.wait_for(lambda: not self._forking, LONGEST_S)
            self._inside[threading.get_ident()] = time.monotonic()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            began_s = self._inside.pop(threading.get_ident(), 0.0)
            self._slow = self._slow and time.monotonic() - began_s > LONGEST_S
            if self._forking:
                self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait until nobody is inside, and let nobody in."""
        with self._changed:
            self._forking += 1
            if not self._slow:
                self._slow = not self._changed.wait_for(lambda: not self._inside, LONGEST_S)

    def after_fork(self) -> None:
        """In the parent: go on."""
        with self._changed:
            self._forking -= 1
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        """In the child there is nobody."""
        self._reset()


no_fork = NoFork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=no_fork.before_fork, after_in_parent=no_fork.after_fork, after_in_child=no_fork.after_fork_in_child
    )
