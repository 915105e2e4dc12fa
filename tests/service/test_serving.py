"""Our services on real sockets: what uvicorn would let through, and how they end."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from ewallet import serving
from ewallet.asgi import Guard
from ewallet.errors import UsageError
from ewallet.flow import Request
from ewallet.http import Http
from ewallet.serving import listening, served

pytestmark = pytest.mark.loopback

PATIENCE = 20  # seconds; a third of one is enough where nothing else runs

PROGRAM = """
import sys
from ewallet.serving import listening, serve
from tests_app import app
bound = listening("127.0.0.1", 0)
print(bound.getsockname()[1], flush=True)
serve(app, bound)
print("ended", flush=True)
"""


async def _echo(_scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def _app(scope, receive, send):
    if scope["type"] == "lifespan":
        for answer in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{answer}.complete"})
        return
    await _echo(scope, receive, send)


@pytest.fixture
def port(monkeypatch):
    """A service on loopback that waits a third of a second for a head."""
    monkeypatch.setattr(serving._Protocol, "deadline", 0.3)
    with listening("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with served(Guard(_app, hosts=[f"127.0.0.1:{port}"], max_body=1000), bound):
            yield port


def _http(port, **options):
    return Http(unsafe_loopback=True)(Request("POST", f"http://127.0.0.1:{port}/", **options))


def _said(port, *pieces, pause=0.0):
    """What comes back on one connection until it ends."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection, suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        while more := connection.recv(65_536):
            found += more
    return found


def test_it_serves(port):
    """From another thread, as long as the block runs."""
    assert b"hello" == _http(port, body=b"hello").body


@pytest.mark.parametrize("pieces", [[], [b"POST / HTTP/1.1\r\n"], [b"P", b"O", b"S", b"T", b" ", b"/", b" ", b"H"]])
def test_a_head_that_does_not_come_is_not_waited_for(pieces, port):
    """L-05: however it drips, the connection ends at its deadline."""
    begun = time.monotonic()
    said = _said(port, *pieces, pause=0.05)

    assert (b"", True) == (said, time.monotonic() - begun < PATIENCE)


def test_a_second_head_is_not_waited_for_either(port):
    """A connection that is kept open has a deadline for each head."""
    whole = f"POST / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: 2\r\n\r\nok".encode()
    begun = time.monotonic()
    said = _said(port, whole, b"POST / HT", pause=0.1)

    assert (True, True) == (b"ok" in said, time.monotonic() - begun < PATIENCE)


def test_good_clients_are_served_beside_many_idle_ones(port):
    """L-05: a hundred sockets that say nothing are in nobody's way, and gone soon."""
    idle = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(100)]
    answered = [_http(port, body=b"x").status for _ in range(5)]
    ended = [_end(connection) for connection in idle]

    assert ([200] * 5, [b""] * 100) == (answered, ended)


def _end(connection):
    with connection:
        try:
            return connection.recv(1)
        except ConnectionResetError:
            return b""


def test_a_body_in_chunks_has_its_limit(port):
    """L-06: it is counted, not collected."""
    head = f"POST / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    said = _said(port, head, *[b"100\r\n" + b"x" * 256 + b"\r\n"] * 4)

    assert said.startswith(b"HTTP/1.1 413")


def test_a_head_has_its_limit(port):
    """L-06: a megabyte of it is not read."""
    head = f"POST / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nx: ".encode()
    said = _said(port, head, *[b"x" * 10_000] * 100)

    assert not said or said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))


def test_a_port_that_is_taken_is_said(port):
    """Before anything is served."""
    with pytest.raises(UsageError) as refused:
        listening("127.0.0.1", port)

    assert "usage.configuration" == refused.value.code


def test_it_ends_when_it_is_told_to(tmp_path):
    """What comes after the service is still done."""
    (tmp_path / "tests_app.py").write_text(
        "async def app(scope, receive, send):\n"
        "    for answer in ('startup', 'shutdown'):\n"
        "        await receive()\n"
        "        await send({'type': f'lifespan.{answer}.complete'})\n"
    )
    path = ":".join([str(tmp_path), *(entry for entry in sys.path if entry)])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": path}
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.3)
    process.terminate()
    rest = process.stdout.read()
    process.stdout.close()

    assert ("ended\n", 0) == (rest, process.wait(10))
