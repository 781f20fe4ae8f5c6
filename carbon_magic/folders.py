"""Where this user's data lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

CALIBRATION = "CARBON_MAGIC_CALIBRATION"
"""The folder of the calibrations; for homes that are read-only, and for tests."""


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


def calibrations_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where calibrations are kept: CARBON_MAGIC_CALIBRATION, else in the platform's data folder."""
    chosen = environ.get(CALIBRATION)
    if chosen:
        return Path(os.path.expanduser(chosen))  # noqa: PTH111 - Path's raises where there is no home
    return data_folder() / "calibration"
