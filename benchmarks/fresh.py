"""Fresh processes: nothing imported yet, bytecode compiled, a ledger and an IPython folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NOWHERE = "/nonexistent"
"""As a /sys and a powercap tree: this machine's own meters stay out of it, and the models are used."""


class Fresh:
    """Runs functions of benchmarks.inside and benchmarks.cells, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        compiled = [sys.executable, "-m", "compileall", "-q", str(ROOT / "carbon_magic"), str(ROOT / "benchmarks")]
        subprocess.run(compiled, env=self.environment({}), check=True)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """What such a process finds in its environment."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("CARBON_MAGIC_")}
        own.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **own,
            # Everybody's second start is what counts: the first one after an installation compiles.
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), own.get("PYTHONPATH")])),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "CARBON_MAGIC_LEDGER": str(self.folder / "ledger.db"),
            "CARBON_MAGIC_POWERCAP": NOWHERE,
            "CARBON_MAGIC_SYS": NOWHERE,
            **more,
        }

    def run(self, module: str, function: str, *arguments: Any, on: Mapping[str, str] | None = None) -> Any:
        """What the function returns; `on` is the environment of a simulated machine."""
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{module}", function, json.dumps(arguments)],
            env=self.environment(on or {}),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    def repeat(self, times: int, module: str, function: str, *arguments: Any) -> list[Any]:
        """Several such processes, one after the other, after one that compiles what else is imported."""
        self.run(module, function, *arguments)
        return [self.run(module, function, *arguments) for _ in range(times)]

    def together(self, calls: list[tuple[tuple[Any, ...], Mapping[str, str]]]) -> list[Any]:
        """Several such processes at once, for those that mostly sleep: (module, function, ...) and the machine."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(self.run, *call, on=on) for call, on in calls]]


@contextmanager
def fresh() -> Iterator[Fresh]:
    """Fresh processes that share a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="carbon-benchmarks-") as folder:
        yield Fresh(Path(folder))
