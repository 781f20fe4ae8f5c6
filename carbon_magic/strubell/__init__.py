"""The paper: Strubell, Ganesh and McCallum, Energy and Policy Considerations for Deep Learning in NLP, ACL 2019.

table(1) ... table(4)         the tables, with the printed values
estimate(power_w, hours)      its two equations: kWh and pounds of CO2e
from_components(...)          the same from the power of CPU, DRAM and GPUs
recomputed()                  each row of table 3 computed anew, and why some do not come out
correction()                  what Patterson et al. found in 2021 about the architecture search
case_study()                  table 4 from a ledger of 4,789 runs
own_table(project)            the same of a project of one's own
"""

from __future__ import annotations

from .method import Estimate, estimate, from_components
from .tables import correction, recomputed, table

__all__ = ["Estimate", "case_study", "correction", "estimate", "from_components", "own_table", "recomputed", "table"]


def __getattr__(name: str) -> object:
    if name in ("case_study", "own_table"):  # they need the ledger and the account, which nothing else here does
        from . import case

        return getattr(case, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
