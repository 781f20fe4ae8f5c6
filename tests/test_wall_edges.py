"""A meter at the wall tells its power now and then: what a run's last moments used is not known, and is not said to be."""

from hypothesis import given
from hypothesis import strategies as st
from machine import step

from carbon_magic.meters.external.sample import Follower, Sample


@given(
    period_s=st.sampled_from([1.0, 2.0, 5.0]),
    rest_w=st.floats(40, 150),
    times=st.floats(0.2, 3.0),
    phase=st.floats(0, 1),
    seconds=st.floats(0.5, 40.0),
    counts=st.booleans(),
)
def test_work_that_nobody_has_told_yet_lies_in_the_range(period_s, rest_w, times, phase, seconds, counts):
    """A cell of one second on a management controller was said to be known to 7 %, and was half the truth."""
    began_s, ends_s = 20.0, 20.0 + seconds
    trace = step(began_s, rest_w, rest_w * times)
    follower, marks = Follower(period_s, 30_000.0), []
    answers = [((n + phase) * period_s, "answer") for n in range(int(ends_s / period_s) + 1)]
    for t, what in sorted([*answers, (began_s, "edge"), (ends_s, "edge")]):
        if what == "edge":
            marks.append((follower.at(t), follower.unsure_j(t), follower.slack_low_j, follower.slack_high_j))
        else:
            follower.add(t, Sample(trace.watts(t), trace.joules(0, t) if counts else None))
    (begin_j, off_0, low_0, high_0), (end_j, off_1, low_1, high_1) = marks
    used_j, true_j, off_j = end_j - begin_j, trace.joules(began_s, ends_s), (off_0**2 + off_1**2) ** 0.5
    slack_j = max(low_1 - low_0, high_1 - high_0) + 0.45 * used_j / seconds * period_s * 2**0.5 * counts
    assert abs(true_j - used_j) <= off_j + slack_j + 1e-6


def test_an_answer_is_the_end_of_doubt():
    follower = Follower(1.0, 30_000.0)
    assert follower.unsure_j(5.0) == 0.0
    follower.add(10.0, Sample(100.0, 5.0))
    follower.add(11.0, Sample(100.0, 105.0))
    assert follower.unsure_j(11.0) == 0.0
    assert follower.unsure_j(11.5) == 100.0
