"""The committed notebooks: executed, without errors and without widgets; the paper's story runs from end to end."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def outputs(notebook):
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_as_executed(path):
    notebook = json.loads(path.read_text())
    shown = outputs(notebook)
    assert any("carbon-magic" in json.dumps(output) for output in shown)
    assert not [output for output in shown if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert "widget-view" not in path.read_text()
    assert "widgets" not in notebook["metadata"]
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.kernel
def test_the_papers_story_runs(tmp_path, monkeypatch):
    """The paper's table 4 out of the ledger, and one's own of a pipeline that is tuned here."""
    notebook = nbformat.read(FOLDER / "strubell.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = outputs(notebook)
    words = "\n".join("".join(o.get("text", "") or o.get("data", {}).get("text/plain", "")) for o in shown)
    assert "Everything took 2,000 times the energy of the final model." in words
    assert "78468" in words
    assert "failed" in words
    assert "development multiplier" in words
    assert "with its tuning" in words
    assert not [output for output in shown if output["output_type"] == "error"]
