"""Watts sampled by a small process of its own: for boards without a counter, whose every missed sample is lost.

Why not a thread: while the cell is busy in Python a thread gets the interpreter 5 to 28 ms late, and while one C call
holds it, not at all; 25 samples a second would cost the cell ten times what the watcher may cost. The process is
Python with nothing but the standard library, starts with the first run on such a board, sleeps between runs, and ends
when its pipe does.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PERIOD_S = 0.04
STALE_S = 1.0
"""A sample older than this says that the helper is asleep, stuck or gone."""
_SCRIPT = Path(__file__).with_name("sample.py")
_SEAT = struct.Struct("=QdddQ")
"""A count, joules, the time of the last sample, its watts, and the count again: equal when nothing is being written."""
_TRIES = 3


class Sample(NamedTuple):
    """What one board has used so far by its samples, and the last of them."""

    joules: float
    t_s: float
    watts: float


class Sampler:
    """The helper process. Nothing here waits for it; without it (other systems, no permission) nothing is sampled."""

    period_s = PERIOD_S

    def __init__(self, library: str | None) -> None:
        self._library = library
        self._boards: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._page: mmap.mmap | None = None
        self._owner = os.getpid()
        self._failed = library is None or not hasattr(os, "memfd_create") or not sys.executable

    def add(self, uuid: str, instant: bool, power_folder: Path | None) -> int:
        """A seat for one more board, before the first run; its folder tells whether it is suspended."""
        self._boards.append(f"{'instant' if instant else 'usage'}:{uuid}:{power_folder or ''}")
        return len(self._boards) - 1

    def watch(self, counting: bool) -> None:
        """Begin to sample, or rest."""
        if self._failed or os.getpid() != self._owner:
            return
        try:
            if self._process is None:
                if not counting:
                    return
                self._start()
            assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018
            os.write(self._process.stdin.fileno(), b"+" if counting else b"-")
        except Exception:  # the boards are then looked at from here
            self._failed = True

    def _start(self) -> None:
        shared = os.memfd_create("carbon_magic")
        try:
            os.ftruncate(shared, len(self._boards) * _SEAT.size)
            self._page = mmap.mmap(shared, len(self._boards) * _SEAT.size)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(_SCRIPT),
                    str(self._library),
                    str(shared),
                    str(PERIOD_S),
                    *self._boards,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(shared,),
                start_new_session=True,  # an interrupt from the terminal is for the cell
            )
        finally:
            os.close(shared)

    def read(self, seat: int, now_s: float) -> Sample | None:
        """The latest of a board; None where there is none of this moment."""
        if self._page is None or self._failed:
            return None
        for _ in range(_TRIES):
            count, joules, t_s, watts, again = _SEAT.unpack_from(self._page, seat * _SEAT.size)
            if count == again:
                known = count > 0 and watts >= 0 and abs(now_s - t_s) < STALE_S
                return Sample(joules, t_s, watts) if known else None
        return None

    def close(self) -> None:
        """Let the helper end; it needs no more than the end of its pipe."""
        process, self._process = self._process, None
        if process is None or os.getpid() != self._owner:
            return
        self._page = None
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
