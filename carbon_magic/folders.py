"""Where this user's data lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """The platform's folder for a program's data; on Linux without platformdirs, whose import takes a first cell 5 ms.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if sys.platform == "linux":
        given = os.environ.get("XDG_DATA_HOME", "")
        base = given if given.startswith("/") else os.path.expanduser("~/.local/share")  # noqa: PTH111 - Path's raises
        return Path(base) / "carbon_magic"
    import platformdirs

    return platformdirs.user_data_path("carbon_magic", appauthor=False)
