"""The benchmarks' table and command line. What they measure is told by running them, not asserted here."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # last: the package itself stays the installed one

from benchmarks import __main__ as command
from benchmarks import where
from benchmarks.figure import Figure, Report, number, text, write_table

FIGURES = [
    Figure("first cell", 51.26, "ms", 50, note="9 runs | best 40"),
    Figure("paints", 7.4, "/s", 4, least=True),
    Figure("bundle", 8.1, "kB"),
]


@pytest.fixture
def measured(monkeypatch):
    """Every benchmark finds the same, at once."""
    found = SimpleNamespace(measure=lambda fresh: iter(FIGURES))
    monkeypatch.setattr(command.importlib, "import_module", lambda name, package: found)
    monkeypatch.setattr(command, "fresh", nullcontext)
    monkeypatch.setattr(where, "LOOK_S", 0.0)


def test_a_figure_is_met_or_missed_or_just_told():
    assert [figure.met for figure in FIGURES] == [False, True, None]


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1,234"), (0.00026, "0.00026")]
)
def test_numbers_have_three_digits_and_no_powers_of_ten(value, shown):
    assert number(value) == shown


def test_running_it_prints_a_table_and_writes_the_results(measured, tmp_path, capsys):
    command.main(["speed", "--results", str(tmp_path)])
    first, paints, _ = [line for line in capsys.readouterr().out.splitlines() if any(f.what in line for f in FIGURES)]
    assert "51.3 ms" in first
    assert "≤ 50 ms" in first
    assert "MISSED" in first
    assert "≥ 4 /s" in paints
    assert "met" in paints
    assert [f["what"] for f in json.loads((tmp_path / "speed.json").read_text())["figures"]] == [
        f.what for f in FIGURES
    ]


def test_the_readme_table_holds_every_benchmark_that_was_run(measured, tmp_path):
    command.main(["truth", "--results", str(tmp_path)])
    command.main(["speed", "--results", str(tmp_path)])
    table = (tmp_path / "README-table.md").read_text()
    assert table.index("| speed |") < table.index("| truth |")
    assert "| live |" not in table
    assert "| first cell | 51.3 ms | ≤ 50 ms | MISSED | 9 runs \\| best 40 |" in table
    assert "bundle" not in table  # told, but not asked for
    assert table.count("Python ") == 2  # each table says where it was taken


def test_results_come_back_as_they_were_written(measured, tmp_path):
    command.main(["live", "--results", str(tmp_path)])
    report = Report.read(tmp_path / "live.json")
    assert list(report.figures) == FIGURES
    assert text(report).startswith("live: ")
    assert write_table(tmp_path).read_text().startswith("| live |")


def test_an_unknown_name_is_told_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        command.main(["sped"])
    assert "'sped'; there are speed, truth, floor, live" in capsys.readouterr().err
