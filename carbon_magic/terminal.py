"""A terminal's single live line: drawn while a cell runs, gone before anything else is written and before the report.

It goes to the terminal by a way of its own, never through sys.stdout, so that nothing of it lands in a file or a pipe.
To be gone in time, `write` of sys.stdout and sys.stderr is wrapped while the run lasts; the objects stay the same.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from . import units
from .report.plain import plain, shorten, width
from .tick import Tick
from .tracking import Tracking

NARROWEST = 24
"""Below so many columns there is no room for figures."""
PERIOD_S = 0.25
PATIENCE_S = 0.25
"""A shorter run gets no line: it would only flash."""
_LEVELS = "▁▂▃▄▅▆▇█"
_SPARKS = 12
_ERASE = "\r\x1b[2K"


def suits(environ: Mapping[str, str], out: IO[str] | None) -> bool:
    """Whether a live line can be shown: on a terminal that can erase, in the foreground, wide enough."""
    try:
        if out is None or not out.isatty() or environ.get("TERM", "dumb") in ("", "dumb"):
            return False
        return os.name == "posix" and not _shown and os.get_terminal_size(out.fileno()).columns >= NARROWEST
    except (OSError, ValueError, AttributeError):
        return False


_shown: list[LiveLine] = []
"""The one that is there; a cell inside another gets none."""


class LiveLine:
    """The line of one run: `tick` it from any thread, `leave` before the report."""

    def __init__(self, name: str, out: IO[str], environ: Mapping[str, str] = os.environ) -> None:
        self._name = plain(name, 30)
        self._fd = out.fileno()
        # A file description of our own that never blocks: a terminal that was stopped (Ctrl-S) stops nobody else.
        self._tty = os.open(os.ttyname(self._fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        self._colour = not environ.get("NO_COLOR")
        self._lock = threading.RLock()
        self._drawn = self._closed = False
        self._free = True
        """Whether the cursor stands at the beginning of a line, as far as Python has written it."""
        self._quiet_flush = False
        self._drawn_s = time.monotonic() + PATIENCE_S - PERIOD_S
        self._watts: list[float | None] = []
        self._wrapped: list[tuple[Any, Callable[[], None]]] = []
        for stream in dict.fromkeys((sys.stdout, sys.stderr)):
            if stream is not None and _is_a_terminal(stream):
                self._wrap(stream)
        _shown.append(self)

    def follow(self, tracking: Tracking) -> None:
        """Draw each tick of a run."""
        tracking.listen(self.tick)

    def tick(self, tick: Tick) -> None:
        """A look at the run: drawn a few times a second at most, and only where nobody else is writing."""
        known = [watts for watts in tick.watts.values() if watts is not None]
        self._watts = [*self._watts[1 - _SPARKS :], sum(known) if known else None]
        now_s = time.monotonic()
        if now_s - self._drawn_s < PERIOD_S or not self._lock.acquire(blocking=False):
            return
        try:
            if self._closed or not self._free or self._quiet_flush or not _foreground(self._fd):
                return
            columns = os.get_terminal_size(self._fd).columns
            if columns < NARROWEST:
                self._erase()
                return
            self._drawn_s = now_s
            self._put(_ERASE + self._styled(line(self._name, tick, self._watts, columns - 1)) + "\r")
            self._drawn = True
        except OSError:
            self._drawn = False
        finally:
            self._lock.release()

    def leave(self) -> None:
        """Take the line away and everything back."""
        with self._lock:
            if self._closed:
                return
            self._erase()
            self._closed = True
            for _, unwrap in self._wrapped:
                unwrap()
            os.close(self._tty)
            _shown.remove(self)

    def _wrap(self, stream: Any) -> None:
        write, flush = stream.write, stream.flush
        fresh = False  # whether something was written since the last flush

        def written(text: str) -> int:
            nonlocal fresh
            with self._lock:
                self._erase()
                self._quiet_flush, fresh = False, True
                if text:
                    self._free = text.endswith("\n")
                count: int = write(text)
            return count

        def flushed() -> None:
            nonlocal fresh
            with self._lock:
                # A flush of nothing: somebody is about to use the terminal by another way. input() does so, and waits.
                if not fresh:
                    self._quiet_flush = True
                    self._erase()
                fresh = False
            flush()

        try:
            stream.write, stream.flush = written, flushed
        except AttributeError:  # not a Python stream: what it writes may meet our line
            return

        def unwrap() -> None:
            # Whoever wrapped it meanwhile keeps our wrapper, which does nothing any more but write.
            for name, ours in (("write", written), ("flush", flushed)):
                if stream.__dict__.get(name) is ours:
                    del stream.__dict__[name]

        self._wrapped.append((stream, unwrap))

    def _erase(self) -> None:
        if self._drawn and not self._closed:
            self._drawn = False
            try:
                self._put(_ERASE)
            except OSError:
                return

    def _put(self, text: str) -> None:
        os.write(self._tty, text.encode("utf-8", "replace"))

    def _styled(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._colour else text


def line(name: str, tick: Tick, watts: list[float | None], columns: int) -> str:
    """The figures in at most so many columns: what matters least goes first."""
    now = next((w for w in reversed(watts) if w is not None), None)
    figures = f"{units.watts(now)}  {units.energy(tick.energy_j)}  {units.grams(tick.co2e_g)} CO2e"
    spent = tick.budget
    budget = f"{round(100 * spent.used / spent.limit)} % of budget" if spent is not None and spent.limit > 0 else ""
    parts = [name, units.duration(tick.t_s), _spark(watts), figures, budget]
    while True:
        text = "  ".join(part for part in parts if part)
        if width(text) <= columns:
            return text
        droppable = [i for i in (2, 0, 4, 1) if parts[i]]
        if not droppable:
            return shorten(text, columns)
        parts[droppable[0]] = ""


def _spark(watts: list[float | None]) -> str:
    top = max((w for w in watts if w is not None), default=0.0)
    if top <= 0 or len(watts) < 2:
        return ""
    return "".join(" " if w is None else _LEVELS[min(7, int(8 * w / top))] for w in watts)


def _is_a_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (OSError, ValueError, AttributeError):
        return False


def _foreground(fd: int) -> bool:
    """Whether the terminal is ours and takes lines: an editor, a pager or a prompt that edits has it otherwise."""
    import termios

    try:
        return os.tcgetpgrp(fd) == os.getpgrp() and bool(termios.tcgetattr(fd)[3] & termios.ICANON)
    except (OSError, termios.error):
        return False
