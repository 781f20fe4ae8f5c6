"""The meters of NVIDIA boards: an energy counter, or polled watts, or a model of the load; and one that sleeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from ...ranges import Range
from .. import gpu_processes
from ..integral import Integral
from ..lag import Lag
from ..meter import Meter, Split
from .driver import GONE, LACKING, SCOPE_GPU, SCOPE_MODULE, Driver, suspended
from .load import Load
from .sampler import Sampler
from .visible import Board

COUNTER_GAIN: Range = (0.93, 1.07)
"""Each board's sensor is off by up to 5 %, by its own constant: Yang et al., SC24, arXiv 2312.02741; 2 % to spare."""
QUARTER_GAIN: Range = (0.75, 1.3)
"""A100, H100 and GH200 look at their power for a quarter of the time only (same source)."""
POLLED_GAIN: Range = (0.9, 1.1)
"""The same sensor, and what happens between two looks."""
QUARTER_TIME = re.compile(r"\b(A100|A800|A30|H100|H800|H200|GH200|H20|B100|B200|B300|GB200|GB300)\b")
"""Of the last five nothing is published: no better is claimed for them."""
MODULE = re.compile(r"\b(GH200|GB200|GB300)\b")
"""Grace superchips count for the whole module: zeus issue 172."""
TURING, AMPERE = 6, 7
"""NVML_DEVICE_ARCH_TURING, _AMPERE. From the latter on nvmlDeviceGetPowerUsage is a mean of one second, GA100 apart
(NVML manual)."""
GA100 = re.compile(r"\b(A100|A800|A30)\b")
FULL_TIME, QUARTER, OLD = Lag(0.1, 0.1), Lag(0.025, 0.1), Lag(0.01, 0.02)
"""Windows of power and how often one is told: Turing and its successors, those that look a quarter of the time, and
Pascal and Volta (Yang et al.)."""
MEAN_OF_1_S = Lag(1.0, 0.1)
DEFAULT_TICK_S = 0.1
"""How often the counter moves until it has been seen to move: 20 to 100 ms by generation."""
DEFAULT_MAX_W = 1500.0


class Gpu(Meter):
    """What all GPU meters share: a handle, a name, and care not to wake a sleeping device."""

    kind = "gpu"

    def __init__(self, driver: Driver, handle: Any, board: Board, power_folder: Path | None) -> None:
        self._driver, self._handle, self._board = driver, handle, board
        self._power_folder = power_folder
        self.name = f"GPU {board.number} {board.name}"
        self.key = board.uuid or None
        self.group = self.name  # each board errs by its own constant
        self._keeps = True
        self.limit_w = driver.milli("nvmlDeviceGetEnforcedPowerLimit", handle)
        self.max_w = 2 * self.limit_w if self.limit_w else DEFAULT_MAX_W
        module = MODULE.search(board.name) is not None
        self.scope_id = SCOPE_MODULE if module else SCOPE_GPU

    def asleep(self) -> bool:
        return self._power_folder is not None and suspended(self._power_folder)

    def split(self, since: object, pids: Collection[int], allotted: float) -> Split:
        if self.asleep():
            return Split(since, allotted, allotted)
        return gpu_processes.split(self._driver.nvml, self._handle, since, pids, allotted)

    def _answer(self, question: Callable[[Any], float]) -> float:
        """What the board answers; where it went away, it is looked for now and then. Raises while it is gone."""
        try:
            return question(self._handle)
        except Exception as error:
            if getattr(error, "value", None) not in GONE:
                raise
            found = self._driver.open_again(self._board.uuid, self._board.pci)
            if found is None:
                raise
            self._handle = found
            return question(found)

    def watts(self) -> float | None:
        """Of the sensor's latest window; None where the driver tells a mean of a second only, or nothing."""
        if self.asleep():
            return None
        try:
            return self._driver.instant_w(self._handle, self.scope_id)
        except Exception:
            return None if self._slow_mean() else self._driver.power_w(self._handle)

    def _window(self) -> Lag:
        if QUARTER_TIME.search(self.name):
            return QUARTER
        architecture = self._driver.ask("nvmlDeviceGetArchitecture", self._handle)
        return OLD if architecture is not None and architecture < TURING else FULL_TIME

    def _slow_mean(self) -> bool:
        architecture = self._driver.ask("nvmlDeviceGetArchitecture", self._handle)
        return architecture is None or (architecture >= AMPERE and not GA100.search(self.name))

    def past_w(self, since_s: float) -> Sequence[tuple[float, float]]:
        """The driver's own record: every 20 ms on GA100, every second on an idle desktop board; others keep none."""
        if not self._keeps or self.asleep():
            return ()
        try:
            return self._driver.samples_w(self._handle, since_s, self.scope_id)
        except Exception as error:
            self._keeps = getattr(error, "value", None) not in LACKING
            return ()


class GpuCounter(Gpu):
    """Millijoules since the driver was loaded (Volta and later)."""

    method = "counter"
    tick_s = DEFAULT_TICK_S
    source = "NVML energy counter"

    def __init__(self, driver: Driver, handle: Any, board: Board, power_folder: Path | None) -> None:
        super().__init__(driver, handle, board, power_folder)
        self.gain = QUARTER_GAIN if QUARTER_TIME.search(board.name) else COUNTER_GAIN
        if self.scope_id == SCOPE_MODULE:
            self.contains = ("cpu", "dram")
            self.notes = ("its counter is that of the whole module: processor and memory are in it",)
        self._last: float | None = None

    def read(self) -> float | None:
        if not self.asleep():
            self._last = self._answer(self._driver.energy_j)
        return self._last


class GpuWatts(Gpu):
    """Watts, polled and summed: for boards without a counter. By a helper process where there may be one."""

    method = "polled"
    gain = POLLED_GAIN

    def __init__(
        self,
        driver: Driver,
        handle: Any,
        board: Board,
        power_folder: Path | None,
        now: Callable[[], float],
        sampler: Sampler | None,
    ) -> None:
        super().__init__(driver, handle, board, power_folder)
        self._ask: Callable[[Any], float] = driver.power_w
        self.source = "NVML power, polled"
        try:
            driver.instant_w(handle)
        except Exception:
            driver.power_w(handle)  # where this fails too, it is no meter
            self.lag = MEAN_OF_1_S if self._slow_mean() else self._window()
        else:
            self._ask = driver.instant_w
            self.source = "NVML instant power, polled"
            self.lag = self._window()
        self._now = now
        self._joules = 0.0
        self._seen: tuple[float, float] | None = None
        """When its watts were last seen, and what they were."""
        self._sampled_j: float | None = None
        self._sampler = sampler
        self._seat: int | None = None
        if sampler is not None and board.uuid:
            self._seat = sampler.add(board.uuid, self._ask == driver.instant_w, power_folder)
        if sampler is not None and self._seat is not None:
            self.tick_s = sampler.period_s

    @property
    def slow(self) -> bool:
        """Sampled by the helper, its joules move at each sample, as those of a counter do."""
        return self._sampled_j is not None

    def watch(self, counting: bool) -> None:
        if self._sampler is not None:
            self._sampler.watch(counting)

    def read(self) -> float | None:
        now_s = self._now()
        sampled = self._sampler.read(self._seat, now_s) if self._sampler and self._seat is not None else None
        if sampled is not None and self._sampled_j is not None:
            self._joules += max(0.0, sampled.joules - self._sampled_j)
            self._seen = sampled.t_s, sampled.watts
        else:  # no helper, or not yet, or no longer
            watts = 0.0 if self.asleep() else self._answer(self._ask)
            until_s = now_s if sampled is None else sampled.t_s
            if self._seen is not None:
                self._joules += (self._seen[1] + watts) / 2 * max(0.0, until_s - self._seen[0])
            self._seen = until_s, watts
        self._sampled_j = sampled.joules if sampled is not None else None
        return self._joules

    def shown_w(self) -> float | None:
        return self._seen[1] if self._seen is not None else None

    def close(self) -> None:
        if self._sampler is not None:
            self._sampler.close()


class GpuLoad(Gpu):
    """A board that tells neither energy nor power, as virtual ones do: watts from its load. A guess."""

    method = "modelled"
    group = "GPU model"

    def __init__(
        self, driver: Driver, handle: Any, board: Board, power_folder: Path | None, now: Callable[[], float]
    ) -> None:
        super().__init__(driver, handle, board, power_folder)
        self.group = "GPU model"
        memory = driver.ask("nvmlDeviceGetMemoryInfo", handle)
        self._load = Load(board.name, self.limit_w, getattr(memory, "total", 0) / 1e9)
        self.gain, self.source, self.notes = self._load.gain, self._load.source, self._load.notes
        self.max_w = 3 * self._load.tdp_w
        self._integral = Integral(now)
        self._utilisation(handle)  # where even this fails, it is no meter

    def _utilisation(self, handle: Any) -> float:
        return float(self._driver.nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100

    def read(self) -> float | None:
        watts = 0.0 if self.asleep() else self._load.watts(self._answer(self._utilisation))
        return self._integral.look(watts)


class Silent(Meter):
    """A board that is there and tells nothing: a run says that its joules are not in the total."""

    kind = "gpu"
    method = "counter"
    source = "NVML"
    gain = COUNTER_GAIN
    counted = False

    def __init__(self, name: str, why: str, may_be_used: bool) -> None:
        self.name = self.group = name
        self._why = why if may_be_used else ""

    def read(self) -> float | None:
        return None

    def unheard(self) -> str | None:
        return self._why


class Sleeping(Meter):
    """A GPU that was suspended when it was found: NVML, which would wake it, is opened once somebody else woke it."""

    kind = "gpu"
    method = "counter"
    source = "NVML energy counter"
    tick_s = DEFAULT_TICK_S
    gain = COUNTER_GAIN
    max_w = DEFAULT_MAX_W

    def __init__(self, number: int, power_folder: Path, wake: Callable[[], Meter | None]) -> None:
        self.name = self.group = f"GPU {number} NVIDIA"
        self._power_folder, self._wake = power_folder, wake
        self._awake: Meter | None = None
        self._before_j: float | None = None

    def asleep(self) -> bool:
        return suspended(self._power_folder)

    def read(self) -> float | None:
        if self._awake is None and not self.asleep():
            self._awake = self._wake()
        if self._awake is None:
            return 0.0
        joules = self._awake.read()
        if joules is None:
            return None
        if self._before_j is None:
            self._before_j = joules
            self.gain, self.limit_w, self.counted = self._awake.gain, self._awake.limit_w, self._awake.counted
            self.lag = self._awake.lag
        return joules - self._before_j

    def watts(self) -> float | None:
        return self._awake.watts() if self._awake is not None else None

    def past_w(self, since_s: float) -> Sequence[tuple[float, float]]:
        return self._awake.past_w(since_s) if self._awake is not None else ()

    def split(self, since: object, pids: Collection[int], allotted: float) -> Split:
        return self._awake.split(since, pids, allotted) if self._awake else Split(since, allotted, allotted)

    def shown_w(self) -> float | None:
        return self._awake.shown_w() if self._awake is not None else None

    def watch(self, counting: bool) -> None:
        if self._awake is not None:
            self._awake.watch(counting)

    def close(self) -> None:
        if self._awake is not None:
            self._awake.close()
