"""For what is true of a machine that has time for us: a busy one may spoil a try, a fault spoils them all."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 60.0
"""How long something that comes within a second is awaited on a machine that does much else."""


def tried(times: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A test that rests on real time is right in one of so many tries. It must leave nothing behind that spoils the next."""

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def repeated(*arguments: Any, **fixtures: Any) -> Any:
            for _ in range(times - 1):
                try:
                    return test(*arguments, **fixtures)
                except AssertionError:
                    continue
            return test(*arguments, **fixtures)

        return repeated

    return decorate


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """What the condition answers once it holds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
    return found
