"""Runs as lines of a text file: for spools on network file systems, and for what could not be written elsewhere."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..alive import Owner
from ..run import Run
from . import rows, texts

VERSION = 1


class Line(NamedTuple):
    """What one line says: a whole run, or newer figures of one that goes on."""

    run_id: str
    host: str
    owner: Owner
    updated_at: float
    run: Run | None
    moved: Sequence[Any] = ()
    """Values in the order of rows.MOVING."""


def whole(run: Run, owner: Owner) -> bytes:
    """A line with all of a run."""
    told = {
        "v": VERSION,
        "owner": [owner.boot_id, owner.pid, owner.started],
        "at": time.time(),
        "run": run.to_dict(samples=bool(run.curve.t_s)),
    }
    return texts.dump(told).encode() + b"\n"


def moved(run: Run) -> bytes:
    """A line with what changes each second while a run goes on."""
    told = {"v": VERSION, "id": run.id, "host": run.host, "moved": rows.moved(run)}
    return texts.dump(told).encode() + b"\n"


def read(text: bytes) -> Iterator[Line]:
    """The lines, without those that are torn, or of a version that is newer than we know."""
    for line in text.split(b"\n"):
        try:
            d = json.loads(line)
            if d["v"] > VERSION:
                continue
            if "run" in d:
                run = Run.from_dict(d["run"])
                yield Line(run.id, run.host, Owner(*d["owner"]), float(d["at"]), run)
            elif len(d["moved"]) == len(rows.MOVING):
                yield Line(d["id"], d["host"], Owner("", 0, None), float(d["moved"][0]), None, d["moved"])
        except (ValueError, TypeError, LookupError):
            continue


def keep(runs: Iterable[Run], owner: Owner, folder: Path) -> Path:
    """Runs that could not be written where they belong, in a file of their own. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{os.getpid()}-{os.urandom(6).hex()}.jsonl"
    part = name.with_suffix(".part")
    with part.open("wb") as file:
        file.writelines(whole(run, owner) for run in runs)
        file.flush()
        os.fsync(file.fileno())
    return part.replace(name)
