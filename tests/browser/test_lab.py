"""The main job in a real JupyterLab: figures move while the kernel is busy, and what stays is static for ever."""

import json

import machine
import pytest

pytestmark = pytest.mark.browser

BUSY = """%%carbon -n "train" -s train -t lr=0.1
import time
end = time.time() + {seconds}
x = 0
while time.time() < end:
    x += 1
x > 0"""
RECORD = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const card = document.querySelector('.carbon-magic-waiting');
        const text = card?.innerText;
        if (text && text !== window.seen.at(-1)?.text) {
            const busy = document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'busy';
            window.seen.push({ text, busy, at: performance.now(), height: card.offsetHeight,
                points: Array.from(card.querySelectorAll('path'), path => path.getAttribute('d')?.length ?? 0) });
        }
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def outputs(saved):
    return [output for cell in saved["cells"] for output in cell.get("outputs", [])]


def no_trouble(nb):
    text = nb.page.locator(".jp-Notebook").inner_text()
    assert "Loading widget" not in text
    assert "Error displaying widget" not in text


def test_figures_move_while_the_kernel_is_busy_and_a_static_report_stays(notebook, lab):
    nb = notebook("live", "%load_ext carbon_magic", BUSY.format(seconds=6), "%carbon")
    nb.page.evaluate(RECORD)
    nb.start()
    nb.page.wait_for_function("() => window.seen.length >= 15", timeout=30_000)
    assert nb.page.locator(".jp-InputPrompt", has_text="[*]").count() >= 1
    nb.picture("live-light")
    nb.wait()
    nb.page.wait_for_selector(".carbon-magic img")
    seen = [s for s in nb.page.evaluate("() => window.seen") if s["busy"]]
    assert len(seen) >= 20
    live = [s for s in seen if "kWh" in s["text"] and any(s["points"])]
    assert len(live) >= 15
    per_second = (len(live) - 1) / ((live[-1]["at"] - live[0]["at"]) / 1000)
    assert per_second >= 4
    assert max(max(s["points"]) for s in live) > 40  # the chart has drawn steps; equal ones are one line
    assert len({s["height"] for s in live}) <= 2  # the page does not jump
    for words in ("W", "Wh", "CO", "by car"):
        assert words in live[-1]["text"]
    report = nb.page.locator(".carbon-magic").first.inner_text()
    assert "done" in report
    assert nb.page.locator(".carbon-magic-waiting").count() == 0
    assert "True" in nb.page.locator(".jp-OutputArea-executeResult").inner_text()
    nb.picture("report-light")

    saved = nb.saved()
    assert "widget" not in json.dumps(outputs(saved))
    assert "widgets" not in saved["metadata"]
    assert ["text/html", "text/plain"] in [sorted(output.get("data", {})) for output in outputs(saved)]
    assert not any("<script" in json.dumps(o) or "<style" in json.dumps(o) for o in outputs(saved))

    nb.page.reload()  # the kernel is alive
    nb.page.wait_for_selector(".carbon-magic img")
    no_trouble(nb)
    nb.shutdown_kernel()
    nb.page.reload()  # and now it is not
    nb.page.wait_for_selector(".carbon-magic img")
    assert "done" in nb.page.locator(".carbon-magic").first.inner_text()
    no_trouble(nb)


def test_the_session_summary_sorts_while_the_kernel_lives_and_is_a_table_after(notebook):
    names = ["first", "second", "third"]
    cells = [f"%%carbon -q -n {name}\nimport time; time.sleep({0.3 if name == 'second' else 0.05})" for name in names]
    nb = notebook("summary", "%load_ext carbon_magic", *cells, "%carbon")
    nb.run()
    table = nb.page.locator('.carbon-magic table:has(th:has-text("How known"))')
    nb.page.wait_for_selector(".carbon-magic th button")

    def order():
        return [
            name
            for name in table.locator("tbody tr").all_inner_texts()
            for word in names
            if word in name
            for name in [word]
        ]

    assert order() == names
    button = nb.page.locator(".carbon-magic .carbon-magic-sort", has_text="Energy")
    button.focus()
    button.press("Enter")
    by_energy = order()
    button.press("Enter")
    assert order() == by_energy[::-1]
    assert "second" in (by_energy[0], by_energy[-1])
    text = nb.page.locator(".carbon-magic").first.inner_text()
    for words in ("by car", "flight", "1,984 lb", "126,000 lb"):
        assert words in text
    nb.picture("summary-light")
    saved = nb.saved()
    assert "widget" not in json.dumps(outputs(saved))
    nb.shutdown_kernel()
    nb.page.reload()
    nb.page.wait_for_selector(".carbon-magic table")
    assert order() == names
    assert nb.page.locator(".carbon-magic th button").count() == 0
    no_trouble(nb)


def test_an_error_shows_the_users_line_and_stops_run_all(notebook):
    nb = notebook("error", "%load_ext carbon_magic", "%%carbon\na = 1\n1 / 0", "print('not ' + 'reached')")
    nb.run()
    area = nb.page.locator(".jp-Cell").nth(1)
    area.get_by_text("ZeroDivisionError").first.wait_for()
    text = area.inner_text()
    assert "Cell In[2], line 3" in text
    assert "magic.py" not in text
    assert "failed" in text
    assert "not reached" not in nb.page.locator(".jp-Notebook").inner_text()


def test_a_page_reloaded_in_mid_cell_shows_no_error(notebook):
    nb = notebook("reload", "%load_ext carbon_magic", BUSY.format(seconds=12))
    nb.page.evaluate(RECORD)
    nb.saved()
    nb.start()
    nb.page.wait_for_function("() => window.seen.length >= 5", timeout=30_000)
    nb.saved()
    nb.page.reload()
    nb.page.wait_for_selector(".carbon-magic")
    no_trouble(nb)
    assert (
        "%carbon" in nb.page.locator(".carbon-magic").first.inner_text()
        or "running" in nb.page.locator(".carbon-magic").first.inner_text()
    )
    nb.page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=60_000,
    )
    no_trouble(nb)


def test_a_call_that_holds_the_gil_is_told_and_the_energy_is_right(notebook):
    cell = "%%carbon -o held\nimport time; time.sleep(1.5)\ns = sum(range(150_000_000))\ntime.sleep(0.3)"
    nb = notebook("gil", "%load_ext carbon_magic", cell, "held.duration_s * held.power_w / held.energy_j")
    nb.run()
    assert float(nb.page.locator(".jp-OutputArea-executeResult").inner_text().split()[-1]) == pytest.approx(1.0)
    no_trouble(nb)


def test_dark_and_narrow(notebook):
    nb = notebook("dark", "%load_ext carbon_magic", BUSY.format(seconds=3), "%carbon", width=700)
    nb.theme("JupyterLab Dark")
    nb.run()
    nb.page.wait_for_selector(".carbon-magic img")
    nb.picture("report-dark")
    colours = nb.page.evaluate("""() => {
        const card = document.querySelector('.carbon-magic');
        const parse = text => text.match(/[\\d.]+/g).map(Number);
        let behind = card;
        while (behind && parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        return [parse(getComputedStyle(card).color), parse(getComputedStyle(behind ?? document.body).backgroundColor)];
    }""")
    ink, paper = (sum(c[:3]) / 3 for c in colours)
    assert abs(ink - paper) > 100
    wide = nb.page.evaluate(
        "() => Math.max(...Array.from(document.querySelectorAll('.carbon-magic'), e => e.scrollWidth - e.clientWidth))"
    )
    assert wide <= 1
    nb.theme("JupyterLab Light")


def test_a_machine_with_gpus(notebook, start_lab):
    with machine.gpu_box() as simulated:
        lab = start_lab(**simulated.environment, CARBON_MAGIC_PLACE="FR")
        nb = notebook("gpus", "%load_ext carbon_magic", BUSY.format(seconds=9), "%carbon", lab=lab, height=1200)
        nb.page.evaluate(RECORD)
        nb.start()
        nb.page.wait_for_function("() => window.seen.length >= 30", timeout=30_000)
        nb.picture("gpus-live")
        nb.card("card-gpus-live")
        box, chart = (nb.page.locator(f".carbon-magic-chart{inner}").first.bounding_box() for inner in ("", " > svg"))
        assert chart["height"] == box["height"] == 112  # JupyterLab has ideas of its own on svg
        nb.wait()
        nb.page.wait_for_selector(".carbon-magic img")
        text = nb.page.locator(".carbon-magic").first.inner_text()
        for words in ("GPU 0", "GPU 1", "CPU 0", "DRAM 0", "measured", "NVML energy counter", "RAPL"):
            assert words in text
        assert "modelled" not in text
        nb.picture("gpus-report")
        nb.card("card-gpus-report")
        nb.card("card-session", 1)


def test_a_run_renamed_in_the_summary_is_renamed_in_what_is_saved_and_on_record(notebook):
    nb = notebook(
        "rename", "%load_ext carbon_magic", "%%carbon -q -n 'to be renamed'\nimport time; time.sleep(0.3)", "%carbon",
        "import carbon_magic; print(list(carbon_magic.ledger().runs().name), carbon_magic.last.name)",
    )  # fmt: skip
    nb.run()
    page = nb.page
    page.locator(".carbon-magic-name").first.click()
    page.get_by_text("Rename or tag").click()
    page.get_by_label("Name", exact=True).fill("dd best <b>")  # "dd" would delete the cell, were it a command
    page.get_by_label("Tags, one a line").fill("lr=0.1")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".carbon-magic-name", has_text="dd best <b>").wait_for()
    assert page.locator(".jp-CodeCell").count() == 4
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 3; }")
    page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-cell'); }")
    page.locator(".jp-OutputArea", has_text="'dd best <b>'").wait_for()
    saved = nb.saved()
    shown = json.dumps(outputs(saved))
    assert "dd best &lt;b&gt;" in shown
    assert "widget" not in shown
    assert "to be renamed" not in json.dumps(saved["cells"][3]["outputs"])


def test_a_cell_that_ends_as_its_view_opens_leaves_no_error_in_the_console(notebook):
    cells = [f"%%carbon\nimport time; time.sleep({0.25 + i / 50})" for i in range(8)]
    nb = notebook("brief", "%load_ext carbon_magic", *cells)
    said = []
    nb.page.on("console", lambda message: said.append(message.text))
    nb.page.on("pageerror", lambda error: said.append(str(error)))
    nb.run()
    nb.page.wait_for_timeout(2500)  # anywidget gives up after two seconds, and nothing is to be heard of it
    assert not [text for text in said if "initialize" in text or ("anywidget" in text.lower() and "hot" not in text)]
