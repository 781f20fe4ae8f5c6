"""A Prometheus server that scrapes an exporter of energy on this machine: Kepler, Scaphandre, CEEMS, DCGM, or a query.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...ranges import Range
from .address import UNITS, Address
from .fetch import Client, NoAnswerError
from .figures import items, mapping, positive
from .sample import Sample

PERIOD_S = 5.0
"""Exporters are scraped every 15 to 60 s: asking more often than this tells nothing new."""
SCRAPE_S = 15.0
GAIN: Range = (0.9, 1.1)
"""Whatever stands behind the exporter, a management controller or RAPL."""


class Metric(NamedTuple):
    """A metric of a known exporter."""

    name: str
    unit: str
    wall: bool
    """Whether it holds the power supply and the board; the others hold processors or GPUs only."""
    what: str
    reduce: str = "sum"


METRICS = (
    Metric("kepler_platform_watts", "W", True, "server's power supplies (Kepler, Redfish)", "max"),
    Metric("ceems_redfish_power_current_watts", "W", True, "server's power supplies (CEEMS, Redfish)", "max"),
    Metric("ceems_redfish_current_watts", "W", True, "server's power supplies (CEEMS, Redfish)", "max"),
    Metric("ceems_ipmi_dcmi_power_current_watts", "W", True, "server's power supplies (CEEMS, IPMI)", "max"),
    Metric("ceems_ipmi_dcmi_current_watts", "W", True, "server's power supplies (CEEMS, IPMI)", "max"),
    Metric("ceems_cray_pm_counters_power_watts", "W", True, "node (CEEMS, Cray)", "max"),
    Metric("kepler_node_platform_joules_total", "J", True, "platform (Kepler before 0.10)"),
    Metric("scaph_host_energy_microjoules", "uJ", False, "host (Scaphandre, RAPL)"),
    Metric("scaph_host_power_microwatts", "uW", False, "host (Scaphandre, RAPL)"),
    Metric('kepler_node_cpu_joules_total{zone="package"}', "J", False, "processors (Kepler, RAPL)"),
    Metric("kepler_node_package_joules_total", "J", False, "processors (Kepler before 0.10, RAPL)"),
    Metric("ceems_rapl_package_joules_total", "J", False, "processors (CEEMS, RAPL)"),
    Metric("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "mJ", False, "GPUs (DCGM exporter)"),
    Metric("DCGM_FI_DEV_POWER_USAGE", "W", False, "GPUs (DCGM exporter)"),
)
"""The first of these that the server has for this machine is taken: what stands nearest to the wall comes first."""
_SUFFIX = re.compile(r"_(micro|milli|kilo)?(joules|watts|watt_hours)(?:_total)?\b")
_PREFIXES = {None: "", "micro": "u", "milli": "m", "kilo": "k"}


class Protocol:
    """One query, sent as a form. `metric` is the known one that answered, None for a query of the user's own."""

    def __init__(self, address: Address, node: str) -> None:
        self._path = f"{address.path}/api/v1/query"
        self._query = address.options.get("query", "")
        self._unit = address.options.get("unit") or unit_of(self._query) or ""
        self._node = node
        self.metric: Metric | None = None

    def sample(self, client: Client) -> Sample:
        """Ask once. Raises NoAnswerError."""
        if not self._query:
            self._find(client)
        value = self._value(client, self._query)
        if value is None:
            raise NoAnswerError("its query has no result now")
        figure = value * UNITS[self._unit]
        return Sample(joules=figure) if counts(self._unit) else Sample(watts=figure)

    def _find(self, client: Client) -> None:
        """The first known metric that is there for this machine."""
        for metric in METRICS:
            query = query_for(metric, self._node)
            if self._value(client, query) is not None:
                self.metric, self._query, self._unit = metric, query, metric.unit
                return
        raise NoAnswerError("it knows no metric of this machine's energy (?query= names one)")

    def _value(self, client: Client, query: str) -> float | None:
        data = mapping(mapping(client.get(self._path, {"query": query})).get("data"))
        result = items(data.get("result"))
        if data.get("resultType") == "scalar":
            return positive(result[1]) if len(result) == 2 else None
        if len(result) > 1:
            raise NoAnswerError(f"its query has {len(result)} results: sum(...) makes one of them")
        values = items(mapping(result[0]).get("value")) if result else []
        return positive(values[1]) if len(values) == 2 else None


def query_for(metric: Metric, node: str) -> str:
    """The metric of one machine, however its exporter labels it."""
    name, _, labels = metric.name.partition("{")
    more = f",{labels.removesuffix('}')}" if labels else ""
    plain = re.escape(node).replace("\\", "\\\\")
    quoted = node.replace("\\", "\\\\").replace('"', '\\"')
    by = (f'instance=~"{plain}([.:].*)?"', f'node_name="{quoted}"', f'hostname="{quoted}"', f'Hostname="{quoted}"')
    return f"{metric.reduce}({' or '.join(f'{name}{{{label}{more}}}' for label in by)})"


def unit_of(query: str) -> str | None:
    """The unit that a query's metric names, by the known ones and by Prometheus' rule that a name ends with it."""
    known = metric_in(query)
    if known is not None:
        return known.unit
    match = _SUFFIX.search(query)
    if match is None:
        return None
    unit = {"joules": "J", "watts": "W", "watt_hours": "Wh"}[match[2]]
    found = _PREFIXES[match[1]] + unit
    return found if found in UNITS else None


def counts(unit: str) -> bool:
    """Whether a unit is of energy, so that its figure is a counter's."""
    return unit.endswith(("J", "Wh"))


def metric_in(query: str) -> Metric | None:
    """The known metric that a query names."""
    return next((metric for metric in METRICS if metric.name.partition("{")[0] in query), None)
