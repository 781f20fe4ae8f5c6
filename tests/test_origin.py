"""Where a run comes from: real git repositories, real notebooks' variables, a disk that hangs."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from kernels import kernel

import carbon_magic
from carbon_magic import origin, process

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c",
}  # fmt: skip


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder):
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "my-models"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "feature/a")
    return folder


def test_the_project_is_the_repository_and_the_commit_is_gits(repository):
    assert origin.look(repository) == ("my-models", None)  # nothing is committed yet
    first = commit(repository)
    below = repository / "notebooks" / "deep"
    below.mkdir(parents=True)
    assert origin.look(below) == ("my-models", first)
    second = commit(repository)
    assert origin.look(below).commit == second != first
    git(repository, "checkout", "-q", "--detach", first)
    assert origin.look(below).commit == first


def test_branches_that_git_has_packed_are_found(repository):
    first = commit(repository)
    git(repository, "tag", "-a", "v1", "-m", "annotated: its line is followed by the peeled commit")
    git(repository, "branch", "feature/ab")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/feature/a").exists()
    assert origin.look(repository).commit == first


def test_a_worktree_is_of_its_repository_and_has_its_own_commit(repository, tmp_path):
    commit(repository)
    git(repository, "worktree", "add", "-q", str(tmp_path / "elsewhere"), "-b", "other")
    second = commit(tmp_path / "elsewhere")
    assert origin.look(tmp_path / "elsewhere") == ("my-models", second)
    assert origin.look(repository).commit != second


def test_a_submodule_is_a_project_of_its_own(repository, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    first = commit(inner)
    commit(repository)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "part")
    assert origin.look(repository / "part") == ("part", first)


def test_without_a_repository_it_is_the_folder(tmp_path):
    assert origin.look(tmp_path / "exploring") == ("exploring", None)


def test_a_repository_of_dot_files_in_the_home_folder_is_not_everybodys_project(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    git(tmp_path, "init", "-q")
    (tmp_path / "thesis").mkdir()
    assert origin.look(tmp_path / "thesis") == ("thesis", None)


@pytest.mark.parametrize(
    "head", [b"", b"ref: ../../../etc/passwd\n", b"\xff\xfe\0", b"0" * 39, b"ref: refs/heads/.invalid\n", b"ref:\n"]
)
def test_a_damaged_repository_has_no_commit(repository, head):
    commit(repository)
    (repository / ".git/HEAD").write_bytes(head)
    assert origin.look(repository) == ("my-models", None)


def test_a_git_file_that_leads_nowhere_does_no_harm(tmp_path):
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    assert origin.look(tmp_path) == (tmp_path.name, None)


def test_a_disk_that_hangs_holds_up_the_first_run_for_a_moment_and_no_later_one(monkeypatch, tmp_path):
    answered = threading.Event()
    monkeypatch.setattr(origin, "look", lambda folder: answered.wait(30) and origin.Origin("late", "c" * 40))
    waited, join = [], threading.Thread.join
    monkeypatch.setattr(threading.Thread, "join", lambda *how: waited.append(how[1:]) or join(*how))
    monkeypatch.setattr(origin, "FIRST_PATIENCE_S", 0.1)
    lookout = origin.Lookout(tmp_path)
    for _ in range(100):
        assert lookout.now() == (tmp_path.name, None)
    assert waited == [(0.1,)]
    answered.set()
    lookout._thread.join()
    assert lookout.now() == ("late", "c" * 40)


def test_a_loop_of_short_runs_does_not_look_at_the_disk_each_time(monkeypatch, repository):
    looks = []
    monkeypatch.setattr(origin, "look", lambda folder: looks.append(folder) or origin.Origin("p", None))
    lookout = origin.Lookout(repository)
    for _ in range(50):
        lookout.now()
    assert len(looks) == 1
    monkeypatch.setattr(origin, "FRESH_S", 0.0)
    lookout.now()
    assert len(looks) == 2


def test_track_files_a_run_under_its_repository(repository, monkeypatch):
    head = commit(repository)
    monkeypatch.chdir(repository)
    with carbon_magic.track("x", seed=42) as run:
        pass
    assert (run.project, run.git_commit, run.seed) == ("my-models", head, 42)
    assert (run.notebook, run.cell_hash) == (None, None)
    assert "CPU" in run.hardware
    with carbon_magic.track("x", project='a "name" of <b>my</b> own') as run:
        pass
    assert run.project == 'a "name" of <b>my</b> own'
    again = carbon_magic.Run.from_dict(run.to_dict())
    assert (again.git_commit, again.hardware) == (head, run.hardware)


def test_rows_of_earlier_versions_have_no_origin():
    with carbon_magic.track("x"):
        pass
    d = carbon_magic.last.to_dict()
    for name in ("seed", "notebook", "cell_hash", "git_commit", "hardware"):
        del d[name]
    old = carbon_magic.Run.from_dict(d)
    assert (old.seed, old.notebook, old.cell_hash, old.git_commit, old.hardware) == (None, None, None, None, "")


def test_a_cell_has_the_same_hash_whatever_its_options_and_the_space_around():
    body = "\nmodel.fit(X)\nscore()"
    same = {origin.cell_hash(top + body + end) for top in ("", "%%carbon\n", "  %%carbon -n a\n%%carbon -n b\n") for end in ("", "\n\n  ")}  # fmt: skip
    assert len(same) == 1
    assert len(same.pop()) == 16
    assert origin.cell_hash("%%carbon\nmodel.fit(Y)") != origin.cell_hash("%%carbon\nmodel.fit(X)")
    assert origin.cell_hash("%%carbon -n only") is None
    assert origin.cell_hash("\ud800") is not None


def test_the_magic_takes_project_and_seed_and_knows_its_cell(shell):
    shell.run_cell("%%carbon -q -p 'two words' --seed -7\nx = 1")
    run = process.current().last
    assert (run.project, run.seed, run.cell_hash) == ("two words", -7, origin.cell_hash("x = 1"))
    shell.run_cell("get_ipython().run_cell_magic('carbon', '-q', 'x = 1')")
    assert process.current().last.cell_hash == run.cell_hash
    shell.run_cell("%%carbon -q\nget_ipython().run_cell('%%carbon -q\\ny = 2')")
    inner, outer = process.current().runs[-2:]
    assert inner.cell_hash == origin.cell_hash("y = 2")
    assert outer.cell_hash == origin.cell_hash("get_ipython().run_cell('%%carbon -q\\ny = 2')")


@pytest.mark.parametrize("seed", ["1.5", "x", "1" * 30, "''"])
def test_a_seed_that_is_none_is_told_in_a_sentence(shell, seed, capsys):
    shell.run_cell(f"%%carbon --seed {seed}\nx = 1")
    assert "a seed is a whole number" in capsys.readouterr().err
    with pytest.raises(ValueError, match="a seed is"), carbon_magic.track(seed=True):
        pass


def test_vs_code_and_papermill_tell_the_notebook_by_a_variable(shell, repository):
    head = commit(repository)
    shell.user_ns["__vsc_ipynb_file__"] = str(repository / "train.ipynb")
    shell.run_cell("%%carbon -q\nx = 1")
    run = process.current().last
    assert (run.notebook, run.project, run.git_commit) == (str(repository / "train.ipynb"), "my-models", head)
    shell.user_ns["__vsc_ipynb_file__"] = 3
    shell.user_ns["PAPERMILL_OUTPUT_PATH"] = "out/run-7.ipynb"
    assert origin.notebook(shell, {}) == "out/run-7.ipynb"
    assert origin.folder("out/run-7.ipynb") == Path.cwd()


@pytest.mark.kernel
def test_jupyter_tells_the_notebook_in_the_environment(tmp_path):
    with kernel(JPY_SESSION_NAME="/srv/work/digits.ipynb", CARBON_MAGIC_LEDGER=str(tmp_path / "l.db")) as k:
        k.run("import carbon_magic\nwith carbon_magic.track('t') as run: pass")
        assert k.value("run.notebook") == "'/srv/work/digits.ipynb'"
        assert k.value("run.project") == "'work'"
        hashed = origin.cell_hash("import carbon_magic\nwith carbon_magic.track('t') as run: pass")
        assert k.value("run.cell_hash") == repr(hashed)
