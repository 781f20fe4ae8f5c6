"""An IPython in this very process, with the extension loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from IPython.core.interactiveshell import InteractiveShell

import carbon_magic


@contextlib.contextmanager
def loaded() -> Iterator[InteractiveShell]:
    """The one instance, as users have it; nothing of it stays."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(user_ns={})
    shell.run_line_magic("load_ext", "carbon_magic")
    try:
        yield shell
    finally:
        carbon_magic.unload_ipython_extension(shell)
        shell.extension_manager.loaded.discard("carbon_magic")
        shell.history_manager.end_session()
        InteractiveShell.clear_instance()
