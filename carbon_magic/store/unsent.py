"""Runs that a process could not write where they belong before it ended: kept on this machine, merged by the next."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..alive import Owner, me
from . import lines

if TYPE_CHECKING:
    from ..run import Run


class Keeps(Protocol):
    """A store that takes other processes' runs."""

    def put_all(self, runs: Sequence[Run], owner: Owner | None = None) -> None: ...


def folder(destination: str, home: Path) -> Path:
    """Where runs for this ledger wait; its URL, with what is secret in it, is not to be seen in the name."""
    return home / "unsent" / hashlib.sha256(destination.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def keep(runs: Sequence[Run], waits: Path) -> Path:
    """Have these wait. Raises OSError."""
    return lines.keep(runs, me(), waits)


def send(waits: Path, store: Keeps) -> None:
    """Write what waits. Twice, by two processes at once, does no harm. Raises what the store raises."""
    for path in sorted(waits.glob("*.jsonl")) if waits.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            for line in lines.read(path.read_bytes()):
                if line.run is not None:
                    store.put_all([line.run], line.owner)
            path.unlink()
