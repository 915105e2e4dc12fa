"""Connections that say nothing, and requests without end: others are served, and the memory does not grow.

Rows L-05 and L-06 on the real services; the counts of L-07 are in ``test_crowds.py``, the parts of the server by
themselves in ``tests/service/test_serving.py``.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from contextlib import ExitStack, suppress

import pytest

from ewallet.testing.sites import descriptors, resident

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
IDLE = 800 if FULL else 100
PATIENCE = 15.0  # seconds after which nobody holds a connection any more
HASTY = "" if FULL else "from ewallet import serving; serving._Protocol.deadline = 1.0"
BODY = (200 if FULL else 20) << 20
GROWTH = 8 << 20
PIECE = b"10000\r\n" + bytes(1 << 16) + b"\r\n"


@pytest.fixture(params=["issuer", "bank"])
def site(request):
    """Each of the two services."""
    return request.getfixturevalue(request.param)


def _connected(stack, site):
    return stack.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE))


def test_half_open_connections_are_in_nobodys_way(site):
    """Some say nothing and some drip a header: good clients are answered, and all of the others are let go (L-05)."""
    child = site.start(before=HASTY)
    files = descriptors(child.pid)
    with ExitStack() as stack:
        silent = [_connected(stack, site) for _ in range(IDLE)]
        for each in silent[::2]:
            each.sendall(b"POST /token HTTP/1.1\r\nhost: ")
        answers = []
        deadline = time.monotonic() + PATIENCE
        while silent and time.monotonic() < deadline:
            answers.append(site.is_ready(path="/healthz"))
            silent = _still_open(silent)
    time.sleep(0.2)

    assert [] == silent
    assert answers
    assert all(answers)
    assert descriptors(child.pid) <= files + 5


def _still_open(connections):
    """Those that have not ended, each dripped on once more."""
    with selectors.DefaultSelector() as selector:
        for each in connections:
            selector.register(each, selectors.EVENT_READ)
        ended = {key.fileobj for key, _ in selector.select(timeout=0.1)}
    left = [each for each in connections if each not in ended]
    for each in left[:: max(1, len(left) // 50)]:
        with suppress(OSError):
            each.sendall(b"a")
    return left


def test_a_body_without_end_is_refused_and_not_kept(site):
    """413 at the limit, however much is still to come, and the memory stays as it is (L-06)."""
    child = site.start()
    site.is_ready()
    before = resident(child.pid)
    said = _poured(site, b"transfer-encoding: chunked\r\n\r\n", PIECE, BODY // (1 << 16))

    assert said.startswith(b"HTTP/1.1 413")
    assert resident(child.pid) - before < GROWTH
    assert site.is_ready()


def test_a_header_without_end_is_refused_and_not_kept(site):
    """A megabyte of it is not read (L-06)."""
    child = site.start()
    site.is_ready()
    before = resident(child.pid)
    said = _poured(site, b"x-long: ", b"x" * 10_000, 100)

    assert not said or said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert resident(child.pid) - before < GROWTH
    assert site.is_ready()


def _poured(site, begin, piece, count):
    """What comes back to whoever sends that piece so often, or until nobody listens."""
    path = "/token" if site.program == "issuer_service" else "/response/none"
    with ExitStack() as stack, suppress(ConnectionError):
        connection = _connected(stack, site)
        connection.sendall(f"POST {path} HTTP/1.1\r\nhost: {site.host}\r\n".encode() + begin)
        with suppress(ConnectionError):
            for _ in range(count):
                connection.sendall(piece)
        said = b""
        with suppress(ConnectionError):
            while more := connection.recv(65_536):
                said += more
        return said
    return b""
