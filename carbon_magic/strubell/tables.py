"""The paper's tables as printed, table 3 computed anew, and the later correction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import data
from .method import estimate

if TYPE_CHECKING:
    import pandas as pd

TABLES = (1, 2, 3, 4)
_WORDS = ("label", "group", "consumer", "kind", "model", "hardware", "device")
_WHOLE = ("models", "devices", "renewable_pct", "gas_pct", "coal_pct", "nuclear_pct")

CLOUD_USD_PER_HOUR = {"P100": (0.43, 1.46), "V100": (0.74, 2.48), "TPUv2": (1.46, 4.5), "TPUv3": (2.4, 8.0)}
"""Preemptible and on-demand price of a device by the hour (footnote 7). Which price is whose is not printed: every row
of table 3 but those named in REASONS comes out this way."""
HOURS_IN_TEXT = "the text has 3.3 days = 79.2 h, and only these give the printed figures; the table has 79 h"
TPU_LOW = "the lower cost is that of 1.35 USD per device and hour, where footnote 7 has 1.46"
REASONS = {
    ("BERT (base)", "V100x64"): HOURS_IN_TEXT,
    ("BERT (base)", "TPUv2x16"): TPU_LOW,
    ("NAS (Evolved Transformer search)", "TPUv2x1"): (
        f"{TPU_LOW}; and the printed 32,623 h are 979M steps at 10 h per 300k with a slip in one digit: 32,633 h give "
        "both costs"
    ),
}
"""Rows of table 3 that do not come out, and why, as far as can be told."""


def table(n: int) -> pd.DataFrame:
    """A table of the paper, 1 to 4, with its printed values; cells that it leaves empty are NaN.

    1: CO2e of what is familiar and of training, in pounds. 2: the energy mix of countries and clouds, in per cent.
    3: power, hours, kWh, CO2e and cost of models. 4: cost of a project's models. ValueError for another number.
    """
    import pandas as pd

    if isinstance(n, bool) or not isinstance(n, int) or n not in TABLES:
        raise ValueError(f"the paper has tables 1 to 4, not {n!r}")
    rows = [{column: _value(column, cell) for column, cell in row.items()} for row in data.rows(f"strubell_table_{n}")]
    return pd.DataFrame(rows)


def _value(column: str, cell: str) -> Any:
    if column in _WORDS:
        return cell
    if not cell:
        return float("nan")
    return int(cell) if column in _WHOLE else float(cell)


def recomputed() -> pd.DataFrame:
    """Table 3 computed anew from its power, hours and prices, beside what is printed.

    `reproduces` is False where any printed figure does not come out to its last digit; `reason` says why, or that it
    does with the hours of the text. TPU rows have no power in the paper: kWh and CO2e stay empty.
    """
    import pandas as pd

    rows = [_recomputed(row) for row in data.rows("strubell_table_3")]
    return pd.DataFrame(rows)


def _recomputed(row: dict[str, str]) -> dict[str, Any]:
    known = bool(row["power_w"])
    hours = float(row["hours"])
    found = estimate(float(row["power_w"]), hours) if known else None
    low, high = CLOUD_USD_PER_HOUR[row["device"]]
    device_hours = hours * int(row["devices"])
    anew = {
        "energy_kwh": found.energy_kwh if found else float("nan"),
        "co2e_lb": found.co2e_lb if found else float("nan"),
        "cloud_cost_low_usd": low * device_hours,
        "cloud_cost_high_usd": high * device_hours,
    }
    right = all(_comes_out(anew[name], row[name]) for name in anew)
    printed = {f"{name}_printed": _value(name, row[name]) for name in anew}
    reason = REASONS.get((row["model"], row["hardware"]), "") if not right else ""
    head = {"model": row["model"], "hardware": row["hardware"], "power_w": _value("power_w", row["power_w"])}
    return {**head, "hours": hours, **anew, **printed, "reproduces": right, "reason": reason}


def _comes_out(anew: float, printed: str) -> bool:
    """To the last printed digit."""
    return not printed or abs(anew - float(printed)) <= 0.5


def correction() -> pd.DataFrame:
    """What is known since about the architecture search (626,155 lb): Patterson et al., arXiv 2104.10350, 2021.

    The paper took a full model for each step where the search had trained a smaller one, on hardware and in a data
    centre that it was not run in. `times_too_high` is the printed figure over that row's.
    """
    import pandas as pd

    rows = [
        ("as printed in 2019", PRINTED_LB, 1.0),
        ("with the search's smaller proxy model, same mean data centre", PROXY_LB, PRINTED_LB / PROXY_LB),
        ("as it was run: TPU v2, the provider's data centre", ACTUAL_LB, PRINTED_LB / ACTUAL_LB),
    ]
    return pd.DataFrame(rows, columns=["what", "co2e_lb", "times_too_high"])


PRINTED_LB, PROXY_LB, ACTUAL_LB = 626_155.0, 33_544.0, 7_096.0
"""Strubell et al., table 3; Patterson et al., appendix C and table 4 (3.2 t)."""
