"""In a real kernel: the size of a tick as it leaves, what a %%carbon cell adds to a cell, memory and threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

from jupyter_client.manager import KernelManager

from .figure import Figure
from .fresh import Fresh

PATIENCE_S = 60
PAIRS = 30
LIVE = "%%carbon\nimport time\ntime.sleep(2.5)"
STATE = "from benchmarks import inside; print(inside.resident()['rss'], inside.threads_now())"


class Kernel:
    """A kernel and what comes out of it, byte by byte."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.seconds = 0.0
        """From the last cell's request to its being idle."""

    def run(self, code: str) -> list[tuple[int, dict[str, Any]]]:
        """Run a cell: every message it caused, with its size on the wire, signature and headers included."""
        began = time.perf_counter()
        ask = self._client.execute(code)
        channel, session = self._client.iopub_channel, self._client.session
        messages = []
        while channel.socket.poll(1000 * PATIENCE_S):
            frames = channel.socket.recv_multipart()
            message = session.deserialize(session.feed_identities(frames)[1])
            if message["parent_header"].get("msg_id") != ask:
                continue
            messages.append((sum(map(len, frames)), message))
            if message["content"].get("execution_state") == "idle":
                self.seconds = time.perf_counter() - began
                return messages
        raise TimeoutError(f"the kernel did not end this cell: {code}")

    def printed(self, code: str) -> list[float]:
        """The numbers that a cell prints."""
        found = [m["content"]["text"] for _, m in self.run(code) if m["msg_type"] == "stream"]
        return [float(word) for word in "".join(found).split()]


@contextmanager
def kernel(environment: Mapping[str, str]) -> Iterator[Kernel]:
    """A kernel, until the end of the `with`."""
    manager = KernelManager()
    manager.start_kernel(env=dict(environment))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE_S)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def measure(fresh: Fresh, on: Mapping[str, Mapping[str, str]]) -> Iterator[Figure]:
    """Figures as they come; `on` are the environments of simulated machines."""
    yield from _cells(fresh)
    for name in ("2 GPUs", "8 GPUs"):
        yield _tick(fresh, name, on[name])


def _cells(fresh: Fresh) -> Iterator[Figure]:
    """Empty cells with the magic and without, by turns."""
    with kernel(fresh.environment({})) as one:
        one.run("0")
        rss, threads = one.printed(STATE)
        one.run("%load_ext carbon_magic")
        one.run("%%carbon\n0")
        first = one.seconds
        time.sleep(0.5)
        after, _ = one.printed(STATE)
        more_s = []
        for _ in range(PAIRS):
            one.run("0")
            plain = one.seconds
            one.run("%%carbon\n0")
            more_s.append(one.seconds - plain)
        one.run(LIVE)
        time.sleep(0.5)
        _, left = one.printed(STATE)
    more = (after - rss) / 1e6
    yield Figure("resident memory more, kernel, before any widget", more, "MB", 25, note=f"bare {rss / 1e6:.0f} MB")
    yield Figure("threads more, kernel, idle after a live view", left - threads, "", 1)
    note = f"the first of all {1000 * first:.0f} ms, imports inside"
    yield Figure("empty %%carbon cell in a kernel, more than an empty cell", 1000 * median(more_s), "ms", note=note)


def _tick(fresh: Fresh, name: str, environment: Mapping[str, str]) -> Figure:
    """The largest message that carries a tick."""
    with kernel(fresh.environment(environment)) as one:
        one.run("%load_ext carbon_magic")
        messages = one.run(LIVE)
    now = [(size, m) for size, m in messages if "now" in m["content"].get("data", {}).get("state", {})]
    ticks = [(size, m) for size, m in now if m["msg_type"] == "comm_msg"]
    opened = [size for size, m in messages if m["msg_type"] == "comm_open"]
    largest, message = max(ticks, key=lambda tick: tick[0])
    devices = len(message["content"]["data"]["state"]["now"]["w"])
    model = f"the model that comes before them {max(opened) / 1000:.1f} kB"
    note = f"largest of {len(ticks)}, headers and signature included; {model}"
    return Figure(f"a tick on the wire, {name}, {devices} devices", largest / 1000, "kB", 1, note=note)
