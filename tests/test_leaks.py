"""A thousand cells, with everything that a cell has: the ledger, the live view, the report."""

import json

import pytest
from kernels import kernel

CELLS = 1000
BEFORE = 300
"""Caches, and what grows with the first cells: the curve of the allocator, the ledger's file handles."""
SETUP = """
%load_ext carbon_magic
import gc, json, os, sys, time
import carbon_magic.screen, carbon_magic.widgets.live
from carbon_magic import process
from ipywidgets.widgets.widget import _instances
carbon_magic.screen.PATIENCE_S = 0.0  # each cell has a view, however short it is
carbon_magic.widgets.live.LOADING_S = 0.0  # which is closed at the cell's end: no page is there that would say it has it
get_ipython().kernel.iopub_thread._event_pipe_gc_seconds = 0.1
views = []
made = carbon_magic.widgets.live.LiveView.__init__
def counted(self, *how):
    made(self, *how)
    views.append(None)
carbon_magic.widgets.live.LiveView.__init__ = counted
CELL = "%%carbon -n many\\n[run] = process.current().tracker.active\\nwhile not run.listeners: time.sleep(0.001)"
def cells(times):
    for _ in range(times):
        get_ipython().run_cell(CELL)
    now = process.current()
    assert now.pump.flush(60)
    kept = len(now.runs)
    now.runs.clear()  # the session keeps its runs: that is no leak
    pipes, end = get_ipython().kernel.iopub_thread._event_pipes, time.monotonic() + 60
    while not all(t.is_alive() and t.name != "carbon_magic view" for t in pipes) and time.monotonic() < end:
        time.sleep(0.01)  # the kernel has a pipe for each thread that ever sent something, and looks for dead ones now and then
    time.sleep(0.2)
    known = len(carbon_magic.ledger().runs())
    gc.collect()
    return {
        "runs": kept, "views": len(views), "files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")), "widgets": len(_instances), "comms": len(get_ipython().kernel.comm_manager.comms),
        "blocks": sys.getallocatedblocks(), "ledger": known,
    }
"""


@pytest.mark.kernel
def test_a_thousand_cells_leave_no_file_thread_view_or_memory():
    with kernel(CARBON_MAGIC_PLACE="FR") as live:
        live.run(SETUP)

        def cells(times):
            _, outputs = live.run(f"print(json.dumps(cells({times})))")
            [told] = [c["text"] for k, c in outputs if k == "stream" and c["text"].startswith("{")]
            return json.loads(told)

        before = cells(BEFORE)
        after = cells(CELLS - BEFORE)
    assert after["runs"] == CELLS - BEFORE
    assert after["ledger"] == after["views"] == CELLS
    for what in ("files", "threads", "widgets", "comms"):
        assert after[what] <= before[what], (what, before, after)
    # The pump knows the last thousand that ended, SQLite the last two hundred questions: no more than that grows.
    assert after["blocks"] - before["blocks"] < 3 * (CELLS - BEFORE), (before, after)
