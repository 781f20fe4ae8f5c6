"""Where a meter answers: a URL as people write it into the setting `wall`, checked without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

KINDS = {
    "shelly": (False, {"id", "name"}),
    "tasmota": (False, {"id", "name"}),
    "redfish": (True, {"ca", "name"}),
    "prometheus": (False, {"query", "unit", "ca", "name"}),
}
"""By scheme: whether it is https where not said otherwise, and what may follow a "?"."""
UNITS = {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "Wh": 3600.0, "kWh": 3.6e6}
MOST = 8
"""Meters of one machine: more are a mistake in the setting."""


@dataclass(frozen=True, slots=True)
class Address:
    """One meter's. Holds no secret: a URL with one is refused."""

    kind: str
    host: str
    port: int
    tls: bool
    path: str
    options: Mapping[str, str]

    @property
    def netloc(self) -> str:
        """Host and port, as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it never leaves this machine."""
        return self.host == "localhost" or self.host == "::1" or bool(re.match(r"127(\.\d+){3}$", self.host))


def addresses(text: str) -> tuple[Address, ...]:
    """The addresses in a list with commas. ValueError in a sentence that repeats no more than a scheme or a key."""
    # A query may hold commas of its own: a new URL begins where a scheme follows.
    parts = [part.strip() for part in re.split(r",\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)", text)]
    found = tuple(address(part) for part in parts if part)
    if len(found) > MOST:
        raise ValueError(f"more than {MOST} meters for one machine")
    return found


def address(url: str) -> Address:
    """One URL. ValueError in a sentence."""
    shown = "shelly://HOST, tasmota://HOST, redfish://HOST or prometheus://HOST:9090"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"a meter's address is like {shown}") from None
    kind, _, transport = parts.scheme.partition("+")
    if kind not in KINDS or transport not in ("", "http", "https") or not host:
        raise ValueError(f"a meter's address is like {shown}")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError("a password does not belong into an address, which is shown: see CARBON_MAGIC_WALL_PASSWORD")
    https, allowed = KINDS[kind]
    tls = transport == "https" or (https and not transport)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    odd = sorted(options.keys() - allowed)
    if odd:
        raise ValueError(f"{kind}:// knows {', '.join(sorted(allowed))} after the question mark, not {odd[0][:20]!r}")
    _check(kind, options)
    default = 9090 if kind == "prometheus" and not transport else 443 if tls else 80
    return Address(kind, host, port or default, tls, parts.path.rstrip("/"), options)


def _check(kind: str, options: Mapping[str, str]) -> None:
    if "id" in options and not re.fullmatch(r"\d{1,3}", options["id"]):
        raise ValueError(f"the id of a {kind} socket is a number")
    if "unit" in options and options["unit"] not in UNITS:
        raise ValueError(f"a unit is one of {', '.join(UNITS)}")
    if kind == "prometheus" and "query" in options:
        from .prometheus import unit_of

        if "unit" not in options and unit_of(options["query"]) is None:
            raise ValueError("the query's name does not tell its unit: add &unit=W (watts) or &unit=J (joules so far)")
