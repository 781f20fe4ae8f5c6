"""The simulated machine, which is the tests'."""

from __future__ import annotations

import sys

from .fresh import ROOT

sys.path.insert(0, str(ROOT / "tests"))

import machine
from machine import hwmon
from machine.sysfs import SysTree

__all__ = ["SysTree", "hwmon", "machine"]
