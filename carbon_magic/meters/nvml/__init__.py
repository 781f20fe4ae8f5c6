"""NVIDIA GPUs through NVML (`pynvml`): their energy counter, their watts where they have none, else their load.

Reference: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
"""

from __future__ import annotations

import sys

from ..site import Found, Missing, Site
from .driver import WHAT, power_folders, present, suspended

__all__ = ["find"]

_NO_DRIVER = (
    Missing(
        WHAT,
        "a board is there, its driver's library is not: install NVIDIA's driver, or give the container its GPUs",
        "docker run --gpus all ...",
        "gpu",
    ),
)


def find(site: Site) -> Found:
    """The GPUs: those this kernel may use counted, the others not. No driver, no GPU: nothing."""
    folders = power_folders(site.sys)
    if "pynvml" not in sys.modules and not present():
        return Found((), _NO_DRIVER if folders else ())
    if folders and all(map(suspended, folders)):
        from .opening import asleep

        return asleep(site, folders)
    from .opening import open_driver  # 5 ms of imports that most machines, without such a board, do not need

    return open_driver(site)
