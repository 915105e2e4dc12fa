"""What strangers write, at every address of both services and of the witness: a refusal by name, and never a fault.

The calls are those of the descriptions and the pages are those of the application, so that a new one is among them.
"""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from starlette.testclient import TestClient

from ewallet.codes import TABLE
from ewallet.history import Believed, Head, Witness, key_of
from ewallet.history.state import StateFile
from ewallet.keys import SigningKey
from ewallet.witness import application

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "openapi"
#: Texts as bytes: what a terminal obeys, what ends a line of a log, what is no UTF-8, what is written backwards.
TEXTS = {
    "escape": b"\x1b[2J\x1b]0;pwned\x07",
    "lines": b"1\r\nERROR forged: line\n",
    "nul": b"a\0b",
    "surrogate": b"\xed\xa0\x80",
    "not utf-8": b"\xff\xfe",
    "backwards": "\u202eabc\u200b".encode(),
    "digits": b"9" * 5_000,
    "nested": b"[" * 5_000,
    "minus zero": b"-0",
    "nan": b"NaN",
    "up": b"../../etc/passwd",
    "url": b"http://[",
    "markup": b"<script>'\"&{{7*7}}",
    "nothing": b"",
}
#: JSON values as they are written.
VALUES = {
    "escape": rb'"\u001b[2J"',
    "lines": rb'"1\r\nERROR forged"',
    "nul": rb'"a\u0000b"',
    "surrogate": rb'"\ud800"',
    "raw surrogate": b'"\xed\xa0\x80"',
    "digits": b"9" * 1_000_000,
    "exponent": b"1e999999",
    "nested": b"[" * 10_000 + b"]" * 10_000,
    "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "not closed": b"[" * 10_000,
    "nan": b"NaN",
    "infinity": b"-Infinity",
    "minus zero": b"-0",
    "minus zero point": b"-0.0",
    "twice": b'{"a": 1, "a": 2}',
    "null": b"null",
    "truth": b"true",
    "long": b'"' + b"x" * 100_000 + b'"',
    "nothing": b"",
}
#: Of each table every sixth, another one for each address; all of them with EWALLET_FULL.
STEP = 1 if os.environ.get("EWALLET_FULL") else 6
HEADERS = ("accept", "accept-language", "cookie", "idempotency-key", "dpop", "if-none-match", "origin", "content-type")
_JSON, _FORM, _JWT = "application/json", "application/x-www-form-urlencoded", "application/jwt"


def _some(table, address):
    return list(table.values())[len(address) % STEP :: STEP]


def _operations():
    for service in ("issuer", "verifier"):
        described = json.loads((REFERENCE / f"{service}.json").read_text("utf-8"))
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                yield pytest.param(service, method.upper(), path, operation, id=f"{service} {method.upper()} {path}")


def _filled(path, text=b"1"):
    return re.sub(r"{\w+}", lambda _: quote_from_bytes(text, safe=""), path)


def _bodies(path, operation):
    """The bodies: nothing but the value, and each member of the example in turn."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if media_type == _FORM:
            example = content.get("example") or {"a": "b"}
            for name in example:
                for text in _some(TEXTS, path + name):
                    told = {other: quote_from_bytes(str(value).encode()) for other, value in example.items()}
                    told[name] = quote_from_bytes(text)
                    yield media_type, "&".join(f"{key}={value}" for key, value in told.items()).encode()
            yield from ((media_type, text) for text in _some(TEXTS, path))
            continue
        yield from ((media_type, value) for value in _some(VALUES, path))
        example = content.get("example")
        if media_type == _JSON and isinstance(example, dict):
            yield media_type, json.dumps(example).encode().replace(b"{", b'{"a": 1, "a": 2, ', 1)
            for name in example:
                raw = json.dumps(example | {name: "\0here"}).encode()
                for value in _some(VALUES, path + name):
                    yield media_type, raw.replace(rb'"\u0000here"', value)


def _check(answer, caplog):
    """What any answer is: no fault, one of ours where it refuses, and nothing for a terminal to obey; so the log."""
    asked = f"{answer.request.method} {str(answer.request.url)[:200]} {answer.request.content[:200]!r}"
    kind = answer.headers.get("content-type", "")
    assert answer.status_code < 500, f"{answer.status_code} {answer.text[:200]}: {asked}"
    assert "Traceback" not in answer.text, asked
    for text in (*answer.headers.values(), *(record.getMessage() for record in caplog.records)):
        assert text.replace("\t", " ").isprintable(), asked
    if "json" in kind and answer.status_code >= 400:
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", answer.text), asked
        document = answer.json()
        stable = document.get("code") in TABLE or re.fullmatch(r"[a-z_]+", document.get("error", ""))
        assert stable or (answer.status_code in (404, 405) and document["type"] == "about:blank"), document


@pytest.mark.sweep
@pytest.mark.parametrize(("service", "method", "path", "operation"), list(_operations()))
def test_every_call_refuses_by_name(services, caplog, service, method, path, operation):
    """In its path, its query, its headers and its body, with a key that may call it."""
    caplog.set_level(logging.DEBUG, "ewallet")
    opened = services[service]
    browser, key = opened.browser, {"authorization": f"Bearer {opened.key}"}
    known = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    for text in _some(TEXTS, path):
        if "{" in path:
            _check(browser.request(method, _filled(path, text), headers=key), caplog)
        query = "&".join(f"{name}={quote_from_bytes(text)}" for name in [*known, "other"])
        _check(browser.request(method, f"{_filled(path)}?{query}", headers=key), caplog)
        for name in (*HEADERS, "authorization"):
            _check(browser.request(method, _filled(path), headers=key | {name: text}), caplog)
    for media_type, body in _bodies(path, operation):
        _check(browser.request(method, _filled(path), headers=key | {"content-type": media_type}, content=body), caplog)


def _leaves(routes):
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from _leaves(inner.routes) if inner else [route]


def _pages(browser):
    """The pages: method, path, and the fields of the form."""
    for route in _leaves(browser.app._app.routes):
        if getattr(route, "include_in_schema", True) is False and hasattr(route, "dependant"):
            fields = [field.alias for field in route.dependant.body_params]
            yield from ((method, route.path, fields) for method in route.methods)


def _sign_in(browser):
    """The token of the forms of whoever is signed in."""
    head = {"accept": "text/html"}
    for form in (None, {"citizen": "hong"}):
        answer = browser.post("/sign-in", data=form, headers=head) if form else browser.get("/", headers=head)
    assert "/sign-out" in answer.text
    (token, *_) = re.findall(r'name="csrf" value="([^"]+)"', answer.text)
    return token


@pytest.mark.sweep
@pytest.mark.parametrize("signed_in", [False, True], ids=["a stranger", "somebody"])
def test_every_page_refuses_by_name(services, caplog, signed_in):
    """In its path, its query and each field of its form."""
    caplog.set_level(logging.DEBUG, "ewallet")
    browser, head = services["issuer"].browser, {"accept": "text/html"}
    pages = sorted(_pages(browser))
    assert {"POST"} <= {method for method, _, _ in pages}
    for method, path, fields in pages:
        csrf = _sign_in(browser) if signed_in else ""
        for text in _some(TEXTS, path):
            sent = quote_from_bytes(text)
            query = f"?lang={sent}&other={sent}"
            if method == "GET":
                _check(browser.get(f"{_filled(path, text)}{query}", headers=head, follow_redirects=False), caplog)
                continue
            for name in [*fields, "other"]:
                told = {"csrf": csrf} | {each: "x" for each in fields if each != "csrf"} | {name: sent}
                body = "&".join(f"{key}={value}" for key, value in told.items())
                headers = head | {"content-type": _FORM}
                answer = browser.post(_filled(path), content=body, headers=headers, follow_redirects=False)
                _check(answer, caplog)
        for media_type in (_FORM, _JSON, "multipart/form-data; boundary=x", "multipart/form-data"):
            for value in _some(VALUES, path + media_type):
                answer = browser.request(
                    method, _filled(path), content=value, headers=head | {"content-type": media_type}
                )
                _check(answer, caplog)


def test_the_witness_refuses_by_name(tmp_path, caplog):
    """In words, whatever is brought, and wherever."""
    log, state = SigningKey.generate("EdDSA"), StateFile.create(tmp_path / "state.json")
    believed = Believed(log=(key_of("log.example", log.public),))
    witness = Witness(
        name="witness.example", signer=SigningKey.generate("EdDSA"), logs={"log.example": believed}, state=state
    )
    browser = TestClient(application(witness, hosts=["witness.example"]), base_url="http://witness.example")
    note = Head("log.example", 3, bytes(32)).signed(log).to_bytes()
    bodies = [*TEXTS.values(), *VALUES.values()]
    bodies += [b"old 0\n\n" + note.replace(b"log.example", text) for text in TEXTS.values()]
    bodies += [b"old " + text + b"\n\n" + note for text in TEXTS.values()]
    answers = [browser.post("/add-checkpoint", content=body) for body in bodies]
    answers += [browser.post(quote_from_bytes(b"/" + text), content=note) for text in TEXTS.values()]
    state.close()

    for answer in answers:
        _check(answer, caplog)
        assert answer.text.replace("\n", "").isprintable()
    assert 200 not in {answer.status_code for answer in answers}
