"""Work that a GPU was given and has not done: at an edge it is waited for, so that its joules are its own cell's.

Only where a framework is imported and has a context already: nothing is imported and no context made. JAX has no call
that waits for all, short of looking at every live array, so it is left alone; its results are waited for when used.
"""

from __future__ import annotations

import sys
from typing import Any


def finish() -> None:
    """Wait for what this process has queued. Never raises: an error on the GPU is told by the user's own next call."""
    for name, wait in (("torch", _torch), ("cupy", _cupy)):
        module = sys.modules.get(name)
        if module is None:
            continue
        try:
            wait(module)
        except (Exception, KeyboardInterrupt):  # noqa: S112 - whoever is in a hurry gets the joules so far
            continue


def _torch(torch: Any) -> None:
    cuda = torch.cuda
    if not cuda.is_initialized() or cuda.is_current_stream_capturing():
        return  # waiting while a graph is captured would spoil it
    has_context = getattr(getattr(torch, "_C", None), "_cuda_hasPrimaryContext", None)
    if has_context is None:
        cuda.synchronize()
        return
    for device in range(cuda.device_count()):
        if has_context(device):  # synchronize() would make one, with its memory, on a board that has none
            cuda.synchronize(device)


def _cupy(cupy: Any) -> None:
    if cupy.cuda.driver.ctxGetCurrent():
        cupy.cuda.runtime.deviceSynchronize()
