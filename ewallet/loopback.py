"""A stand-in for BLE and NFC on one machine: whole messages over a TCP connection to this machine itself.

Each message is preceded by its length, four bytes, big-endian. It shows how an app carries the bytes of
:mod:`ewallet.proximity`; it is no transport of ISO/IEC 18013-5, and leads nowhere but to this machine.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

from ewallet.errors import TransportError, UsageError
from ewallet.shape import refuse

_LENGTH: Final = 4
_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}

Address = tuple[str, int]


def address(text: str) -> Address:
    """HOST:PORT, the host an address of this machine; ``usage.argument``."""
    host, colon, port = text.rpartition(":")
    try:
        found = ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        found = None
    if not colon or not found or not found.is_loopback or not (port.isascii() and port.isdigit()):
        raise UsageError("usage.argument", "not HOST:PORT of this machine, such as 127.0.0.1:8040")
    if not 0 < int(port) <= 0xFFFF:
        raise UsageError("usage.argument", "a port from 1 to 65535 is expected")
    return str(found), int(port)


class Wire:
    """One connection; messages of at most ``limit`` bytes are read."""

    def __init__(self, connected: socket.socket, *, limit: int) -> None:
        self._socket = connected
        self._limit = limit

    def send(self, message: bytes) -> None:
        """Send one message; ``fetch.*``."""
        with _failing():
            self._socket.sendall(len(message).to_bytes(_LENGTH, "big") + message)

    def receive(self) -> bytes:
        """The next message; ``limit.size``, ``fetch.unavailable`` where the other side has gone, ``fetch.timeout``."""
        with _failing():
            length = int.from_bytes(self._exactly(_LENGTH), "big")
            if length > self._limit:
                refuse("limit.size", f"a message of {length} bytes, at most {self._limit} are read")
            return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._socket.recv(min(length - len(data), 1 << 16))
            if not piece:
                raise TransportError("fetch.unavailable", "the other side has closed the connection")
            data += piece
        return bytes(data)


@contextmanager
def listening(at: Address) -> Iterator[socket.socket]:
    """A socket for one who connects; ``usage.configuration`` where the address is taken."""
    family = _FAMILIES[ip_address(at[0]).version]
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(at)
        except OSError as exc:
            reason = (exc.strerror or "no reason given").lower()
            raise UsageError("usage.configuration", f"{at[0]}:{at[1]} cannot be listened on: {reason}") from None
        bound.listen(1)
        yield bound


@contextmanager
def accepted(bound: socket.socket, *, limit: int, patience: float) -> Iterator[Wire]:
    """The connection of whoever comes first within so many seconds, which each message has too; ``fetch.timeout``."""
    bound.settimeout(patience)
    with _failing():
        connected, _ = bound.accept()
    with connected:
        connected.settimeout(patience)
        yield Wire(connected, limit=limit)


@contextmanager
def connected(to: Address, *, limit: int, patience: float) -> Iterator[Wire]:
    """A connection to whoever listens there; ``fetch.unavailable``, ``fetch.timeout``."""
    with _failing():
        link = socket.create_connection(to, timeout=patience)
    with link:
        yield Wire(link, limit=limit)


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise TransportError("fetch.timeout", "the other side said nothing in time") from None
    except OSError as exc:
        reason = (exc.strerror or "no reason given").lower()
        raise TransportError("fetch.unavailable", f"the connection failed: {reason}") from None
