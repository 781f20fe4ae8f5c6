"""Meters on the network as small HTTP servers on loopback, whose true power is known: plugs, Redfish, Prometheus."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.truth import Trace


class Plug:
    """One server. `gain` is what it reads instead of 1; `resolution_j` what its counter is cut to.

    `fault` may be set at any time: "slow" (answers after `delay_s`), "drip" (a byte now and then), "hang up", "500",
    "nonsense" (JSON that is none), "shape" (JSON of another kind), "nan", "reset" (its counter starts again from 0),
    "redirect".
    """

    def __init__(
        self, kind: str, trace: Trace, *, gain: float = 1.0, resolution_j: float = 0.0, start_j: float = 5e6,
        password: str | None = None, metrics: tuple[str, ...] = (), clock: Callable[[], float] = time.monotonic,
        tls: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.kind, self.trace, self.gain = kind, trace, gain
        self.resolution_j, self.start_j, self.password, self.metrics = resolution_j, start_j, password, metrics
        self.clock = clock
        self.tls = tls
        """Files of a certificate and its key: then it speaks https."""
        self.fault = ""
        self.delay_s = 0.0
        self.asked: list[str] = []
        """Each question: its method, path and form."""
        self.headers: list[dict[str, str]] = []
        self.origin = clock()
        self._reset_at = 0.0

    @property
    def url(self) -> str:
        transport = "+https" if self.tls else "+http" if self.kind in ("redfish", "prometheus") else ""
        return f"{self.kind}{transport}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def joules(self, t0: float, t1: float) -> float:
        """The truth between two times of the clock."""
        return self.trace.joules(t0 - self.origin, t1 - self.origin)

    def counter_j(self) -> float:
        """What the counter says now."""
        now = self.clock() - self.origin
        counted = self.start_j * (self._reset_at == 0.0) + self.gain * self.trace.joules(self._reset_at, now)
        return math.floor(counted / self.resolution_j) * self.resolution_j if self.resolution_j else counted

    def watts(self) -> float:
        return self.gain * self.trace.watts(self.clock() - self.origin)

    def reset(self) -> None:
        """The counter starts again from 0."""
        self._reset_at = self.clock() - self.origin

    def __enter__(self) -> Plug:
        plug = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                plug.answer(self, {})

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                form = parse_qs(self.rfile.read(length).decode())
                plug.answer(self, {name: values[0] for name, values in form.items()})

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            import ssl

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()} | form
        self.asked.append(f"{handler.command} {handler.path} {form}")
        self.headers.append(dict(handler.headers))
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.fault == "hang up":
            handler.close_connection = True
            return None
        if self.fault == "500":
            return self._send(handler, b"oops", 500)
        if self.fault == "redirect":
            return self._send(handler, b"", 302, {"Location": "http://127.0.0.1:1/"})
        if self.fault == "nonsense":
            return self._send(handler, b"<html>no JSON")
        if self.fault == "shape":
            return self._send(handler, b'[{"apower": []}]')
        if self.password is not None and not self._allowed(handler, query):
            return self._refuse(handler)
        body = json.dumps(self._body(parts.path, query)).encode()
        if self.fault == "nan":
            body = b'{"apower": NaN, "aenergy": {"total": -Infinity}}'
        if self.fault == "drip":
            return self._drip(handler, body)
        return self._send(handler, body)

    def _body(self, path: str, query: dict[str, str]) -> Any:
        if self.kind == "shelly":
            wh = round(self.counter_j() / 3600, 3)
            return {"id": 0, "output": True, "apower": round(self.watts(), 1), "voltage": 230.1,
                    "aenergy": {"total": wh, "by_minute": [0, 0, 0], "minute_ts": 1}}  # fmt: skip
        if self.kind == "tasmota":
            energy = {"Total": round(self.counter_j() / 3.6e6, 3), "Power": round(self.watts()), "Voltage": 230}
            return {"StatusSNS": {"Time": "2026-11-25T10:00:00", "ENERGY": energy}}
        if self.kind == "redfish":
            return self._redfish(path)
        return self._prometheus(query.get("query", ""))

    def _redfish(self, path: str) -> Any:
        chassis = "/redfish/v1/Chassis/1"
        if path == "/redfish/v1/Chassis":
            return {"Members": [{"@odata.id": "/redfish/v1/Chassis/empty"}, {"@odata.id": chassis}]}
        if path == chassis:
            link = "EnvironmentMetrics" if "new" in self.metrics else "Power"
            return {link: {"@odata.id": f"{chassis}/{link}"}}
        if path == f"{chassis}/EnvironmentMetrics":
            return {"PowerWatts": {"Reading": round(self.watts(), 1)}}
        if path == f"{chassis}/Power":
            return {"PowerControl": [{"PowerConsumedWatts": round(self.watts())}, {"PowerConsumedWatts": 1}]}
        return {}

    def _prometheus(self, query: str) -> Any:
        result = []
        for metric in self.metrics:
            if metric.partition("{")[0] in query:
                watts = "watts" in metric or "POWER" in metric
                scale = 1e6 if "micro" in metric else 1e3 if "DCGM_FI_DEV_TOTAL" in metric else 1.0
                figure = (self.watts() if watts else self.counter_j()) * scale
                result.append({"metric": {}, "value": [1.0, str(figure)]})
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    def _allowed(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> bool:
        if self.kind == "tasmota":
            return query.get("user") == "admin" and query.get("password") == self.password
        told = handler.headers.get("Authorization", "")
        if self.kind != "shelly":
            import base64

            return told == "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()
        if not told.startswith("Digest "):
            return False
        d = parse_keqv_list(parse_http_list(told[7:]))

        def h(text: str) -> str:
            return hashlib.sha256(text.encode()).hexdigest()

        secret, question = h(f"admin:shelly1:{self.password}"), h(f"{handler.command}:{handler.path}")
        return d["response"] == h(f"{secret}:{d['nonce']}:{d['nc']}:{d['cnonce']}:{d['qop']}:{question}")

    def _refuse(self, handler: BaseHTTPRequestHandler) -> None:
        if self.kind == "tasmota":
            return self._send(handler, b'{"WARNING":"Need user=<username>&password=<password>"}')
        asks = 'Digest qop="auth", realm="shelly1", nonce="1700000000", algorithm=SHA-256'
        return self._send(handler, b"{}", 401, {"WWW-Authenticate": asks if self.kind == "shelly" else "Basic"})

    @staticmethod
    def _send(
        handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    @staticmethod
    def _drip(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            try:
                handler.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(0.1)
