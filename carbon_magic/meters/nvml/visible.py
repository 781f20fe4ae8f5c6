"""CUDA_VISIBLE_DEVICES: which GPUs this process may use, as CUDA reads it.

Reference: CUDA C++ Programming Guide, "CUDA Environment Variables". What the guide leaves open (digits with something
behind them, an entry given twice) is as PyTorch found it: torch.cuda._parse_visible_devices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Board(NamedTuple):
    """A GPU as NVML tells of it; its number is its place in the order of the PCI bus."""

    number: int
    name: str
    uuid: str
    pci: str = ""
    speed: float = 0.0
    """Cores times clock, or what else tells the faster of two; 0 where unknown."""
    mig: tuple[str, ...] = ()
    """The UUIDs of its MIG instances."""


class Visible(NamedTuple):
    """The numbers of the boards that may be used, and whether that is beyond doubt."""

    boards: frozenset[int]
    sure: bool = True


def visible(environ: Mapping[str, str], boards: Sequence[Board]) -> Visible:
    """The boards this process may use. CUDA stops at the first entry that it does not understand."""
    every = frozenset(board.number for board in boards)
    setting = environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return Visible(every)
    entries = [entry.strip() for entry in setting.split(",")]
    if re.match(r"(?:GPU|MIG)-", entries[0]):
        return Visible(_by_name(entries, boards))
    order, sure = _cuda_order(environ, boards)
    found: list[int] = []
    for entry in entries:
        digits = re.match(r"\+?(\d+)", entry)
        if digits is None or int(digits[1]) >= len(order):
            break
        if int(digits[1]) in found:
            return Visible(frozenset())  # given twice: CUDA shows no device at all
        found.append(int(digits[1]))
    chosen = frozenset(order[i].number for i in found)
    return Visible(chosen, sure or chosen in (every, frozenset()))


def _by_name(entries: Sequence[str], boards: Sequence[Board]) -> frozenset[int]:
    found: list[tuple[int, str]] = []
    for entry in entries:
        matches = [(board.number, what) for board in boards for what in _names(entry, board)]
        if len(matches) != 1:
            break  # none, or a beginning that several share
        if matches[0] in found:
            return frozenset()
        found.append(matches[0])
    return frozenset(index for index, _ in found)


def _names(entry: str, board: Board) -> list[str]:
    """What of this board an entry means: the board by its UUID or the beginning of it, or one of its MIG instances."""
    old = re.fullmatch(r"MIG-(GPU-[0-9a-fA-F-]+)/(\d+)/(\d+)", entry)
    if old is not None:  # of drivers before 470: the board's UUID, GPU instance, compute instance
        return [entry] if board.uuid.lower() == old[1].lower() else []
    if entry.startswith("MIG-"):
        return [uuid for uuid in board.mig if uuid.lower().startswith(entry.lower())]
    if entry.startswith("GPU-") and len(entry) > len("GPU-"):
        return [board.uuid] if board.uuid.lower().startswith(entry.lower()) else []
    return []


def _cuda_order(environ: Mapping[str, str], boards: Sequence[Board]) -> tuple[list[Board], bool]:
    """The boards as CUDA counts them, and whether that is certain: fastest first, unless told otherwise."""
    by_bus = sorted(boards, key=lambda board: board.number)
    if environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({board.name for board in boards}) < 2:
        return by_bus, True
    return sorted(by_bus, key=lambda board: -board.speed), False
