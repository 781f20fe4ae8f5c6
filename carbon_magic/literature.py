"""What others have published on the training of their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import data

if TYPE_CHECKING:
    import pandas as pd

_WORDS = ("model", "developer", "hardware", "energy_how", "co2e_basis", "scope", "source", "note")


def published() -> pd.DataFrame:
    """Published training figures, a row per model or project: `energy_mwh`, `co2e_t`, and how each was obtained.

    `energy_how` tells measured figures from hours times a chip's rated power; `co2e_basis` the grid and what else is in
    it; `scope` whether it is one training or the whole development; `source` the paper or model card. Figures of
    different scope and basis are not to be compared without these words. Empty cells are NaN.
    """
    import pandas as pd

    frame = pd.DataFrame(list(data.rows("published_training")))
    for column in frame.columns.difference(list(_WORDS)):
        frame[column] = pd.to_numeric(frame[column])
    return frame
