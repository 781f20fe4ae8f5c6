"""What no estimator can better on a counter of 100-ms ticks, worked out by hand and found by the benchmark."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # last: the package itself stays the installed one

from benchmarks import floor


def test_the_floor_of_200_ms_with_20_ms_bursts_is_that_of_one_burst_unseen_or_of_two():
    """10 J of idling, 5 of a burst: one that may be in or out leaves (15-10)/(15+10); two at odd times (20-10)/(20+10)."""
    assert floor.floor(told=True) == pytest.approx(1 / 5)
    assert floor.floor(told=False) == pytest.approx(1 / 3)


def test_a_burst_that_looks_the_same_is_one_that_lies_in_the_same_tick_outside_the_sensor_s_window():
    looks = floor._looks(range(400))
    alike = [at for at in looks if looks[at] == looks[110]]
    assert (min(alike), max(alike)) == (100, 155)
    assert [at for at in looks if looks[at] == looks[160]] == [160]  # its window sees 5 of its 20 ms
    assert [at for at in looks if looks[at] == looks[185]] == [185]  # 15 ms in one tick, 5 in the next


@pytest.mark.parametrize(("samples_s", "precise", "worst"), [(0.0, False, 0.35), (0.02, False, 0.2), (0.0, True, 0.03)])
def test_cells_at_one_phase_are_as_right_as_that_allows(monkeypatch, samples_s, precise, worst):
    monkeypatch.setattr(floor, "PHASES", {"bursts": 1})
    monkeypatch.setattr(floor, "STEP_MS", 10)
    cells = floor.swept("bursts", samples_s, precise)
    assert len(cells) == 50
    assert max(abs(cell.error) for cell in cells) <= worst
    assert sum(cell.inside for cell in cells) >= 45
