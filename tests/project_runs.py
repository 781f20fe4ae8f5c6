"""A project to look at: months of tuning, failures, and one final model."""

import random
from dataclasses import replace

from looks import FRANCE, device

from carbon_magic.account import Project
from carbon_magic.run import Run
from carbon_magic.store.sqlite import SqliteStore

BEGAN = 1.772e9  # 2026-02-25
HARDWARE = "AMD EPYC 7B13, 64 CPUs, 540 GB; 2 × NVIDIA A100-SXM4-80GB"


def project_run(i=0, begin=0.0, seconds=600.0, name="trial", stage="tune", gpus=2, method="counter", **fields):
    boards = [
        device(f"GPU {n} NVIDIA A100-SXM4-80GB", "gpu", 290.0 * seconds, 0.25, method, "NVML") for n in range(gpus)
    ]
    devices = (device(joules=85.0 * seconds, off=0.15, method=method), *boards)
    ends = tuple(sum(d.energy_j_range[end] for d in devices) for end in (0, 1))
    given = {
        "id": f"{i:032x}",
        "state": "done",
        "grid": FRANCE,
        "host": "node7",
        "project": "thesis",
        "hardware": HARDWARE,
    }
    return Run(name=name, stage=stage, started_at=BEGAN + begin, duration_s=seconds, energy_j_range=ends,
               devices=devices, **(given | fields))  # fmt: skip


def runs(count=400, name="thesis"):
    """Explored, tuned with failures, evaluated, and trained once for good."""
    chance = random.Random(7)
    made, begin = [], 0.0
    for i in range(count):
        part = i / count
        stage = "explore" if part < 0.12 else "train" if part < 0.2 else "tune" if part < 0.94 else "evaluate"
        state = chance.choices(("done", "failed", "interrupted"), (88, 9, 3))[0]
        seconds = chance.lognormvariate(6.5, 0.9) * (0.3 if state != "done" else 1)
        tags = {"lr": chance.choice([1e-4, 3e-4, 1e-3]), "batch": chance.choice([32, 64])} if stage == "tune" else {}
        method = "modelled" if stage == "explore" else "counter"
        made.append(
            project_run(i, begin, seconds, f"{stage} {i}", stage, state=state, tags=tags, method=method, project=name)
        )
        begin += seconds + chance.expovariate(1 / 30_000)
    made.append(project_run(count, begin, 9000, "the model of the paper", "final", project=name))
    return made


def project(count=400, name="thesis"):
    return Project.of(runs(count, name), name)


def on_record(path, made):
    """Put runs into a ledger's file."""
    store = SqliteStore(path)
    store.put_all(made)
    store.close()


NASTY = """=cmd|' /C calc'!A0 <b onmouseover="x()">R&D</b> \\input{/etc/passwd} $x^2_1$ 100% #1 ~{a} "q" 'é' 日本 \U0001f600"""


def nasty():
    """Every text that a user gives is an attack of some kind."""
    made = [
        project_run(0, name=NASTY, stage="final", project=NASTY, tags={NASTY: NASTY}, hardware=NASTY),
        project_run(1, 9000, name="@SUM(1+1)", stage=NASTY, project=NASTY, state="failed", hardware="-2+3"),
        project_run(2, 18000, name="\u202ereversed: - [x] `code`", stage="tune", project=NASTY, notebook="+evil.ipynb"),
    ]
    return Project.of([replace(one, git_commit="a" * 40, seed=7) for one in made], NASTY)
