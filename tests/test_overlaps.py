"""Who holds which joules, against a machine whose power is known second by second."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import Run
from carbon_magic.curve import Curve
from carbon_magic.device import Device
from carbon_magic.grid import intensity
from carbon_magic.overlaps import Span, split
from carbon_magic.totals import Session, own_fractions

FR = intensity("FR")
SECONDS = 40


def machine_run(begin, seconds, watts, gpus=(), host="a", curve=True, name="r"):
    """A run that saw the machine's power, and that of some GPUs; `watts` maps a device to its watts each second."""
    seen = {"CPU 0": "cpu", **{f"GPU {i}": "gpu" for i in gpus}}
    power = {d: tuple(float(w) for w in watts[d][begin : begin + seconds]) for d in seen}
    devices = tuple(
        Device(d, kind, sum(power[d]), (0.9 * sum(power[d]), 1.1 * sum(power[d])), "test", "counter")
        for d, kind in seen.items()
    )
    energy = sum(d.energy_j for d in devices)
    shape = Curve(tuple(float(t + 1) for t in range(seconds)), power) if curve else Curve()
    return Run(id=name, name=name, state="done", started_at=float(begin), duration_s=float(seconds),
               energy_j_range=(0.9 * energy, 1.1 * energy), grid=FR, devices=devices, host=host, curve=shape)  # fmt: skip


def held_by(runs):
    """Joules that each run holds, those of its account that are held at all, its GPU-seconds and its host's."""
    spans = [Span(r.host, r.started_at, r.started_at + r.duration_s) for r in runs]
    alone, parts = split(spans, lambda some: [runs[i] for i in some])
    joules = Counter({i: runs[i].energy_j for i in alone})
    account = Counter(dict.fromkeys(alone, 1.0))
    gpu_s = Counter({i: runs[i].gpus * runs[i].duration_s for i in alone})
    host_s = Counter({i: runs[i].duration_s for i in alone})
    for part in parts:
        assert part.weight >= -1e-12
        host_s[part.holder] += part.host_s
        joules[part.holder] += part.weight * runs[part.run].energy_j
        account[part.run] += part.weight
        gpu_s[part.holder] += part.gpu_s
    return joules, account, gpu_s, host_s


WATTS = st.lists(st.integers(0, 300), min_size=SECONDS, max_size=SECONDS)
PLACES = st.lists(
    st.tuples(st.integers(0, SECONDS - 12), st.integers(1, 12), st.sets(st.integers(0, 1))), min_size=1, max_size=12
)


@given(WATTS, WATTS, WATTS, PLACES)
def test_each_second_of_each_device_is_held_once_by_the_shortest_run_that_saw_it(cpu, gpu_0, gpu_1, places):
    watts = {"CPU 0": cpu, "GPU 0": gpu_0, "GPU 1": gpu_1}
    runs = [machine_run(begin, seconds, watts, sorted(gpus)) for begin, seconds, gpus in places]
    order = sorted(range(len(runs)), key=lambda i: (-runs[i].duration_s, runs[i].started_at, i))
    truth, seconds, hours = Counter(), Counter(), Counter()
    for device, power in watts.items():
        owner = {}
        for i in order:
            if any(d.name == device for d in runs[i].devices):
                owner |= dict.fromkeys(range(places[i][0], places[i][0] + places[i][1]), i)
        for second, i in owner.items():
            truth[i] += power[second]
            seconds[i] += device != "CPU 0"
            hours[i] += device == "CPU 0"  # which each of them saw
    joules, _, gpu_s, host_s = held_by(runs)
    for i in range(len(runs)):
        assert joules[i] == pytest.approx(truth[i], abs=1e-6)
        assert gpu_s[i] == pytest.approx(seconds[i], abs=1e-6)
        assert host_s[i] == pytest.approx(hours[i], abs=1e-6)
    assert Session(tuple(runs)).energy_j == pytest.approx(sum(truth.values()))


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 12), st.floats(0, 1e6), st.sampled_from("ab")), min_size=1, max_size=14
    ),
    st.randoms(),
)  # fmt: skip
def test_whatever_the_runs_say_nothing_is_held_twice_or_lost(given_runs, random):
    runs = []
    for begin, seconds, joules, host in given_runs:
        device = Device("CPU", "cpu", joules, (0.0, 2 * joules), "test", "modelled")
        runs.append(Run(id="x", name="x", state="done", started_at=begin, duration_s=seconds, energy_j_range=(0, 2 * joules),
                        grid=FR, devices=(device,), host=host))  # fmt: skip
    joules, account, *_ = held_by(runs)
    for i, run in enumerate(runs):
        assert account[i] <= 1 + 1e-9
        assert joules[i] <= run.energy_j * (1 + 1e-9) + 1e-9
    total = sum(f * r.energy_j for f, r in zip(own_fractions(runs), runs, strict=True))
    assert sum(joules.values()) == pytest.approx(total)
    assert total <= sum(run.energy_j for run in runs) * (1 + 1e-9)
    for host in "ab":
        here = [run for run in runs if run.host == host]
        longest = max(here, key=lambda run: (run.duration_s, -run.started_at), default=None)
        if longest is not None and longest.duration_s > 0:
            assert total >= longest.energy_j * (1 - 1e-9) - 1e-9


def test_trials_in_a_sweep_hold_theirs_and_the_sweep_the_rest():
    watts = {"CPU 0": [100] * SECONDS}
    sweep, one, two = machine_run(0, 30, watts), machine_run(5, 4, watts), machine_run(20, 6, watts)
    joules, *_ = held_by([sweep, one, two])
    assert joules == pytest.approx({0: 2000, 1: 400, 2: 600})
    assert sum(joules.values()) == pytest.approx(Session((sweep, one, two)).energy_j)


def test_without_a_curve_a_trial_still_holds_what_it_measured():
    watts = {"CPU 0": [0] * 10 + [200] * 10 + [0] * 20}
    sweep, trial = machine_run(0, 40, watts, curve=False), machine_run(10, 10, watts, curve=False)
    joules, *_ = held_by([sweep, trial])
    assert joules == pytest.approx({0: 0, 1: 2000})


def test_two_kernels_with_a_gpu_each_count_both_gpus_and_the_processor_once():
    watts = {"CPU 0": [50] * SECONDS, "GPU 0": [300] * SECONDS, "GPU 1": [400] * SECONDS}
    one, two = machine_run(0, 20, watts, [0]), machine_run(5, 10, watts, [1])
    assert Session((one, two)).energy_j == pytest.approx(20 * 350 + 10 * 400)
    _, _, gpu_s, _ = held_by([one, two])
    assert gpu_s == {0: 20, 1: 10}


def test_five_thousand_runs_in_one_are_split_in_a_moment():
    watts = {"CPU 0": [100] * SECONDS}
    outer = replace(machine_run(0, 40, watts), duration_s=50_000.0)
    runs = [outer, *(replace(machine_run(0, 8, watts, curve=False), started_at=10.0 * i) for i in range(4999))]
    joules, *_ = held_by(runs)
    assert sum(joules.values()) == pytest.approx(outer.energy_j)
