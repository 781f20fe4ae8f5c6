"""Watts of a board that tells its load only, as virtual GPUs do: a part of its power limit. A guess."""

from __future__ import annotations

from ...data.gpus import look_up
from ...ranges import Range

IDLE_FRACTION = 0.12
FULL_FRACTION = 0.75
"""Watts ÷ power limit at rest and with a kernel running all the time. The driver's load is the part of time in which
any kernel runs, which says little of how hard it works: a judgement between half and all of the limit (Patterson et
al. 2021, tables 3 and 4, measured 0.63 and 0.79 of it in training on TPU v3 and v2); at rest boards draw a tenth."""
LOAD_RANGE: Range = (0.5, 1.6)
GUESSED_TDP_W = 250.0
GUESSED_RANGE: Range = (0.25, 2.8)
"""Boards in data/gpu_tdp.csv go from 55 to 1400 W; half of them lie between 180 and 400 W."""
VIRTUAL_RANGE: Range = (0.3, 2.5)
"""A virtual GPU's part of the board is taken from its part of the memory; its time on the board may be another."""


class Load:
    """What the watts are made of, for one board."""

    def __init__(self, name: str, limit_w: float | None, memory_gb: float) -> None:
        listed = look_up(name)
        self.notes: tuple[str, ...] = ("modelled from its load: this driver tells neither its energy nor its power",)
        self.gain = LOAD_RANGE
        if limit_w is not None:
            self.tdp_w, basis = limit_w, "its power limit"
        elif listed is not None:
            self.tdp_w, basis = listed.tdp_w, f"the TDP of {listed.name}"
            if listed.memory_gb and 0 < memory_gb < 0.8 * listed.memory_gb:
                self.tdp_w *= memory_gb / listed.memory_gb
                basis = f"the part of {listed.name} that its memory is"
                self.gain = VIRTUAL_RANGE
        else:
            self.tdp_w, basis, self.gain = GUESSED_TDP_W, "assumed", GUESSED_RANGE
            self.notes += (f"its power is not known: {GUESSED_TDP_W:g} W is assumed",)
        self.source = f"model: GPU load × {self.tdp_w:.3g} W, {basis}"

    def watts(self, load: float) -> float:
        """At a load between 0 and 1."""
        return self.tdp_w * (IDLE_FRACTION + (FULL_FRACTION - IDLE_FRACTION) * min(1.0, max(0.0, load)))
