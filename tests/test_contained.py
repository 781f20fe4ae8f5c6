"""What goes wrong on our side is one line on stderr: the user's cell runs, and gives what it gives."""

import subprocess
import sys
import threading

import pytest

import carbon_magic
from carbon_magic import folders, process, store, threads, trouble


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(trouble, "_said", set())


def broken(*_, **__):
    raise OSError("broken in here")


@pytest.mark.parametrize("part", ["begin", "end"])
def test_a_cell_runs_although_we_fail(shell, capsys, monkeypatch, part):
    with monkeypatch.context() as patch:
        patch.setattr(process.current().tracker, part, broken)
        result = shell.run_cell("%%carbon\n40 + 2")
        shell.run_cell("%%carbon\n40 + 2")
    assert (result.success, result.result) == (True, 42)
    said = capsys.readouterr()
    assert said.err.count("broken in here") == 1
    assert "Traceback" not in said.out + said.err
    process.current().tracker._active.clear()
    assert shell.run_cell("%%carbon -q -o after\n1").result == 1
    assert shell.user_ns["after"].state == "done"


def test_a_run_that_cannot_be_ended_is_watched_no_longer(monkeypatch):
    tracker = process.current().tracker
    block = carbon_magic.track("unfinished")
    block.__enter__()
    monkeypatch.setattr(tracker.active[-1], "close", broken)
    with pytest.raises(OSError, match="broken in here"):
        tracker.end(tracker.active[-1], "done")
    assert tracker.active == []


def test_an_error_meant_for_the_user_passes():
    with pytest.raises(ValueError, match="for you"), trouble.Contained("nothing", ValueError):
        raise ValueError("for you")
    with pytest.raises(KeyboardInterrupt), trouble.Contained("nothing"):
        raise KeyboardInterrupt


def test_without_threads_a_block_is_measured_all_the_same():
    """As where a container's limit of processes is reached."""
    script = """
import threading
def refuse(self): raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
import carbon_magic
with carbon_magic.track("alone") as run: sum(range(100_000))
print(run.state, run.energy_j > 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "done True\n"


def test_a_thread_is_none_where_there_is_none_to_be_had(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no more")))
    assert threads.start(print) is None


def test_no_folder_is_called_tilde(monkeypatch):
    """A container's nameless user without HOME."""
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for ask in (lambda: folders.at_home("~/x"), lambda: store.where(None, {}), lambda: store.where("~/x.db", {})):
        with pytest.raises(OSError, match="no home folder is known"):
            ask()
    assert str(store.where("/data/l.db", {}).path) == "/data/l.db"
    assert store.where("postgresql://host/x", {}).kind == "postgresql"


def test_a_home_that_is_relative_is_one_folder_for_the_whole_process(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path.replace("~", "."))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert store.where(None, {}).path.is_absolute()
