"""A real kernel, driven through its own protocol."""

from __future__ import annotations

import os
import queue
import re
import time
from contextlib import contextmanager

from jupyter_client.manager import KernelManager

PATIENCE_S = 60


class Kernel:
    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, code, interrupt_when=None, silent=False):
        """The reply and all outputs of a cell; `interrupt_when(message)` says at which message to press stop."""
        ask = self.client.execute(code, silent=silent, store_history=not silent)
        outputs, deadline = [], time.monotonic() + PATIENCE_S
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                assert time.monotonic() < deadline, f"the cell did not end: {outputs[-3:]}"
                continue
            if message["parent_header"].get("msg_id") != ask:
                continue
            outputs.append((message["msg_type"], message["content"]))
            if interrupt_when is not None and interrupt_when(message):
                self.manager.interrupt_kernel()
                interrupt_when = None
            if message["content"].get("execution_state") == "idle":
                break
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == ask:
                return reply["content"], outputs

    def value(self, expression):
        """What an expression is in the kernel, by its repr."""
        content = self.client.execute_interactive(
            "", user_expressions={"x": expression}, store_history=False, output_hook=lambda m: None
        )
        answer = content["content"]["user_expressions"]["x"]
        assert answer["status"] == "ok", answer
        return answer["data"]["text/plain"]


@contextmanager
def kernel(**environment):
    manager = KernelManager()
    manager.start_kernel(env={**os.environ, **environment})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=PATIENCE_S)
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def kinds(outputs):
    return [kind for kind, _ in outputs]


def ours(content):
    """Whether an output is a report or a placeholder of carbon_magic."""
    return "carbon-" in content.get("data", {}).get("text/html", "")


def shown(outputs):
    """What a cell shows, apart from our own output: streams joined, tracebacks without colours and addresses."""
    result = []
    for kind, content in outputs:
        if kind == "stream":
            if result and result[-1][:2] == ("stream", content["name"]):
                result[-1] = ("stream", content["name"], result[-1][2] + content["text"])
            else:
                result.append(("stream", content["name"], content["text"]))
        elif kind in ("execute_result", "display_data", "update_display_data") and not ours(content):
            result.append((kind, content["data"].get("text/plain", "")))
        elif kind == "error":
            result.append((kind, content["ename"], content["evalue"], _plain("\n".join(content["traceback"]))))
        elif kind == "clear_output":
            result.append((kind, content["wait"]))
    return result


def _plain(text):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return re.sub(r"0x[0-9a-f]+", "0x", text)
