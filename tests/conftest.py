"""Shared fixtures. The simulated machine lives in tests/machine/, the browser's in tests/browser/."""

import contextlib
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from server import program  # noqa: E402 - the folder is on the path only now
from services import serve  # noqa: E402
from shells import loaded  # noqa: E402

from carbon_magic.store import Pump, open_store  # noqa: E402

# A busy machine is not a slow function: what must be fast is measured in CPU time where it matters.
# Where a failure stops everything, the same examples each time; on a developer's machine others each time.
settings.register_profile("patient", deadline=None, derandomize="CARBON_TESTS_NO_SKIPS" in os.environ)
settings.load_profile("patient")

# Without node the JavaScript tests are not part of the suite: the built bundle is committed.
collect_ignore = [] if shutil.which("npm") else ["test_js.py", "browser/test_axe.py"]
# Other programs that show notebooks are no part of the `test` extra: .ci/run installs `surfaces` and tries them.
if not all(find_spec(name) for name in ("marimo", "notebook", "papermill", "voila")):
    collect_ignore.append("browser/test_surfaces.py")


def pytest_configure(config):
    """Nothing here may touch the user's own ledger, settings or GPUs."""
    for name in [name for name in os.environ if name.startswith("CARBON_MAGIC_")]:
        del os.environ[name]
    os.environ["CARBON_MAGIC_SYS"] = "/nonexistent"  # nor see a battery or a counter of whoever runs the tests


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Fast ones first; what the machine lacks is told in one line before anything runs."""
    items.sort(
        key=lambda item: (item.get_closest_marker("browser") is not None, item.get_closest_marker("kernel") is not None)
    )
    wanted = {"chromium": "browser" in {m.name for item in items for m in item.iter_markers()}}
    wanted["gcc"] = any(word in item.nodeid for item in items for word in ("machine", "nvml", "gpu", "cuda"))
    wanted["postgresql"] = any("postgres" in item.nodeid for item in items)
    found = {"postgresql": program("initdb") and program("pg_ctl"), "chromium": shutil.which("chromium") or shutil.which("google-chrome") or os.environ.get("CHROMIUM"),
             "gcc": shutil.which("cc") or shutil.which("gcc")}  # fmt: skip
    missing = [name for name, needed in wanted.items() if needed and not found[name]]
    if missing:
        packages = " ".join(name if name != "gcc" else "gcc libc6-dev" for name in missing)
        pytest.exit(f"these tests need what this machine lacks: apt-get install {packages}", returncode=3)


@pytest.fixture
def shell(monkeypatch):
    """An IPython with the extension loaded, in a process that has tracked nothing yet."""
    monkeypatch.setattr("carbon_magic.process._current", None)
    with loaded() as running:
        yield running


@pytest.fixture
def said():
    """What a store or a pump has told."""
    return []


@pytest.fixture
def path(tmp_path):
    """Where a ledger of the test's own is to be."""
    return tmp_path / "data" / "ledger.db"


@pytest.fixture
def pump(path, said):
    """From a put to the real file."""
    with contextlib.closing(Pump(lambda: open_store(str(path), {}, said.append), said.append)) as pump:
        yield pump


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server on loopback in the place of a live service, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serve() as running:
        yield running


@pytest.fixture(autouse=True)
def own_ledger(tmp_path, monkeypatch):
    """Every test has a ledger and calibrations of its own, and processes it starts share them."""
    monkeypatch.setenv("CARBON_MAGIC_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("CARBON_MAGIC_CALIBRATION", str(tmp_path / "calibration"))
    return tmp_path / "ledger.db"


def pytest_sessionfinish(session, exitstatus):
    """Where nothing may be skipped (.ci/run), a skipped test fails the whole."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if (
        os.environ.get("CARBON_TESTS_NO_SKIPS")
        and reporter is not None
        and reporter.stats.get("skipped")
        and exitstatus == 0
    ):
        session.exitstatus = 1
