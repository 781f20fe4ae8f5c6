"""cpu_load_power.csv: watts of four machines by their load, measured. cpu_load_curve.csv: the curve fitted to them.

The curve is watts ÷ TDP at a few loads, straight between them: what a processor without a meter is modelled by. Its
range is what the curve of the other machines missed each of them by, so that it speaks for a machine that is in
nobody's data. Four machines are few: add any that comes, and build anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .table import Row, figure, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

POWER_COLUMNS = ("cpu", "tdp_w", "pattern", "load", "watts", "source")
COLUMNS = ("load", "of_tdp", "low", "high")
LOADS = (0.0, 0.1, 0.5, 1.0)
"""Where the curve bends, as in the curves that Teads published in 2021 for cloud servers."""
ENDS = (0.0, 1.0)
"""The range is told at rest and at full load, and is even between them: no more can be learned of four machines."""
QUANTILE = 0.95
"""Of the misses, so that three machines' range holds 90 % of what was measured on the fourth: see Fit and its test."""
_STEPS = 200
_SOURCE = "codecarbon_load"

Points = dict[str, list[tuple[float, float]]]
"""By processor: load (0 to 1), and watts ÷ TDP of all its packages."""


class Fit(NamedTuple):
    """A curve and its range. All are per load of LOADS; `low` and `high` are truth ÷ curve."""

    of_tdp: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def power(facts: Path) -> list[Row]:
    """The measured points, the order kept."""
    return [
        {
            "cpu": fact["cpu_name"],
            "tdp_w": figure(fact["tdp_w_all_sockets"]),
            "pattern": fact["pattern"],
            "load": figure(fact["cpu_load_fraction"]),
            "watts": figure(fact["rapl_power_w"]),
            "source": _SOURCE,
        }
        for fact in read(facts / "cpu_load_power.csv")
    ]


def build(measured: Iterable[Mapping[str, str]]) -> list[Row]:
    """The fitted curve, a row per load."""
    found = fit(points(measured))
    cells = zip(LOADS, found.of_tdp, found.low, found.high, strict=True)
    return [dict(zip(COLUMNS, (f"{cell:.3g}" for cell in row), strict=True)) for row in cells]


def points(measured: Iterable[Mapping[str, str]]) -> Points:
    """The measured points by processor."""
    found: Points = {}
    for row in measured:
        found.setdefault(row["cpu"], []).append((float(row["load"]), float(row["watts"]) / float(row["tdp_w"])))
    return found


def fit(measured: Points) -> Fit:
    """The curve of these machines, and the range by which it is to be believed for another one.

    Each machine weighs the same. The range's shape is the size of what each machine's points miss the curve of the
    others by; its width, such that QUANTILE of all these misses are inside.
    """
    import numpy as np

    misses = {cpu: _misses(measured[cpu], _curve({o: p for o, p in measured.items() if o != cpu})) for cpu in measured}
    loads = np.array([load for cpu in measured for load, _ in measured[cpu]])
    sizes = np.abs(np.concatenate([misses[cpu] for cpu in measured]))
    hats = _hats(loads, ENDS)
    shape = np.sqrt((hats * sizes[:, None] ** 2).sum(0) / hats.sum(0))
    width = float(np.quantile(sizes / (hats @ shape), QUANTILE))
    spread = np.exp(_hats(np.array(LOADS), ENDS) @ (width * shape))
    return Fit(tuple(_curve(measured)), tuple(1 / spread), tuple(spread))


def inside(measured: Sequence[tuple[float, float]], found: Fit) -> list[bool]:
    """Whether each point lies in the curve's range."""
    import numpy as np

    ratios = np.exp(_misses(measured, found.of_tdp))
    hats = _hats(np.array([load for load, _ in measured]), LOADS)
    lows, highs = np.exp(hats @ np.log(found.low)), np.exp(hats @ np.log(found.high))
    return [bool(low <= ratio <= high) for low, ratio, high in zip(lows, ratios, highs, strict=True)]


def _misses(measured: Sequence[tuple[float, float]], curve: Sequence[float]) -> Array:
    """The logarithms of truth ÷ curve."""
    import numpy as np

    loads, fractions = np.array(measured).T
    return np.asarray(np.log(fractions / np.interp(loads, LOADS, curve)))


def _curve(measured: Points) -> list[float]:
    """Least squares in logarithms (half and double are as wrong), by Gauss and Newton."""
    import numpy as np

    loads = np.array([load for cpu in measured.values() for load, _ in cpu])
    truth = np.log([fraction for cpu in measured.values() for _, fraction in cpu])
    weights = np.sqrt([1 / len(cpu) for cpu in measured.values() for _ in cpu])
    hats = _hats(loads, LOADS)
    curve = np.linspace(0.1, 0.8, len(LOADS))
    for _ in range(_STEPS):
        now = hats @ curve
        step, *_ = np.linalg.lstsq(hats / now[:, None] * weights[:, None], (truth - np.log(now)) * weights, rcond=None)
        curve = np.maximum(curve + 0.5 * step, 1e-3)
    return [float(fraction) for fraction in curve]


def _hats(loads: Array, knots: Sequence[float]) -> Array:
    """How much of each knot is in each load: straight lines between them."""
    import numpy as np

    return np.array([[np.interp(load, knots, np.eye(len(knots))[i]) for i in range(len(knots))] for load in loads])
