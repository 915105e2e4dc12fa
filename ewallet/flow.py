"""Protocol conversations without I/O: a flow yields requests and is sent responses; a driver does the rest.

A flow is an ordinary generator. The same one runs synchronously, asynchronously, against an in-process
application, or against a list of canned responses::

    def fetch(url: str) -> Flow[bytes]:
        response = yield Request("GET", url)
        return response.body

    body = run(fetch("https://issuer.example/status/1"), Http())
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ewallet.errors import Malformed, TransportError

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One HTTP request: ``limit`` is the largest body, in bytes, that the flow is willing to read.

    ``signed`` says that what comes is signed and no secret, so that plain http will do.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    limit: int = 1 << 20
    signed: bool = False


@dataclass(frozen=True)
class Response:
    """One HTTP response; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Flow = Generator[Request, Response, T]
Send = Callable[[Request], Response]
AsyncSend = Callable[[Request], Awaitable[Response]]


def run(flow: Flow[T], send: Send) -> T:
    """The flow's result, each request sent with ``send``; what ``send`` refuses is raised inside the flow."""
    try:
        request = next(flow)
        while True:
            try:
                response = send(request)
            except (TransportError, Malformed) as exc:
                request = flow.throw(exc)
            else:
                request = flow.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def arun(flow: Flow[T], send: AsyncSend) -> T:
    """As :func:`run`, awaited."""
    try:
        request = next(flow)
        while True:
            try:
                response = await send(request)
            except (TransportError, Malformed) as exc:
                request = flow.throw(exc)
            else:
                request = flow.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


def offline(request: Request) -> Response:
    """A ``send`` that refuses: nothing leaves this machine."""
    raise TransportError("fetch.unavailable", f"offline, {request.method} not sent")
