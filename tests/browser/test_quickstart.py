"""The main job as a newcomer does it: the quickstart notebook, all cells, in JupyterLab."""

import json
import shutil
from pathlib import Path

import pytest

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"


def outputs(path):
    return [output for cell in json.loads(path.read_text())["cells"] for output in cell.get("outputs", [])]


def test_the_committed_notebook_is_executed_and_holds_no_widget():
    shown = outputs(QUICKSTART)
    assert sum("carbon-magic" in json.dumps(output) for output in shown) == 5
    assert not any(output["output_type"] == "error" for output in shown)
    assert "widget-view" not in QUICKSTART.read_text()
    assert "widgets" not in json.loads(QUICKSTART.read_text())["metadata"]


@pytest.mark.browser
def test_it_runs_from_beginning_to_end(notebook, lab):
    shutil.copy(QUICKSTART, lab.notebooks / "quickstart.ipynb")
    nb = notebook("quickstart", existing=True, height=1300)
    nb.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    nb.run()
    nb.saved()
    shown = outputs(nb.path)
    assert not any(output["output_type"] == "error" for output in shown)
    assert not any(output.get("name") == "stderr" for output in shown)
    reports = [output for output in shown if "carbon-magic" in json.dumps(output)]
    assert len(reports) == 5
    session = "".join(reports[-1]["data"]["text/plain"])
    for words in ("logistic regression", "random forest", "tune a network", "by car", "flight"):
        assert words in session
    assert "widget" not in json.dumps(shown)
    last = nb.page.locator(".carbon-magic").last
    last.scroll_into_view_if_needed()
    nb.page.wait_for_selector(".carbon-magic th button")
    nb.card("quickstart-session", nb.page.locator(".carbon-magic").count() - 1)
    nb.picture("quickstart")
