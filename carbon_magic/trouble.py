"""Trouble that the user should hear of: one line on stderr, each kind once per process."""

from __future__ import annotations

import sys
import threading

LONGEST = 590
_said: set[str] = set()
_waiting: list[str] = []


def say_once(kind: str, sentence: str) -> None:
    """Tell this kind of trouble unless it was told before.

    A background thread's words would land in whatever cell runs now, so they wait for the main thread's speak().
    """
    if kind in _said:
        return
    _said.add(kind)
    line = f"carbon_magic: {' '.join(sentence.split())}"
    _waiting.append(line if len(line) <= LONGEST else line[: LONGEST - 1] + "…")
    if threading.current_thread() is threading.main_thread():
        speak()


def speak() -> None:
    """Print what waits. Never raises."""
    while _waiting:
        try:
            print(_waiting.pop(0), file=sys.stderr)
        except (OSError, ValueError, AttributeError, IndexError):
            return  # stderr is closed: nobody is there to hear it
