"""The process behind a LiveTree: mounts the tree and answers the kernel, or rewrites files; ends when its test does."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

from machine import mount
from machine.files import FileTree
from machine.fuse import Server
from machine.powercap import State, Zone, layout

_REWRITE_S = 0.001


class _Orders:
    """What the test tells the server: one JSON object a line, each answered by one line."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        first = json.loads(sys.stdin.buffer.readline())
        self.folder = Path(first["folder"])
        self.origin: float = first["origin"]
        self.fuse: bool = first["fuse"]
        self.zones = tuple(map(Zone.from_json, first["zones"]))

    def now(self) -> float:
        """Machine time."""
        return time.monotonic() - self.origin

    def state(self) -> State:
        """What the tree shows now."""
        return State(self.zones, self.now())

    def answer(self, text: str) -> None:
        """Tell the test."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def obey(self) -> bool:
        """Read one order; False when the test is gone."""
        line = sys.stdin.buffer.readline()
        if line:
            self.zones = tuple(map(Zone.from_json, json.loads(line)["zones"]))
        return bool(line)

    def orphaned(self) -> bool:
        """Whether the test died while a child of it still holds the pipe open."""
        return os.getppid() != self._parent


def _serve_fuse(orders: _Orders, fd: int) -> None:
    server = Server(fd, layout(orders.zones), orders.state)
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    waiting.register(0, select.POLLIN)
    # The kernel's first question comes with the mount; a test that reads at once simply waits for the answer.
    orders.answer("fuse")
    while not orders.orphaned():
        for ready, _ in waiting.poll(1000):
            if ready == fd and not server.serve_one():
                return
            if ready == 0:
                if not orders.obey():
                    return
                orders.answer("ok")


def _serve_files(orders: _Orders) -> None:
    with FileTree(orders.folder, orders.zones, orders.now()) as tree:
        orders.answer("files")
        while not orders.orphaned():
            if select.select([0], [], [], _REWRITE_S)[0]:
                if not orders.obey():
                    return
                tree.set_zones(orders.zones)
                orders.answer("ok")
            tree.set_time(orders.now())


def _mounted(folder: Path) -> int | None:
    """The descriptor of the tree mounted on the folder, or None where that is not permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return mount.mount(folder)
    except OSError:
        folder.rmdir()
        return None


def _ended(*_: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve until the pipe from the test closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _ended)
    # Where permitted, be served before the load that is being measured; elsewhere the reader waits a little longer.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    orders = _Orders()
    folder = orders.folder / "sys"
    fd = _mounted(folder) if orders.fuse else None
    if fd is None:
        _serve_files(orders)
        return
    try:
        _serve_fuse(orders, fd)
    finally:
        os.close(fd)
        mount.unmount(folder)


if __name__ == "__main__":
    main()
