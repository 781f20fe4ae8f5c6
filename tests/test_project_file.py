"""Settings in the project's own file, and what comes before what."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import config, project_file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project" / "notebooks" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(project_file, "FRESH_S", 0.0)
    monkeypatch.setattr(project_file, "PATIENCE_S", 10.0)
    return tmp_path / "project"


def settings(environ: dict[str, str] | None = None, **options: Any) -> tuple[config.Settings, list[str]]:
    return config.current(options, environ or {})


def test_a_file_above_the_notebook_counts(project: Path) -> None:
    (project / "carbon_magic.toml").write_text('place = "SE"\npue = 1.2\nproject = "thesis"\nquiet = true\n')
    found, problems = settings()
    assert problems == []
    assert (found.place, found.pue, found.project, found.quiet) == ("SE", 1.2, "thesis", True)
    assert found.said["place"] == f"in {project / 'carbon_magic.toml'}"


def test_pyproject_has_a_table_for_it(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.carbon_magic]\nplace = "NO"\n')
    assert settings()[0].place == "NO"


def test_a_pyproject_without_the_table_is_passed_over(project: Path) -> None:
    (project.parent / "carbon_magic.toml").write_text('place = "PL"\n')
    (project / "pyproject.toml").write_text('[project]\nname = "carbon_magic"\n')
    (project / "notebooks" / "pyproject.toml").write_text("this is no TOML and none of ours")
    assert settings() == (config.Settings(place="PL"), [])


def test_the_nearest_counts_whole_and_carbon_magic_toml_before_pyproject(project: Path) -> None:
    (project / "carbon_magic.toml").write_text('place = "SE"\npue = 1.5\n')
    (project / "notebooks" / "pyproject.toml").write_text('[tool.carbon_magic]\nplace = "DE"\n')
    found, _ = settings()
    assert (found.place, found.pue) == ("DE", None)
    (project / "notebooks" / "carbon_magic.toml").write_text('place = "FR"\n')
    assert settings()[0].place == "FR"


def test_what_comes_before_what(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "defaults", {"place": "PL", "pue": 1.9, "hz": 2})
    (project / "carbon_magic.toml").write_text('place = "SE"\npue = 1.5\n')
    assert settings()[0].place == "SE", "the project is nearer than the user's own profile"
    assert settings()[0].hz == 2
    environ = {"CARBON_MAGIC_PLACE": "NO"}
    assert (settings(environ)[0].place, settings(environ)[0].said["place"]) == ("NO", "by CARBON_MAGIC_PLACE")
    monkeypatch.setattr(config, "overrides", {"place": "DE"})
    assert (settings(environ)[0].place, settings(environ)[0].said["place"]) == ("DE", "by %config")
    assert (settings(environ, place="FR")[0].place, settings(environ, place="FR")[0].said["place"]) == ("FR", "")


def test_an_edited_file_is_read_again(project: Path) -> None:
    file = project / "carbon_magic.toml"
    file.write_text('place = "SE"\n')
    assert settings()[0].place == "SE"
    file.write_text('place = "NO"\n')
    os.utime(file, (1, 1))
    assert settings()[0].place == "NO"
    file.unlink()
    assert settings()[0].place is None


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ('place = "Atlantis"', 'carbon_magic.toml place: unknown place "Atlantis"'),
        ("pue = 7", "carbon_magic.toml pue: a PUE is a number from 1 to 3, not '7'"),
        ("plce = 'FR'", "carbon_magic.toml plce: there is no such setting (did you mean place?)"),
        ("place = 3", "carbon_magic.toml place: a place is a text"),
        ("units = 'stones'", "carbon_magic.toml units: units are SI, or of Wh"),
        ("embodied_kg = -1", "carbon_magic.toml embodied_kg: kilograms of CO2e"),
        ("embodied_share = 2", "carbon_magic.toml embodied_share: a share is a number from 0 to 1"),
        ("place = ", "no TOML ("),
        ("\0", "no TOML ("),
        ("a." * 5000 + "b = 1", "carbon_magic.toml"),
    ],
)
def test_a_bad_one_is_a_clause_and_the_rest_applies(project: Path, text: str, clause: str) -> None:
    (project / "carbon_magic.toml").write_text(text + "\n")
    found, problems = settings()
    assert len(problems) == 1
    assert clause in problems[0]
    assert len(problems[0]) < 400
    assert "\n" not in problems[0]
    assert found == config.Settings()


def test_a_bad_value_leaves_the_others(project: Path) -> None:
    (project / "carbon_magic.toml").write_text('place = "Atlantis"\npue = 1.3\n')
    found, problems = settings()
    assert (found.place, found.pue, len(problems)) == (None, 1.3, 1)


def test_a_ledger_is_meant_from_where_the_file_stands(project: Path) -> None:
    (project / "carbon_magic.toml").write_text('ledger = "runs/ledger.db"\n')
    assert settings()[0].ledger == str(project / "runs/ledger.db")
    (project / "carbon_magic.toml").write_text('ledger = "postgresql://team@db/energy"\n')
    assert settings()[0].ledger is None, "a server is not for a project's file to choose"


def test_places_may_be_a_table(project: Path) -> None:
    (project / "carbon_magic.toml").write_text('[places]\njean-zay = "FR"\n"hub.example.org" = "DE"\n')
    assert config.pairs(settings()[0].places or "") == [("jean-zay", "FR"), ("hub.example.org", "DE")]


def test_where_everybody_may_write_only_a_file_of_ones_own_counts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "carbon_magic.toml"
    file.write_text('place = "SE"\n')
    project.chmod(0o1777)
    assert settings()[0].place == "SE"
    if os.getuid() == 0:
        os.chown(file, 12345, 12345)
    else:  # only root can make files of others; to another user one's own is such a file
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert settings()[0].place is None
    project.chmod(0o755)
    assert settings()[0].place == "SE", "a colleague's project folder"


def test_odd_things_of_that_name_are_passed_over(project: Path) -> None:
    (project / "carbon_magic.toml").mkdir()
    os.mkfifo(project / "pyproject.toml")
    assert settings() == (config.Settings(), [])


def test_a_huge_file_is_not_read(project: Path) -> None:
    (project / "carbon_magic.toml").write_bytes(b"#" * (2 << 20))
    assert "too large" in settings()[1][0]


def test_a_folder_that_is_gone(project: Path) -> None:
    code = "import os; os.rmdir(os.getcwd()); from carbon_magic import project_file; print(project_file.find())"
    gone = project / "gone"
    gone.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], cwd=gone, env=environ, capture_output=True, text=True)
    assert done.stdout.startswith("ProjectFile(path=''"), done.stderr


@given(st.binary(max_size=200))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "carbon_magic.toml").write_bytes(content)
    found = project_file.look(str(folder))
    _, problems = config.resolve(found.settings)
    assert all(problem.isprintable() for problem in (*found.problems, *problems))


def test_tomllib_is_not_imported_where_there_is_nothing_to_read() -> None:
    code = "import sys; from carbon_magic import config; config.current({}, {}); print('tomllib' in sys.modules)"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], cwd="/", env=environ, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_a_loop_of_runs_looks_once_and_a_disk_that_hangs_costs_one_wait(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    answers = threading.Event()

    def look(folder: str) -> project_file.ProjectFile:
        looked.append(folder)
        answers.wait(10)
        return project_file.ProjectFile("/x/carbon_magic.toml", {"place": "SE"})

    monkeypatch.setattr(project_file, "look", look)
    monkeypatch.setattr(project_file, "FRESH_S", 60.0)
    monkeypatch.setattr(project_file, "PATIENCE_S", 0.01)
    assert [settings()[0].place for _ in range(20)] == [None] * 20, "nothing waits for it"
    assert len(looked) == 1
    thread = project_file._seen.thread
    answers.set()
    assert thread is not None
    thread.join(10)
    assert [settings()[0].place for _ in range(20)] == ["SE"] * 20
    assert len(looked) == 1
    project_file.find(anew=True)
    assert len(looked) == 2
