"""Issuer metadata: addresses are built, documents are compared with who is asked for."""

from __future__ import annotations

import json

import pytest

from ewallet.errors import EWalletError
from ewallet.issuer_metadata import IssuerMetadata, well_known
from ewallet.keys import SigningKey

_ISSUER = "https://issuer.example"
_KEYS = [SigningKey.generate().public.jwk | {"kid": name} for name in ("a", "b", "b")]


def _code(check, *args):
    with pytest.raises(EWalletError) as refused:
        check(*args)
    return refused.value.code


def _body(**members):
    return json.dumps({"issuer": _ISSUER} | members).encode()


@pytest.mark.parametrize(
    "identifier",
    [
        "", "http://a.example", "https://", "https:///a", "https://a.example?", "https://a.example#", "ftp://a.example",
        "https://u@a.example", "https://a.example:x", "https://a.example:99999", "https://a.example/ b",
        "https://a.example/\n", "https://é.example", "https://[::1", f"https://a.example/{'a' * 100_000}",
    ],
    ids=range(15),
)  # fmt: skip
def test_identifier_that_is_no_plain_https_url_has_no_address(identifier):
    """User, query, fragment, bad port, space, control characters, other letters, length."""
    assert _code(well_known, identifier) == "malformed.url"


def test_name_goes_between_host_and_path():
    """A closing slash is dropped."""
    assert well_known("https://a.example:8443/b/c/", "x") == "https://a.example:8443/.well-known/x/b/c"
    assert well_known("https://a.example") == "https://a.example/.well-known/jwt-vc-issuer"


def test_key_is_chosen_by_its_identifier():
    """Exactly one may fit."""
    read = IssuerMetadata.read(_body(jwks={"keys": _KEYS}), _ISSUER)
    assert read.key("a").jwk == {name: value for name, value in _KEYS[0].items() if name != "kid"}
    for kid in (None, "b", "c"):
        assert _code(read.key, kid) == "crypto.key_invalid"
    assert IssuerMetadata.read(_body(jwks={"keys": _KEYS[:1]}), _ISSUER).key(None) == read.key("a")
    elsewhere = IssuerMetadata.read(_body(jwks_uri="https://a.example/keys?v=1"), _ISSUER)
    assert elsewhere.jwks_uri == "https://a.example/keys?v=1"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"issuer": "https://other.example", "jwks": {"keys": _KEYS}}, "trust.issuer_mismatch"),
        ({}, "malformed.claim_type"),
        ({"jwks": {"keys": _KEYS}, "jwks_uri": "https://a.example"}, "malformed.claim_type"),
        ({"jwks_uri": "http://a.example"}, "malformed.url"),
        ({"jwks": {"keys": []}}, "limit.count"),
        ({"jwks": {"keys": [1]}}, "malformed.claim_type"),
        ({"jwks": {}}, "malformed.claim_type"),
    ],
    ids=range(7),
)
def test_bad_document_is_refused(members, code):
    """Of another issuer, without keys, with keys in two ways, with keys elsewhere in the clear."""
    assert code == _code(IssuerMetadata.read, _body(**members), _ISSUER)
