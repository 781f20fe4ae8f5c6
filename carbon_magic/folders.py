"""Where this user's data lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

CALIBRATION = "CARBON_MAGIC_CALIBRATION"
"""The folder of the calibrations; for homes that are read-only, and for tests."""


def at_home(path: str) -> str:
    """A path with the home folder in place of its ~. OSError where none is known, as for a container's nameless user:
    nobody wants a folder that is called ~.
    """
    found = os.path.expanduser(path)  # noqa: PTH111 - Path's raises RuntimeError
    if found.startswith("~"):
        raise OSError(f"no home folder is known for {path}: HOME is not set, and this user has none")
    return found


def data_folder() -> Path:
    """The platform's folder for a program's data; on Linux without platformdirs, whose import takes a first cell 5 ms.

    https://specifications.freedesktop.org/basedir-spec/latest/
    Raises OSError where the user has no home.
    """
    if sys.platform == "linux":
        given = os.environ.get("XDG_DATA_HOME", "")
        return Path(given if given.startswith("/") else at_home("~/.local/share")) / "carbon_magic"
    import platformdirs

    return platformdirs.user_data_path("carbon_magic", appauthor=False)


def calibrations_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where calibrations are kept: CARBON_MAGIC_CALIBRATION, else in the platform's data folder. OSError as there."""
    chosen = environ.get(CALIBRATION)
    if chosen:
        return Path(at_home(chosen))
    return data_folder() / "calibration"
