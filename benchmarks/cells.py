"""Cells of known length, tracked in a fresh process: what carbon_magic says of each, and its true edges."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

import carbon_magic
from carbon_magic import meters


def track(plan: list[tuple[float, int]], busy: bool, seed: int, precise: bool) -> dict[str, Any]:
    """So many cells of so many seconds each, at odd moments, the main thread asleep or in a pure-Python loop."""
    rng = random.Random(seed)
    order = [seconds for seconds, times in plan for _ in range(times)]
    rng.shuffle(order)
    with carbon_magic.track():  # opens the devices, learns how often slow counters tick
        time.sleep(1.0)
    return {
        "gain": {meter.name: meter.gain for meter in meters.find(os.environ, time.monotonic)},
        "cells": [_cell(seconds, busy, rng.uniform(0.0, 0.2), precise) for seconds in order],
    }


def _cell(seconds: float, busy: bool, pause_s: float, precise: bool) -> dict[str, Any]:
    time.sleep(pause_s)
    with carbon_magic.track(precise=precise) as handle:
        t0 = time.monotonic()
        if busy:
            while time.monotonic() - t0 < seconds:
                pass
        else:
            time.sleep(seconds)
        t1 = time.monotonic()
    run = handle.to_dict()
    ended = time.monotonic()
    return {"seconds": seconds, "t0": t0, "t1": t1, "after_s": ended - t1, "run": run}


if __name__ == "__main__":
    print("\n" + json.dumps(globals()[sys.argv[1]](*json.loads(sys.argv[2]))))
