"""The notebooks on this host that count as well: so that no idling is claimed twice.

Each process has one small file in memory, with the spans of time in which it counted. Writing it is a copy of bytes,
so it may be done in a cell's path; the others read it once a second. Only times and CPU counts are in it. It lies where
every user of the host can see it; containers with a /dev/shm of their own do not see each other's.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..alive import Owner, is_alive, me

_MAGIC = b"carbonm1"
_HEAD = struct.Struct("<8sI80sQddI")
"""What it is, a number that is odd while it is written, the boot, pid, its start, CPUs it may use, spans in use."""
_SPAN = struct.Struct("<dd")
SPANS = 32
"""More blocks than this in a second are one span as far as the others know."""
SIZE = _HEAD.size + SPANS * _SPAN.size
_FOREVER = float("inf")
KEPT_S = 120.0
"""What an ended process did this long ago is in everybody's sums: its file is taken away by whoever sees it."""

Span = tuple[float, float]


class Peer(NamedTuple):
    """Another process that counts on this host."""

    pid: int
    cpus: float
    spans: tuple[Span, ...]
    """When it counted, by the host's monotonic clock; a span that goes on ends at infinity."""

    def counts(self, t0_s: float, t1_s: float) -> bool:
        """Whether it counted at any time between two moments."""
        return any(begin < t1_s and end > t0_s for begin, end in self.spans)


def folder() -> Path:
    """Where the files are: memory that all users share where there is such a thing."""
    shared = Path("/dev/shm")  # noqa: S108 - the files hold nothing that is anybody's, and are checked when read
    if sys.platform == "linux" and os.access(shared, os.W_OK):
        return shared / "carbon_magic-peers"
    import tempfile  # 5 ms, and not needed where there is /dev/shm

    return Path(tempfile.gettempdir()) / "carbon_magic-peers"


class Peers:
    """This process's file, and a look at those of the others."""

    def __init__(self, cpus: float, where: Path | None = None) -> None:
        self._folder = where if where is not None else folder()
        self._owner = me()
        self._boot = self._owner.boot_id.encode()[:80].ljust(80, b"\0")
        self._cpus = cpus
        self._spans: list[Span] = []
        self._open: dict[str, float] = {}
        self._seq = 0
        self._memory: mmap.mmap | None = None
        self._name = f"{os.getpid()}-{os.urandom(6).hex()}"
        with contextlib.suppress(OSError, ValueError):
            self._memory = self._make()

    def _make(self) -> mmap.mmap:
        self._folder.mkdir(mode=0o1777, exist_ok=True)
        with contextlib.suppress(OSError):
            self._folder.chmod(0o1777)  # mkdir's mode is cut by the umask; sticky: nobody deletes another's file
        descriptor = os.open(self._folder / self._name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.ftruncate(descriptor, SIZE)
            return mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)

    def begin(self, run: str, now_s: float) -> None:
        """This process counts from now on."""
        self._open[run] = now_s
        self._write()

    def end(self, run: str, now_s: float) -> None:
        """One of its runs has ended; where no other goes on, the span ends."""
        began_s = self._open.pop(run, None)
        if began_s is None:
            return
        if not self._open:
            self._spans = [*self._spans[-(SPANS - 2) :], (began_s, now_s)]
        else:
            # The span goes on under another run, from the earliest beginning.
            first = min(self._open, key=self._open.__getitem__)
            self._open[first] = min(self._open[first], began_s)
        self._write()

    def _write(self) -> None:
        if self._memory is None:
            return
        spans = [*self._spans, *([(min(self._open.values()), _FOREVER)] if self._open else [])]
        owner = (self._boot, self._owner.pid, self._owner.started or 0.0, self._cpus)
        body = b"".join(_SPAN.pack(*span) for span in spans)
        self._seq += 2
        self._memory[: _HEAD.size] = _HEAD.pack(_MAGIC, self._seq - 1, *owner, len(spans))
        self._memory[_HEAD.size : _HEAD.size + len(body)] = body
        self._memory[: _HEAD.size] = _HEAD.pack(_MAGIC, self._seq, *owner, len(spans))

    def others(self, now_s: float) -> list[Peer]:
        """The other processes of this host that count or have counted lately. Never raises."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - asked each second
        except OSError:
            return []
        return [peer for name in names if name != self._name and (peer := self._read(name, now_s)) is not None]

    def _read(self, name: str, now_s: float) -> Peer | None:
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            try:
                data = os.read(descriptor, SIZE)
            finally:
                os.close(descriptor)
            magic, seq, boot, pid, started, cpus, count = _HEAD.unpack_from(data)
        except (OSError, struct.error):
            return None
        if magic != _MAGIC or seq % 2 or count > SPANS or len(data) != SIZE or not cpus > 0:
            return None
        spans = tuple(_SPAN.unpack_from(data, _HEAD.size + i * _SPAN.size) for i in range(count))
        if boot != self._boot:
            return None  # another boot, or a container whose process numbers mean nothing here
        if not spans or spans[-1][1] == _FOREVER or spans[-1][1] < now_s - KEPT_S:
            ended = is_alive(Owner(self._owner.boot_id, pid, started or None)) is False
            if ended and spans and spans[-1][1] == _FOREVER:
                spans = spans[:-1]
            if ended and (not spans or spans[-1][1] < now_s - KEPT_S):
                with contextlib.suppress(OSError):  # another user's, or gone already
                    (self._folder / name).unlink()
                return None
        return Peer(pid, cpus, spans)

    def close(self) -> None:
        """Take the file away."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
            with contextlib.suppress(OSError):
                (self._folder / self._name).unlink()


def allocation(t0_s: float, t1_s: float, cpus: float, online: float, others: Sequence[Peer]) -> float:
    """The part of the machine that belongs to a process with `cpus` of `online` CPUs between two moments, 0 to 1.

    While others count too and all together may use more than there is, each has its CPUs' part of the sum: however
    many there are, their parts add up to 1 at most.
    """
    if t1_s <= t0_s:
        return min(1.0, cpus / online)
    edges = {t0_s, t1_s}
    edges.update(t for peer in others for span in peer.spans for t in span if t0_s < t < t1_s)
    moments = sorted(edges)
    area = 0.0
    for a, b in itertools.pairwise(moments):
        claimed = cpus + sum(peer.cpus for peer in others if peer.counts(a, b))
        area += (b - a) * cpus / max(online, claimed)
    return area / (t1_s - t0_s)
