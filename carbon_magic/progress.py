"""A progress bar whose place the answer takes: a notebook that is saved holds no widget, which would not open again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import screen

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_FORMAT = "{desc} {bar} {n:.0f}/{total:.0f} s"


class Progress:
    """tqdm's bar over so many seconds, in a notebook as in a terminal."""

    def __init__(self, shell: InteractiveShell, seconds: float, doing: str) -> None:
        self._shell = shell
        self._display_id: str | None = None
        looks: dict[str, Any] = {"total": round(seconds, 1), "desc": doing, "leave": False, "bar_format": _FORMAT}
        if screen.in_kernel(shell) and not screen.captured(shell):
            from IPython.display import display
            from tqdm.notebook import tqdm

            self._bar = tqdm(**looks, display=False)
            self._display_id = display(self._bar.container, display_id=True).display_id
        else:
            from tqdm.auto import tqdm

            self._bar = tqdm(**looks)

    def passed(self, seconds: float) -> None:
        """So much more is done."""
        self._bar.update(seconds)

    def doing(self, words: str) -> None:
        """What is done now."""
        self._bar.set_description(words)

    def answer(self, bundle: dict[str, str]) -> None:
        """What is shown in its place."""
        self._bar.close()
        if self._display_id is None:
            screen.show_bundle(self._shell, bundle)
        else:
            self._shell.display_pub.publish(bundle, {}, transient={"display_id": self._display_id}, update=True)
