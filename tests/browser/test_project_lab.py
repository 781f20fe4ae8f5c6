"""%carbon project in a real JupyterLab: interactive while the kernel lives, a table for ever after."""

import pytest

pytestmark = pytest.mark.browser


def test_a_project_is_searched_and_its_final_run_chosen_and_what_is_saved_is_static(notebook):
    cells = [f"%%carbon -q -p shop -s tune -t lr={i} -n 'trial {i}'\nsum(range(10**5))" for i in range(6)]
    nb = notebook("project", "%load_ext carbon_magic", *cells, "%carbon project shop")
    nb.run()
    page = nb.page
    search = page.locator(".carbon-magic-search")
    search.wait_for()
    count = page.locator(".jp-Cell").count()
    search.click()
    page.keyboard.type("lr=3 dd b a")  # letters that are commands of the notebook
    assert page.locator(".jp-Cell").count() == count
    search.fill("lr=3")
    shown = page.locator("[data-c=runs] tbody tr:visible")
    assert shown.count() == 1
    assert shown.inner_text().startswith("trial 3")
    shown.locator("input").check()
    page.wait_for_function(
        "() => document.querySelector('[data-c=final]').innerText.startsWith('1 final run (trial 3)')"
    )
    assert page.locator("[data-c=multiplier]").inner_text().endswith("×")
    nb.picture("project-lab")
    nb.theme("JupyterLab Dark")
    nb.picture("project-lab-dark")

    output = nb.saved()["cells"][-1]["outputs"][0]["data"]
    assert set(output) == {"text/html", "text/plain"}
    assert "data-c" not in "".join(output["text/html"])
    nb.shutdown_kernel()
    nb.open()
    page.wait_for_selector(".carbon-magic")
    assert page.locator(".carbon-magic-search").count() == 0
    assert "Project shop" in page.locator(".carbon-magic").inner_text()
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()
