"""A Prometheus server as a meter: what it measures is known when one of its metrics has answered."""

from __future__ import annotations

from collections.abc import Callable

from . import prometheus
from .address import Address
from .fetch import Client
from .wall_meter import WallMeter

NAME = "Prometheus"


class PrometheusMeter(WallMeter):
    """At the wall where a power supply is behind it, else beside the devices it holds; never added."""

    def __init__(self, address: Address, client: Client, node: str, now: Callable[[], float]) -> None:
        query = address.options.get("query", "")
        unit = address.options.get("unit") or prometheus.unit_of(query) or ""
        self._asks = prometheus.Protocol(address, node)
        super().__init__(
            address.options.get("name") or NAME, NAME, self._asks, client, period_s=prometheus.PERIOD_S,
            tick_s=prometheus.SCRAPE_S, counts=prometheus.counts(unit), gain=prometheus.GAIN, now=now,
        )  # fmt: skip
        known = prometheus.metric_in(query)
        if known is not None:
            self._is(known)

    def _learned(self) -> None:
        if self._asks.metric is not None:
            self._is(self._asks.metric)

    def _is(self, metric: prometheus.Metric) -> None:
        self.source = f"{NAME}: {metric.what}"
        self.scope = "wall" if metric.wall else "device"
        self.method = "counter" if prometheus.counts(metric.unit) else "polled"
