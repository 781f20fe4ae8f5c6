"""Two readings become joules: the one place where that happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Fault = Literal["reset", "implausible", "several wraps"]
HEADROOM = 1.2
"""`max_w` is itself an estimate: this much above it is still believed."""

UNUSUAL = 4.0
"""A wrap that takes so many times the mean power may have been a reset: its range then holds both."""
GAP = {
    "counter": "its counter went on, so the energy is complete",
    "polled": "what it drew meanwhile is filled in, and not sure",
    "modelled": "what it drew meanwhile is filled in, and not sure",
}
"""What becomes of a time without a reading, by how the device is known."""


class Reading(NamedTuple):
    """A counter's value and when it was true (monotonic seconds)."""

    joules: float
    t_s: float


class Step(NamedTuple):
    """The joules between two readings, between `low` and `high` where the counter alone does not tell."""

    joules: float
    low: float
    high: float
    fault: Fault | None = None


def difference(
    old: Reading,
    new: Reading,
    *,
    max_w: float,
    tick_s: float,
    wraps_at_j: float | None = None,
    mean_w: float | None = None,
) -> Step:
    """What was used between two readings of one counter.

    A counter that went down has wrapped if the wrapped energy was possible in that time; else it was reset, and what
    was used is unknown: filled in at the mean power so far, between what the new counter already shows and the most
    that was possible. A counter that went up impossibly fast is disbelieved the same way. Where the counter can go
    round more than once between the readings, the number of rounds closest to the mean power is taken.
    """
    seconds = max(0.0, new.t_s - old.t_s)
    most = HEADROOM * max_w * seconds + max_w * tick_s
    plain = new.joules - old.joules
    candidates: list[float] = []
    if wraps_at_j and (plain >= 0 or new.joules > 0):  # a bare 0 is a failure or a reset, hardly ever a wrap's very end
        first = plain if plain >= 0 else plain + wraps_at_j
        rounds = int(max(0.0, most - first) // wraps_at_j)
        # A slow reader of a tiny counter could have missed thousands of rounds; the two ends and the best guess do.
        best = min(rounds, max(0, round(((mean_w or 0.0) * seconds - first) / wraps_at_j)))
        candidates = [first + k * wraps_at_j for k in (best, 0, rounds)] if 0 <= first <= most else []
    elif not wraps_at_j and 0 <= plain <= most:
        candidates = [plain]
    surely = new.joules if plain < 0 and new.joules <= most else 0.0
    if candidates:
        low, high = min(candidates), max(candidates)
        if plain < 0 and low > UNUSUAL * (max_w / 10 if mean_w is None else mean_w) * seconds:
            return Step(
                candidates[0], min(surely, low), high
            )  # a wrap, more likely; but a reset would fit the power better
        return Step(candidates[0], low, high, "several wraps" if high > low else None)
    guess = max(surely, min(most, mean_w * seconds)) if mean_w is not None else surely
    return Step(guess, surely, most, "reset" if plain < 0 else "implausible")


def gone_round_j(last: Reading | None, doubted: Sequence[Reading], wraps_at_j: float | None, max_w: float) -> float:
    """What was used if a bare 0 that nothing has followed yet is where the counter has just gone round to; else 0."""
    if last is None or not doubted or doubted[-1].joules or not wraps_at_j:
        return 0.0
    round_j = wraps_at_j - last.joules
    return round_j if round_j <= HEADROOM * max_w * (doubted[-1].t_s - last.t_s) else 0.0
