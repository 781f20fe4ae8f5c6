"""The meters that the setting `wall` names. Its imports are paid where there are any."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence

from ..meter import Meter
from ..site import Found, Missing, Site
from . import credentials, redfish, shelly, tasmota
from .address import Address, addresses
from .fetch import Client
from .prometheus_meter import PrometheusMeter
from .wall_meter import WallMeter

NAME = "At the wall"


def find(text: str, site: Site) -> Found:
    """One meter each. None is asked yet: that is done when they are first read."""
    try:
        found = addresses(text)
    except ValueError as error:
        return Found((), (Missing(NAME, str(error), "correct c.CarbonMagic.wall, or CARBON_MAGIC_WALL"),))
    return Found([_meter(one, n, found, site) for n, one in enumerate(found)])


def _meter(address: Address, n: int, every: Sequence[Address], site: Site) -> Meter:
    only = len(every) == 1
    client = Client(address, credentials.Keys(address.host, only, site.environ))
    name = address.options.get("name") or (NAME if only else f"{NAME} {n + 1}")
    if address.kind == "prometheus":
        return PrometheusMeter(address, client, _node(site.environ), site.now)
    module = {"shelly": shelly, "tasmota": tasmota, "redfish": redfish}[address.kind]
    return WallMeter(
        name, module.WHAT, module.Protocol(address), client, period_s=module.PERIOD_S,
        tick_s=module.PERIOD_S, counts=module.COUNTS, gain=module.GAIN, now=site.now,
    )  # fmt: skip


def _node(environ: Mapping[str, str]) -> str:
    """This machine's name as a cluster knows it: the node's, where a pod is told, else its own without a domain."""
    name = environ.get("NODE_NAME") or (os.uname().nodename if hasattr(os, "uname") else platform.node())
    return name.partition(".")[0] if not environ.get("NODE_NAME") else name
