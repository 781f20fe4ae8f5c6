"""The boards that an open driver shows, each with the best meter it offers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ..meter import Meter
from ..site import Found, Missing, Site
from .boards import Gpu, GpuCounter, GpuLoad, GpuWatts, Silent, Sleeping
from .driver import WHAT, Driver, power_folders, suspended
from .sampler import Sampler
from .visible import Board, visible

_DOUBT = (
    "which GPUs CUDA_VISIBLE_DEVICES means is a guess: CUDA counts boards of different kinds from the fastest; "
    "CUDA_DEVICE_ORDER=PCI_BUS_ID or UUIDs leave no doubt"
)
_UNCOUNTED = "it is not in the total"


def asleep(site: Site, folders: list[Path]) -> Found:
    """Boards that are all suspended: opening the driver would wake them, so that waits until somebody else does."""
    return Found([Sleeping(i, folder, Woken(site, i)) for i, folder in enumerate(folders)])


def open_driver(site: Site) -> Found:
    """All boards of a driver that is there; those that are suspended sleep on.

    Opening NVML initialises no board, asking for its handle does: by its number perhaps others too, by its PCI address
    itself alone (NVML manual, nvmlInit_v2 and nvmlDeviceGetHandleBy...).
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
    except Exception as error:  # whatever a driver answers, there is no GPU to measure
        return Found((), _not_open(error))
    driver = Driver(pynvml, site.now)
    folders = power_folders(site.sys)
    # A container may show more boards in its sysfs than it may use; without doubt only where the numbers agree.
    sleeping = {i: folder for i, folder in enumerate(folders) if len(folders) == count and suspended(folder)}
    handles = [_handle(driver, index, folders, sleeping) for index in range(count)]
    boards = [
        _board(driver, handle, i) if i not in sleeping else Board(i, "NVIDIA", "", sleeping[i].parent.name)
        for i, handle in enumerate(handles)
        if handle is not None or i in sleeping
    ]
    meters: list[Meter] = [
        Silent(f"GPU {index}", f"the driver gives no handle to it, as if it had fallen off the bus: {_UNCOUNTED}", True)
        for index, handle in enumerate(handles)
        if handle is None and index not in sleeping
    ]
    may, sure = visible(site.environ, boards)
    sampler = Sampler(driver.library)
    for board in boards:
        if board.number in sleeping:
            meters.append(Sleeping(board.number, sleeping[board.number], Woken(site, board.number)))
            meters[-1].counted = board.number in may
            continue
        meter = _meter(driver, handles[board.number], board, site, sampler)
        if meter is None:
            why = f"it tells neither energy nor power nor load: {_UNCOUNTED}"
            meters.append(Silent(f"GPU {board.number} {board.name}", why, board.number in may))
            continue
        meter.counted = board.number in may
        if board.mig:
            shared = f"{len(board.mig)} instances share it" if len(board.mig) > 1 else "one instance has it"
            meter.notes = (*meter.notes, f"MIG: the energy is the whole board's, {shared}")
        if not sure:
            meter.notes = (*meter.notes, _DOUBT)
        meters.append(meter)
    return Found(meters)


def _handle(driver: Driver, index: int, folders: Sequence[Path], sleeping: Collection[int]) -> Any | None:
    if not sleeping:
        return driver.ask("nvmlDeviceGetHandleByIndex", index)
    if index in sleeping:
        return None
    return driver.ask("nvmlDeviceGetHandleByPciBusId", folders[index].parent.name.encode())


def _not_open(error: Exception) -> list[Missing]:
    code = getattr(error, "value", None)
    if isinstance(error, ImportError):
        return [Missing(WHAT, "the module pynvml is not installed", "pip install nvidia-ml-py", "gpu")]
    if code == 9:
        return [Missing(WHAT, "the driver is not loaded", "sudo modprobe nvidia", "gpu")]
    if code == 18:
        return [Missing(WHAT, "driver and library are of different versions: the driver was updated", "sudo reboot")]
    if code == 4:
        step = "let this user read and write /dev/nvidiactl and /dev/nvidia0, or start the container with its GPUs"
        return [Missing(WHAT, "the device files may not be opened", step, "gpu")]
    return []


def _meter(driver: Driver, handle: Any, board: Board, site: Site, sampler: Sampler) -> Gpu | None:
    """The best that this board offers; None where it offers nothing."""
    folder = _power_folder(board.pci, site.sys)
    try:
        driver.energy_j(handle)
        return GpuCounter(driver, handle, board, folder)
    except Exception as error:
        if getattr(error, "value", None) in (15, 999):  # lost, or in trouble just now: it has a counter all the same
            return GpuCounter(driver, handle, board, folder)
    try:
        return GpuWatts(driver, handle, board, folder, site.now, sampler)
    except Exception:
        try:
            return GpuLoad(driver, handle, board, folder, site.now)
        except Exception:
            return None


def _board(driver: Driver, handle: Any, index: int) -> Board:
    bus = getattr(driver.ask("nvmlDeviceGetPciInfo", handle), "busId", b"")
    cores = driver.ask("nvmlDeviceGetNumGpuCores", handle) or 0
    clock = driver.ask("nvmlDeviceGetMaxClockInfo", handle, 1) or 0  # NVML_CLOCK_SM
    mode = driver.ask("nvmlDeviceGetMigMode", handle)
    return Board(
        index,
        driver.text("nvmlDeviceGetName", handle) or "NVIDIA",
        driver.text("nvmlDeviceGetUUID", handle) or "",
        bus.decode() if isinstance(bus, bytes) else bus,
        float(cores * clock),
        _instances(driver, handle) if mode and mode[0] else (),
    )


def _instances(driver: Driver, handle: Any) -> tuple[str, ...]:
    most = driver.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
    found = [driver.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, i) for i in range(most)]
    return tuple(driver.text("nvmlDeviceGetUUID", each) or "" for each in found if each is not None)


def _power_folder(pci: str, sys_folder: Path) -> Path | None:
    # NVML's domain has 8 digits, Linux' has 4.
    folder = sys_folder / "bus/pci/devices" / pci.lower()[-12:] / "power"
    return folder if pci and folder.is_dir() else None


class Woken:
    """Opens NVML for a GPU that somebody woke, and finds its meter."""

    def __init__(self, site: Site, number: int) -> None:
        self._site, self._number = site, number

    def __call__(self) -> Meter | None:
        return next((m for m in open_driver(self._site).meters if m.name.startswith(f"GPU {self._number} ")), None)
