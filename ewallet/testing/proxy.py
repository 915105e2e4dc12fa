"""A way to a service on this machine on which requests and answers are lost, cut, slowed down or doubled.

:class:`Proxy` carries HTTP requests one at a time on a connection; it changes nothing but what it is told to::

    with closing(Proxy(port)) as proxy:
        proxy.once("/token", Fault.LOSE)     # the service answers, and nobody hears it
        proxy.always("/status", Fault.STALL)
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from enum import Enum
from threading import Event, Lock, Thread
from typing import Final

_HEAD: Final = b"\r\n\r\n"
_PATIENCE: Final = 60.0  # seconds; whoever waits longer has hung


class Fault(Enum):
    """What becomes of a request and its answer."""

    NONE = "carried as it is"
    REFUSE = "the connection is reset at once"
    CUT = "half of the request reaches the service, and the connection is reset"
    LOSE = "the service answers, the answer is lost and the connection reset"
    TRUNCATE = "half of the answer arrives, and the connection is reset"
    STALL = "nothing ever comes back, and the connection stays open"
    DRIP = "the answer comes ten bytes a second"
    DOUBLE = "the service gets the request twice; the second answer arrives"


class Proxy:
    """Listens at ``port`` of this machine and passes on to another; ``seen`` are the first lines of requests."""

    def __init__(self, target: int, *, port: int = 0) -> None:
        self.target = target
        self.seen: list[str] = []
        self._once: list[tuple[str, Fault]] = []
        self._always: list[tuple[str, Fault]] = []
        self._closing = Event()
        self._lock = Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def once(self, path: str, fault: Fault) -> None:
        """Let the next request to an address that begins so suffer that."""
        with self._lock:
            self._once.append((path, fault))

    def always(self, path: str, fault: Fault) -> None:
        """Let every request to such an address suffer that, until :meth:`calm`."""
        with self._lock:
            self._always.append((path, fault))

    def calm(self) -> None:
        """Carry everything as it is again."""
        with self._lock:
            self._once.clear()
            self._always.clear()

    @property
    def suffered(self) -> bool:
        """Whether every fault that was to happen once has happened."""
        with self._lock:
            return not self._once

    def close(self) -> None:
        """Stop listening, and let go of those who wait."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    # -- inside ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(_PATIENCE)
            request = _whole(connection)
            fault = self._fault(request)
            if fault is Fault.STALL:
                self._closing.wait(_PATIENCE)
            if fault in {Fault.REFUSE, Fault.STALL}:
                _reset(connection)
                return
            self._answer(connection, request, fault)

    def _fault(self, request: bytes) -> Fault:
        line = request.partition(b"\r\n")[0].decode("latin-1")
        path = [*line.split(" "), ""][1]
        with self._lock:
            self.seen.append(line)
            for index, (prefix, fault) in enumerate(self._once):
                if path.startswith(prefix):
                    del self._once[index]
                    return fault
            return next((fault for prefix, fault in self._always if path.startswith(prefix)), Fault.NONE)

    def _answer(self, connection: socket.socket, request: bytes, fault: Fault) -> None:
        if fault is Fault.CUT:
            self._asked(request[: len(request) // 2], cut=True)
            _reset(connection)
            return
        if fault is Fault.DOUBLE:
            self._asked(request)
        answer = self._asked(request)
        if fault is Fault.DRIP:
            self._drip(connection, answer)
        elif fault is Fault.LOSE:
            _reset(connection)
        elif fault is Fault.TRUNCATE:
            connection.sendall(answer[: len(answer) // 2])
            _reset(connection)
        else:
            connection.sendall(answer)

    def _asked(self, request: bytes, *, cut: bool = False) -> bytes:
        """The whole answer of the service; nothing to half a request."""
        with socket.create_connection(("127.0.0.1", self.target), timeout=_PATIENCE) as service:
            service.sendall(request)
            if cut:
                time.sleep(0.05)  # so that it arrives before the end does
                _reset(service)
                return b""
            return _rest(service)

    def _drip(self, connection: socket.socket, answer: bytes) -> None:
        for place in range(len(answer)):
            connection.sendall(answer[place : place + 1])
            if self._closing.wait(0.1):
                return


def _whole(connection: socket.socket) -> bytes:
    """A request to its end, as its length says, with the wish that the connection is closed after it."""
    received = b""
    while _HEAD not in received:
        received += _more(connection)
    head, _, body = received.partition(_HEAD)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    lengths = [line.partition(b":")[2] for line in lines if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += _more(connection)
    return b"\r\n".join([*lines, b"connection: close"]) + _HEAD + body


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65_536)
    if not piece:
        raise ConnectionResetError
    return piece


def _rest(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def _reset(connection: socket.socket) -> None:
    """Closed with a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
