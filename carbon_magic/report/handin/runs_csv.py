"""A row per run, for a spreadsheet: no text of a user's is taken for a formula."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import TYPE_CHECKING

from ...store.export import guarded
from ...units import J_PER_KWH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...run import Run
    from . import Options
    from .facts import Facts


def write(facts: Facts, options: Options) -> str:  # noqa: ARG001 - every form is asked alike
    """All runs in the order in which they began; own_ columns add up to the project's total."""
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in _rows(facts):
        if writer is None:
            writer = csv.DictWriter(out, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({key: guarded(value) for key, value in row.items()})
    return out.getvalue()


def _rows(facts: Facts) -> Iterator[dict[str, object]]:
    project = facts.project
    final = set(project.final)
    for i, (run, own) in enumerate(zip(project.runs, project.own, strict=True)):
        seen = bool(run.devices)
        yield {
            **_who(run),
            "final": i in final,
            "duration_s": run.duration_s,
            "gpus": run.gpus,
            "energy_kwh": run.energy_kwh if seen else None,
            "energy_kwh_low": run.energy_j_range[0] / J_PER_KWH if seen else None,
            "energy_kwh_high": run.energy_j_range[1] / J_PER_KWH if seen else None,
            "co2e_kg": run.co2e_kg if seen else None,
            "co2e_kg_low": run.co2e_g_range[0] / 1000 if seen else None,
            "co2e_kg_high": run.co2e_g_range[1] / 1000 if seen else None,
            "own_energy_kwh": own.energy_j / J_PER_KWH if seen else None,
            "own_co2e_kg": own.co2e_g / 1000 if seen else None,
            "measured_fraction": run.measured_fraction if seen else None,
            "modelled_fraction": 1 - run.measured_fraction if seen else None,
            "cost": run.cost.amount if run.cost else None,
            "currency": run.cost.currency if run.cost else None,
            "pue": run.pue,
            "place": run.grid.place,
            "grid_year": run.grid.year,
            "intensity_g_per_kwh": run.grid.intensity_g_per_kwh,
            "intensity_source": run.grid.source,
            "carbon_magic_version": facts.version,
        }


def _who(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "project": run.project,
        "name": run.name,
        "stage": run.stage,
        "state": run.state,
        "tags": json.dumps(dict(run.tags), ensure_ascii=False),
        "seed": run.seed,
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.started_at)),
        "host": run.host,
        "hardware": run.hardware,
        "notebook": run.notebook,
        "git_commit": run.git_commit,
        "cell_hash": run.cell_hash,
    }
