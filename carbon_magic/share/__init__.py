"""Which part of the machine's joules is this notebook's: an estimate, beside what was measured.

tree.py      CPU-seconds of this process and of all that it started, those that ended too
peers.py     the other notebooks on this host that count as well
split.py     slice by slice, the parts of work and idling; in the end a Share
"""

from __future__ import annotations

from .split import Splitter, Witness

__all__ = ["Splitter", "Witness"]
