"""A bare page with the built bundle in it and models made of plain data: fast, and nothing but what is ours.

What JupyterLab adds (its own styles, comms, saving) is tested in test_lab.py and test_pictures.py.
"""

from __future__ import annotations

from pathlib import Path

from states import Shown

STATIC = Path(__file__).parents[2] / "carbon_magic" / "widgets" / "static"
URL = "http://carbon.test"
THEMES = {
    "light": {"ground": "#fff", "ink": "rgba(0,0,0,.87)", "vars": {}},
    "dark": {
        "ground": "#111", "ink": "rgba(255,255,255,.87)",
        "vars": {"brand": "#64b5f6", "success": "#81c784", "error": "#e57373", "warn": "#ffb74d"},
    },
}  # fmt: skip
MODELS = """
import live from "/live.js";
import summary from "/summary.js";
import project from "/project.js";
class Model {
    constructor(state) { this.state = { ...state }; this.listeners = new Map(); this.sent = []; this.changes = {}; }
    get(name) { return this.state[name]; }
    set(name, value) { this.state[name] = value; this.changes[name] = value; }
    save_changes() { this.sent.push(this.changes); this.changes = {}; }
    on(event, listener) { this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]); }
    off(event, listener) { this.listeners.set(event, (this.listeners.get(event) ?? []).filter(l => l !== listener)); }
    update(state) {
        Object.assign(this.state, state);
        for (const name of Object.keys(state)) for (const listener of this.listeners.get(`change:${name}`) ?? []) listener();
    }
}
window.models = [];
window.begin = state => {
    const model = new Model(state);
    model.close = (state.rows ? summary : state.lines ? project : live).initialize({ model });
    window.models.push(model);
};
window.began = true;
"""


def document(html: str, theme: str = "light", direction: str = "ltr") -> str:
    """A page as a notebook's output area is: nothing but a ground, an ink and a width."""
    look = THEMES[theme]
    variables = "".join(f"--jp-{name}-color1:{colour};" for name, colour in look["vars"].items())
    style = f"html{{{variables}}}body{{margin:16px;background:{look['ground']};color:{look['ink']}}}"
    return (
        f'<!doctype html><html lang="en" dir="{direction}"><head><meta charset="utf-8"><title>carbon_magic</title>'
        f'<style>{style}</style><link rel="stylesheet" href="/live.css"><link rel="stylesheet" href="/summary.css"><link rel="stylesheet" href="/project.css"></head>'
        f'<body><main><h1 style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)">Notebook</h1>{html}</main>'
        f'<script type="module" src="/models.js"></script></body></html>'
    )


class Bare:
    """One state in a page of its own."""

    def __init__(self, page, shown: Shown, policy: str | None = None, **look) -> None:
        self.page, self.shown, self.errors = page, shown, []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        files = {
            **{
                f"/{name}.{kind}": ((STATIC / f"{name}.{kind}").read_text(encoding="utf-8"), mime)
                for name in ("live", "summary", "project")
                for kind, mime in (("js", "text/javascript"), ("css", "text/css"))
            },
            "/models.js": (MODELS, "text/javascript"),
            "/": (document(shown.html, **look), "text/html"),
            "/favicon.ico": ("", "image/x-icon"),
        }

        def answer(route):
            body, kind = files[route.request.url.removeprefix(URL)]
            headers = {"content-security-policy": policy} if policy and kind == "text/html" else {}
            route.fulfill(body=body, content_type=f"{kind}; charset=utf-8", headers=headers)

        page.route(f"{URL}/**", answer)
        page.goto(f"{URL}/")
        page.wait_for_function("() => window.began")
        for i, model in enumerate(shown.models):
            page.evaluate("state => window.begin(state)", model.state)
            self.feed(model.ticks, i)
        for selector in shown.press:
            page.click(selector)

    def feed(self, ticks, which=0) -> None:
        """Ticks, one after the other, and then a frame in which the last is drawn."""
        self.page.evaluate(
            "([which, ticks]) => { for (const now of ticks) window.models[which].update({ now }); }", [which, ticks]
        )
        self.frame()

    def frame(self) -> None:
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def sent(self, which=0) -> list[dict]:
        """What the page sent to Python."""
        return self.page.evaluate("which => window.models[which].sent", which)

    @property
    def card(self):
        return self.page.locator(".carbon-magic").first
