"""What did this training cost? Watts, kWh and CO2e of notebook cells and of blocks of code.

    %load_ext carbon_magic          then %%carbon on a cell, %carbon for the session
    with carbon_magic.track("fine-tune") as run: ...

What a first track() needs is imported with this, so that nobody waits for it in front of their work; all the rest,
views and tables and the ledger, when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from .account import Project
    from .budget import CarbonBudgetExceeded
    from .literature import published
    from .run import Run
    from .store.ledger import Ledger
    from .totals import Session

    last: Run | None

__version__ = "0.1.0"
__all__ = [
    "CarbonBudgetExceeded",
    "Project",
    "Run",
    "Session",
    "last",
    "ledger",
    "load_ipython_extension",
    "project",
    "published",
    "session",
    "track",
    "unload_ipython_extension",
]

_HOMES = {
    "CarbonBudgetExceeded": "budget",
    "Project": "account",
    "Run": "run",
    "Session": "totals",
    "published": "literature",
}
_MODULES = ("grid", "equivalents", "report", "strubell")


def session() -> Session:
    """The runs of this process so far, and their total: `.runs .energy_kwh .co2e_kg .to_frame()`."""
    from . import process

    return process.current().session()


def ledger() -> Ledger:
    """Every run on record: `.runs(project=None)` and `.totals(project=None)` are DataFrames; `.close()` it."""
    from . import process

    return process.current().ledger()


def project(name: str | None = None, final: str | Sequence[str] | None = None) -> Project:
    """The account of a project: `.energy_kwh .co2e_kg .multiplier .by("stage") .to_frame()` and more.

    Args:
        name: what the ledger files its runs under; default: what runs of this notebook are filed under.
        final: which runs made the final model: their names, "stage:NAME", "tag:KEY=VALUE", "id:ID" or "last", one or
            several; default: those of the stage "final".

    Raises ValueError in a sentence where `final` names no run, OSError where the ledger cannot be read.
    """
    from . import process

    found = process.current().project(name)
    return found if final is None else found.choose(*([final] if isinstance(final, str) else final))


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """What %load_ext carbon_magic calls."""
    from . import magic

    magic.load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """What %unload_ext carbon_magic calls: nothing of it stays behind."""
    from . import magic

    magic.unload(ipython)


def __getattr__(name: str) -> Any:
    if name == "last":
        from . import process

        return process.current().last
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


# Last, since it imports from here.
from .blocks import track  # noqa: E402
