"""Shelly plugs and relays of the second generation and later.

https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Switch#status
"""

from __future__ import annotations

from ...ranges import Range
from .address import Address
from .fetch import Client
from .figures import mapping, positive
from .sample import Sample

WHAT = "Shelly plug"
COUNTS = True
PERIOD_S = 1.0
GAIN: Range = (0.97, 1.03)
"""Its metering chips are calibrated to about 1 %; at a few watts, and with old supplies' crooked currents, more."""
J_PER_WH = 3600.0


class Protocol:
    """`apower` is watts now, `aenergy.total` Wh since the plug was made or reset, to a thousandth."""

    def __init__(self, address: Address) -> None:
        self._path = f"/rpc/Switch.GetStatus?id={address.options.get('id', '0')}"

    def sample(self, client: Client) -> Sample:
        """Ask once. Raises NoAnswerError."""
        status = mapping(client.get(self._path))
        counted = positive(mapping(status.get("aenergy")).get("total"))
        return Sample(positive(status.get("apower")), None if counted is None else counted * J_PER_WH)
