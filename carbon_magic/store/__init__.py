"""Where runs are kept: which file, and what anything that keeps runs can do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .pump import Pump

if TYPE_CHECKING:
    from ..run import Run
    from .sqlite import SqliteStore

__all__ = ["Pump", "Store", "location", "open_store"]

VARIABLE = "CARBON_MAGIC_LEDGER"
Say = Callable[[str], None]


class Store(Protocol):
    """Anything that keeps runs. Any call may be slow or raise: only a Pump's thread calls it."""

    def put(self, run: Run, /) -> None:
        """Keep this snapshot of the run in place of the one before."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def location(setting: str | None, environ: Mapping[str, str], say: Say | None = None) -> Path:
    """The ledger's file: the setting, else CARBON_MAGIC_LEDGER, else one file per user in the platform's data folder.

    A URL is refused in a sentence to `say`, and the default is used.
    """
    chosen = setting or environ.get(VARIABLE) or ""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", chosen):
        if say is not None:  # the URL itself is not repeated: there may be a password in it
            scheme = chosen.partition(":")[0].lower()
            say(
                f"A ledger at a {scheme[:20]}:// URL comes with a later release; this one keeps runs in a file: the "
                f"default one, until {VARIABLE} is a path."
            )
        chosen = ""
    if chosen:
        return _STARTED_IN / os.path.expanduser(chosen)  # noqa: PTH111 - Path's raises where there is no home
    import platformdirs

    return platformdirs.user_data_path("carbon_magic", appauthor=False) / "ledger.db"


def open_store(setting: str | None, environ: Mapping[str, str], say: Say) -> SqliteStore:
    """The ledger, open for writing. Raises OSError in plain words; TimeoutError where trying again will help."""
    from .files import open_healthy

    return open_healthy(location(setting, environ, say), say)


def _folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep)  # the folder was deleted under the process


# A relative path means the same file for as long as the process lives, wherever the notebook goes by os.chdir.
_STARTED_IN = _folder()
