"""A JupyterLab on loopback and the system's Chromium, driven through JupyterLab's own commands."""

from __future__ import annotations

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
from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.connectionStatus === 'connected'
        && context.session.kernel.status === 'idle';
}"""
ARTEFACTS = Path(os.environ.get("CARBON_TESTS_ARTEFACTS") or Path(__file__).parents[2] / "artefacts")


@pytest.fixture(scope="module")  # not session: sync Playwright keeps an event loop running in this thread
def browser():
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


class Lab:
    """A JupyterLab server in a folder of its own; kernels get the given environment."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root, self.notebooks = root, root / "notebooks"
        self.notebooks.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        names = (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTER_DATA_DIR",
            "IPYTHONDIR",
            "JUPYTERLAB_WORKSPACES_DIR",
        )
        homes = {name: str(root / name.lower()) for name in names}
        self._settings = root / "settings" / "@jupyterlab" / "apputils-extension"
        self._settings.mkdir(parents=True)
        (self._settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        self.log = (root / "lab.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
             "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={self.notebooks}",
             "--LabApp.expose_app_in_browser=True"],
            env={**os.environ, **homes, "JUPYTERLAB_SETTINGS_DIR": str(root / "settings"), **environment},
            stdout=self.log, stderr=self.log,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/api", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline, "JupyterLab did not start"
                assert self.process.poll() is None, (root / "lab.log").read_text()
                time.sleep(0.1)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="session")
def start_lab(tmp_path_factory):
    """Start a JupyterLab whose kernels get an environment (a simulated machine's, say)."""
    labs = []

    def start(**environment):
        root = tmp_path_factory.mktemp("lab")
        labs.append(Lab(root, {"CARBON_MAGIC_LEDGER": str(root / "ledger.db"), **environment}))
        return labs[-1]

    yield start
    for lab in labs:
        lab.close()


@pytest.fixture(scope="session")
def lab(start_lab):
    return start_lab(CARBON_MAGIC_PLACE="FR")


class Notebook:
    """One notebook open in JupyterLab."""

    def __init__(self, lab, page, path) -> None:
        self.lab, self.page, self.path = lab, page, path
        self.open()

    def open(self) -> None:
        self.page.goto(f"{self.lab.url}/lab/workspaces/{self.path.stem}/tree/{self.path.name}")
        self.page.wait_for_function(READY, timeout=90_000)

    def command(self, name: str, **arguments) -> None:
        self.page.evaluate(
            "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments)", [name, arguments]
        )

    def start(self) -> None:
        """Run all cells, without waiting for their end."""
        self.page.evaluate(
            "() => { window.done = false; window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.done = true; }); }"
        )

    def wait(self) -> None:
        self.page.wait_for_function("() => window.done", timeout=120_000)

    def run(self) -> None:
        self.start()
        self.wait()

    def saved(self) -> dict:
        """The notebook as it lies on disk after saving."""
        self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.context.save(); }")
        return json.loads(self.path.read_text())

    def shutdown_kernel(self) -> None:
        self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")

    def theme(self, name: str) -> None:
        self.page.evaluate(
            "async name => { await window.jupyterapp.commands.execute('apputils:change-theme', {theme: name}); }", name
        )
        light = "false" if "Dark" in name else "true"
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{light}'")

    def picture(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")

    def card(self, name: str, which: int = 0) -> None:
        """A picture of one output alone."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.locator(".carbon-magic").nth(which).screenshot(path=ARTEFACTS / f"{name}.png")


@pytest.fixture
def notebook(browser, lab):
    """Make and open a notebook with the given cells."""
    contexts = []

    def make(name, *cells, lab=lab, width=1100, height=900, existing=False):
        path = lab.notebooks / f"{name}.ipynb"
        if not existing:
            new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            new.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
            nbformat.write(new, path)
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        return Notebook(lab, context.new_page(), path)

    yield make
    for context in contexts:
        context.close()
