"""The page alone, in headless Chromium: frames of the chart, what a day of ticks leaves, how soon a summary is in."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from statistics import median
from typing import Any

from .figure import Figure
from .simulated import machine

POINTS = 10_000
FRAMES = 300
DAY = 100_000
ROWS = 500
TIMES = 7
"""A new point and a drawing at every frame the browser offers."""
DRAW = """async ([ticks, frames]) => {
    const model = models[0];
    for (const now of ticks.slice(0, -frames)) model.update({ now });
    const took = [];
    let last = null, cost = 0;
    for (const now of ticks.slice(-frames)) {
        const at = await new Promise(requestAnimationFrame);
        if (last !== null) took.push(at - last);
        last = at;
        model.update({ now });
    }
    return took;
}"""
FEED = """([from, count, seconds]) => {
    const model = models[0];
    for (let i = from; i < from + count; i++) {
        const tick = ticks[i % ticks.length];
        model.update({ now: { ...tick, n: i + 1, t: (i + 1) * seconds } });
    }
}"""
OPEN = """async state => {
    const begun = performance.now();
    window.begin(state);
    document.body.offsetHeight;  // laid out, too
    const took = performance.now() - begun;
    await new Promise(requestAnimationFrame);
    models.at(-1).close();
    return took;
}"""


def measure() -> Iterator[Figure]:
    """Figures as they come."""
    assert machine  # tests/ is on the path
    browser_tests, states, looks = (importlib.import_module(name) for name in ("browser.page", "states", "looks"))
    flags = importlib.import_module("browser.conftest").FLAGS
    with importlib.import_module("playwright.sync_api").sync_playwright() as playwright:
        found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        chromium = playwright.chromium.launch(
            executable_path=found, args=[*flags, "--js-flags=--expose-gc", "--enable-precise-memory-info"]
        )

        def shown(state: Any) -> Any:
            return browser_tests.Bare(chromium.new_page(viewport={"width": 1100, "height": 900}), state)

        for name, devices in (("2 devices", looks.rapl), ("12 devices", looks.server)):
            state = states.live(devices, count=POINTS, seconds=POINTS / 10)
            ticks, state.models[0].ticks = state.models[0].ticks, []
            page = shown(state).page
            frames_ms = page.evaluate(DRAW, [ticks, FRAMES])
            slowest = sorted(frames_ms)[round(0.95 * (len(frames_ms) - 1))]
            note = f"after {POINTS - FRAMES:,} points; 95 % of frames within {slowest:.0f} ms"
            yield Figure(
                f"frames with a new point each, {name}",
                1000 / (sum(frames_ms) / len(frames_ms)),
                "/s",
                50,
                least=True,
                note=note,
            )
            page.close()
        state = states.live(looks.server, count=1000, seconds=100)
        ticks, state.models[0].ticks = state.models[0].ticks, []
        page = shown(state).page
        page.evaluate("ticks => { window.ticks = ticks; }", ticks)
        heaps = []
        for i in range(10):
            page.evaluate(FEED, [i * DAY // 10, DAY // 10, 86_400 / DAY])
            page.evaluate("() => new Promise(requestAnimationFrame)")
            heaps.append(page.evaluate("() => { gc(); gc(); return performance.memory.usedJSHeapSize; }") / 1e6)
        note = f"12 devices; {heaps[1]:.1f} MB after a fifth of it, {heaps[-1]:.1f} MB at its end"
        yield Figure(
            f"heap of the page more after a day of {DAY:,} ticks than after a fifth",
            heaps[-1] - heaps[1],
            "MB",
            1,
            note=note,
        )
        page.close()
        summary = states.state("summary-500")
        models, summary.models = summary.models, []
        page = shown(summary).page
        took_ms = [page.evaluate(OPEN, models[0].state) for _ in range(TIMES)]
        note = f"{TIMES} times, the slowest {max(took_ms):.0f} ms"
        yield Figure(f"summary of {ROWS} rows interactive and laid out", median(took_ms), "ms", 200, note=note)
        chromium.close()
