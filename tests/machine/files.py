"""The powercap tree as plain files, brought to a time by hand: deterministic, and needs no privilege."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from machine.faults import active
from machine.powercap import CLASS, DEVICES, Node, State, Zone, directory, layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

DIGITS = 12
"""Leading zeros keep old and new of one length, so that overwriting in place never shows a shorter or empty number; 12
digits hold the default range, and put the boundary between the two 8-byte words a copy may be torn at at 10 mJ."""


class FileTree:
    """A tree in a folder. Errors of a read that plain files cannot have are borrowed from /proc by symlinks."""

    kind = "files"

    def __init__(self, folder: str | os.PathLike[str], zones: Sequence[Zone], t: float = 0.0) -> None:
        self._sys = Path(folder, "sys")
        self._away = Path(folder, "away")
        self._away.mkdir(parents=True)
        self._moved: set[str] = set()
        self._fds: dict[str, int] = {}
        self._shown: dict[str, str | int] = {}
        self._zones = {zone.id: zone for zone in zones}
        self._nodes = layout(zones)
        for node in self._nodes:
            self._create(node)
        self.set_time(t)

    @property
    def root(self) -> Path:
        """What stands for /sys/class/powercap."""
        return self._sys / CLASS

    @property
    def devices(self) -> Path:
        """What stands for /sys/devices/virtual/powercap, which containers mount elsewhere."""
        return self._sys / DEVICES

    def set_zones(self, zones: Sequence[Zone]) -> None:
        """Other traces and faults for the same zones, from now on."""
        if layout(zones) != self._nodes:
            raise ValueError("a tree keeps its zones; only traces and faults may change")
        self._zones = {zone.id: zone for zone in zones}
        self.set_time(self._t)

    def set_time(self, t: float) -> None:
        """Write what every file shows at t seconds of the machine."""
        self._t = t
        state = State(tuple(self._zones.values()), t)
        for zone in self._zones.values():
            if state.gone(zone.id) != (zone.id in self._moved):
                self._move(zone)
        for node in self._nodes:
            if node.zone is None:
                continue
            if node.attribute == "energy":
                self._show(node, state)
            elif node.attribute == "range":
                self._hide(node, active(self._zones[node.zone].faults, "no_range", t) is not None)
            elif node.kind == "link" and node.path.startswith(CLASS):
                self._link(node, state.present(node))

    def close(self) -> None:
        """Let go of the files; they stay where they are."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def __enter__(self) -> FileTree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _create(self, node: Node) -> None:
        path = self._sys / node.path
        if node.kind == "dir":
            path.mkdir(parents=True)
        elif node.kind == "link":
            path.symlink_to(node.text if isinstance(node.text, str) else "")
        elif node.attribute == "energy":
            self._fds[node.path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o444)
            self._shown[node.path] = ""
        elif isinstance(node.text, int):
            path.symlink_to(_lookalike(node.text))
        else:
            path.write_text(node.text)
            path.chmod(0o444)

    def _where(self, zone_id: str) -> Path:
        """The directory of a zone as things stand."""
        parent = zone_id.rpartition(":")[0]
        if zone_id in self._moved:
            return self._away / zone_id
        return (self._where(parent) if ":" in parent else self.devices / parent) / zone_id

    def _path(self, node: Node) -> Path:
        assert node.zone is not None
        return self._where(node.zone) / node.path.removeprefix(directory(self._zones[node.zone])).lstrip("/")

    def _spare(self, node: Node) -> Path:
        """Where the true file is while something else stands in its place."""
        return self._away / f"{node.zone}-{node.attribute}"

    def _move(self, zone: Zone) -> None:
        old = self._where(zone.id)
        self._moved ^= {zone.id}
        old.rename(self._where(zone.id))

    def _link(self, node: Node, present: bool) -> None:
        path = self._sys / node.path
        if present and not path.is_symlink():
            path.symlink_to(str(node.text))
        elif not present and path.is_symlink():
            path.unlink()

    def _hide(self, node: Node, hidden: bool) -> None:
        path, spare = self._path(node), self._spare(node)
        if hidden and not spare.exists():
            path.rename(spare)
        elif not hidden and spare.exists():
            spare.rename(path)

    def _show(self, node: Node, state: State) -> None:
        content: str | int = state.content(node)
        if isinstance(content, str) and content.strip().isdigit():
            content = content.zfill(DIGITS + 1)
        if not state.present(node):
            content = errno.ENODEV
        # Whoever holds the file open since before must not go on reading an old number: it becomes empty, which is
        # as near to a failing read as plain files come.
        text = content.encode() if isinstance(content, str) else b""
        fd = self._fds[node.path]
        if len(text) != os.fstat(fd).st_size:
            os.ftruncate(fd, len(text))
        os.pwrite(fd, text, 0)
        if state.present(node):
            self._stand_in(node, errno.EACCES if state.refused(node) else content)

    def _stand_in(self, node: Node, content: str | int) -> None:
        """Put the true file, or what fails as wanted, at the file's path; readers never find nothing there."""
        shown = content if isinstance(content, int) else ""
        if shown == self._shown[node.path]:
            return
        path, spare = self._path(node), self._spare(node)
        if not path.is_symlink():
            spare.hardlink_to(path)
        if isinstance(shown, int):
            new = self._away / "new"
            new.symlink_to(_lookalike(shown))
            new.replace(path)
        else:
            spare.replace(path)
        self._shown[node.path] = shown


def _lookalike(error: int) -> str:
    """The target of a symlink which, opened or read, fails as wanted, for root too."""
    if error == errno.EACCES:
        # Write-only even for root: sysctl_perm() knows no override.
        for path in ("/proc/sys/vm/compact_memory", "/proc/sys/net/ipv4/route/flush"):
            try:
                os.close(os.open(path, os.O_RDONLY))
            except PermissionError:
                return path
            except OSError:
                continue
        return "forbidden"
    # The reader's own memory at address 0: opens, and a read fails with EIO.
    return "/proc/self/mem"
