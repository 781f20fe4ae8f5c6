"""The project's own settings: carbon_magic.toml, or [tool.carbon_magic] in pyproject.toml, from the folder upwards.

The nearest file that has any counts, whole. It is looked for when a run begins (a few stats), in a thread of its own so
that a disk that hangs costs the first run PATIENCE_S only, and read when it changed.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from . import threads

NAMES = ("carbon_magic.toml", "pyproject.toml")
PATIENCE_S = 0.05
FRESH_S = 1.0
"""What was seen so recently need not be looked at again: a loop of short runs looks once a second."""
_DEEPEST = 40
_LARGEST = 1 << 20
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ProjectFile(NamedTuple):
    """What a project's file says; empty where there is none."""

    path: str = ""
    settings: Mapping[str, Any] = _NOTHING
    problems: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return os.path.basename(self.path)  # noqa: PTH119 - a Path costs more than all the rest here


class _Seen:
    """What was seen of one working folder, and when."""

    folder = ""
    at_s = float("-inf")
    file = ProjectFile()
    thread: threading.Thread | None = None


_seen = _Seen()


def find(anew: bool = False) -> ProjectFile:
    """What the working folder's project says, seen at most FRESH_S ago unless `anew`; what was seen before where the
    disk does not answer. Raises nothing.
    """
    global _seen
    try:
        folder = os.getcwd()  # noqa: PTH109
    except OSError:
        return ProjectFile()  # the folder was deleted under the process
    seen = _seen
    if seen.folder != folder:
        seen = _seen = _Seen()
        seen.folder = folder
    if not anew and time.monotonic() - seen.at_s < FRESH_S:
        return seen.file
    if seen.thread is None or not seen.thread.is_alive():
        seen.thread = threads.start(_see, seen, name="settings")
        if seen.thread is not None:
            seen.thread.join(PATIENCE_S)
    return seen.file


def _see(seen: _Seen) -> None:
    seen.file = look(seen.folder)
    seen.at_s = time.monotonic()


def look(folder: str) -> ProjectFile:
    """The settings of the project that this folder belongs to. Raises nothing."""
    at = folder
    for _ in range(_DEEPEST):
        for name in NAMES:
            path = os.path.join(at, name)  # noqa: PTH118
            try:
                found = os.stat(path)  # noqa: PTH116
                if not stat.S_ISREG(found.st_mode) or not _trusted(at, found):
                    continue
            except (OSError, ValueError):
                continue
            file = _read(path, found.st_mtime_ns, found.st_size)
            if file.settings or file.problems:
                return file
        above = os.path.dirname(at)  # noqa: PTH120
        if above == at:
            break
        at = above
    return ProjectFile()


def _trusted(folder: str, file: os.stat_result) -> bool:
    """In a folder where everybody may write (/tmp), only a file of one's own or of root's."""
    if not hasattr(os, "getuid") or file.st_uid in (0, os.getuid()):
        return True
    return not os.stat(folder).st_mode & stat.S_IWOTH  # noqa: PTH116


@lru_cache(maxsize=64)
def _read(path: str, _changed_ns: int, size: int) -> ProjectFile:
    own = path.endswith(NAMES[0])
    if size > _LARGEST:
        return ProjectFile(path, {}, [f"{path}: too large to be settings"] if own else [])
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        return ProjectFile(path, {}, [f"{path}: {error.strerror}"] if own else [])
    if not own and b"carbon_magic" not in text:
        return ProjectFile(path)
    import tomllib

    try:
        table: Any = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return ProjectFile(path, {}, [f"{path}: no TOML ({str(error)[:80]})"])
    if not own:
        tool = table.get("tool")
        table = tool.get("carbon_magic", {}) if isinstance(tool, dict) else {}
        if not isinstance(table, dict):
            return ProjectFile(path, {}, [f"{path}: tool.carbon_magic is no table"])
    # A ledger's path is meant as seen from the file that names it, wherever the notebook stands.
    ledger = table.get("ledger")
    if isinstance(ledger, str) and "://" not in ledger and not ledger.startswith("~"):
        table = table | {"ledger": str(Path(path).parent / ledger)}
    return ProjectFile(path, table)
