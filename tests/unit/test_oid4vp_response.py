"""How an answer of OpenID4VP travels: what the wallet posts, and what the verifier makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import pytest

from ewallet import jose
from ewallet.errors import (
    CryptoError,
    Malformed,
    PolicyError,
    ProtocolError,
    QueryError,
    TransportError,
    UsageError,
)
from ewallet.flow import Response
from ewallet.jose import new_encryption_key
from ewallet.oid4vp import AuthorizationRequest
from ewallet.oid4vp.metadata import ClientMetadata
from ewallet.oid4vp.response import Declined, Posted, answer, error_of, read_reply, refusal, reply
from ewallet.shape import to_base64url
from ewallet.testing.clock import START

URI = "https://bank.example/answers/1"
TOKEN = {"register": ("eyJ~x~y",), "tax": ("eyJ~1", "eyJ~2")}
KEY = new_encryption_key()
REQUEST = AuthorizationRequest.of(
    {
        "response_type": "vp_token",
        "response_mode": "direct_post.jwt",
        "response_uri": URI,
        "client_id": "x509_san_dns:bank.example",
        "nonce": "n-0S6_WzA2Mj",
        "state": "af0ifjsldkj",
        "dcql_query": {
            "credentials": [{"id": "register", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:example:register"]}}]
        },
        "client_metadata": ClientMetadata.make(KEY).to_json(),
    },
    at=START,
)
CLEAR = replace(REQUEST, response_mode="direct_post")


def _jwe(members, key=KEY, enc="A256GCM"):
    public = {name: value for name, value in key.items() if name != "d"}
    return jose.encrypt(members if isinstance(members, bytes) else json.dumps(members).encode(), public, enc)


def _posted(**parameters):
    return Posted.parse(urlencode(parameters).encode("ascii"))


def _plain(members):
    return _posted(response=_jwe(members))


@pytest.mark.parametrize("state", ["af0ifjsldkj", None])
@pytest.mark.parametrize("request_", [REQUEST, CLEAR], ids=["encrypted", "clear"])
def test_an_answer_arrives(request_, state):
    """The verifier reads exactly what the wallet sent, with the key that it made for this request."""
    asked = replace(request_, state=state)
    sent = answer(asked, TOKEN)

    assert ("POST", URI, "application/x-www-form-urlencoded") == (sent.method, sent.url, sent.headers["content-type"])
    assert TOKEN == Posted.parse(sent.body).read(asked, KEY)


def test_an_encrypted_answer_shows_nothing_but_its_key():
    """State and presentations are inside; the kid says which request it answers (§8.3)."""
    posted = Posted.parse(answer(REQUEST, TOKEN).body)

    assert (["response"], KEY["kid"], None) == (list(posted.members), posted.kid, posted.state)
    assert {"alg", "enc", "kid", "epk"} == jose.encryption_header(posted.members["response"]).keys()
    assert "A256GCM" == jose.encryption_header(posted.members["response"])["enc"]


def test_an_answer_in_the_clear_says_its_state():
    """The presentations are a JSON text in the form (§8.2)."""
    posted = Posted.parse(answer(CLEAR, TOKEN).body)

    assert ("af0ifjsldkj", None) == (posted.state, posted.kid)
    assert {name: list(each) for name, each in TOKEN.items()} == json.loads(posted.members["vp_token"])


def test_an_answer_that_cannot_be_encrypted_is_not_sent():
    """It never goes in the clear instead (§8.3)."""
    with pytest.raises(ProtocolError) as refused:
        answer(replace(REQUEST, metadata=None), TOKEN)

    assert "request.invalid" == refused.value.code


def test_an_answer_to_a_file_is_not_posted():
    """A request without a response_uri is answered as it came."""
    with pytest.raises(UsageError) as refused:
        answer(replace(REQUEST, response_uri=None), TOKEN)

    assert "usage.argument" == refused.value.code


def _header(compact, **changed):
    header, _, rest = compact.partition(".")
    members = {**jose.encryption_header(f"{header}."), **changed}
    return f"{to_base64url(json.dumps({k: v for k, v in members.items() if v is not None}).encode())}.{rest}"


GOOD = {"vp_token": {"register": ["eyJ~"]}, "state": "af0ifjsldkj"}
OTHER = new_encryption_key()
BAD = {
    "VPV-13: in the clear": ({"vp_token": '{"a": ["x"]}', "state": "af0ifjsldkj"}, "crypto.not_encrypted"),
    "another key": ({"response": _jwe(GOOD, OTHER)}, "crypto.key_invalid"),
    "another key of that name": ({"response": _jwe(GOOD, OTHER | {"kid": KEY["kid"]})}, "crypto.decrypt_failed"),
    "no kid": ({"response": _header(_jwe(GOOD), kid=None)}, "crypto.key_invalid"),
    "compressed": ({"response": _header(_jwe(GOOD), zip="DEF")}, "crypto.crit_unsupported"),
    "another alg": ({"response": _header(_jwe(GOOD), alg="RSA-OAEP")}, "crypto.alg_not_allowed"),
    "an enc that was not offered": ({"response": _header(_jwe(GOOD), enc="A192GCM")}, "crypto.alg_not_allowed"),
    "changed": ({"response": _jwe(GOOD)[:-4] + "AAAA"}, "crypto.decrypt_failed"),
    "not json": ({"response": _jwe(b"x")}, "malformed.json"),
    "no state": ({"response": _jwe({"vp_token": {"a": ["x"]}})}, "request.invalid"),
    "another state": ({"response": _jwe(GOOD | {"state": "x"})}, "request.invalid"),
    "a state of another kind": ({"response": _jwe(GOOD | {"state": 1})}, "request.invalid"),
    "no vp_token": ({"response": _jwe({"state": "af0ifjsldkj"})}, "malformed.vp_token"),
    "a vp_token as text": ({"response": _jwe(GOOD | {"vp_token": '{"a": ["x"]}'})}, "malformed.vp_token"),
    "a value that is no array": ({"response": _jwe(GOOD | {"vp_token": {"a": "x"}})}, "malformed.vp_token"),
    "an error in the clear for another request": ({"error": "access_denied", "state": "x"}, "request.invalid"),
    "an error without state": ({"error": "access_denied"}, "request.invalid"),
    "an error that is no code": ({"error": "<b>", "state": "af0ifjsldkj"}, "request.invalid"),
    "an error of another kind": ({"response": _jwe({"error": 1, "state": "af0ifjsldkj"})}, "request.invalid"),
    "a description of another kind": (
        {"response": _jwe({"error": "access_denied", "error_description": 1, "state": "af0ifjsldkj"})},
        "request.invalid",
    ),
}


@pytest.mark.parametrize(("parameters", "code"), BAD.values(), ids=BAD.keys())
def test_an_answer_that_is_not_to_this_request_is_refused(parameters, code):
    """Each with its own code, before anything in it is judged."""
    with pytest.raises((CryptoError, Malformed, ProtocolError)) as refused:
        _posted(**parameters).read(REQUEST, KEY)

    assert code == refused.value.code


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "", "é", [], [None], {}, {"a": {}}], ids=repr)
@pytest.mark.parametrize("name", ["vp_token", "state", "error", "error_description"])
def test_whatever_is_inside_is_read_or_refused_by_us(name, value):
    """Nothing but an answer, an error of the wallet, or an error of ours comes out."""
    members = {"error": "access_denied"} if name == "error_description" else {}
    try:
        found = _plain(GOOD | members | {name: value}).read(REQUEST, KEY)
    except (Malformed, ProtocolError) as exc:
        assert exc.code in {"malformed.vp_token", "request.invalid"}
    else:
        assert Declined(error="access_denied", description=value) == found


@pytest.mark.parametrize(("request_", "key"), [(CLEAR, KEY), (REQUEST, None), (replace(REQUEST, metadata=None), KEY)])
def test_an_encrypted_answer_that_nobody_asked_for_is_refused(request_, key):
    """Without a key that was offered there is nothing to read it with."""
    with pytest.raises(ProtocolError) as refused:
        _plain(GOOD).read(request_, key)

    assert "request.invalid" == refused.value.code


def test_an_answer_in_the_clear_has_its_vp_token():
    """What the clear form holds must have the shape of §8.1."""
    for token in ("eyJ~", "[]", '{"a": "x"}'):
        with pytest.raises(Malformed) as refused:
            _posted(vp_token=token, state="af0ifjsldkj").read(CLEAR)
        assert "malformed.vp_token" == refused.value.code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"state=a",
        b"vp_token=%7B%7D&response=a.b.c.d.e",
        b"vp_token=%7B%7D&error=access_denied",
        b"vp_token=%7B%7D&vp_token=%7B%7D",
        b"response=x",
        b"response=eyJhIjoxfQ.&response=eyJhIjoxfQ.",
        b"%ff",
    ],
)
def test_a_post_that_is_no_answer_is_refused(body):
    """None, two, twice, or something else altogether."""
    with pytest.raises(ProtocolError) as refused:
        Posted.parse(body)

    assert ("request.invalid", "invalid_request", 400) == (
        refused.value.code,
        refused.value.error,
        refused.value.status,
    )


def test_a_kid_is_a_text():
    """The verifier looks for the request by it."""
    with pytest.raises(ProtocolError) as refused:
        _posted(response=_header(_jwe(GOOD), kid=1))

    assert "request.invalid" == refused.value.code


@pytest.mark.parametrize("request_", [REQUEST, CLEAR], ids=["encrypted", "clear"])
def test_a_wallet_may_decline_in_the_clear(request_):
    """§8.5: an error needs no encryption."""
    sent = refusal(URI, request_.state, "access_denied", 'a "quoted" 설명')

    assert Declined(error="access_denied", description="a \\u0027quoted\\u0027 \\u0027\\u0027") == Posted.parse(
        sent.body
    ).read(request_, KEY)
    assert {"error": ["access_denied"]} == parse_qs(refusal(URI, None, "access_denied").body.decode())


def test_a_wallet_may_decline_encrypted():
    """What is inside is read like any other error."""
    posted = _plain({"error": "wallet_unavailable", "state": "af0ifjsldkj"})

    assert Declined(error="wallet_unavailable") == posted.read(REQUEST, KEY)


@pytest.mark.parametrize(
    ("description", "shown"),
    [
        ("<script>alert(1)</script>", "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"),
        ("a\r\nSet-Cookie: b", "a\\u000d\\u000aSet-Cookie: b"),
        ("\x1b[2J\u202e", "\\u001b[2J\\u202e"),
        ("x" * 1_000_000, "x" * 200),
        ("취소함", "취소함"),
    ],
    ids=["html", "crlf", "terminal", "megabyte", "korean"],
)
def test_a_strangers_description_is_cut_and_escaped(description, shown):
    """VPV-17: it can be shown and logged, and nothing obeys it."""
    posted = _posted(error="access_denied", error_description=description, state="af0ifjsldkj")

    assert Declined(error="access_denied", description=shown) == posted.read(CLEAR)


def test_what_went_wrong_has_its_error():
    """What would tell about the holder is ``access_denied``, all alike (§8.5)."""
    errors = {
        ProtocolError("request.invalid", error="vp_formats_not_supported"): "vp_formats_not_supported",
        QueryError("dcql.invalid"): "invalid_request",
        QueryError("dcql.unsatisfied"): "access_denied",
        PolicyError("policy.transaction_data"): "invalid_transaction_data",
        UsageError("usage.argument"): "access_denied",
    }

    assert list(errors.values()) == [error_of(exc) for exc in errors]


@pytest.mark.parametrize("address", [None, "https://bank.example/done#response_code=abc", "http://localhost:8000/done"])
def test_a_reply_says_where_to_go_on(address):
    """The wallet opens what the verifier replied, if it replied anything (§8.2)."""
    assert address == read_reply(Response(200, {}, reply(address)))


def test_an_empty_reply_leads_nowhere():
    """Some verifiers answer with nothing at all."""
    assert read_reply(Response(200)) is None


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (Response(302, {"location": URI}), TransportError, "fetch.redirect"),
        (Response(400, {}, b"{}"), TransportError, "fetch.unavailable"),
        (Response(200, {}, b"<html>"), ProtocolError, "request.invalid"),
        (Response(200, {}, b"[]"), ProtocolError, "request.invalid"),
        (Response(200, {}, reply("javascript:alert(1)")), ProtocolError, "request.invalid"),
        (Response(200, {}, reply("http://bank.example/")), ProtocolError, "request.invalid"),
        (Response(200, {}, b'{"redirect_uri": 1}'), ProtocolError, "request.invalid"),
    ],
)
def test_a_reply_that_leads_astray_is_refused(response, error, code):
    """Redirects are not followed, and only an https address is opened."""
    with pytest.raises(error) as refused:
        read_reply(response)

    assert code == refused.value.code
