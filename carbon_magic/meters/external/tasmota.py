"""Tasmota plugs: Status 8 holds what the sensors say. https://tasmota.github.io/docs/Commands/#power-monitoring"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ranges import Range
from .address import Address
from .fetch import Client, NoAnswerError
from .figures import item, mapping, positive
from .sample import Sample

WHAT = "Tasmota plug"
COUNTS = True
PERIOD_S = 1.0
GAIN: Range = (0.95, 1.05)
"""As good as its owner's calibration against another meter, which Tasmota asks for; whole watts on many."""
J_PER_KWH = 3.6e6
REFUSED = "it does not take the password given"


class Protocol:
    """`Power` is watts now, `Total` kWh to a thousandth or so; lists on plugs with several sockets."""

    def __init__(self, address: Address) -> None:
        self._socket = int(address.options.get("id", "0"))

    def sample(self, client: Client) -> Sample:
        """Ask once. Raises NoAnswerError."""
        told = self._ask(client)
        if "password" in str(told.get("WARNING", "")):
            if client.secret is not None or not client.unlock():
                raise NoAnswerError("it asks for a password" if client.secret is None else REFUSED)
            told = self._ask(client)
        energy = mapping(mapping(told.get("StatusSNS")).get("ENERGY"))
        counted = positive(item(energy.get("Total"), self._socket))
        watts = positive(item(energy.get("Power"), self._socket))
        return Sample(watts, None if counted is None else counted * J_PER_KWH)

    @staticmethod
    def _ask(client: Client) -> Mapping[str, Any]:
        secret = client.secret
        if secret is None:
            return mapping(client.get("/cm?cmnd=Status%208"))
        # In a form, not in the address: addresses end in logs. Tasmota has no other way than in the clear.
        form = {"cmnd": "Status 8", "user": secret.user, "password": secret.password}
        return mapping(client.get("/cm", form))
