"""Systems that lack what others have: a home, threads, and our own code without a fault."""

from __future__ import annotations

import io
import os
import threading

import pytest
from shells import loaded

import carbon_magic
from carbon_magic import folders, process, screen, threads, trouble
from carbon_magic.tracker import Tracker


@pytest.fixture
def homeless(monkeypatch):
    """A container's user without a name or a home."""
    for name in ("HOME", "XDG_DATA_HOME", "CARBON_MAGIC_LEDGER", "CARBON_MAGIC_CALIBRATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(process, "_current", None)
    monkeypatch.setattr(trouble, "_said", set())


def test_without_a_home_a_run_is_measured_and_no_folder_is_called_tilde(homeless, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with carbon_magic.track("homeless") as run:
        pass
    assert run.state == "done"
    with pytest.raises(OSError, match="no home folder is known"):
        carbon_magic.ledger()
    process.current().pump.flush(10)
    trouble.speak()
    assert "no home folder is known" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_path_without_a_tilde_needs_no_home(homeless):
    assert folders.at_home("/data/ledger.db") == "/data/ledger.db"


def test_without_another_thread_the_edges_are_read_all_the_same(monkeypatch):
    monkeypatch.setattr(process, "_current", None)

    def none_left(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert threads.start(print) is None
    with carbon_magic.track("alone") as run:
        sum(range(100_000))
    assert run.state == "done"
    assert run.energy_j > 0


@pytest.mark.parametrize(
    ("whose", "what", "lost"),
    [(Tracker, "begin", "this cell is not measured"), (Tracker, "end", "the figures of this cell are not shown"),
     (screen, "show_run", "the figures of this cell are not shown")],
)  # fmt: skip
def test_a_fault_of_our_own_costs_one_line_and_never_the_cell(whose, what, lost, monkeypatch, capsys):
    monkeypatch.setattr(process, "_current", None)
    monkeypatch.setattr(trouble, "_said", set())
    with loaded() as shell:

        def broken(*_, **__):
            raise ZeroDivisionError("our own")

        monkeypatch.setattr(whose, what, broken)
        answer = shell.run_cell("%%carbon\n40 + 2")
        assert answer.success
        assert answer.result == 42
        assert shell.run_cell("1 + 1").result == 2
    trouble.speak()
    said = capsys.readouterr()
    assert f"{lost} (ZeroDivisionError: our own)" in said.err
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize("body", ["pwd", "ls -d .", "x = 1", "x.bit_length", "%time 5", "!true", "5;", "def f(): pass"])
def test_a_body_of_one_line_is_what_a_cell_of_one_line_is(body):
    """Automagic, aliases and automatic calls are for cells of one line."""
    with loaded() as shell:
        shell.run_cell("%automagic on\n%autocall 1")
        shell.user_ns["x"] = 3
        bare = shell.transform_cell(body)
        tracked = shell.transform_cell(f"%%carbon -q\n{body}")
        assert tracked.splitlines(keepends=True)[1:] == bare.splitlines(keepends=True)


def test_a_body_of_two_lines_is_not():
    with loaded() as shell:
        assert shell.transform_cell("%%carbon -q\npwd\npwd").splitlines()[1:] == ["pwd", "pwd"]


@pytest.mark.parametrize(("encoding", "figure"), [("ascii", "12.3 uWh"), ("cp1252", "12.3 µWh"), ("utf-8", "12.3 µWh")])
def test_an_output_that_cannot_say_a_sign_says_one_that_looks_alike(encoding, figure, monkeypatch):
    said = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", said)
    with loaded() as shell:
        screen.show_bundle(shell, {"text/plain": "✓ ▁▂█ ≈ 12.3 µWh é"})
    said.flush()
    text = said.buffer.getvalue().decode(encoding)
    assert figure in text
    assert len(text.rstrip()) == len("✓ ▁▂█ ≈ 12.3 µWh é")
