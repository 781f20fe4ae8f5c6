"""Boards as their hwmon and power_supply folders show them, with known truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.faults import Fault, active, tick

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from machine.sysfs import Content, SysTree
    from machine.truth import Trace

CLASS = "class/hwmon"
BATTERIES = "class/power_supply"


def _micro(value: Callable[[float], float], faults: Sequence[Fault] = ()) -> Callable[[float], Content]:
    """A file in micro-units that fails as its faults say."""

    def content(t: float) -> Content:
        if active(faults, "vanish", t):
            return None
        if active(faults, "io_error", t):
            return 5
        return f"{round(value(t) * 1e6)}\n"

    return content


def power_meter(
    tree: SysTree, n: int, oem: str, trace: Trace, window_s: float = 0.05, faults: Sequence[Fault] = ()
) -> None:
    """An ACPI power meter: the mean of the last window, brought up to date once a window."""

    def watts(t: float) -> float:
        end = tick(t, window_s, 0.0)
        return trace.joules(end - window_s, end) / window_s

    tree.put(f"{CLASS}/hwmon{n}/name", "power_meter\n")
    tree.put(f"{CLASS}/hwmon{n}/device/power1_oem_info", f"{oem}\n")
    tree.put(f"{CLASS}/hwmon{n}/device/power1_average_interval", f"{round(window_s * 1000)}\n")
    tree.put(f"{CLASS}/hwmon{n}/device/power1_average", _micro(watts, faults))


def grace_hopper(tree: SysTree, grace: Trace, gpu: Trace) -> None:
    """A GH200: the module holds the socket and the GPU, the socket holds the cores, the rest of the chip and the DRAM."""
    for n, (what, trace) in enumerate(
        [("Module", grace + gpu), ("Grace", grace), ("CPU", grace * 0.5), ("SysIO", grace * 0.1)]
    ):
        power_meter(tree, n, f"{what} Power Socket 0", trace)


def ina3221(tree: SysTree, n: int, rails: dict[str, Trace], volts: float = 5.0) -> None:
    """Three rails at most; a label of "NC" is a channel that is not connected."""
    folder = f"{CLASS}/hwmon{n}"
    tree.put(f"{folder}/name", "ina3221\n")
    for i, (label, trace) in enumerate(rails.items(), 1):
        tree.put(f"{folder}/in{i}_label", f"{label}\n")
        tree.put(f"{folder}/in{i}_input", f"{round(volts * 1000)}\n")
        tree.put(f"{folder}/curr{i}_input", lambda t, w=trace: f"{round(w.watts(t) / volts * 1000)}\n")
    tree.put(f"{folder}/in7_label", "sum of shunt voltages\n")
    tree.put(f"{folder}/in7_input", "760\n")


def energy(
    tree: SysTree, n: int, driver: str, inputs: dict[int, tuple[str | None, Trace]], start_j: float = 77.0
) -> None:
    """energyN_input with its label, if any."""
    tree.put(f"{CLASS}/hwmon{n}/name", f"{driver}\n")
    for i, (label, trace) in inputs.items():
        if label is not None:
            tree.put(f"{CLASS}/hwmon{n}/energy{i}_label", f"{label}\n")
        tree.put(
            f"{CLASS}/hwmon{n}/energy{i}_input", _micro(lambda t, w=trace: start_j + w.joules(0, tick(t, 0.001, 0.0)))
        )


def pci(tree: SysTree, n: int, address: str, status: str = "active") -> None:
    """The PCI device that a hwmon folder belongs to."""
    tree.put(f"devices/pci/{address}/power/runtime_status", f"{status}\n")
    link = tree.root / f"{CLASS}/hwmon{n}/device"
    link.symlink_to(tree.root / f"devices/pci/{address}")


def battery(
    tree: SysTree,
    name: str,
    trace: Trace,
    discharging: Callable[[float], bool] = lambda t: True,
    *,
    by_current: bool = False,
    sign: int = 1,
    scope: str | None = None,
) -> None:
    """A battery whose gauge tells power, or voltage and current."""
    folder = f"{BATTERIES}/{name}"
    tree.put(f"{folder}/type", "Battery\n")
    tree.put(f"{folder}/status", lambda t: "Discharging\n" if discharging(t) else "Not charging\n")
    if scope:
        tree.put(f"{folder}/scope", f"{scope}\n")
    if by_current:
        tree.put(f"{folder}/voltage_now", "12000000\n")
        tree.put(f"{folder}/current_now", _micro(lambda t: sign * trace.watts(t) / 12))
    else:
        tree.put(f"{folder}/power_now", _micro(lambda t: sign * trace.watts(t)))
