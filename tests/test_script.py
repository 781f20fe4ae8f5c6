"""Beside the notebook: terminal IPython, and a notebook turned into a script."""

import subprocess
import sys

import nbformat

IPYTHON = [
    sys.executable,
    "-m",
    "IPython",
    "--no-banner",
    "--quick",
    "--colors=NoColor",
    "--simple-prompt",
    "--HistoryManager.enabled=False",
]


def test_terminal_ipython_shows_text():
    source = "%load_ext carbon_magic\n%%carbon -n typed\nx = 6 * 7\nprint(x)\n\n\n%carbon\nexit\n"
    done = subprocess.run(IPYTHON, input=source, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout
    assert "typed" in done.stdout
    assert "flight" in done.stdout
    assert "<div" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_notebook_turned_into_a_script_measures_too(tmp_path):
    cells = [
        "%load_ext carbon_magic",
        "%%carbon -n scripted\ny = 1\ny + 1",
        "import carbon_magic\nprint('runs:', [r.name for r in carbon_magic.session().runs])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["language_info"] = {"name": "python", "file_extension": ".py", "nbconvert_exporter": "python"}
    nbformat.write(notebook, tmp_path / "n.ipynb")
    convert = [sys.executable, "-m", "nbconvert", "--to", "script", "--output", "n", str(tmp_path / "n.ipynb")]
    assert subprocess.run(convert, capture_output=True, timeout=60).returncode == 0
    done = subprocess.run([*IPYTHON, str(tmp_path / "n.py")], capture_output=True, text=True, timeout=60)
    assert "runs: ['scripted']" in done.stdout, done.stdout + done.stderr
    assert "scripted" in done.stdout.split("runs:")[0]


def test_help_names_the_options():
    source = "%load_ext carbon_magic\n%%carbon?\n\n\nexit\n"
    done = subprocess.run(IPYTHON, input=source, capture_output=True, text=True, timeout=60)
    for words in ("--place", "--pue", "--stage", "Measure the energy and CO2e of a cell"):
        assert words in done.stdout
