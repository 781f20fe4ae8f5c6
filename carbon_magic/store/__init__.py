"""Where runs are kept: which file, and what anything that keeps runs can do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..folders import at_home, data_folder
from ..secret import Address
from .pump import Pump

if TYPE_CHECKING:
    from ..alive import Owner
    from ..run import Run

__all__ = ["Pump", "Store", "Where", "location", "open_store", "rescue", "where"]

VARIABLE = "CARBON_MAGIC_LEDGER"
KINDS = ("sqlite", "spool")
_URL = r"[A-Za-z][A-Za-z0-9+.-]+://"
Say = Callable[[str], None]


class Store(Protocol):
    """Anything that keeps runs. Any call may be slow or raise: only a Pump's thread calls it."""

    def put(self, run: Run, /) -> None:
        """Keep this snapshot of the run in place of the one before."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class AnyStore(Store, Protocol):
    """What all of them can do besides."""

    def put_all(self, runs: Sequence[Run], owner: Owner | None = None) -> None:
        """Keep many, of this process or another; on a server or in a file, all or none."""
        ...


class Where(NamedTuple):
    """Where a ledger is."""

    kind: str
    """"sqlite": a file. "spool": a file's folder on a network file system. "postgresql": a server."""
    path: Path
    """The file; of a server, the one that there would be without it."""
    url: str = ""

    def __repr__(self) -> str:
        return f"<Where {self.kind} {str(self.path)!r}>"  # no URL: there may be a password in it


def location(setting: str | None, environ: Mapping[str, str], say: Say | None = None) -> Path:
    """The ledger's file: the setting, else CARBON_MAGIC_LEDGER, else one file per user in the platform's data folder.

    A URL of what is no PostgreSQL is refused in a sentence to `say`, and the default is used. OSError where that would
    be in the home of a user who has none.
    """
    chosen = setting or environ.get(VARIABLE) or ""
    if re.match(_URL, chosen):
        if not is_server(chosen) and say is not None:  # the URL itself is not repeated
            scheme = chosen.partition(":")[0].lower()
            say(
                f"A ledger is a file or at a postgresql:// URL, not at a {scheme[:20]}:// one: runs go to the default "
                f"file until {VARIABLE} says something else."
            )
        chosen = ""
    if chosen:
        return _STARTED_IN / at_home(chosen)
    return _STARTED_IN / data_folder() / "ledger.db"


def where(setting: str | None, environ: Mapping[str, str], say: Say | None = None, store: str | None = None) -> Where:
    """Where the ledger is. `store`, else CARBON_MAGIC_STORE, says "sqlite" or "spool" where looking would be wrong.

    Raises OSError where that would be in the home of a user who has none.
    """
    chosen = Address(setting or environ.get(VARIABLE) or "")
    try:
        path = location(setting, environ, say)
    except OSError:
        if not is_server(chosen):
            raise
        path = Path()
    if is_server(chosen):
        return Where("postgresql", path, chosen)
    kind = store or environ.get("CARBON_MAGIC_STORE")
    if kind not in KINDS:
        from .network import is_network

        kind = "spool" if is_network(path) else "sqlite"
    return Where(kind, path)


def is_server(chosen: str) -> bool:
    """Whether this is the URL of a PostgreSQL."""
    return chosen.partition("://")[0].lower() in ("postgresql", "postgres") and "://" in chosen


def open_store(setting: str | None, environ: Mapping[str, str], say: Say, store: str | None = None) -> Store:
    """The ledger, open for writing, with what earlier processes could not write to it, or could not end.

    Raises OSError in plain words; TimeoutError where trying again will help.
    """
    from . import settling, unsent

    it = where(setting, environ, say, store)
    opened = open_at(it, say)
    try:
        left = settling.left_behind(opened)  # first of all: what these left unsent is there by now
        for folder in _unsent(it):
            unsent.send(folder, opened)
        settling.settle(opened, left)
    except BaseException:
        opened.close()
        raise
    return opened


def open_at(it: Where, say: Say) -> AnyStore:
    """The ledger there, open for writing. Raises OSError in plain words."""
    if it.kind == "postgresql":
        from .postgres import PostgresStore

        return PostgresStore(it.url)
    if it.kind == "spool":
        from .spool import SpoolStore, folder

        return SpoolStore(folder(it.path))
    from .files import open_healthy

    return open_healthy(it.path, say)


def rescue(
    setting: str | None, environ: Mapping[str, str], store: str | None = None
) -> Callable[[Sequence[Run]], None]:
    """What keeps runs on this machine that the ledger did not take before the process ended. Raises OSError."""

    def keep(runs: Sequence[Run]) -> None:
        from . import unsent

        folders = list(_unsent(where(setting, environ, None, store)))
        for folder in folders:
            try:
                unsent.keep(runs, folder)
            except OSError:
                if folder == folders[-1]:
                    raise
            else:
                return

    return keep


def _unsent(it: Where) -> Iterator[Path]:
    from .unsent import folder

    destination = it.url or str(it.path)
    if not it.url and it.path.name:
        yield folder(destination, it.path.parent)
    try:
        yield folder(destination, data_folder())
    except OSError:
        return  # a user without a home


def _folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep)  # the folder was deleted under the process


# A relative path means the same file for as long as the process lives, wherever the notebook goes by os.chdir.
_STARTED_IN = _folder()
