"""Meters on the network: smart plugs, a server's management controller, a Prometheus server. Asked only if configured.

They are the only figures that hold the power supply and the board, so they stand beside the devices' and are never
added. A protocol is one file, with a Protocol and what it knows of its accuracy, and one line each in address.KINDS and
in configured.py.
"""

from __future__ import annotations

from ..site import Found, Missing, Site

VARIABLE = "CARBON_MAGIC_WALL"
NONE = "none is configured; a smart plug or a server's own is the only figure that holds board and power supply"


def find(site: Site) -> Found:
    """The meters that the setting `wall` names, which whoever looks for meters has put into the environment."""
    text = site.environ.get(VARIABLE, "")
    if not text.strip():
        return Found((), (Missing("A meter at the wall", NONE, '%config CarbonMagic.wall = "shelly://HOST"'),))
    from . import configured

    return configured.find(text, site)
