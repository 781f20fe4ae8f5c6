"""The notebooks on this host that count as well: so that no idling is claimed twice.

Each user has one file in memory that all users may read, with a slot for each process: the spans of time in which it
counted. Writing is a copy of bytes and reading another, so both may be done in a cell's path. Only times and CPU counts
are in it. Containers with a /dev/shm of their own do not see each other's.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..alive import Owner, is_alive, me

try:
    import fcntl
except ImportError:  # Windows: two processes that start at the same moment may take one slot, and one is not seen
    fcntl = None  # type: ignore[assignment]

_MAGIC = b"carbonm2"
_HEAD = struct.Struct("=8sI80sQddIdd")
"""What it is, a number that is odd while it is written, the boot, pid, its start, CPUs it may use, spans that follow,
and the beginning and end of all of them."""
_SPAN = struct.Struct("=dd")
SPANS = 32
"""More blocks than this in a second are one span as far as the others know."""
SLOT = _HEAD.size + SPANS * _SPAN.size
SLOTS = 256
SIZE = SLOTS * SLOT
_LAST = slice(_HEAD.size // 8 - 1, None, SLOT // 8)
"""The end of each slot's last span, where the file is seen as doubles."""
_FOREVER = float("inf")
SETTLED_NS = 1_000_000_000
"""A folder that has not changed for so long tells of its next change by its time."""
_TRIES = 20

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
        return shared / "carbon_magic-hosts"
    import tempfile  # 5 ms, and not needed where there is /dev/shm

    return Path(tempfile.gettempdir()) / "carbon_magic-hosts"


class Peers:
    """This process's slot, and a look at those of the others."""

    def __init__(self, cpus: float, where: Path | None = None) -> None:
        self._folder = where if where is not None else folder()
        self._owner = me()
        self._boot = self._owner.boot_id.encode()[:80].ljust(80, b"\0")
        self._cpus = cpus
        self._spans: list[Span] = []
        self._open: dict[str, float] = {}
        self._seq = 0
        self._lock = threading.Lock()  # runs begin and end in any thread
        self._name = str(os.getuid()) if hasattr(os, "getuid") else "user"
        self._files: dict[str, mmap.mmap | None] = {}
        self._entries: int | None = None
        """When the folder was last changed, once its files are known."""
        self._at: int | None = None
        with contextlib.suppress(OSError, ValueError):
            self._at = self._claim()

    def _claim(self) -> int:
        """A slot of this user's file that nobody alive has."""
        self._folder.mkdir(mode=0o1777, exist_ok=True)
        with contextlib.suppress(OSError):
            self._folder.chmod(0o1777)  # mkdir's mode is cut by the umask; sticky: nobody deletes another's file
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._folder / self._name, flags, 0o644)
        try:
            _lock(descriptor)
            if os.fstat(descriptor).st_size != SIZE:
                os.ftruncate(descriptor, SIZE)
            memory = self._files[self._name] = mmap.mmap(descriptor, SIZE)
            slots = range(0, SIZE, SLOT)
            at = next((at for at in slots if self._free(memory, at)), None)
            at = next(at for at in slots if self._foreign(memory, at)) if at is None else at
            self._write(memory, at)
            return at
        except StopIteration:
            raise OSError("no slot is free") from None
        finally:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # the mapping has a copy of it, which would keep the lock
            os.close(descriptor)

    def _free(self, memory: mmap.mmap, at: int) -> bool:
        magic, _, boot, pid, started, *_ = _HEAD.unpack_from(memory, at)
        if magic != _MAGIC or boot.partition(b"/")[0] != self._boot.partition(b"/")[0]:
            return True
        return boot == self._boot and is_alive(Owner(self._owner.boot_id, pid, started or None)) is False

    def _foreign(self, memory: mmap.mmap, at: int) -> bool:
        """Of a container that shares the folder: nobody here can know whether its process lives."""
        return bool(_HEAD.unpack_from(memory, at)[2] != self._boot)

    def begin(self, run: str, now_s: float) -> None:
        """This process counts from now on."""
        with self._lock:
            self._open[run] = now_s
            self._tell()

    def end(self, run: str, now_s: float) -> None:
        """One of its runs has ended; where no other goes on, the span ends."""
        with self._lock:
            began_s = self._open.pop(run, None)
            if began_s is None:
                return
            if not self._open:
                self._spans = [*self._spans[-(SPANS - 2) :], (began_s, now_s)]
            else:
                # The span goes on under another run, from the earliest beginning.
                first = min(self._open, key=self._open.__getitem__)
                self._open[first] = min(self._open[first], began_s)
            self._tell()

    def _tell(self) -> None:
        memory = self._files.get(self._name)
        if self._at is not None and memory is not None:
            self._write(memory, self._at)

    def _write(self, memory: mmap.mmap, at: int) -> None:
        spans = [*self._spans, *([(min(self._open.values()), _FOREVER)] if self._open else [])]
        owner = (self._boot, self._owner.pid, self._owner.started or 0.0, self._cpus)
        ends = (spans[0][0], spans[-1][1]) if spans else (0.0, 0.0)
        body = struct.pack(f"={2 * len(spans)}d", *itertools.chain.from_iterable(spans))
        self._seq += 2
        memory[at : at + _HEAD.size] = _HEAD.pack(_MAGIC, self._seq - 1, *owner, len(spans), *ends)
        memory[at + _HEAD.size : at + _HEAD.size + len(body)] = body
        memory[at : at + _HEAD.size] = _HEAD.pack(_MAGIC, self._seq, *owner, len(spans), *ends)

    def others(self, since_s: float) -> list[Peer]:
        """The other processes of this host that have counted since then. Never raises."""
        with contextlib.suppress(OSError):
            entries = os.stat(self._folder).st_mtime_ns  # noqa: PTH116 - asked each second, as is all of this
            if entries != self._entries:
                for name in os.listdir(self._folder):  # noqa: PTH208
                    if name not in self._files:  # those that are no such file are there as None
                        self._open_file(name)
                # One that is made within the same tick of the file system's clock leaves the same stamp.
                self._entries = entries if time.time_ns() - entries > SETTLED_NS else None
        known = [(name, memory) for name, memory in self._files.items() if memory is not None]
        return [peer for name, memory in known for peer in self._read(name, memory, since_s)]

    def _open_file(self, name: str) -> None:
        self._files[name] = None
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(self._folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            try:
                if os.fstat(descriptor).st_size == SIZE:
                    self._files[name] = mmap.mmap(descriptor, SIZE, access=mmap.ACCESS_READ)
            finally:
                os.close(descriptor)

    def _read(self, name: str, memory: mmap.mmap, since_s: float) -> Iterator[Peer]:
        with memoryview(memory) as view, view.cast("d") as doubles, doubles[_LAST] as ends:
            lasts = ends.tolist()  # one call: unpacking each slot of a full file takes five times as long
        for at in [i * SLOT for i, end_s in enumerate(lasts) if end_s > since_s]:
            magic, seq, boot, pid, started, cpus, count, _, last_s = _HEAD.unpack_from(memory, at)
            if magic != _MAGIC or seq % 2 or not last_s > since_s or not 0 < count <= SPANS or not cpus > 0:
                continue
            if boot != self._boot or (name == self._name and at == self._at):
                continue  # another boot, a container whose process numbers mean nothing here, or oneself
            spans = tuple(_SPAN.unpack_from(memory, at + _HEAD.size + n * _SPAN.size) for n in range(count))
            if last_s == _FOREVER and is_alive(Owner(self._owner.boot_id, pid, started or None)) is False:
                spans = spans[:-1]
            if spans and spans[-1][1] > since_s:
                yield Peer(pid, cpus, spans)


def here(cpus: float) -> Peers:
    """This process's own: however many trackers it makes, it is one to the others. A forked child has another."""
    return _here(os.getpid(), cpus)


@functools.lru_cache(maxsize=1)
def _here(pid: int, cpus: float) -> Peers:  # noqa: ARG001 - a forked child asks with another number
    return Peers(cpus)


def _lock(descriptor: int) -> None:
    """Alone at the file for a moment. OSError where somebody keeps it: nobody waits for that in a cell's path."""
    for _ in range(_TRIES if fcntl is not None else 0):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.001)
    if fcntl is not None:
        raise BlockingIOError("somebody keeps the file locked")


def allocation(t0_s: float, t1_s: float, cpus: float, online: float, others: Sequence[Peer]) -> float:
    """The part of the machine that belongs to a process with `cpus` of `online` CPUs between two moments, 0 to 1.

    While others count too and all together may use more than there is, each has its CPUs' part of the sum: however
    many there are, their parts add up to 1 at most.
    """
    if t1_s <= t0_s:
        return min(1.0, cpus / online)
    edges = {t0_s, t1_s}
    edges.update(t for peer in others for span in peer.spans for t in span if t0_s < t < t1_s)
    area = 0.0
    for a, b in itertools.pairwise(sorted(edges)):
        claimed = cpus + sum(peer.cpus for peer in others if peer.counts(a, b))
        area += (b - a) * cpus / max(online, claimed)
    return area / (t1_s - t0_s)
