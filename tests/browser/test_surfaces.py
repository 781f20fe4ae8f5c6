"""What is saved and shown elsewhere than in JupyterLab: papermill, nbconvert, Notebook 7, Voila, marimo, an untrusted notebook."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
CELLS = (
    "%load_ext carbon_magic",
    '%%carbon -n "<b>train</b>"\nimport time; time.sleep(1)',
    "import carbon_magic\nwith carbon_magic.track('block'):\n    time.sleep(0.4)",
    "%carbon",
)


def notebook_file(path, cells=CELLS):
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    new.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new, path)
    return path


def command(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CARBON_MAGIC_PLACE": "FR"}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]


def report_in(page, runs=2):
    """The report and the session are there, as words and as a picture, and nothing is in trouble."""
    cards = page.locator(".carbon-magic")
    cards.nth(2).wait_for()
    text = cards.nth(0).inner_text()
    for words in ("<b>train</b>", "done", "Wh", "CO", "by car", "France"):
        assert words in text
    assert f"{runs} runs" in cards.nth(2).inner_text()
    assert cards.nth(0).locator("img[alt^=Power]").evaluate("e => e.complete && e.naturalWidth > 0")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook as papermill leaves it."""
    folder = tmp_path_factory.mktemp("papermill")
    notebook_file(folder / "in.ipynb")
    command(folder, "papermill", "--no-progress-bar", "in.ipynb", "out.ipynb")
    return folder / "out.ipynb"


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.troubles = []
    page.on("console", lambda message: message.type == "error" and page.troubles.append(message.text))
    yield page
    context.close()


def test_papermill_keeps_reports_and_no_widget(executed):
    saved = json.loads(executed.read_text())
    assert "widgets" not in saved["metadata"]
    outputs = [output for cell in saved["cells"] for output in cell["outputs"]]
    assert [sorted(output["data"]) for output in outputs] == [["text/html", "text/plain"]] * 3
    assert executed.stat().st_size < 80_000


def test_nbconvert_makes_html_that_reads_without_scripts_and_prints(executed, browser):
    command(executed.parent, "nbconvert", "--to", "html", str(executed))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(executed.with_suffix(".html").as_uri())
    report_in(page)
    pdf = executed.with_suffix(".pdf")
    page.pdf(path=pdf)
    assert pdf.stat().st_size > 20_000
    context.close()


def test_an_untrusted_notebook_shows_the_report(executed, notebook, lab):
    shutil.copy(executed, lab.notebooks / "untrusted.ipynb")
    nb = notebook("untrusted", existing=True)
    cells = "() => Array.from(window.jupyterapp.shell.currentWidget.model.cells, cell => cell.trusted)"
    assert not any(nb.page.evaluate(cells))
    report_in(nb.page)
    assert nb.page.locator(".carbon-magic svg, .carbon-magic script, .carbon-magic style").count() == 0


class Served:
    """A server on loopback, until close()."""

    def __init__(self, folder, *words) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        homes = {
            name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        }
        self.log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=self.port) for word in words)],
            cwd=folder, stdout=self.log, stderr=self.log,
            env={**os.environ, **homes, "PYTHONPATH": str(ROOT), "CARBON_MAGIC_PLACE": "FR"},
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline, "it did not start"
                assert self.process.poll() is None, (folder / "server.log").read_text()[-2000:]
                time.sleep(0.1)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(*words):
        started.append(Served(tmp_path, *words))
        return started[-1]

    yield start
    for server in started:
        server.close()


def test_notebook_7_is_live_and_keeps_the_report(serve, tmp_path, page):
    busy = '%%carbon -n "<b>train</b>"\nimport time\nend = time.time() + 4\nwhile time.time() < end: pass'
    notebook_file(tmp_path / "in.ipynb", (CELLS[0], busy, *CELLS[2:]))
    server = serve(
        "notebook", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port={port}", "--IdentityProvider.token=",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    )  # fmt: skip
    page.goto(f"{server.url}/notebooks/in.ipynb")
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=90_000,
    )
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_selector(".carbon-magic-waiting svg", timeout=60_000)
    first = page.locator(".carbon-magic-waiting output").first.inner_text()
    page.wait_for_function(
        "first => document.querySelector('.carbon-magic-waiting output')?.innerText !== first", arg=first
    )
    report_in(page)
    page.wait_for_selector(".carbon-magic .carbon-magic-opener")
    assert not [text for text in page.troubles if "anywidget" in text.lower() or "carbon" in text]


def test_voila_shows_reports_and_an_interactive_summary(serve, tmp_path, page):
    notebook_file(tmp_path / "in.ipynb")
    server = serve("voila", "--no-browser", "--Voila.ip=127.0.0.1", "--port={port}", "in.ipynb")
    page.goto(server.url, timeout=90_000)
    report_in(page)
    page.wait_for_selector(".carbon-magic .carbon-magic-sort", timeout=30_000)
    page.locator(".carbon-magic-sort", has_text="Energy").click()
    assert page.locator("th[aria-sort=descending]").count() == 1


MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    import time
    import carbon_magic
    with carbon_magic.track("<b>train</b>") as run:
        time.sleep(0.4)
    with carbon_magic.track("block"):
        time.sleep(0.1)
    return carbon_magic, run

@app.cell
def _(run):
    run
    return

@app.cell
def _(carbon_magic):
    carbon_magic.last
    return

@app.cell
def _(carbon_magic):
    carbon_magic.session()
    return
"""


def test_marimo_run_headless_shows_handles_runs_and_sessions(tmp_path):
    (tmp_path / "notebook.py").write_text(MARIMO)
    command(tmp_path, "marimo", "export", "ipynb", "notebook.py", "-o", "out.ipynb", "--include-outputs")
    outputs = [o for cell in json.loads((tmp_path / "out.ipynb").read_text())["cells"] for o in cell.get("outputs", [])]
    shown = ["".join(output["data"].get("text/html", "")) for output in outputs if "data" in output]
    assert len([html for html in shown if "carbon-magic" in html]) == 3
    assert "&lt;b&gt;train" in shown[0]
    assert "2 runs" in shown[2]
