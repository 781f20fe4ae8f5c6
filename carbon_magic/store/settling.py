"""Runs whose process died in the midst of them: whoever writes next, and knows that it is gone, ends them in the file.

Readers see them as interrupted in any case, and ask each time whether the process lives; thousands would take a while.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from ..alive import Owner, is_alive, me
from .sqlite import SqliteStore, enter, plain_errors, select, transaction
from .sums import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from . import Store

MOST = 500
"""Each time a ledger is opened: an eighth of a second of a thread that no cell waits for."""
TOGETHER = 100
"""In one transaction: another kernel's write comes in between."""

Left = tuple[int, str, str, Owner, float]
"""seq, id, host, the process, and when it was heard of."""


def left_behind(store: Store) -> list[Left]:
    """Running runs whose process is known to be gone: it had this host, this boot and this namespace of numbers.

    Of a machine that cannot be asked nothing is known, so none of its runs is here.
    """
    alive = functools.cache(is_alive)
    found: list[Left] = []
    if isinstance(store, SqliteStore):
        sql = (
            "SELECT r.seq, r.id, r.host, f.boot_id, f.pid, f.pid_started, f.updated_at FROM figures f "
            "INDEXED BY figures_running JOIN runs r ON r.seq = f.seq WHERE f.state = 'running' AND f.boot_id = ?"
        )
        with contextlib.suppress(OSError), plain_errors(store.path):
            for seq, run_id, host, *process, updated_at in store.db.execute(sql, (me().boot_id,)):
                owner = Owner(*process)
                if alive(owner) is False:
                    found.append((seq, run_id, host, owner, updated_at))
                if len(found) >= MOST:
                    break
    return found


def settle(store: Store, left: Sequence[Left]) -> None:
    """Write them as interrupted, figures and times as they are.

    What is wrong with a file is met, and told, by who puts a run into it: here it is passed over.
    """
    if isinstance(store, SqliteStore):
        with contextlib.suppress(OSError), plain_errors(store.path):
            for first in range(0, len(left), TOGETHER):
                _settle(store, left[first : first + TOGETHER])


def _settle(store: SqliteStore, left: Sequence[Left]) -> None:
    with transaction(store.db):
        sums = Sums(store.db)
        for seq, run_id, host, owner, updated_at in left:
            going = store.db.execute("SELECT 1 FROM runs WHERE seq = ? AND state = 'running'", (seq,)).fetchone()
            for run in select(store.db, None, curves=False, only=[(run_id, host)]) if going else ():
                if run.state == "interrupted":  # its curve stays as it is in the file
                    enter(store.db, sums, run, owner, None, updated_at)
        sums.close()
