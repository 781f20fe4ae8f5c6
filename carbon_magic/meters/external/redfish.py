"""Servers' management controllers by Redfish: EnvironmentMetrics (2021 on), or Power before it.

DMTF DSP0268: EnvironmentMetrics.PowerWatts.Reading, .EnergykWh.Reading; Power.PowerControl[0].PowerConsumedWatts.
"""

from __future__ import annotations

from ...ranges import Range
from .address import Address
from .fetch import Client, NoAnswerError
from .figures import items, mapping, positive
from .sample import Sample

WHAT = "server's power supplies (Redfish)"
COUNTS = False
PERIOD_S = 2.0
GAIN: Range = (0.93, 1.07)
"""Power supplies report within 2 to 5 % at load and worse at rest (PMBus parts' data sheets); how long a controller
averages is told by none."""
_ROOT = "/redfish/v1/Chassis"


class Protocol:
    """The first chassis that tells its power; its address is kept."""

    def __init__(self, address: Address) -> None:
        self._path = address.path

    def sample(self, client: Client) -> Sample:
        """Ask once. Raises NoAnswerError."""
        if self._path:
            return _sample(client.get(self._path))
        for path in _sources(client):
            sample = _sample(client.get(path))
            if sample.watts is not None:
                self._path = path
                return sample
        raise NoAnswerError("no chassis of it tells its power")


def _sources(client: Client) -> list[str]:
    """Where power may be told, the newer resource of each chassis before the older."""
    found = []
    for member in items(mapping(client.get(_ROOT)).get("Members")):
        path = mapping(member).get("@odata.id")
        if not isinstance(path, str) or not path.startswith("/"):
            continue
        chassis = mapping(client.get(path))
        links = [mapping(chassis.get(name)).get("@odata.id") for name in ("EnvironmentMetrics", "Power")]
        found += [link for link in links if isinstance(link, str) and link.startswith("/")]
    return found


def _sample(told: object) -> Sample:
    resource = mapping(told)
    watts = positive(mapping(resource.get("PowerWatts")).get("Reading"))
    if watts is None:
        controls = items(resource.get("PowerControl"))
        watts = positive(mapping(controls[0]).get("PowerConsumedWatts")) if controls else None
    return Sample(watts)
