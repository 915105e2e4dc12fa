"""Rows of the group WEB against the whole issuer: what strangers send before any page or route is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from ewallet.testing.pki import Pki
from issuer_service.app import create_app
from issuer_service.settings import read

ISSUER = "https://issuer.example.go.kr"
HOST = b"issuer.example.go.kr"
HTML = (b"accept", b"text/html,*/*;q=0.8")
YEAR = b"max-age=31536000"


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    async def __call__(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        self.body += message.get("body", b"")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The keys of an issuer."""
    folder = tmp_path_factory.mktemp("keys")
    Pki.make(issuer=ISSUER, at=_now()).save(folder)
    return folder


def _now():
    from ewallet.env import Env

    return Env().now()


@pytest.fixture
def ask(folder, tmp_path):
    """Sends a request to a fresh issuer, which takes two of one source in an hour."""

    def opened(issuer=ISSUER):
        keys = {"issuer": issuer, "issuer_keys": folder / "signers", "records": "demo", "data": tmp_path}
        app = create_app(read({**keys, "limits": "2/3600", "unsafe_loopback": True}))

        def asked(method="GET", path="/", *headers, query=b"", body=b""):
            host = issuer.partition("://")[2].partition("/")[0].encode()
            head = list(headers) if any(name == b"host" for name, _ in headers) else [(b"host", host), *headers]
            answer = Answer()
            asyncio.run(app(_scope(method, path, head, query), _once(body), answer))
            return answer

        return asked

    return opened


def _scope(method, path, head, query):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": head,
        "http_version": "1.1",
        "scheme": "http",
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 8000),
        "root_path": "",
    }


def _once(body):
    parts = [body]

    async def receive():
        return {"type": "http.request", "body": parts.pop()} if parts else {"type": "http.disconnect"}

    return receive


REFUSED = {
    "another host": ("/", [(b"host", b"evil.example")], b"", b"", 400),
    "a long address": ("/", [], b"x" * 9000, b"", 414),
    "a large head": ("/", [(b"cookie", b"x" * 17_000)], b"", b"", 431),
    "a large body": ("/sign-in", [(b"content-length", b"1048577")], b"", b"", 413),
    "a body that says nothing of its size": ("/sign-in", [], b"", b"x" * 1_048_577, 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_by_the_head_is_a_page_to_a_person_and_short_to_a_program(ask, name):
    """In the language of whoever asks, without anything to load from elsewhere (WEB-08)."""
    path, headers, query, body, status = REFUSED[name]
    asked = ask()
    program = asked("POST", path, *headers, query=query, body=body)
    person = asked("POST", path, *headers, HTML, (b"accept-language", b"en"), query=query, body=body)

    assert (status, b"text/plain", b"close") == (
        program.status,
        program.headers[b"content-type"],
        program.headers[b"connection"],
    )
    assert (status, b"en", b"close") == (
        person.status,
        person.headers[b"content-language"],
        person.headers[b"connection"],
    )
    assert b"This did not work" in person.body
    assert b"default-src 'self'" in person.headers[b"content-security-policy"]
    assert b"evil" not in person.body


def test_who_asks_too_often_is_told_so_on_a_page(ask):
    """429 with the time to wait, in Korean to a Korean browser, as a document to a program (VPV-08)."""
    asked = ask()
    answers = [asked("GET", "/", HTML) for _ in range(3)]

    assert [200, 200, 429] == [answer.status for answer in answers]
    assert "요청이 너무 많습니다" in answers[2].body.decode()
    assert 0 < int(answers[2].headers[b"retry-after"]) <= 3600
    assert b"application/problem+json" == asked("GET", "/").headers[b"content-type"]


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/static/style.css"])
def test_whoever_comes_by_https_is_told_to_come_by_nothing_else(ask, path):
    """Every answer of an issuer whose identifier is https says so; that of a demo on this machine must not."""
    assert YEAR == ask()("GET", path).headers[b"strict-transport-security"]
    assert b"strict-transport-security" not in ask("http://127.0.0.1:8000")("GET", path).headers


def test_a_refusal_says_so_too(ask):
    """An address that is not ours is refused by https alike."""
    assert YEAR == ask()("GET", "/", (b"host", b"evil.example")).headers[b"strict-transport-security"]


@pytest.mark.parametrize("path", ["/token/", "/credential/", "/my/certificates/", "/static", "/sign-in/"])
def test_an_address_with_a_slash_too_many_leads_nowhere(ask, path):
    """A redirect would lead to whatever scheme a proxy speaks with us, and take a code there in the clear (VCI-33)."""
    answer = ask()("POST", path)

    assert 404 == answer.status
    assert b"location" not in answer.headers


def test_below_a_path_the_front_page_is_found_without_its_slash(ask):
    """The identifier itself leads to the pages below it, by an address without a host."""
    answer = ask(f"{ISSUER}/tenant")("GET", "/tenant")

    assert (303, b"/tenant/") == (answer.status, answer.headers[b"location"])


def test_a_body_that_is_framed_in_two_ways_is_not_read(ask):
    """A proxy before us may go by the length, and take the rest for the next request of somebody else (WEB-05)."""
    framed = (b"content-length", b"4"), (b"transfer-encoding", b"chunked")
    answer = ask()("POST", "/token", *framed, body=b"abcd")

    assert (400, b"close") == (answer.status, answer.headers[b"connection"])


def test_methods_that_strangers_make_up_are_counted_as_one(folder, tmp_path):
    """Every series of numbers costs memory for good, and names are free (WEB-07)."""
    from prometheus_client import generate_latest

    from ewallet.asgi import Guard
    from ewallet.metrics import Metrics
    from issuer_service.app import framework
    from issuer_service.service import Service

    settings = {"issuer": ISSUER, "issuer_keys": folder / "signers", "records": "demo", "data": tmp_path}
    metrics = Metrics()
    app = framework(Service.of(read(settings)), metrics.registry)
    guard = Guard(app, hosts=[HOST.decode()], observe=metrics.observe)
    for number in range(20):
        answer = Answer()
        asyncio.run(guard(_scope(f"MADEUP{number}", "/token", [(b"host", HOST)], b""), _once(b""), answer))
        assert 405 == answer.status

    told = generate_latest(metrics.registry).decode()
    assert 'ewallet_requests_total{method="",route="/token",status="405"} 20.0' in told
    assert "MADEUP" not in told


@pytest.mark.loopback
@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: bank.example\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_what_strangers_send_writes_no_log(sent, caplog, capfd):
    """Before a request is understood no limit holds, so that a line for each fills the disk for nothing."""
    import logging
    import socket

    from ewallet.asgi import Guard
    from ewallet.serving import listening, served

    async def app(_scope, receive, send):
        for answer in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{answer}.complete"})

    caplog.set_level(logging.DEBUG)
    with listening("127.0.0.1", 0) as bound:
        address = bound.getsockname()
        with served(Guard(app, hosts=[]), bound), socket.create_connection(address, 10) as stranger:
            stranger.sendall(sent)
            answer = stranger.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert ([], ("", "")) == ([each for each in caplog.records if each.levelno >= logging.WARNING], capfd.readouterr())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("192.0.2.7:1000", "192.0.2.7:2000"),
        ("192.0.2.7", "192.0.2.7:2000"),
        ("[2001:db8:0:1::7]:1000", "2001:db8:0:1:ffff::8"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_one_who_asks_is_one_however_a_proxy_writes_the_address(first, second):
    """Else each connection, or each address of a subscriber, would have guesses and requests of its own (VCI-06)."""
    from ewallet.asgi import source

    asked = [source({"headers": [(b"x-forwarded-for", text.encode())], "client": None}, 1) for text in (first, second)]

    assert asked[0] == asked[1]


def test_two_who_ask_are_two():
    """Neighbours are not counted together."""
    from ewallet.asgi import source

    told = ["192.0.2.7", "192.0.2.8", "2001:db8:0:1::7", "2001:db8:0:2::7", "a proxy's own word"]
    asked = {source({"headers": [(b"x-forwarded-for", text.encode())], "client": None}, 1) for text in told}

    assert len(told) == len(asked)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/offers", b"{}"),
        ("POST", "/v1/offers", b'{"subject": "hong", "types": ["resident_register_copy"]}'),
        ("DELETE", "/v1/offers/x", b""),
        ("GET", "/v1/certificates", b""),
        ("POST", "/v1/certificates/x/revoke", b"{}"),
        ("POST", "/v1/certificates/x/suspend", b"[]"),
        ("POST", "/v1/certificates/x/resume", b"{}"),
    ],
)
def test_a_stranger_is_told_nothing_of_what_an_operator_may_ask(ask, method, path, body):
    """VCI-31: 401 whatever is asked, be it complete or not."""
    answer = ask()(method, path, (b"content-type", b"application/json"), body=body)

    assert (401, b"Bearer") == (answer.status, answer.headers[b"www-authenticate"])
