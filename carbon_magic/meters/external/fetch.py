"""JSON from a device on the network: briefly, quietly, and nothing that is secret told to anybody else.

The standard library's client, not httpx: that one logs every address it asks at a level that notebooks show, takes
150 ms of the interpreter to import beside a cell that is being measured, and cannot say when a whole answer must be
there. Proxies are not used and redirections are not followed: a plug is where it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .address import Address
from .credentials import Credentials, Keys, basic, digest

if TYPE_CHECKING:
    import http.client
    import ssl

TIMEOUT_S = 2.0
"""For connecting, and for each part of an answer: a plug takes 10 to 100 ms, a BMC up to a second."""
DEADLINE_S = 5.0
"""For a whole answer."""
LARGEST = 1 << 20


class NoAnswerError(Exception):
    """Why a device did not answer, as a clause for people; holds no address and no secret."""


class Client:
    """A connection kept open to one device. Not for several threads at once."""

    def __init__(self, address: Address, keys: Keys) -> None:
        self._address = address
        self._keys = keys
        self._connection: http.client.HTTPConnection | None = None
        self._challenge: str | None = None
        self._context: ssl.SSLContext | None = None

    def get(self, path: str, form: Mapping[str, str] | None = None) -> Any:
        """The JSON at a path, or the answer to a form. Raises NoAnswerError."""
        try:
            return self._ask(path, form)
        except NoAnswerError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise NoAnswerError(_clause(error)) from None

    def close(self) -> None:
        """Let go of the connection; the next get() opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def secret(self) -> Credentials | None:
        """For a protocol that has them in its form."""
        return self._keys.told

    def unlock(self) -> bool:
        """The device asks for a password: whether another one was found to try."""
        return self._keys.unlock()

    def _ask(self, path: str, form: Mapping[str, str] | None) -> Any:
        challenged = self._challenge is not None
        status, body = self._send(path, form)
        if status == 401 and (self.unlock() or (self._keys.told and not challenged) or self._stale()):
            status, body = self._send(path, form)
        if status in (401, 403):
            raise NoAnswerError(self._refused())
        if status != 200:
            raise NoAnswerError(f"it answers with HTTP {status}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise NoAnswerError("its answer is not JSON") from None

    def _stale(self) -> bool:
        """Whether the answer that was refused used up an old challenge: a device gives out new ones now and then."""
        return self._keys.told is not None and "digest" in (self._challenge or "").lower()

    def _refused(self) -> str:
        if self._keys.told is None:
            return "it asks for a password"
        if self._authorization("GET", "/") is None:
            return "it asks for a password, which is not sent without TLS"
        return "it does not take the password given"

    def _send(self, path: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
        until_s = time.monotonic() + DEADLINE_S
        reused = self._connection is not None
        try:
            response = self._request(path, form)
        except (ConnectionError, OSError) as error:
            if not reused or isinstance(error, TimeoutError):
                raise
            self.close()  # a device may hang up between two questions
            response = self._request(path, form)
        body = b""
        while len(body) < LARGEST and (part := response.read1(1 << 16)):
            body += part
            if time.monotonic() > until_s:
                raise TimeoutError
        if response.status == 401:
            self._challenge = response.getheader("WWW-Authenticate")
        if not response.isclosed() or response.will_close:
            self.close()
        return response.status, body

    def _request(self, path: str, form: Mapping[str, str] | None) -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = self._connect()
        method = "GET" if form is None else "POST"
        headers = {"Accept": "application/json"}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        allowed = self._authorization(method, path)
        if allowed:
            headers["Authorization"] = allowed
        self._connection.request(method, path, body, headers)
        return self._connection.getresponse()

    def _authorization(self, method: str, path: str) -> str | None:
        told = self._keys.told
        if told is None:
            return None
        if self._challenge and self._challenge.lower().startswith("digest"):
            return digest(told, self._challenge, method, path)
        # In the clear only where nobody else can listen, or where TLS hides it.
        return basic(told) if self._address.tls or self._address.loopback else None

    def _connect(self) -> http.client.HTTPConnection:
        import http.client

        if not self._address.tls:
            return http.client.HTTPConnection(self._address.host, self._address.port, timeout=TIMEOUT_S)
        if self._context is None:
            import ssl

            self._context = ssl.create_default_context(cafile=self._address.options.get("ca") or None)
        return http.client.HTTPSConnection(
            self._address.host, self._address.port, timeout=TIMEOUT_S, context=self._context
        )


def _clause(error: Exception) -> str:
    """What went wrong, without the words of the error: those may repeat what was sent."""
    import socket
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted (?ca=FILE names the authority that signed it)"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(error, socket.gaierror):
        return "its name is not known on this network"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at its address"
    if isinstance(error, FileNotFoundError):
        return "the file that ?ca= names is not there"
    if isinstance(error, ssl.SSLError):
        return "it speaks no TLS that can be trusted"
    return f"the connection broke ({type(error).__name__})"
