"""make pictures: every state that people see, drawn by Chromium into artefacts/gallery, and the few of docs/gallery.md."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from browser.conftest import FLAGS  # noqa: E402  - the browser tests' own
from browser.page import Bare  # noqa: E402
from states import STATES, state  # noqa: E402

OUT = HERE.parent / "artefacts" / "gallery"
LOOKS = {
    "light": {"width": 940},
    "dark": {"width": 940, "theme": "dark"},
    "narrow": {"width": 320},
    "contrast": {"width": 940, "forced_colors": "active"},
}


def pictures(out: Path, looks=LOOKS, states=STATES) -> list[Path]:
    """Draw each state in each look."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with sync_playwright() as playwright:
        found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for look, options in looks.items():
            for name in states:
                made.append(out / f"{name}-{look}.png")
                draw(browser, state(name), made[-1], **options)
        browser.close()
    return made


def draw(browser, shown, path: Path, width: int, forced_colors: str = "none", **look) -> None:
    """One picture."""
    context = browser.new_context(
        viewport={"width": width, "height": 700}, forced_colors=forced_colors, reduced_motion="reduce"
    )
    bare = Bare(context.new_page(), shown, **look)
    height = bare.page.evaluate("() => Math.ceil(document.querySelector('main').getBoundingClientRect().bottom) + 16")
    bare.page.set_viewport_size({"width": width, "height": min(max(height, 120), 2000)})
    bare.frame()
    bare.page.screenshot(path=path)
    context.close()


DOCS = HERE.parent / "docs"
SHOWN = {
    "busy-light": "A cell while it runs: the grey band is what the machine draws when idle.",
    "eight-gpus-dark": "Eight GPUs, two processors and their memory, on dark; the dotted line is the GPUs' power limit.",
    "gpu-lost-light": "A GPU that stopped answering, and before it a stretch that nobody could read.",
    "modelled-only-light": "No instrument: everything is a model, hatched, and says so.",
    "over-budget-light": "A budget that is used up.",
    "folded-light": "Folded into one line, which the page remembers.",
    "ended-light": "The report that stays.",
    "summary-used-light": "The session, interactive: other grids, a sum, a run's devices, its name and tags.",
    "project-light": "A project: what tuning took, by stage and week, and every run, to tick the final one.",
    "busy-contrast": "With forced colours.",
    "saved-summary-5-narrow": "320 pixels wide.",
}


def document(folder: Path) -> None:
    """docs/gallery.md and its pictures, from those that were drawn just now."""
    (DOCS / "gallery").mkdir(parents=True, exist_ok=True)
    parts = ["# What it looks like\n\nDrawn by `make pictures` in Chromium, from made-up runs.\n"]
    for name, words in SHOWN.items():
        shutil.copy(folder / f"{name}.png", DOCS / "gallery")
        parts.append(f"{words}\n\n![{words}](gallery/{name}.png)\n")
    (DOCS / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


def main() -> None:
    """All of them, or the looks named on the command line; only all of them make docs/gallery.md anew."""
    wanted = {look: LOOKS[look] for look in sys.argv[1:]} or LOOKS
    for path in pictures(OUT, wanted):
        print(path)
    if wanted == LOOKS:
        document(OUT)


if __name__ == "__main__":
    main()
