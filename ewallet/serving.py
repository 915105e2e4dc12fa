"""Runs an ASGI application of ours on uvicorn, with what uvicorn leaves out: a deadline for the head of a request.

Nothing of a request is logged: addresses hold identifiers.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ewallet.asgi import Application
from ewallet.errors import UsageError

_HEAD: Final = 10.0  # seconds for the head of a request, from the connection or its first byte
_BACKLOG: Final = 1024
_IDLE: Final = 5  # seconds a connection may be kept open without a request


class _Protocol(H11Protocol):
    """Closes connections on which no whole head comes in time, however slowly it drips."""

    deadline = _HEAD
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._idle:
            self._watch()
        else:
            self._unwatch()

    @property
    def _idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _watch(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.deadline, self._give_up)

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self._idle:
            self.transport.abort()


@dataclass(frozen=True, kw_only=True)
class Tls:
    """The files of a certificate chain and its key, PEM."""

    chain: Path
    key: Path


def listening(host: str, port: int) -> socket:
    """A socket that is bound to that address, 0 for any free port; ``usage.configuration``."""
    try:
        return _bound(host, port)
    except OSError as exc:
        reason = (exc.strerror or "no reason given").lower()
        raise UsageError("usage.configuration", f"cannot listen on {host}:{port}: {reason}") from None


def _bound(host: str, port: int) -> socket:
    import socket as sockets

    family, *_, address = sockets.getaddrinfo(host, port, type=sockets.SOCK_STREAM)[0]
    # The protocol is named, for asyncio leaves Nagle's algorithm on where it is not: 40 ms in each answer.
    bound = sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
    try:
        bound.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def serve(app: Application, bound: socket, *, tls: Tls | None = None) -> None:
    """Answer until the process is told to end (SIGTERM, SIGINT), and return."""
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: None)  # uvicorn raises it once more when it is done
    try:
        _server(app, tls).run(sockets=[bound])
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def served(app: Application, bound: socket, *, tls: Tls | None = None) -> Iterator[None]:
    """Answer from another thread while the block runs."""
    server = _server(app, tls)
    ready = threading.Event()
    thread = threading.Thread(target=_run, args=(server, bound, ready), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _run(server: uvicorn.Server, bound: socket, ready: threading.Event) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(ready.set)  # the socket listens already: what comes early waits
        await server.serve(sockets=[bound])

    asyncio.run(main())


def _server(app: Application, tls: Tls | None) -> uvicorn.Server:
    files: dict[str, Any] = {"ssl_certfile": tls.chain, "ssl_keyfile": tls.key} if tls else {}
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        access_log=False,
        log_level="error",  # strangers write its warnings, one for each thing they send
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=10,
        **files,
    )
    return uvicorn.Server(config)
