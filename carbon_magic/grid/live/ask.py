"""One question to a service: short timeouts, few and polite repetitions, a deadline for all of it, and no surprises.

httpx, as its connections verify certificates, honour the system's proxies, and its `trace` lets a deadline cut off a
server that sends a byte now and then, which no timeout between bytes ever does.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...forks import no_fork
from .error import LiveError

if TYPE_CHECKING:
    from .key import Key

CONNECT_S, READ_S = 3.0, 5.0
TRY_S = 8.0
"""For one try, however slowly its bytes come."""
ALL_S = 20.0
"""For all tries and the waits between them."""
WAITS_S = (0.5, 1.5)
"""Before the second and the third try."""
LARGEST = 4 << 20
"""Bytes of an answer: a day in steps of five minutes takes a hundredth of it."""
AGENT = "carbon_magic"

_STATUS = {
    401: "does not accept the key",
    403: "does not allow this key what was asked for",
    404: "knows nothing of this zone or time",
    429: "asks for fewer questions",
}


class _AgainError(Exception):
    """Worth another try, after `wait_s` where the server said so."""

    def __init__(self, sentence: str, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


class Ask:
    """Asks one service; `key` goes into the headers that the service makes of it."""

    def __init__(
        self,
        title: str,
        key: Key | None = None,
        sleep: Callable[[float], object] = time.sleep,
        all_s: float = ALL_S,
        try_s: float = TRY_S,
    ) -> None:
        self.title = title
        self.key = key
        self._sleep = sleep
        self._try_s = try_s
        self._ends_s = time.monotonic() + all_s

    def json(self, url: str, params: Mapping[str, str], headers: Callable[[], Mapping[str, str]] = dict) -> Any:
        """The answer to a GET. LiveError in a sentence for everything else that can come."""
        sentence = "did not answer"
        for wait_s in (*WAITS_S, None):
            try:
                return self._once(url, params, headers)
            except _AgainError as again:
                sentence = str(again)
                pause_s = again.wait_s if again.wait_s is not None else wait_s
                if wait_s is None or pause_s is None or time.monotonic() + pause_s >= self._ends_s:
                    raise LiveError(f"{self.title} {sentence}", again.wait_s) from None
            self._sleep(pause_s)
        raise LiveError(f"{self.title} {sentence}")

    def _once(self, url: str, params: Mapping[str, str], headers: Callable[[], Mapping[str, str]]) -> Any:
        try:
            with no_fork:
                import httpx
        except ImportError:
            raise LiveError("live figures need httpx: pip install 'carbon_magic[live]'") from None
        _mute()
        left_s = min(self._try_s, self._ends_s - time.monotonic())
        if left_s <= 0:
            raise _AgainError(f"did not answer within {ALL_S:.0f} s")
        with _Deadline(left_s) as deadline, _ours:
            try:
                timeout = httpx.Timeout(min(READ_S, left_s), connect=min(CONNECT_S, left_s))
                with (
                    httpx.Client(timeout=timeout, follow_redirects=False) as client,
                    client.stream(
                        "GET",
                        url,
                        params=dict(params),
                        headers={"User-Agent": AGENT, "Accept": "application/json", **headers()},
                        extensions={"trace": deadline.trace},
                    ) as response,
                ):
                    self._look(response.status_code, response.headers.get("retry-after", ""))
                    body = bytearray()
                    for piece in response.iter_bytes():
                        body += piece
                        if len(body) > LARGEST:
                            raise LiveError(f"{self.title} answers with more than {LARGEST >> 20} MB")
                    if deadline.over:  # what it cut off looks like an answer that has ended
                        raise _AgainError("answers too slowly")
            except httpx.TimeoutException:
                raise _AgainError("did not answer in time") from None
            except httpx.HTTPError:
                raise _AgainError("answers too slowly" if deadline.over else "cannot be reached") from None
            except (httpx.InvalidURL, ValueError, ImportError):
                raise LiveError(f"{self.title} cannot be asked: see to the proxy in the environment") from None
        try:
            return json.loads(bytes(body))
        except (ValueError, RecursionError):
            raise LiveError(f"{self.title} answers with something that is no JSON") from None

    def _look(self, status: int, retry_after: str) -> None:
        if status == 200:
            return
        if 300 <= status < 400:
            # The key would go along to wherever it points.
            raise LiveError(f"{self.title} answers with a redirect, which is not followed")
        if status == 429 or status == 503:
            raise _AgainError(_STATUS.get(status, f"has trouble of its own (HTTP {status})"), _seconds(retry_after))
        if status >= 500:
            raise _AgainError(f"has trouble of its own (HTTP {status})")
        raise LiveError(f"{self.title} {_STATUS.get(status, f'refuses the question (HTTP {status})')}")


class _Ours(threading.local):
    """Whether this thread is asking a question of ours just now."""

    asking = False

    def __enter__(self) -> None:
        self.asking = True

    def __exit__(self, *_: object) -> None:
        self.asking = False

    def filter(self, record: object) -> bool:
        """Nothing is printed but the result: httpx tells each request to whoever logs at INFO, into any cell."""
        return not self.asking


_ours = _Ours()


def _mute() -> None:
    """Our requests and nobody else's; asked twice, a logger takes a filter once."""
    for name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
        logging.getLogger(name).addFilter(_ours.filter)


class _Deadline:
    """Cuts a connection at a moment, whatever it is doing: shutdown() wakes a read, and its number stays taken."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hears of each new connection, and of its TLS."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete", "proxy.start_tls.complete"):
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                self._sockets.append(found)
                if self.over:
                    self._cut()

    def _cut(self) -> None:
        self.over = True
        for connection in self._sockets:
            try:
                # The plain one's: an SSLSocket's own would take its TLS away under the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds or as a date; None where it says nothing."""
    if retry_after.strip().isdigit():
        return min(float(retry_after[:9]), 86400.0)
    from email.utils import parsedate_to_datetime

    try:
        return min(max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time()), 86400.0)
    except (ValueError, TypeError, OverflowError):
        return None
