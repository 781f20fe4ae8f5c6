"""Simulated hardware with known truth: RAPL as a powercap tree, GPUs as an NVML library.

with machine.gpu_box() as simulated:
    subprocess.run([...], env=os.environ | simulated.environment)
    simulated.joules("gpu0", t0, t1)
"""

from __future__ import annotations

from machine.clock import InjectedClock, RealClock
from machine.faults import Fault
from machine.files import FileTree
from machine.live import LiveTree
from machine.nvml import Gpu, Process
from machine.powercap import Zone
from machine.presets import eight_gpus, gpu_box, laptop, server
from machine.simulated import SimulatedMachine
from machine.truth import Trace, bursts, ramp, square, steady, step

__all__ = [
    "Fault",
    "FileTree",
    "Gpu",
    "InjectedClock",
    "LiveTree",
    "Process",
    "RealClock",
    "SimulatedMachine",
    "Trace",
    "Zone",
    "bursts",
    "eight_gpus",
    "gpu_box",
    "laptop",
    "ramp",
    "server",
    "square",
    "steady",
    "step",
]
