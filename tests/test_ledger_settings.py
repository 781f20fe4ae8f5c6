"""Which ledger: what may be set, by whom, and what is never told."""

import pytest

from carbon_magic import config, project_file
from carbon_magic.project_file import ProjectFile


def settings(environ=None, project=None, monkeypatch=None):
    monkeypatch.setattr(project_file, "find", lambda *a, **k: ProjectFile("p.toml", project or {}))
    return config.current({}, environ or {})


def test_a_projects_file_names_a_file_but_no_server(monkeypatch):
    found, problems = settings(project={"ledger": "/x/ledger.db"}, monkeypatch=monkeypatch)
    assert (found.ledger, problems) == ("/x/ledger.db", [])
    found, problems = settings(project={"ledger": "postgresql://me:s3cret@host/x"}, monkeypatch=monkeypatch)
    assert found.ledger is None
    assert len(problems) == 1
    assert "s3cret" not in problems[0]


def test_the_way_runs_are_kept_can_be_set(monkeypatch):
    assert settings({"CARBON_MAGIC_STORE": "spool"}, monkeypatch=monkeypatch)[0].store == "spool"
    found, problems = settings({"CARBON_MAGIC_STORE": "duckdb"}, monkeypatch=monkeypatch)
    assert found.store is None
    assert "sqlite or spool" in problems[0]
    with pytest.raises(ValueError, match="sqlite or spool"):
        config.current({"store": 5}, {})


def test_a_url_in_the_environment_is_used_and_not_shown(monkeypatch):
    url = "postgresql://me:s3cret@host/x"
    found, problems = settings({"CARBON_MAGIC_LEDGER": url}, monkeypatch=monkeypatch)
    assert (found.ledger, problems) == (url, [])
    assert "s3cret" not in repr(found)
