"""axe-core, the accessibility checker, finds nothing to say: in every state, on light, on dark and with forced colours."""

import shutil
import subprocess
from pathlib import Path

import pytest
from browser.page import Bare
from states import STATES, state, together

pytestmark = pytest.mark.browser
JS = Path(__file__).parents[2] / "js"
LOOKS = {
    "light": ({}, {}),
    "dark": ({"color_scheme": "dark"}, {"theme": "dark"}),
    "forced colours": ({"forced_colors": "active"}, {}),
    "right to left": ({}, {"direction": "rtl"}),
    "narrow": ({"viewport": {"width": 320, "height": 800}}, {}),
}
MANY = "summary-500"
"""Five hundred rows are twenty, twenty-five times."""


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """axe-core's script: the checkout's own where its node modules are installed, else fetched by the lockfile."""
    here = JS / "node_modules" / "axe-core" / "axe.min.js"
    if not here.exists():
        copy = tmp_path_factory.mktemp("axe")
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(JS / name, copy)
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=copy,
            check=True,
            timeout=300,
            capture_output=True,
        )
        here = copy / "node_modules" / "axe-core" / "axe.min.js"
    return here.read_text(encoding="utf-8")


def violations(page, axe):
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    return [(rule["id"], rule["help"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found]


@pytest.mark.parametrize("look", LOOKS)
def test_no_state_has_a_violation(browser, axe, look):
    context_options, page_options = LOOKS[look]
    context = browser.new_context(**({"viewport": {"width": 1000, "height": 800}} | context_options))
    bare = Bare(context.new_page(), together(name for name in STATES if name != MANY), **page_options)
    found = violations(bare.page, axe)
    context.close()
    assert bare.errors == []
    assert found == []


def test_the_checker_would_notice(browser, axe):
    page = browser.new_page()
    Bare(page, state("ended"))
    page.evaluate("() => document.querySelector('img').removeAttribute('alt')")
    assert "image-alt" in [rule for rule, _, _ in violations(page, axe)]
    page.close()
