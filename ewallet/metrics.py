"""What a service counts about itself, for Prometheus: by route, and never by what was asked."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Counts and times the answers of one process by route, not by address: addresses hold identifiers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        self._requests = Counter("ewallet_requests", "Requests answered", (*labels, "status"), registry=self.registry)
        self._seconds = Histogram("ewallet_request_seconds", "Time to answer", labels, registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; what has no route is one thing, whatever it was."""
        known = (method, route) if route else ("", "")
        self._requests.labels(*known, str(status)).inc()
        self._seconds.labels(*known).observe(seconds)
