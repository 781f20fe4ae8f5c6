"""A server on loopback that speaks as the live services are documented to, and misbehaves as servers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Request(NamedTuple):
    """What was asked."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]


class Answer(NamedTuple):
    """What to say; `body` as JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    trouble: str = ""
    """ "hang": say nothing; "drip": a byte now and then; "drip headers": the same before the body; "hang up"."""


Say = Callable[[Request], Answer] | Answer


class Server:
    """`says` maps the beginning of a path to an answer, or to a function that makes one; the longest match counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.says: dict[str, Say] = {}
        self.asked: list[Request] = []
        self.over = threading.Event()

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        matching = [path for path in self.says if request.path.startswith(path)]
        if not matching:
            return Answer({"error": "unknown path"}, 404)
        say = self.says[max(matching, key=len)]
        return say if isinstance(say, Answer) else say(request)


def after(*answers: Answer) -> Callable[[Request], Answer]:
    """One answer after the other, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serve() -> Iterator[Server]:
    """A server for the time of a test."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            request = Request(parts.path, dict(parse_qsl(parts.query)), {k.lower(): v for k, v in self.headers.items()})
            answer = server.answer(request)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self._send(answer, body)
            except OSError:
                return  # the client has gone, as it should

        def _send(self, answer: Answer, body: bytes) -> None:
            if answer.trouble == "hang":
                server.over.wait(30)
                return
            if answer.trouble == "hang up":
                return
            if answer.trouble == "drip headers":
                for byte in b"HTTP/1.0 200 OK\r\n" + b"X-Padding: " + b"x" * 10000:
                    self.wfile.write(bytes([byte]))
                    if server.over.wait(0.02):
                        return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.trouble == "drip":
                for byte in body + b" " * 10000:
                    self.wfile.write(bytes([byte]))
                    if server.over.wait(0.02):
                        return
            self.wfile.write(body)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        http.shutdown()
        http.server_close()
        thread.join(5)
