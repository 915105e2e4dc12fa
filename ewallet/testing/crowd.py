"""A crowd of processes that send one HTTP request each at the same moment; each imports nothing but sockets.

Every process has its connection open and all of its request sent but the last byte; then all are let go at once::

    answers = crowd([Sent.of(port, "GET", "/", host="127.0.0.1")] * 100)
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_PATIENCE: Final = 120.0  # seconds; a hundred may queue behind one database


@dataclass(frozen=True)
class Sent:
    """A request as it is on the wire, and the port of this machine that it goes to."""

    port: int
    raw: bytes

    @classmethod
    def of(
        cls,
        port: int,
        method: str,
        path: str,
        *,
        host: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Sent:
        """One that is the only one on its connection."""
        lines = {"host": host, "connection": "close", "content-length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return cls(port, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)


@dataclass(frozen=True)
class Answered:
    """What came back: status 0 where nothing did."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Answered:
        """An answer to its end."""
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = first.split(" ")[1] if first.startswith("HTTP/1.") else "0"
        pairs = (line.partition(":") for line in lines)
        return cls(int(status), {name.lower(): value.strip() for name, _, value in pairs}, body)

    @property
    def document(self) -> Any:
        """The body as JSON."""
        from ewallet.shape import json_value  # the far side has nothing but the standard library

        return json_value(self.body)


def crowd(requests: Iterable[Sent]) -> list[Answered]:
    """The answers to requests that were sent at the same moment, each by a process of its own, in their order."""
    import subprocess

    asked = b"".join(_PORT.pack(each.port) + _framed(each.raw) for each in requests)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-S", "-E", __file__]
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, check=True, env=plain)  # noqa: S603 - ours
    return [Answered.parse(each) for each in _frames(done.stdout)]


_PORT: Final = struct.Struct("!H")
_LENGTH: Final = struct.Struct("!I")


def _framed(raw: bytes) -> bytes:
    return _LENGTH.pack(len(raw)) + raw


def _frames(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(raw, at)[0]
        yield raw[start:at]


def _requests(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(raw):
        request = next(_frames(raw[at + _PORT.size :]))
        yield _PORT.unpack_from(raw, at)[0], request
        at += _PORT.size + _LENGTH.size + len(request)


# -- the far side ----------------------------------------------------------------------------------------------


def _main() -> None:
    told = list(_requests(sys.stdin.buffer.read()))
    waiting, ready = os.pipe()
    gate, keeper = os.pipe()
    answers = []
    for port, raw in told:
        heard, spoken = os.pipe()
        if os.fork() == 0:
            os.close(keeper)
            _member(port, raw, ready, gate, spoken)
        os.close(spoken)
        answers.append(heard)
    os.close(ready)
    for _ in told:
        os.read(waiting, 1)
    os.close(keeper)  # which lets all of them go
    for heard in answers:
        sys.stdout.buffer.write(_framed(_read(heard)))


def _member(port: int, raw: bytes, ready: int, gate: int, spoken: int) -> None:
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(raw[:-1])
            os.write(ready, b".")
            os.read(gate, 1)
            connection.sendall(raw[-1:])
            while piece := connection.recv(65_536):
                said += piece
    except OSError:
        os.write(ready, b".")
    finally:
        _write(spoken, said)
        os._exit(0)


def _write(pipe: int, said: bytes) -> None:
    view = memoryview(said)
    while view:
        view = view[os.write(pipe, view) :]


def _read(pipe: int) -> bytes:
    found = b""
    while piece := os.read(pipe, 65_536):
        found += piece
    return found


if __name__ == "__main__":
    _main()
