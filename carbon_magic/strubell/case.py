"""Table 4's case study through the real ledger: 172 days, 4,789 jobs, 239,942 GPU-hours, one model in the end.

The jobs themselves are not published, only what is known of all: their number and sum, that the shortest took 3 minutes
and the longest 9 days, that a model took 120 GPU-hours and its tuning 24 of them. So jobs are made here that have
those properties, put into a ledger one by one, and read back as any project is.
"""

from __future__ import annotations

import heapq
import math
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..account import Project
from ..account.read import read
from ..device import Device
from ..grid import Intensity
from ..run import Run
from ..store.ledger import Ledger
from ..store.sqlite import SqliteStore
from ..units import G_PER_LB, J_PER_KWH
from .method import LB_PER_KWH, PUE, USD_PER_KWH
from .tables import CLOUD_USD_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd

    from ..account.groups import Own

JOBS, GPU_HOURS = 4789, 239_942.0
SHORTEST_H, LONGEST_H = 0.05, 216.0
MODEL_H, TUNED = 120.0, 24
"""GPU-hours of one model, and how many were trained to tune it (table 4)."""
GPUS = 60
"""At work at once, about (section 4.2)."""
W_PER_GPU = 216.96
"""What a GPU draws with its part of CPU and DRAM: 78,468 lb / 0.954 lb per kWh / 1.58 / 239,942 h."""
BEGAN = datetime(2018, 1, 1, tzinfo=UTC).timestamp()
"""Not in the paper; the weeks of the account need some date."""
NAME = "LISA (Strubell et al. 2019)"
G_PER_KWH = LB_PER_KWH * G_PER_LB
GRID = Intensity(
    G_PER_KWH,
    (G_PER_KWH, G_PER_KWH),
    "US",
    "United States, as the paper takes it",
    2018,
    "direct, CO2 only",
    "US EPA, as given by Strubell et al. (2019)",
    "US mean",
    "CC BY 4.0 paper",
    "the paper's",
)


@dataclass(frozen=True)
class CaseStudy:
    """The project of the paper's table 4."""

    project: Project

    @cached_property
    def table(self) -> pd.DataFrame:
        """Table 4 from the ledger's account: one model, the 24 that tuned it, all 4,789."""
        import pandas as pd

        parts = own_table(self.project).to_dict("records")
        return pd.DataFrame([_row(p["runs"], p["energy_kwh"], p["co2e_lb"], p["gpu_hours"]) for p in parts])


def own_table(project: Project) -> pd.DataFrame:
    """A project in the manner of table 4: its final model, that with its tuning, everything.

    Columns: `what`, `runs`, `hours` of machines, `gpu_hours`, `energy_kwh` before PUE, `co2e_kg`, `co2e_lb`. What
    overlaps is counted once, failed and interrupted runs are in it. Final are the project's final runs; a row for which
    there are no runs is left out.
    """
    import pandas as pd

    tuned = [i for i, entry in enumerate(project.entries) if entry.stage == "tune"]
    chosen = {
        "final model": project.final,
        "with its tuning": (*project.final, *tuned) if project.final and tuned else (),
        "everything": tuple(range(len(project.entries))),
    }
    rows = []
    for what, indices in chosen.items():
        part = project.choose_entries(indices)
        if part.final_own is not None:
            rows.append({"what": what, "runs": len(part.final), **_figures(part.final_own)})
    return pd.DataFrame(rows, columns=["what", "runs", "hours", "gpu_hours", "energy_kwh", "co2e_kg", "co2e_lb"])


def _figures(own: Own) -> dict[str, float]:
    return {
        "hours": own.host_s / 3600,
        "gpu_hours": own.gpu_s / 3600,
        "energy_kwh": own.energy_j / J_PER_KWH,
        "co2e_kg": own.co2e_g / 1000,
        "co2e_lb": own.co2e_g / G_PER_LB,
    }


def _row(models: int, device_kwh: float, co2e_lb: float, gpu_hours: float) -> dict[str, float]:
    energy_kwh = PUE * device_kwh
    low_usd, high_usd = CLOUD_USD_PER_HOUR["P100"]  # of which the table's costs are
    return {
        "models": models,
        "gpu_hours": gpu_hours,
        "cloud_cost_low_usd": low_usd * gpu_hours,
        "cloud_cost_high_usd": high_usd * gpu_hours,
        "electricity_cost_usd": USD_PER_KWH * energy_kwh,
        "energy_kwh": energy_kwh,
        "co2e_lb": co2e_lb,
    }


def case_study(path: Path | None = None) -> CaseStudy:
    """Make the 4,789 runs, keep them in a ledger at `path` (else one that is thrown away), read the account back."""
    with tempfile.TemporaryDirectory(prefix="carbon_magic-") as folder:
        where = path or Path(folder) / "case.db"
        store = SqliteStore(where)
        try:
            # The longest first: no run that comes later changes what an earlier one has of its own.
            store.put_all(sorted(runs(), key=lambda run: -run.duration_s))
        finally:
            store.close()
        project = read(Ledger(where), NAME)
        _ = project.own  # while the file is there
        return CaseStudy(project)


def runs() -> Iterator[Run]:
    """The 4,789 runs, in the order in which they began."""
    jobs = [("final", MODEL_H), *[("tune", MODEL_H)] * (TUNED - 1), *(("explore", hours) for hours in _hours())]
    hosts: list[tuple[float, int]] = [(0.0, i) for i in range(GPUS)]
    placed: list[list[tuple[str, float]]] = [[] for _ in range(GPUS)]
    for job in sorted(jobs, key=lambda job: -job[1]):  # the longest first: all hosts end within hours of each other
        busy_h, host = heapq.heappop(hosts)
        placed[host].append(job)
        heapq.heappush(hosts, (busy_h + job[1], host))
    order = random.Random(2019)  # noqa: S311 - which week a job falls into, the same each time
    begun: list[tuple[int, int, str, float]] = []
    for host, own in enumerate(placed):
        order.shuffle(own)
        own.sort(key=lambda job: ("explore", "tune", "final").index(job[0]))  # a model is tuned when it is there
        at_s = 0
        for stage, hours in own:
            begun.append((at_s, host, stage, hours))
            at_s += math.ceil(3600 * hours)  # whole seconds: rounded ends of runs would reach into the next
    for i, (at_s, host, stage, hours) in enumerate(sorted(begun)):
        yield _run(i, at_s, host, stage, hours)


def _run(i: int, at_s: int, host: int, stage: str, hours: float) -> Run:
    joules = W_PER_GPU * 3600 * hours
    source = "the paper's mean over the project, CPU and DRAM included; it prints no range"
    device = Device("GPU 0 (Titan X or M40)", "gpu", joules, (joules, joules), source, "modelled")
    return Run(
        id=f"strubell-2019-{i:04}",
        name=f"{stage} {i + 1}",
        state="done",
        started_at=BEGAN + at_s,
        duration_s=3600 * hours,
        energy_j_range=(joules, joules),
        grid=GRID,
        devices=(device,),
        stage=stage,
        pue=PUE,
        pue_range=(PUE, PUE),
        project=NAME,
        host=f"gpu-{host:02}",
    )


def _hours() -> list[float]:
    """Lengths of the other jobs: many short, few long, with the known sum, shortest and longest."""
    n = JOBS - TUNED
    wanted = GPU_HOURS - TUNED * MODEL_H
    middle = n - 2

    def lengths(scale: float) -> list[float]:
        inner = [min(LONGEST_H, max(SHORTEST_H, -scale * math.log(1 - (i + 0.5) / middle))) for i in range(middle)]
        return [SHORTEST_H, *inner, LONGEST_H]

    low, high = 1.0, 1000.0
    for _ in range(100):
        scale = (low + high) / 2
        low, high = (scale, high) if sum(lengths(scale)) < wanted else (low, scale)
    found = lengths(high)
    found[n // 2] += wanted - sum(found)  # what the last digits leave over
    return found
