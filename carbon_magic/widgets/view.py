"""What the widgets have alike: that nothing of one is left once it is closed."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

STATIC = Path(__file__).parent / "static"


def file(name: str) -> traitlets.Unicode[str, str | bytes]:
    """A script or a style of the bundle. Given its path, anywidget has the file hold on to every widget ever made."""
    return traitlets.Unicode((STATIC / name).read_text(encoding="utf-8")).tag(sync=True)


class View(anywidget.AnyWidget):
    """A model that is never displayed."""

    def close(self) -> None:
        """Its layout, of which ipywidgets makes one for each widget, would stay in the kernel and in the page."""
        layout = getattr(self, "layout", None) if self.comm is not None else None
        super().close()
        if layout is not None:
            layout.close()
