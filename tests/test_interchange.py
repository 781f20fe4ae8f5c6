"""Runs out of the ledger and into it: nothing changes on the way, and nothing comes in twice."""

import csv
import json
import sqlite3
from dataclasses import replace

import pandas
import pytest
from IPython.core.error import UsageError
from store_runs import run

import carbon_magic
from carbon_magic.alive import NOBODY
from carbon_magic.store import export, lines
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.sqlite import SqliteStore

NASTY = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    'a,"b"\n<script>',
    "\\input{x} $%&",
    "'; DROP TABLE runs; --",
    "\ud800",
]
OLDEST = """\
timestamp,experiment_id,project_name,duration,emissions,energy_consumed,country_name,country_iso_code,region,on_cloud,cloud_provider,cloud_region
2021-03-01T10:00:00,aaa,mnist,3600,0.05,0.1,France,FRA,Île-de-France,N,,
2021-03-01T12:00:00,aaa,mnist,60,0.001,0.002,France,FRA,,N,,
"""
NEWEST = """\
timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,water_consumed,country_name,country_iso_code,region,cloud_provider,cloud_region,os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,longitude,latitude,ram_total_size,tracking_mode,cpu_utilization_percent,gpu_utilization_percent,ram_utilization_percent,ram_used_gb,on_cloud,pue,wue
2026-01-02T03:04:05,bert,r1,e,50,0.2,0.004,40,200,10,0.1,0.3,0.1,0.5,0,Canada,CAN,quebec,,,Linux,3.11,3.3.2,8,"EPYC, 8 cores",1,A100,,,64,machine,1,2,3,4,N,1,0
2026-01-02T03:05:05,bert,r1,e,110,0.4,0.004,40,200,10,0.2,0.6,0.2,1.0,0,Canada,CAN,quebec,,,Linux,3.11,3.3.2,8,"EPYC, 8 cores",1,A100,,,64,machine,1,2,3,4,N,1,0
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "ledger.db"


def ledger_of(path, *runs):
    store = SqliteStore(path)
    store.put_all(runs)
    store.close()
    return Ledger(path)


RUNS = [run("1", points=5, tags={"lr": 0.1}, stage="tune", seed=3), run("2", "failed", host="other", notes=("one",))]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "db"])
def test_what_is_exported_comes_back_as_it_was(path, tmp_path, kind):
    odd = [run(f"n{i}", name=text, project=text, notes=(text,)) for i, text in enumerate(NASTY)]
    file = tmp_path / f"out.{kind}"
    assert ledger_of(path, *RUNS, *odd).export(file) == 2 + len(NASTY)
    other = Ledger(tmp_path / "other.db")
    assert other.merge(file).new == 2 + len(NASTY)
    assert other.merge(file) == (0, 2 + len(NASTY), 0)
    back = other.load(curves=kind in ("json", "db"))
    assert back == Ledger(path).load(curves=kind in ("json", "db"))
    assert other.totals().equals(Ledger(path).totals())


def test_a_csv_is_safe_in_a_spreadsheet_and_reads_in_pandas(path, tmp_path):
    file = tmp_path / "out.csv"
    ledger_of(path, *(run(f"{i}", name=text, project=text) for i, text in enumerate(NASTY))).export(file)
    for line in csv.reader(file.read_text().splitlines(keepends=True)):
        assert not any(cell.startswith(export.FORMULA) for cell in line)
    frame = pandas.read_csv(file)
    assert frame["energy_j"].tolist() == [3600.0] * len(NASTY)
    assert frame["name"][0] == f"'{NASTY[0]}"


def test_one_project_is_exported_alone_and_a_bad_name_is_told(path, tmp_path):
    ledger = ledger_of(path, *RUNS, run("3", project="q"))
    assert ledger.export(tmp_path / "q.json", "q") == 1
    with pytest.raises(ValueError, match=r"\.csv, \.json"):
        ledger.export(tmp_path / "out.xlsx")
    with pytest.raises(OSError):
        ledger.export(tmp_path / "no" / "folder.csv")
    assert not list(tmp_path.glob(".*part"))


def test_a_backup_is_a_ledger_and_never_writes_over_one(path, tmp_path):
    ledger = ledger_of(path, *RUNS)
    assert ledger.backup(tmp_path / "copy.db") == tmp_path / "copy.db"
    assert Ledger(tmp_path / "copy.db").load(curves=True) == RUNS
    assert Ledger(tmp_path / "copy.db").totals().equals(ledger.totals())
    with pytest.raises(FileExistsError):
        ledger.backup(tmp_path / "copy.db")
    assert sqlite3.connect(tmp_path / "copy.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_codecarbon_of_2021(path, tmp_path):
    file = tmp_path / "emissions.csv"
    file.write_text(OLDEST)
    assert Ledger(path).merge(file) == (2, 0, 0)
    assert Ledger(path).merge(file) == (0, 2, 0)
    first, second = Ledger(path).load()
    assert (first.project, first.duration_s, first.grid.place) == ("mnist", 3600, "FRA")
    assert first.energy_kwh == pytest.approx(0.1)
    assert first.co2e_kg == pytest.approx(0.05)
    assert first.method == "modelled"
    assert "no range" in first.notes[0]
    assert second.started_at - first.started_at == 2 * 3600 + 3600 - 60
    assert Ledger(path).totals("mnist")["energy_kwh"].item() == pytest.approx(0.102)


def test_codecarbon_of_today_with_its_lines_at_each_flush(path, tmp_path):
    file = tmp_path / "emissions.csv"
    file.write_text(NEWEST)
    assert Ledger(path).merge(file, project="mine").new == 1
    (back,) = Ledger(path).load("mine")
    assert back.duration_s == 110
    assert {d.name: d.energy_j / 3.6e6 for d in back.devices} == pytest.approx({"CPU": 0.2, "GPU": 0.6, "RAM": 0.2})
    assert back.co2e_kg == pytest.approx(0.4)
    assert back.hardware == "EPYC, 8 cores, A100"
    assert back.devices[0].source == "CodeCarbon 3.3.2"


def test_bad_lines_and_bytes_cost_only_themselves(path, tmp_path):
    file = tmp_path / "emissions.csv"
    text = (
        OLDEST
        + "2021-03-01T13:00:00,bbb,x,nan,0.1,0.2\nyesterday,b,x,1,0.1,0.2\nshort\n2021-04-01T00:00:00,b,caf\xe9\0,5,0.1,0.2\n"
    )
    file.write_bytes(text.encode("latin-1", "replace"))
    merged = Ledger(path).merge(file)
    assert merged == (3, 0, 3)
    assert str(merged) == "3 runs imported; 3 could not be read"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"name,duration\nx,1\n", "lacks emissions, energy_consumed, timestamp"),
        ("a.csv", b"", "lacks"),
        ("a.csv", b"\xff\xfe\0\1", "lacks"),
        ("a.csv", OLDEST.splitlines()[0].encode() + b"\nx,y\n", "no run that can be read"),
        ("a.json", b"{", "no JSON"),
        ("a.json", b"[1]", "no export"),
        ("a.json", b'{"format": "carbon_magic runs", "version": 9, "runs": []}', "newer version"),
        ("a.parquet", b"PAR1", "no Parquet"),
        ("a.db", b"not a database at all" * 100, "damaged"),
        ("a.xlsx", b"", "can be imported"),
    ],
)
def test_what_is_no_file_of_runs_is_refused_in_a_sentence(path, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=told):
        Ledger(path).merge(tmp_path / name)
    assert (tmp_path / name).read_bytes() == content
    with pytest.raises(OSError):
        Ledger(path).merge(tmp_path / f"gone-{name}".replace("xlsx", "csv"))


def test_two_machines_with_the_same_run_id_and_a_spool(path, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    for host in "ab":
        (spool / f"{host}.jsonl").write_bytes(lines.whole(run("1", host=host), NOBODY))
    assert Ledger(path).merge(spool).new == 2
    assert [(r.id, r.host) for r in Ledger(path).load()] == [("1", "a"), ("1", "b")]


def test_an_import_ends_a_run_that_was_going_and_undoes_no_end(path, tmp_path):
    ledger = ledger_of(path, run("1", "running", 1.0), run("2", "done", 5.0))
    file = tmp_path / "more.json"
    told = [run("1", "done", 2.0), run("2", "running", 1.0)]
    file.write_text(json.dumps({"format": export.FORMAT, "version": 1, "runs": [r.to_dict() for r in told]}))
    assert ledger.merge(file) == (0, 2, 0)
    assert {r.id: (r.state, r.energy_j) for r in ledger.load()} == {"1": ("done", 2.0), "2": ("done", 5.0)}


def test_what_is_imported_shares_the_joules_of_its_machine(path, tmp_path):
    outer = run("outer", energy_j=7.2e6, duration_s=20.0)
    ledger = ledger_of(path, replace(outer, id="x"), run("far", host="b"))
    ledger_of(tmp_path / "b.db", run("inner", energy_j=1e6, started_at=1005.0))
    ledger.merge(tmp_path / "b.db")
    assert ledger.totals()["energy_kwh"].item() == pytest.approx(2.0 + 0.001)


def test_the_commands(shell, tmp_path):
    with carbon_magic.track("one"):
        pass
    out = tmp_path / "out with space.csv"
    shell.run_line_magic("carbon", f"export '{out}'")
    assert out.read_text().count("\n") == 2
    shell.run_line_magic("carbon", f"import '{out}'")
    (tmp_path / "emissions.csv").write_text(OLDEST)
    shell.run_line_magic("carbon", f"import {tmp_path / 'emissions.csv'} <b>project</b>")
    assert len(carbon_magic.ledger().runs("<b>project</b>")) == 2
    for line in ("export", "export a.xyz", "import", "import nothing.csv", "export /no/such/folder/a.csv"):
        with pytest.raises(UsageError):
            shell.run_line_magic("carbon", line)
