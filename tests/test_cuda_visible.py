"""CUDA_VISIBLE_DEVICES in all its forms: which boards are this kernel's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic.meters.nvml.visible import Board, visible

UUIDS = ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-89aa0000-d72c-4106-c12f-000000000001", "GPU-1b000000-0-0-0-2")


MIG = ("MIG-6a7d0000-1111-5222-8333-000000000000", "MIG-6a7e0000-1111-5222-8333-000000000001")


SAME = [Board(i, "NVIDIA A100", uuid, speed=5.0, mig=MIG if i == 2 else ()) for i, uuid in enumerate(UUIDS)]


MIXED = [board._replace(name=f"GPU {board.number}", speed=float(board.number)) for board in SAME]


@pytest.mark.parametrize(
    ("setting", "boards"),
    [
        (None, {0, 1, 2}),
        ("0,1,2", {0, 1, 2}),
        ("2", {2}),
        (" 1 , 2 ", {1, 2}),
        ("2,1", {1, 2}),
        ("", set()),
        ("-1", set()),
        ("NoDevFiles", set()),
        ("0,-1,1", {0}),
        ("0,7,1", {0}),
        ("0,gpu,1", {0}),
        ("1gpu2,2ampere", {1, 2}),  # strtoul: what stands behind the digits is not looked at
        ("0,0", set()),
        ("1,2,1", set()),
        (UUIDS[0], {0}),
        (f"{UUIDS[1]},{UUIDS[0]}", {0, 1}),
        ("GPU-8932", {0}),
        ("GPU-89", set()),  # the beginning of two
        ("GPU-1b,GPU-89", {2}),
        ("GPU-1B", {2}),
        ("GPU-", set()),
        ("GPU-ffff,GPU-1b", set()),
        ("GPU-1b,0", {2}),  # the kinds are not mixed: 0 is no UUID
        ("0,GPU-1b", {0}),
        (f"{UUIDS[0]},{UUIDS[0]}", set()),
        (MIG[0], {2}),
        (",".join(MIG), {2}),
        ("MIG-6a7e", {2}),
        ("MIG-6a7", set()),
        (f"MIG-{UUIDS[1]}/1/0", {1}),
        (f"MIG-{UUIDS[1]}/1", set()),
        ("MIG-GPU-ffffffff-d72c-4106-c12f-20bd9faed9f6/1/0", set()),
    ],
)
def test_every_form_of_the_setting_means_what_cuda_takes_it_for(setting, boards):
    environ = {} if setting is None else {"CUDA_VISIBLE_DEVICES": setting}
    assert visible(environ, SAME) == (boards, True)


def test_boards_of_different_kinds_are_counted_from_the_fastest_and_that_is_said():
    assert visible({"CUDA_VISIBLE_DEVICES": "0"}, MIXED) == ({2}, False)
    assert visible({"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, MIXED) == ({0}, True)
    assert visible({"CUDA_VISIBLE_DEVICES": "2,1,0"}, MIXED) == ({0, 1, 2}, True)
    assert visible({"CUDA_VISIBLE_DEVICES": UUIDS[1]}, MIXED) == ({1}, True)
    assert visible({"CUDA_VISIBLE_DEVICES": "-1"}, MIXED) == (set(), True)


@given(st.text(st.sampled_from("0123-+, GPUMIGabf/é\n"), max_size=40))
def test_no_setting_is_too_strange(setting):
    assert visible({"CUDA_VISIBLE_DEVICES": setting}, SAME).boards <= {0, 1, 2}
