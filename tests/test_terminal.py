"""Terminal IPython in a pseudo-terminal: one live line while a cell runs, nothing of it after, and plain text in a pipe."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from carbon_magic import terminal
from carbon_magic.tick import Budget, Tick

ROOT = Path(__file__).parents[1]
START = [sys.executable, "-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor", "--no-confirm-exit"]
ERASE = "\r\x1b[2K"


@pytest.fixture
def ipython(tmp_path):
    """Start IPython on a terminal of these columns, with the extension loaded."""
    started = []

    def start(columns=80, **environment):
        env = {
            **os.environ,
            "TERM": "xterm-256color",
            "PYTHONPATH": str(ROOT),
            "IPYTHONDIR": str(tmp_path),
            "CARBON_MAGIC_PLACE": "FR",
        }
        env.pop("NO_COLOR", None)
        child = pexpect.spawn(
            START[0], START[1:], env={**env, **environment}, dimensions=(24, columns), encoding="utf-8", timeout=30
        )
        started.append(child)
        child.expect(r"In \[1\]: ")
        return run(child, "%load_ext carbon_magic", 2) and child

    yield start
    for child in started:
        child.close(force=True)


def run(child, cell, number):
    """What the terminal got from a cell, up to the next prompt."""
    child.send(cell + ("\n\n\n" if cell.startswith("%%") else "\n"))
    child.expect(rf"In \[{number}\]: ")
    return child.before + " "


def cell(*lines):
    return "%%carbon -n train\n" + "\n".join(lines)


def screen(text):
    """What is on a terminal in the end, line by line: the few controls that we send, and no others."""
    rows, row, column = [[]], 0, 0
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)", text):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            rows += [[]] * (row == len(rows))
        elif part == "\x1b[2K":
            rows[row] = []
        elif part.startswith("\x1b["):
            continue
        else:
            line = rows[row]
            line.extend(" " * (column + len(part) - len(line)))
            line[column : column + len(part)] = part
            column += len(part)
    return ["".join(line).rstrip() for line in rows]


def drawn(text):
    """The live lines that were drawn."""
    return [
        re.sub(r"\x1b\[[0-9;]*m", "", found)
        for found in re.findall(r"\r\x1b\[2K([^\r\n]*?W [^\r\n]*?CO2e[^\r\n]*)\r", text)
    ]


SLEEP = "import time; time.sleep(1.5)"


def test_a_line_lives_while_the_cell_runs_and_leaves_nothing(ipython):
    got = run(ipython(), cell(SLEEP), 3)
    lines = drawn(got)
    assert len(lines) >= 3
    assert len(set(lines)) >= 3
    assert all("train" in line and "Wh" in line for line in lines)
    assert max(map(len, lines)) <= 79
    left = screen(got)
    assert not [line for line in left if "train  " in line and "CO2e" in line and "done" not in line]
    assert any("train" in line and "done" in line for line in left)
    report = left[next(i for i, line in enumerate(left) if "done" in line) :]
    assert max(map(len, report)) <= 80


def test_it_is_gone_before_anything_else_is_written(ipython):
    printing = "import time\nfor i in range(8): time.sleep(0.3); print('step', i)"
    got = run(ipython(), cell(*printing.split("\n")), 3)
    assert len(drawn(got)) >= 3
    left = screen(got)
    for i in range(8):
        assert f"step {i}" in left
    assert re.search(r"\x1b\[2K[^\r]*\r\r\x1b\[2Kstep", got) or f"{ERASE}step" in got


def test_a_line_that_the_user_has_not_ended_is_left_alone(ipython):
    got = run(ipython(), cell("import time", "print('ask', end='', flush=True); time.sleep(1); print(' end')"), 3)
    assert any(line.endswith("ask end") for line in screen(got))
    begun = got.index("ask")
    assert drawn(got[begun : got.index(" end", begun)]) == []


def test_a_prompt_is_left_alone(ipython):
    child = ipython()
    child.sendline(cell("x = input('name? '); print('hello', x)") + "\n\n")
    child.expect("name[?] ")
    with pytest.raises(pexpect.TIMEOUT):
        child.expect("CO2e", timeout=1.2)
    child.sendline("you")
    child.expect("hello you")


def test_an_error_is_shown_on_lines_of_its_own(ipython):
    got = run(ipython(), cell("import time; time.sleep(0.9)", "1/0"), 3)
    left = screen(got)
    assert any(line.startswith("ZeroDivisionError") for line in left)
    assert any("failed" in line for line in left)


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_terminal_that_cannot_erase_gets_no_line(ipython, environment):
    got = run(ipython(**environment), cell(SLEEP), 3)
    assert "\x1b[2K" not in got
    assert "done" in got


def test_no_color_is_respected_and_a_narrow_terminal_gets_a_short_line_or_none(ipython):
    got = run(ipython(NO_COLOR="1"), cell(SLEEP), 3)
    assert drawn(got)
    assert "\x1b[2m" not in got
    lines = drawn(run(ipython(columns=40), cell(SLEEP), 3))
    assert lines
    assert max(map(len, lines)) <= 39
    assert drawn(run(ipython(columns=20), cell(SLEEP), 3)) == []


def test_streams_are_as_before_when_the_cell_has_ended(ipython):
    child = ipython()
    run(child, "import sys; before = sys.stdout, sys.stderr", 3)
    got = run(
        child,
        cell("import sys, time; time.sleep(0.6); print('same', sys.stdout is before[0], sys.stderr is before[1])"),
        4,
    )
    assert "same True True" in got
    got = run(child, "[getattr(f, '__module__', '') for s in (sys.stdout, sys.stderr) for f in (s.write, s.flush)]", 5)
    assert "carbon_magic" not in got.partition("\n")[2]


def test_a_quiet_cell_shows_nothing(ipython):
    got = run(ipython(), "%%carbon -q\n" + SLEEP, 3)
    assert "\x1b[2K" not in got
    assert "CO2e" not in got


def test_a_pipe_gets_plain_text(tmp_path):
    script = tmp_path / "cell.ipy"
    script.write_text(
        "%load_ext carbon_magic\nget_ipython().run_cell('%%carbon -n train\\nimport time; time.sleep(0.6); print(5)')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", str(script)], capture_output=True, text=True, timeout=120, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path), "TERM": "xterm-256color", "CARBON_MAGIC_PLACE": "FR"},
    )  # fmt: skip
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert "done" in done.stdout
    assert done.stderr == ""


def test_what_matters_least_goes_first():
    tick = Tick(9, 12.8, {"CPU": 45.9}, 36_000.0, (1.0, 2.0), 0.56, (0.1, 0.9), Budget(31, 50, "31 of 50 g"))
    watts = [10.0, None, 45.9]
    assert terminal.line("train", tick, watts, 79) == "train  12.8 s  ▂ █  45.9 W  10.0 Wh  560 mg CO2e  62 % of budget"
    assert terminal.line("train", tick, watts, 62) == "train  12.8 s  45.9 W  10.0 Wh  560 mg CO2e  62 % of budget"
    assert terminal.line("train", tick, watts, 52) == "12.8 s  45.9 W  10.0 Wh  560 mg CO2e  62 % of budget"
    assert terminal.line("train", tick, watts, 40) == "12.8 s  45.9 W  10.0 Wh  560 mg CO2e"
    assert terminal.line("train", tick, watts, 30) == "45.9 W  10.0 Wh  560 mg CO2e"
    assert terminal.line("train", tick, watts, 25) == "45.9 W  10.0 Wh  560 mg…"
