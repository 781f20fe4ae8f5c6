"""The JavaScript: types, its own tests, and that the committed bundle is what its source builds. Only where node is."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STATIC = Path("carbon_magic/widgets/static")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what the build reads, with its tools installed, so that nothing of the checkout is touched."""
    copy = tmp_path_factory.mktemp("js-build")
    shutil.copytree(ROOT / "js", copy / "js", ignore=shutil.ignore_patterns("node_modules"))
    (copy / STATIC).mkdir(parents=True)
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "units.json", copy / "tests")
    npm(copy, "ci", "--no-audit", "--no-fund")
    return copy


def npm(copy, *arguments):
    done = subprocess.run(["npm", *arguments], cwd=copy / "js", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_types(copy):
    npm(copy, "run", "check")


def test_its_own_tests(copy):
    assert "passed" in npm(copy, "test")


def test_the_committed_bundle_is_what_the_source_builds(copy):
    npm(copy, "run", "build")
    built = {path.name: path.read_text() for path in (copy / STATIC).iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / STATIC).iterdir()}
    assert built == committed, "run `make js` and commit carbon_magic/widgets/static"
