from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ewallet.errors import EWalletError
from ewallet.flow import Request, Response
from ewallet.http import Http

pytestmark = pytest.mark.loopback

PATIENCE = 20  # seconds; what drips goes on for longer

Answer = Callable[[socket.socket], None]


@dataclass
class Peer:
    """A server on loopback that answers every connection with the same bytes, and keeps what it was asked."""

    port: int
    asked: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/1") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def _request_on(connection: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = connection.recv(65_536)
        if not piece:
            return raw
        raw += piece
    return raw


def _serve(listener: socket.socket, answer: Answer, peer: Peer, tls: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                peer.asked.append(_request_on(connection))
                answer(connection)
        except OSError:
            connection.close()


@contextmanager
def _peer(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, answer, peer, tls), daemon=True)
        thread.start()
        yield peer
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _whole(status: str, body: bytes = b"", *headers: str) -> Answer:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    return lambda connection: connection.sendall(head.encode() + b"\r\n\r\n" + body)


def _dripping(head: bytes) -> Answer:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"a")
            time.sleep(0.02)

    return drip


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(65_536))


def _silent(connection: socket.socket) -> None:
    connection.recv(1)


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(EWalletError) as caught:
        call()
    return caught.value.code


def _http(timeout: float = 5.0) -> Http:
    return Http(unsafe_loopback=True, timeout=timeout)


def test_an_answer_comes_back_with_its_headers_in_lower_case():
    """Status, headers and body as sent; a repeated header is joined."""
    answer = _whole("200 OK", b"body", "Content-Type: application/jwt", "Vary: a", "VARY: b", "Set-Cookie: a=b")
    with _peer(answer) as peer:
        got = _http()(Request("GET", peer.url("/1?a=b")))
    expected = {"content-length": "4", "content-type": "application/jwt", "vary": "a, b", "set-cookie": "a=b"}
    assert Response(200, expected, b"body") == got


def test_a_request_says_what_its_flow_said_and_little_else():
    """Method, path, headers and body of the flow; no cookie, no header of the environment."""
    with _peer(_whole("204 No Content", b"", "Set-Cookie: a=b")) as peer:
        http = _http()
        for _ in range(2):
            http(Request("POST", peer.url("/token?a=b"), {"Content-Type": "text/plain", "Accept": "*/*"}, b"hello"))
    expected = (
        f"POST /token?a=b HTTP/1.1\r\nhost: 127.0.0.1:{peer.port}\r\naccept-encoding: gzip\r\nconnection: close\r\n"
        "user-agent: ewallet\r\ncontent-type: text/plain\r\naccept: */*\r\nContent-Length: 5\r\n\r\n"
    )
    assert [expected.encode()] * 2 == [raw.removesuffix(b"hello") for raw in peer.asked]


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    """A proxy would see what was asked, and would connect to unchecked addresses."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with _peer(_whole("200 OK", b"direct")) as peer:
        assert b"direct" == _http()(Request("GET", peer.url())).body


@pytest.mark.parametrize("status", ["500 Internal Server Error", "404 Not Found", "304 Not Modified", "429 Slow"])
def test_a_status_that_is_no_redirect_is_an_answer(status):
    """What a status means is the flow's business."""
    with _peer(_whole(status)) as peer:
        assert int(status[:3]) == _http()(Request("GET", peer.url())).status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    """The other place is not asked, nor told the authorization."""
    with _peer(_whole("200 OK")) as other, _peer(_whole(f"{status} Moved", b"", f"Location: {other.url()}")) as peer:
        request = Request("POST", peer.url(), {"authorization": "DPoP invented"}, b"a=b")
        assert "fetch.redirect" == _code(lambda: _http()(request))
    assert [] == other.asked


@pytest.mark.parametrize(
    "answer",
    [
        _silent,
        _dripping(b"HTTP/1.1 200 OK\r\nx-slow: "),
        _dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        _dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=["silence", "headers", "body", "body without length"],
)
def test_a_peer_that_stalls_or_drips_is_left_at_the_deadline(answer):
    """Bytes that keep coming do not buy time."""
    with _peer(answer) as peer:
        begin = time.monotonic()
        assert "fetch.timeout" == _code(lambda: _http(0.4)(Request("GET", peer.url())))
        assert time.monotonic() - begin < PATIENCE


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (_whole("200 OK", bytes(1001)), "limit.size"),
        (_endless, "limit.size"),
        (_whole("200 OK", gzip.compress(bytes(20_000_000))[:1000], "Content-Encoding: gzip"), "limit.decompressed"),
        (_whole("200 OK", gzip.compress(bytes(1001)), "Content-Encoding: gzip"), "limit.decompressed"),
        (_whole("200 OK", b"plain", "Content-Encoding: gzip"), "malformed.encoding"),
        (_whole("200 OK", b"plain", "Content-Encoding: br"), "malformed.encoding"),
        (_whole("200 OK", b"plain", "Content-Encoding: gzip, gzip"), "malformed.encoding"),
    ],
    ids=["one more", "endless", "bomb", "gzip one more", "not gzip", "brotli", "twice"],
)
def test_a_body_that_is_too_large_or_strangely_coded_is_refused(answer, code):
    """The limit of the request holds before and after decompression."""
    with _peer(answer) as peer:
        assert code == _code(lambda: _http()(Request("GET", peer.url(), limit=1000)))


def test_a_gzip_body_is_inflated():
    """The flow sees the body, without the coding it came in."""
    answer = _whole("200 OK", gzip.compress(b"a" * 1000), "Content-Encoding: GZIP")
    with _peer(answer) as peer:
        got = _http()(Request("GET", peer.url(), limit=1000))
    assert (b"a" * 1000, False) == (got.body, "content-encoding" in got.headers)


@pytest.mark.parametrize(
    "answer",
    [
        lambda connection: connection.sendall(b"no http\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 1_000_000),
        lambda connection: connection.close(),
    ],
    ids=["no http", "cut", "two lengths", "vast header", "closed"],
)
def test_an_answer_that_is_not_http_is_unavailable(answer):
    """A broken peer is as good as none."""
    with _peer(answer) as peer:
        assert "fetch.unavailable" == _code(lambda: _http()(Request("GET", peer.url())))


def test_a_port_where_nobody_listens_is_unavailable():
    """A refused connection is told at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "fetch.unavailable" == _code(lambda: _http()(Request("GET", f"http://127.0.0.1:{port}/")))


def test_a_header_that_http_cannot_carry_is_our_error():
    """A value with letters beyond ASCII or a line break is not sent."""
    with _peer(_whole("200 OK")) as peer:
        requests = [Request("GET", peer.url(), {"x-name": value}) for value in ("가상", "a\r\nb: c")]
        codes = [_code(partial(_http(), request)) for request in requests]
    assert ["fetch.unavailable"] * 2 == codes
    assert [] == [raw for raw in peer.asked if raw]


def test_a_name_with_several_addresses_is_asked_at_the_first_that_answers():
    """The name stays in the Host header; an address that refuses is passed over."""
    with _peer(_whole("200 OK", b"here")) as peer:
        http = Http(unsafe_loopback=True, resolve=lambda _host, _port: ["127.0.0.77", "127.0.0.1"])
        got = http(Request("GET", f"http://status.example:{peer.port}/"))
    assert b"here" == got.body
    assert f"host: status.example:{peer.port}".encode() in peer.asked[0]


def test_nothing_is_sent_to_this_machine_without_the_switch():
    """A name that resolves here is refused before a connection is made."""
    with _peer(_whole("200 OK")) as peer:
        http = Http(unsafe_loopback=False, resolve=lambda _host, _port: ["127.0.0.1"])
        assert "fetch.blocked" == _code(lambda: http(Request("GET", f"https://status.example:{peer.port}/")))
    assert [] == peer.asked


def _certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate of an invented host with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.9"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    private = serialization.PrivateFormat.PKCS8
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    )
    return pem


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("status.example", True, b"secret"),
        ("other.example", True, "fetch.unavailable"),
        ("status.example", False, "fetch.unavailable"),
    ],
    ids=["right name", "other name", "unknown authority"],
)
def test_https_checks_the_name_although_it_connects_to_an_address(tmp_path, host, trusted, expected):
    """The certificate must be of the name that was asked, from an authority that is trusted."""
    pem = _certificate(tmp_path, "status.example")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cafile=str(pem)) if trusted else None
    with _peer(_whole("200 OK", b"secret"), server) as peer:
        http = Http(unsafe_loopback=True, tls=client, resolve=lambda _host, _port: ["127.0.0.1"])
        request = Request("GET", f"https://{host}:{peer.port}/")
        got = http(request).body if isinstance(expected, bytes) else _code(lambda: http(request))
    assert expected == got
