"""What an mdoc presentation is bound to, by a redirect, through a browser, and at close range."""

from __future__ import annotations

from hashlib import sha256

import cbor2
import pytest

from ewallet.credential import Binding
from ewallet.dcql import Query
from ewallet.formats import transcript
from ewallet.jose import new_encryption_key
from ewallet.keys import PublicKey, SigningKey
from ewallet.oid4vp import AuthorizationRequest
from ewallet.oid4vp.metadata import ClientMetadata
from ewallet.shape import base64url, cbor, embed
from ewallet.testing.clock import START

_TO = Binding(audience="x509_san_dns:bank.example", nonce="n-1", response_uri="https://bank.example/response/1")
_KEY = SigningKey.generate().public
_QUERY = Query.parse({"credentials": [{"id": "a", "format": "mso_mdoc", "meta": {"doctype_value": "org.example"}}]})


def _bound(**changes):
    members = {"audience": _TO.audience, "nonce": _TO.nonce, "response_uri": _TO.response_uri} | changes
    return cbor(transcript.of_binding(Binding(**members)))


def _handover(name, *info):
    return [None, None, [name, sha256(cbor2.dumps(list(info))).digest()]]


def test_redirect_names_client_nonce_key_and_address():
    """With null for what is not there: a key in the clear, an address in a file."""
    name, thumbprint = "OpenID4VPHandover", base64url(_KEY.thumbprint)

    assert _handover(name, _TO.audience, "n-1", None, _TO.response_uri) == _bound()
    assert _handover(name, _TO.audience, "n-1", thumbprint, _TO.response_uri) == _bound(recipient=_KEY.thumbprint)
    assert _handover(name, _TO.audience, "n-1", None, None) == _bound(response_uri=None)


def test_browser_names_origin_nonce_and_key():
    """The origin as it is, and nothing of client and address."""
    name, origin = "OpenID4VPDCAPIHandover", "https://bank.example"

    assert _handover(name, origin, "n-1", None) == _bound(origin=origin)
    assert _handover(name, origin, "n-1", base64url(_KEY.thumbprint)) == _bound(
        origin=origin, recipient=_KEY.thumbprint
    )


def test_session_at_close_range_is_taken_as_it_is():
    """Engagement and reader's key as they were exchanged, and null for the code that was shown."""
    session = transcript.proximity(b"\xa1\x00c1.0", b"\xa0")

    assert bytes.fromhex("83d81846a10063312e30d81841a0f6") == session
    assert session == transcript.of_binding(Binding(audience="", nonce="", transcript=session))


def test_mac_key_depends_on_secret_and_session():
    """Another session, another key."""
    one = transcript.mac_key(bytes(32), b"\x83\xf6\xf6\xf6")

    assert 32 == len(one)
    assert one != transcript.mac_key(bytes(32), b"\x83\xf6\xf6\xf7")
    assert one != transcript.mac_key(bytes(31) + b"\x01", b"\x83\xf6\xf6\xf6")
    assert embed(b"\xa0") == bytes.fromhex("d81841a0")


@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
def test_request_tells_both_sides_the_same(mode):
    """Who answers and who judges bind to the same key, the one that the answer is encrypted to."""
    key = new_encryption_key() if mode == "direct_post.jwt" else None
    asked = AuthorizationRequest(
        client_id=_TO.audience,
        nonce=_TO.nonce,
        query=_QUERY,
        purpose="a test",
        issued=START,
        until=START,
        response_mode=mode,
        response_uri=_TO.response_uri,
        metadata=ClientMetadata.make(key),
    )
    read = AuthorizationRequest.parse(asked.to_bytes())
    point = {name: key[name] for name in ("kty", "crv", "x", "y")} if key else None

    assert asked.bindings(["a"])["a"] == asked.binding == read.binding
    assert (PublicKey.of_jwk(point).thumbprint if point else None) == read.binding.recipient
    assert _TO.response_uri == read.binding.response_uri
