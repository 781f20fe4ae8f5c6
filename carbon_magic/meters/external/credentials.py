"""Users and passwords of meters: from the environment or the system's keyring, shown nowhere."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping

VARIABLE = "CARBON_MAGIC_WALL_PASSWORD"
SERVICE = "carbon_magic wall"
"""Under which the keyring keeps a password, by the host's name as the user's."""


class Credentials:
    """A user and a password whose repr tells neither."""

    __slots__ = ("password", "user")

    def __init__(self, user: str, password: str) -> None:
        self.user, self.password = user, password

    def __repr__(self) -> str:
        return "<credentials>"


class Keys:
    """Where a host's credentials are looked for.

    CARBON_MAGIC_WALL_PASSWORD_<HOST> is a host's own. CARBON_MAGIC_WALL_PASSWORD is used where one meter is configured
    only: what opens a server's management must not be sent to a plug. The user stands before a colon ("admin:...").
    The keyring, which may take its time, is asked only after the device has asked for a password.
    """

    def __init__(self, host: str, only_one: bool, environ: Mapping[str, str]) -> None:
        own = f"{VARIABLE}_{re.sub(r'[^A-Z0-9]', '_', host.upper())}"
        self.told = _credentials(environ.get(own) or (environ.get(VARIABLE) if only_one else None))
        self._host = host
        self._looked = self.told is not None

    def unlock(self) -> bool:
        """Look into the keyring, once; whether there are credentials now that were not there before."""
        if self._looked:
            return False
        self._looked = True
        self.told = _credentials(_from_keyring(self._host))
        return self.told is not None


def _credentials(told: str | None) -> Credentials | None:
    if not told:
        return None
    user, colon, password = told.partition(":")
    return Credentials(user, password) if colon else Credentials("admin", told)


def _from_keyring(host: str) -> str | None:
    try:
        import keyring

        return keyring.get_password(SERVICE, host)
    except Exception:  # not installed, locked, or no keyring on this machine
        return None


def basic(credentials: Credentials) -> str:
    """An Authorization header that holds the password as it is: for TLS."""
    return "Basic " + b64encode(f"{credentials.user}:{credentials.password}".encode()).decode("ascii")


def digest(credentials: Credentials, challenge: str, method: str, path: str) -> str | None:
    """An Authorization header by RFC 7616 (MD5 or SHA-256, qop auth), which urllib has no SHA-256 for; else None."""
    import os
    from urllib.request import parse_http_list, parse_keqv_list

    told = parse_keqv_list(parse_http_list(challenge.partition(" ")[2]))
    algorithm = told.get("algorithm", "MD5")
    name = {"MD5": "md5", "SHA-256": "sha256"}.get(algorithm.upper())
    if name is None or not {"realm", "nonce"} <= told.keys():
        return None

    def hashed(*words: str) -> str:
        return hashlib.new(name, ":".join(words).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(credentials.user, told["realm"], credentials.password)
    question = hashed(method, path)
    once, count = os.urandom(8).hex(), "00000001"
    answer = hashed(secret, told["nonce"], count, once, "auth", question)
    cells = {"username": credentials.user, "realm": told["realm"], "nonce": told["nonce"], "uri": path}
    cells |= {"response": answer, "cnonce": once} | ({"opaque": told["opaque"]} if "opaque" in told else {})
    quoted = ", ".join(f'{key}="{_escaped(value)}"' for key, value in cells.items())
    return f"Digest {quoted}, qop=auth, nc={count}, algorithm={algorithm}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
