"""A network in memory: a :data:`ewallet.flow.Send` that routes by address and remembers what was sent."""

from __future__ import annotations

from ewallet.errors import TransportError
from ewallet.flow import Request, Response, Send


class Network:
    """Hosts by the beginning of their addresses; where there is none, the connection is refused.

    >>> network = Network()
    >>> network.route("https://host.example/", lambda request: Response(200, {}, b"here"))
    >>> network(Request("GET", "https://host.example/a")).body
    b'here'
    >>> [request.url for request in network.requests]
    ['https://host.example/a']
    """

    def __init__(self) -> None:
        self._hosts: dict[str, Send] = {}
        self.requests: list[Request] = []

    def route(self, prefix: str, host: Send) -> None:
        """Let a host answer for the addresses that begin so, in place of one that did; the longest prefix wins."""
        self._hosts[prefix] = host

    def __call__(self, request: Request) -> Response:
        """The host's answer; ``fetch.unavailable`` where nobody answers."""
        self.requests.append(request)
        for prefix in sorted(self._hosts, key=len, reverse=True):
            if request.url.startswith(prefix):
                return self._hosts[prefix](request)
        raise TransportError("fetch.unavailable", "connection refused")
