"""Figures for Prometheus: requests, how long they take, who waits, and which generation is served."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from api.queue import Lane

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # where several processes put their figures together
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """The figures of one process; `render` puts those of all processes together."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry: CollectorRegistry = CollectorRegistry()
        own = self._registry
        self._requests = Counter(
            "lectern_requests", "Requests by route and status", ["route", "status"], registry=own
        )
        self._seconds = Histogram(
            "lectern_request_seconds",
            "Seconds from request to last byte",
            ["route"],
            buckets=_BUCKETS,
            registry=own,
        )
        self._abstained = Counter("lectern_abstained", "Answers that the documents do not give", registry=own)
        self._left = Counter("lectern_clients_left", "Clients that left before their reply", registry=own)
        self._running = Gauge(
            "lectern_running", "Calls on a worker", ["lane"], multiprocess_mode="livesum", registry=own
        )
        self._waiting = Gauge(
            "lectern_waiting", "Calls in the queue", ["lane"], multiprocess_mode="livesum", registry=own
        )
        self._number = Gauge(
            "lectern_generation_number",
            "Publishes of the index so far",
            multiprocess_mode="livemax",
            registry=own,
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one request that has ended."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def abstained(self) -> None:
        """Count one refusal to answer."""
        self._abstained.inc()

    def left(self) -> None:
        """Count one client that did not wait."""
        self._left.inc()

    def lanes(self, **lanes: Lane) -> None:
        """Note how full the queues are now."""
        for name, lane in lanes.items():
            self._running.labels(name).set(lane.running)
            self._waiting.labels(name).set(lane.waiting)

    def render(self, generation_number: int) -> bytes:
        """All figures in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        self._number.set(generation_number)
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def forget(process: int, folder: str) -> None:
    """Take out of the shared `folder` what a process that died said of itself; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
