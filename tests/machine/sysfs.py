"""Parts of /sys beside powercap, as plain files brought to a time by hand: what each says is a function of time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from machine.files import _lookalike

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from machine.clock import InjectedClock

Content = str | int | None
"""A file's text, the errno of reading it, or None where it is not there."""


class SysTree:
    """A /sys in a folder. Times given to contents are of the machine: 0 when the tree was made."""

    def __init__(self, folder: str | os.PathLike[str], clock: InjectedClock) -> None:
        self.root = Path(folder)
        self.clock = clock
        self._origin = clock.monotonic()
        self._moving: dict[Path, Callable[[float], Content]] = {}
        clock.listeners.append(lambda monotonic: self._show(monotonic - self._origin))

    def now(self) -> float:
        """Machine time."""
        return self.clock.monotonic() - self._origin

    def put(self, path: str, content: Content | Callable[[float], Content]) -> Path:
        """A file, or another content for one that is there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            self._moving[file] = content
            content = content(self.now())
        else:
            self._moving.pop(file, None)
        _write(file, content)
        return file

    def _show(self, t: float) -> None:
        for file, content in self._moving.items():
            _write(file, content(t))


def _write(file: Path, content: Content) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    elif isinstance(content, int):
        file.unlink(missing_ok=True)
        file.symlink_to(_lookalike(content))
    else:
        if file.is_symlink():
            file.unlink()
        file.write_text(content)
