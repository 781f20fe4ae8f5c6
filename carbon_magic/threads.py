"""Threads of our own: daemons, in a copy of the caller's context."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable


def start(work: Callable[..., object], *arguments: object, name: str = "") -> threading.Thread | None:
    """A thread that does this work; None where the system gives no more threads (a container's limit, ulimit -u).

    In a copy of the context: ipykernel 7.0 finds the cell that output belongs to there, or raises.
    """
    run = contextvars.copy_context().run
    thread = threading.Thread(target=run, args=(work, *arguments), name=f"carbon_magic {name}".strip(), daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
