"""A machine in a few words: its processor, its memory and the GPUs that are counted."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable

from .cpu_model import cpuinfo, name_of
from .cpu_time import memory_bytes
from .meter import Meter

_TRADE = re.compile(r"\((?:R|TM|r|tm)\)|®|™|\s+CPU\b|\s@.*$|\s+with\b.*$|\s+\d+-Core Processor|\s+Processor$")


def describe(meters: Iterable[Meter]) -> str:
    """'AMD EPYC 7B13, 2 CPUs, 25 GB; 2 × NVIDIA A100-SXM4-80GB'. What cannot be known is left out; never raises."""
    try:
        name = " ".join(_TRADE.sub("", name_of(cpuinfo())).split())
        count = os.cpu_count() or 1
        parts = [name, f"{count} CPU{'s' if count > 1 else ''}", f"{memory_bytes() / 1e9:.3g} GB"]
    except (OSError, ValueError):
        parts = []
    boards = Counter(re.sub(r"^GPU \d+ ", "", meter.name) for meter in meters if meter.kind == "gpu" and meter.counted)
    gpus = [f"{n} × {board}" if n > 1 else board for board, n in boards.items()]
    return "; ".join(filter(None, (", ".join(filter(None, parts)), *gpus)))
