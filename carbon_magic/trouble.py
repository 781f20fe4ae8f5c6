"""Trouble that the user should hear of: one line on stderr, each kind once per process."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

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


class Contained:
    """A block of our own work: what goes wrong in it is one line on stderr, and never reaches the user's code.

    `lost` is what the user lacks by it, in words; errors of the kinds `meant` are for the user and pass.
    """

    def __init__(self, lost: str, *meant: type[Exception]) -> None:
        self._lost, self._meant = lost, meant

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, self._meant):
            return False
        try:
            say_once(f"own {self._lost}", f"{self._lost} ({type(error).__name__}: {error})")
        except Exception:
            return True  # its own words are broken too
        return True


def speak() -> None:
    """Print what waits. Never raises."""
    while _waiting:
        try:
            print(_waiting.pop(0), file=sys.stderr)
        except (OSError, ValueError, AttributeError, IndexError):
            return  # stderr is closed: nobody is there to hear it
