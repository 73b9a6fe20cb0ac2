"""What this node counts of its own work: for Prometheus, and for the charts of the dashboard.

Promises: no label names a person, an account, a chat or a session; a label's values are few, and known from the code.
Every method may be called from any thread, and costs microseconds.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from threading import Lock

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Meters:
    """The counters of one node, from its start on. `gauges` is replaced by whoever knows what stands now."""

    def __init__(self, version: str) -> None:
        self._registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self._registry)
        prometheus.GCCollector(registry=self._registry)
        info = prometheus.Info("teleflow", "The running program", registry=self._registry)
        info.info({"version": version})
        self._requests = self._timed(
            "teleflow_http_request_duration_seconds",
            "From a request's head to the last byte of its answer",
            _REQUESTS,
            "method",
            "route",
        )
        # Statuses apart from durations: a histogram for each of them would be a megabyte.
        self._answers = prometheus.Counter(
            "teleflow_http_requests",
            "Requests by how they were answered",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._sends = self._timed(
            "teleflow_send_duration_seconds", "From accepting a send to its outcome", _LAGS, "outcome"
        )
        self._event_lag = self._timed(
            "teleflow_event_lag_seconds", "From receiving updates of Telegram to their events in the log", _LAGS
        )
        self._delivery_lag = self._timed(
            "teleflow_delivery_lag_seconds", "From an event in the log to its delivery at a webhook's first try", _LAGS
        )
        self._database = self._timed(
            "teleflow_database_duration_seconds",
            "One unit of work of the database, waiting for it included",
            _SHORT,
            "kind",
        )
        self._loop_lag = self._timed("teleflow_event_loop_lag_seconds", "How late the event loop came round", _SHORT)
        self._flood_waits = prometheus.Counter(
            "teleflow_flood_waits",
            "Waits that Telegram asked for",
            ["method"],
            registry=self._registry,
        )
        self._flood_seconds = prometheus.Counter(
            "teleflow_flood_wait_seconds", "Seconds of them", ["method"], registry=self._registry
        )
        self._deliveries = prometheus.Counter(
            "teleflow_webhook_attempts", "Attempts to deliver", ["outcome"], registry=self._registry
        )
        self._standing = _Standing()
        self._registry.register(self._standing)
        self._totals: Counter[str] = Counter()
        self._worst_lag = 0.0
        self._lock = Lock()

    def _timed(self, name: str, documentation: str, buckets: tuple[float, ...], *labels: str) -> prometheus.Histogram:
        return prometheus.Histogram(name, documentation, labels, buckets=buckets, registry=self._registry)

    # -- what happens -------------------------------------------------------------------------------------

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the path as it is declared, never as it was asked for."""
        self._requests.labels(method, route).observe(seconds)
        self._answers.labels(method, route, str(status)).inc()
        self._count(requests=1, requests_failed=status >= 500)

    def send(self, outcome: str, seconds: float) -> None:
        """`outcome`: sent, failed or cancelled."""
        self._sends.labels(outcome).observe(max(0.0, seconds))
        self._count(sends=outcome == "sent", sends_failed=outcome == "failed")

    def flood_wait(self, method: str, seconds: float) -> None:
        self._flood_waits.labels(method).inc()
        self._flood_seconds.labels(method).inc(max(0.0, seconds))
        self._count(flood_waits=1)

    def events(self, seconds: float) -> None:
        """Updates of Telegram that came so long ago are in the log now."""
        self._event_lag.observe(max(0.0, seconds))

    def attempt(self, outcome: str, *, lag: float | None = None) -> None:
        """An attempt at a webhook: delivered or failed. `lag` in seconds, of a first attempt that was taken."""
        self._deliveries.labels(outcome).inc()
        self._count(delivered=outcome == "delivered", delivery_failed=outcome == "failed")
        if lag is not None:
            self._delivery_lag.observe(max(0.0, lag))
            self._count(lags=1, lag_ms=round(max(0.0, lag) * 1000))

    def database(self, kind: str, seconds: float) -> None:
        """`kind`: read or write."""
        self._database.labels(kind).observe(seconds)

    def loop_late(self, seconds: float) -> None:
        self._loop_lag.observe(seconds)
        with self._lock:
            self._worst_lag = max(self._worst_lag, seconds)

    def _count(self, **more: int) -> None:
        with self._lock:
            self._totals.update(more)

    # -- what is told -------------------------------------------------------------------------------------

    def totals(self) -> dict[str, int]:
        """Since the start: what charts are drawn of."""
        with self._lock:
            return dict(self._totals)

    def worst_loop_lag(self) -> float:
        """Seconds, since this was last asked."""
        with self._lock:
            worst, self._worst_lag = self._worst_lag, 0.0
        return worst

    def exposed(
        self, accept: str, *, sessions: Mapping[str, int], events: int | None, gauges: Mapping[str, float]
    ) -> tuple[bytes, str]:
        """All of it and its media type, as `accept` asks. `sessions` by state; `events`: appended to all logs so far,
        None when that can't be known now; `gauges` by name.
        """
        self._standing.sessions, self._standing.events, self._standing.gauges = sessions, events, gauges
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class _Standing:
    """What is not counted as it happens, but asked for when somebody looks."""

    def __init__(self) -> None:
        self.sessions: Mapping[str, int] = {}
        self.events: int | None = None
        self.gauges: Mapping[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("teleflow_sessions", "Sessions by state", labels=["state"])
        for state, number in self.sessions.items():
            states.add_metric([state], number)
        yield states
        if self.events is not None:
            yield CounterMetricFamily("teleflow_events_logged", "Events that were put into the log", value=self.events)
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(f"teleflow_{name}", _GAUGES[name], value=value)


_GAUGES = {
    "up": "1 while everything that the service needs answers, else 0",
    "sends_under_way": "Sends that this node has taken and not seen to their end",
    "webhook_attempts_under_way": "Attempts to deliver that are being made",
    "streams_open": "Streams of events that are open at this node",
}
