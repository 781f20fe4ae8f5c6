"""The powercap tree in real time, served by a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine import mount
from machine.powercap import CLASS, DEVICES, layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from machine.powercap import Zone

_ANSWER_S = 20.0


class LiveTree:
    """A tree whose every read shows the value of that instant.

    `kind` is "fuse", or "files" where mounting is not permitted (or `fuse=False`): then the files are as old as a
    millisecond, more on a busy machine. Machine time 0 is `origin` on CLOCK_MONOTONIC.
    """

    kind: str

    def __init__(
        self,
        folder: str | os.PathLike[str],
        zones: Sequence[Zone],
        *,
        origin: float | None = None,
        fuse: bool = True,
    ) -> None:
        self._sys = Path(folder).resolve() / "sys"
        self._zones = tuple(zones)
        self._fuse = fuse
        self.origin = time.monotonic() if origin is None else origin

    @property
    def root(self) -> Path:
        """What stands for /sys/class/powercap."""
        return self._sys / CLASS

    @property
    def devices(self) -> Path:
        """What stands for /sys/devices/virtual/powercap."""
        return self._sys / DEVICES

    def __enter__(self) -> LiveTree:
        self._sys.parent.mkdir(parents=True, exist_ok=True)
        self._errors = tempfile.TemporaryFile()
        self._server = subprocess.Popen(
            [sys.executable, "-S", "-m", "machine.serve"],
            # A session of its own: an interrupt from the terminal is for the test, whose end is this server's end.
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        try:
            self.kind = self._ask(
                {"folder": str(self._sys.parent), "origin": self.origin, "fuse": self._fuse} | self._values()
            )
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def set_zones(self, zones: Sequence[Zone]) -> None:
        """Other traces and faults for the same zones, from now on."""
        if layout(zones) != layout(self._zones):
            raise ValueError("a tree keeps its zones; only traces and faults may change")
        self._zones = tuple(zones)
        self._ask(self._values())

    def close(self) -> None:
        """End the server, and see that nothing stays mounted."""
        for pipe in (self._server.stdin, self._server.stdout):
            if pipe:
                pipe.close()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._errors.close()
        if mount.mounted(self._sys):
            mount.unmount(self._sys)

    def _values(self) -> dict[str, Any]:
        return {"zones": [zone.to_json() for zone in self._zones]}

    def _ask(self, message: dict[str, Any]) -> str:
        orders, answers = self._server.stdin, self._server.stdout
        assert orders is not None
        assert answers is not None
        with contextlib.suppress(BrokenPipeError):
            orders.write(json.dumps(message).encode() + b"\n")
            orders.flush()
        if not select.select([answers], [], [], _ANSWER_S)[0]:
            raise TimeoutError("the server of the simulated powercap tree does not answer")
        if answer := answers.readline().decode().strip():
            return answer
        self._errors.seek(0)
        raise RuntimeError(f"the server of the simulated powercap tree ended: {self._errors.read().decode()}")
