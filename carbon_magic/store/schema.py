"""The tables of a ledger's file, and the steps that lead there from every older one."""

from __future__ import annotations

APPLICATION_ID = 0x434F3265  # "CO2e"

SCOPES = ("own", "project_own")
"""What a run has of its own (see own.py) beside all runs of the file, and beside those of its project."""
OWN = tuple(f"{scope}{part}" for scope in SCOPES for part in ("", "_s", "_gpu_s"))
SUMMED = ("energy_j", "energy_j_low", "energy_j_high", "co2e_g", "co2e_g_low", "co2e_g_high", "measured_j")
TOTALS = ("runs", "seconds", "gpu_s", *SUMMED)
"""What is added up of runs, in each scope; `runs` is the same in both."""
BLOCK_COLUMNS = tuple(f"{scope}_{total}" for scope in SCOPES for total in TOTALS[1:])

# Each step takes the file from user_version i to i + 1, and is never changed once released. Steps only add, so that
# what a file holds is never at risk.
STEPS = (
    (
        """CREATE TABLE runs (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL, host TEXT NOT NULL, project TEXT, name TEXT, stage TEXT,
            state TEXT NOT NULL, boot_id TEXT, pid INTEGER, pid_started REAL, started_at REAL, updated_at REAL,
            duration_s REAL, energy_j REAL, energy_j_low REAL, energy_j_high REAL, co2e_g REAL, co2e_g_low REAL,
            co2e_g_high REAL, pue REAL, place TEXT, intensity_g_per_kwh REAL, method TEXT, measured_fraction REAL,
            tags TEXT, notes TEXT, run TEXT NOT NULL, curve BLOB, UNIQUE (id, host))""",
        "CREATE INDEX runs_project ON runs (project)",
    ),
    (
        # A narrow row beside each wide one: all that is asked for in sums and tables, and all that changes while a run
        # goes on, so that neither a question nor the write of each second touches the JSON and the curve.
        """CREATE TABLE figures (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL, host TEXT NOT NULL, project TEXT NOT NULL, name TEXT, stage TEXT,
            state TEXT NOT NULL, boot_id TEXT, pid INTEGER, pid_started REAL, started_at REAL, ended_at REAL,
            updated_at REAL, duration_s REAL, energy_j REAL, energy_j_low REAL, energy_j_high REAL, co2e_g REAL,
            co2e_g_low REAL, co2e_g_high REAL, measured_j REAL, measured_fraction REAL, gpu_hours REAL, cost REAL,
            contract_co2e_g REAL, pue REAL, place TEXT, intensity_g_per_kwh REAL, method TEXT, tags TEXT, notes TEXT,
            seed, git_commit TEXT, notebook TEXT, cell_hash TEXT, hardware TEXT, currency TEXT, gpus INTEGER,
            more TEXT, parts TEXT, own REAL, own_s REAL, own_gpu_s REAL,
            project_own REAL, project_own_s REAL, project_own_gpu_s REAL)""",
        "CREATE INDEX figures_project ON figures (project)",
        # Who overlaps whom. A run that goes on has no ended_at, so it is in none of these.
        "CREATE INDEX figures_time ON figures (ended_at, started_at) WHERE ended_at IS NOT NULL",
        "CREATE INDEX figures_long ON figures (ended_at, started_at) WHERE duration_s > 21600",
        "CREATE INDEX figures_running ON figures (seq) WHERE state = 'running'",
        # Sums of up to some thousand ended runs of a project that follow each other in the file.
        f"""CREATE TABLE blocks (
            project TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, runs INTEGER NOT NULL,
            {", ".join(f"{column} REAL NOT NULL DEFAULT 0" for column in BLOCK_COLUMNS)},
            PRIMARY KEY (project, first_seq)) WITHOUT ROWID""",
    ),
)
LONG_S = 21600.0
"""Runs longer than this have an index of their own, so that the search for what overlaps looks no further back."""
