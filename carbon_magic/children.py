"""The processes that a run started: interrupted together with it, as a notebook's stop button and Ctrl-C do."""

from __future__ import annotations

import os
import signal
import threading

from . import threads
from .share import tree
from .share.tree import Seen

TERM_S = 1.0
"""A command that IPython started and that goes on after it was interrupted is asked to end so much later."""
KILL_S = 2.0
"""And is ended so much after that."""

_Known = dict[int, Seen]


def interrupt(before: _Known) -> None:
    """SIGINT to those that were not there `before`. Not to whoever left this process's group to lead its own life."""
    if not hasattr(os, "getpgid"):
        return
    for pid in tree.descendants().keys() - before.keys():
        try:
            if os.getpgid(pid) == os.getpgrp():
                os.kill(pid, signal.SIGINT)
        except OSError:
            continue  # it ended meanwhile, or is somebody else's


def end(commands: _Known) -> None:
    """See to it that these end: SIGTERM, and SIGKILL for what that leaves, from a thread of its own."""
    if commands and hasattr(signal, "SIGKILL"):
        threads.start(_end, commands, name="budget")


def _end(commands: _Known) -> None:
    wait = threading.Event().wait
    for number, delay_s in ((signal.SIGTERM, TERM_S), (signal.SIGKILL, KILL_S)):
        wait(delay_s)
        for pid, seen in commands.items():
            found = tree.look_at(pid)
            if found is not None and found.started == seen.started:  # not a later process of the same number
                try:
                    os.kill(pid, number)
                except OSError:
                    continue
