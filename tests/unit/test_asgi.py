"""What stands between the network and an application: hosts, sizes, slowness, and what every response says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from ewallet import asgi
from ewallet.asgi import Guard, Problem
from ewallet.errors import (
    AlreadyUsed,
    CryptoError,
    EWalletError,
    Malformed,
    NotFound,
    ProtocolError,
    StoreError,
    TransportError,
    UsageError,
)
from ewallet.rate import Limiter, Rate
from ewallet.testing.clock import Clock

HOST = b"bank.example"


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


async def _echo(scope, receive, send):
    """Answers with the body it was sent, and its path."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", scope["path"].encode())]})
    await send({"type": "http.response.body", "body": message["body"]})


async def _nothing(*_message):
    return {}


def _scope(path="/a", query=b"", headers=(), kind="http"):
    head = [(b"host", HOST), *headers]
    return {
        "type": kind,
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": head,
    }


def _ask(guard, scope, *chunks):
    answer, parts = Answer(), list(chunks) or [b""]

    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    asyncio.run(guard(scope, receive, answer))
    return answer


GUARD = Guard(_echo, hosts=["bank.example", "127.0.0.1:8010"], max_body=100)


def test_a_request_comes_through_whole():
    """In however many pieces it comes."""
    answer = _ask(GUARD, _scope(), b"one ", b"two ", b"three")

    assert (200, b"one two three", b"/a") == (answer.status, answer.body, answer.headers[b"x-path"])


def test_every_response_keeps_out_of_caches_frames_and_referrers():
    """WEB-19: also where it is a refusal."""
    for answer in (_ask(GUARD, _scope()), _ask(GUARD, _scope(path="evil"))):
        assert b"no-store" == answer.headers[b"cache-control"]
        assert b"nosniff" == answer.headers[b"x-content-type-options"]
        assert b"no-referrer" == answer.headers[b"referrer-policy"]
        assert b"default-src 'none'; frame-ancestors 'none'" == answer.headers[b"content-security-policy"]


def test_an_application_may_say_otherwise():
    """A status list is cached; a page has a policy of its own."""

    async def cached(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Cache-Control", b"max-age=60")]})
        await send({"type": "http.response.body", "body": b""})

    answer = _ask(Guard(cached, hosts=["bank.example"]), _scope())

    assert [b"max-age=60"] == [value for name, value in answer.headers.items() if name.lower() == b"cache-control"]


REFUSED = {
    "WEB-05: unlisted host": (_scope() | {"headers": [(b"host", b"evil.example")]}, 400),
    "WEB-05: host with another port": (_scope() | {"headers": [(b"host", b"bank.example:8443")]}, 400),
    "WEB-05: host with a path": (_scope() | {"headers": [(b"host", b"bank.example/evil")]}, 400),
    "WEB-05: two hosts": (_scope(headers=[(b"host", HOST)]), 400),
    "WEB-05: no host": (_scope() | {"headers": []}, 400),
    "WEB-05: absolute-form target": (_scope(path="http://evil.example/a"), 400),
    "WEB-08: url of 64 KB": (_scope(query=b"x" * 65_536), 414),
    "WEB-08: header of 64 KB": (_scope(headers=[(b"x", b"x" * 65_536)]), 431),
    "WEB-08: body one byte too long": (_scope(headers=[(b"content-length", b"101")]), 413),
    "WEB-08: length beyond numbers": (_scope(headers=[(b"content-length", b"9" * 5_000)]), 413),
    "WEB-08: length that is none": (_scope(headers=[(b"content-length", b"-1")]), 413),
}


@pytest.mark.parametrize(("scope", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_a_head_can_be_reason_enough(scope, status):
    """Nothing of the body is read then, and the connection ends."""

    async def unread():
        raise AssertionError("the body was read")

    answer = Answer()
    asyncio.run(GUARD(scope, unread, answer))

    assert (status, b"close") == (answer.status, answer.headers[b"connection"])


def test_hosts_are_compared_without_case():
    """As RFC 9110 has it, and the port belongs to it."""
    for host in (b"BANK.example", b"127.0.0.1:8010"):
        assert 200 == _ask(GUARD, _scope() | {"headers": [(b"host", host)]}).status


def test_a_body_without_length_is_counted():
    """WEB-08: it is not read to its end."""
    assert (200, 413) == tuple(_ask(GUARD, _scope(), *[b"x" * 10] * count, b"").status for count in (10, 11))


def test_a_body_that_drips_is_not_waited_for(monkeypatch):
    """Whoever is too slow is told so."""
    monkeypatch.setattr(asgi, "_SLOW", 0.01)

    async def drip():
        await asyncio.sleep(1)

    answer = Answer()
    asyncio.run(GUARD(_scope(), drip, answer))

    assert 408 == answer.status


def test_parts_are_not_served():
    """WEB-07: however many ranges are asked for, nobody sees them."""
    seen = []

    async def look(scope, receive, send):
        seen.extend(scope["headers"])
        await _echo(scope, receive, send)

    guard = Guard(look, hosts=["bank.example"])
    _ask(guard, _scope(headers=[(b"range", b"bytes=" + b"0-0," * 1_000)]))

    assert [(b"host", HOST)] == seen


def test_sockets_of_the_web_are_closed():
    """Nothing of ours speaks that."""
    messages = []

    async def send(message):
        messages.append(message["type"])

    asyncio.run(GUARD(_scope(kind="websocket"), _nothing, send))

    assert ["websocket.close"] == messages


def test_the_life_of_a_server_is_passed_on():
    """It is for the application alone."""
    seen = []

    async def app(scope, _receive, _send):
        seen.append(scope["type"])

    asyncio.run(Guard(app, hosts=[])({"type": "lifespan"}, _nothing, _nothing))

    assert ["lifespan"] == seen


def test_a_fault_tells_nothing(caplog):
    """Whoever asked gets a name for it, and so does the log."""

    async def broken(_scope, _receive, _send):
        raise ZeroDivisionError("a secret")

    answer = _ask(Guard(broken, hosts=["bank.example"]), _scope())

    told = json.loads(answer.body)
    number = told["detail"].partition(":")[0]
    assert (500, "internal.fault") == (answer.status, told["code"])
    assert f"internal.fault: {number}\n" in caplog.text
    assert "secret" not in caplog.text + answer.body.decode()


def test_a_fault_in_the_middle_of_an_answer_ends_it():
    """There is no second status."""

    async def broken(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    assert 200 == _ask(Guard(broken, hosts=["bank.example"]), _scope()).status


def test_every_request_is_observed():
    """By its route, which has no identifier in it, and its status."""
    seen = []

    async def routed(scope, receive, send):
        scope["route"] = type("Route", (), {"path": "/a/{id}"})
        await _echo(scope, receive, send)

    guard = Guard(routed, hosts=["bank.example"], observe=lambda *what: seen.append(what[:3]))
    _ask(guard, _scope(path="/a/1"))
    _ask(guard, _scope(path="evil"))

    assert [("POST", "/a/{id}", 200), ("POST", "", 400)] == seen


ERRORS = {
    "not there": (NotFound("storage.not_found"), 404, {}),
    "used": (AlreadyUsed("storage.already_used"), 409, {}),
    "locked": (StoreError("storage.locked"), 503, {"retry-after": "5"}),
    "away": (TransportError("fetch.timeout"), 503, {"retry-after": "5"}),
    "misused": (UsageError("usage.argument"), 400, {}),
    "misconfigured": (UsageError("usage.configuration"), 500, {}),
    "a file of ours": (UsageError("usage.file", "a secret"), 500, {}),
    "a disk of ours": (OSError(28, "a secret", "/a/secret"), 500, {}),
    "malformed": (Malformed("malformed.json"), 400, {}),
    "too large": (Malformed("limit.size"), 413, {}),
    "too often": (Malformed("limit.rate"), 429, {"retry-after": "1"}),
    "evidence": (CryptoError("crypto.not_encrypted"), 400, {}),
    "protocol": (ProtocolError("request.invalid", status=401, headers={"x": "y"}), 401, {"x": "y"}),
    "fault": (KeyError("a secret"), 500, {}),
    "root": (EWalletError("internal.fault"), 500, {}),
}


@pytest.mark.parametrize(("exc", "status", "headers"), ERRORS.values(), ids=ERRORS.keys())
def test_each_error_has_its_status(exc, status, headers):
    """And the document names its code."""
    problem = Problem.of(exc)
    told = json.loads(problem.body)

    assert (status, {"content-type": "application/problem+json"} | headers) == (problem.status, problem.headers)
    assert (status, f"urn:ewallet:error:{told['code']}") == (told["status"], told["type"])
    assert "secret" not in problem.body.decode()


def _from(peer, *forwarded):
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    return {**_scope(headers=headers), "client": (peer, 50_000)}


def _limited(**given):
    return Guard(_echo, hosts=["bank.example"], limiter=Limiter(Rate(2, 30), env=Clock().env()), **given)


def test_a_source_that_asks_too_often_is_told_when_to_come_again():
    """With 429 and a problem document; the body is not read, and others are served."""
    guard = _limited()
    answers = [_ask(guard, _from("192.0.2.1")) for _ in range(3)]
    last = answers[-1]

    assert [200, 200, 429] == [answer.status for answer in answers]
    assert ("limit.rate", b"15") == (json.loads(last.body)["code"], last.headers[b"retry-after"])
    assert 200 == _ask(guard, _from("192.0.2.2")).status


def test_what_strangers_forward_does_not_change_who_they_are():
    """Without a proxy of ours the header is anybody's."""
    guard = _limited()

    assert [200, 200, 429] == [_ask(guard, _from("192.0.2.1", b"198.51.100.%d" % n)).status for n in range(3)]


def test_behind_proxies_of_ours_the_outermost_says_who_asks():
    """What stands before its word was written by whoever asks; where it said nothing, it is the peer."""
    guard = _limited(proxies=2)
    told = [b"198.51.100.%d, 192.0.2.7, 203.0.113.1" % number for number in range(3)]

    assert [200, 200, 429] == [_ask(guard, _from("203.0.113.9", line)).status for line in told]
    assert [200, 429] == [_ask(guard, _from("203.0.113.9", line)).status for line in (b"192.0.2.8, x", b"192.0.2.7, x")]
    assert [200, 200, 429] == [_ask(guard, _from("203.0.113.9", b"192.0.2.9")).status for _ in range(3)]


def test_a_request_that_is_refused_by_its_head_counts_for_nobody():
    """A scanner of wrong hosts does not use up anybody's share."""
    guard = _limited()
    wrong = {**_from("192.0.2.1"), "headers": [(b"host", b"evil.example")]}

    assert [400] * 3 == [_ask(guard, wrong).status for _ in range(3)]
    assert 200 == _ask(guard, _from("192.0.2.1")).status
