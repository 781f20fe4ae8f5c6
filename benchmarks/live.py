"""How live: a busy cell in a real JupyterLab, from the moment a tick is sent to the moment it is painted."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from statistics import median
from typing import Any

from . import page
from .figure import Figure
from .fresh import Fresh
from .simulated import machine

SECONDS = 12
SETUP = """\
%load_ext carbon_magic
import time
from carbon_magic.widgets import live
sent, wire = [], live.wire

def stamped(tick, names):
    # The page shows "k" as it is: so every frame tells which tick it shows.
    sent.append(f"{time.time():.4f}")
    return {**wire(tick, names), "k": sent[-1]}

live.wire = stamped"""
WARM_UP = "%%carbon\ntime.sleep(1)"
BUSY = f"""\
%%carbon --hz 10
end = time.time() + {SECONDS}
x = 0
while time.time() < end:
    x += 1"""
SENT = """\
import json
print(json.dumps(sent))"""
WATCH = """() => {
    window.painted = {};
    // What is posted while a frame is made arrives once it is painted.
    const waiting = [], after = new MessageChannel();
    after.port1.onmessage = () => {
        const now = (performance.timeOrigin + performance.now()) / 1000;
        for (const stamp of waiting.splice(0)) window.painted[stamp] = now;
    };
    let last = "";
    new MutationObserver(() => {
        const stamp = document.querySelector('.carbon-magic-waiting [data-c="beside"]')?.textContent;
        if (!stamp || stamp === last || isNaN(stamp)) return;
        waiting.push(last = stamp);
        after.port2.postMessage(0);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def measure(fresh: Fresh) -> Iterator[Figure]:
    """Figures as they come."""
    with machine.gpu_box() as simulated:
        sent, painted = _watch(fresh, fresh.environment(simulated.environment))
    shown = [(float(stamp), painted[stamp]) for stamp in sent if stamp in painted]
    span_s = shown[-1][0] - shown[0][0]
    late = sorted(at - sent_at for sent_at, at in shown)
    gap_s = max(after - before for (_, before), (_, after) in itertools.pairwise(shown))
    later, latest = 1000 * median(late), 1000 * late[round(0.95 * (len(late) - 1))]
    rate = (len(shown) - 1) / span_s
    note = f"{len(shown)} of {len(sent)} ticks, in pure Python; {later:.0f} ms from sending to painting"
    yield Figure("paints per second while the kernel is busy", rate, "/s", 4, least=True, note=note)
    yield Figure("from sending to painting, median", later, "ms", 20)
    yield Figure("from sending to painting, 95 % within", latest, "ms", 60)
    yield Figure("longest time without a paint", 1000 * gap_s, "ms")
    yield from page.measure()


def _watch(fresh: Fresh, environment: dict[str, str]) -> tuple[list[str], dict[str, float]]:
    """When ticks were sent, in seconds since 1970 as text; and when each of these texts was painted."""
    browser = importlib.import_module("browser.conftest")  # the driver of JupyterLab is the tests'
    lab = browser.Lab(fresh.folder / "lab", environment)
    try:
        path = lab.notebooks / "live.ipynb"
        path.write_text(json.dumps(_notebook(SETUP, WARM_UP, "sent.clear()", BUSY, SENT)))
        with importlib.import_module("playwright.sync_api").sync_playwright() as playwright:
            found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
            chromium = playwright.chromium.launch(executable_path=found, args=browser.FLAGS)
            notebook = browser.Notebook(lab, chromium.new_page(viewport={"width": 1100, "height": 900}), path)
            notebook.page.evaluate(WATCH)
            notebook.run()
            painted = notebook.page.evaluate("() => window.painted")
            saved = notebook.saved()
            chromium.close()
    finally:
        lab.close()
    printed = saved["cells"][-1]["outputs"][0]["text"]
    return json.loads("".join(printed)), painted


def _notebook(*cells: str) -> dict[str, Any]:
    code: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    return {
        "cells": [{**code, "id": f"cell-{i}", "source": source} for i, source in enumerate(cells)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
