"""DPoP (RFC 9449): a proof is made by one side and taken by the other, for one request and for no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ewallet import dpop, jose
from ewallet.errors import Malformed, ProtocolError
from ewallet.flow import Response
from ewallet.keys import SigningKey

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
URL = "https://issuer.example.go.kr/credential"
TOKEN = "a-token"


@pytest.fixture(scope="module")
def key():
    """A wallet's key."""
    return SigningKey.generate()


def _check(*proofs, **options):
    return dpop.check(proofs, method="POST", url=URL, at=AT, **options)


def _refusal(*proofs, **options):
    with pytest.raises(ProtocolError) as refused:
        _check(*proofs, **options)
    assert "request.invalid" == refused.value.code
    assert "request.invalid" == refused.value.code
    return refused.value.error, refused.value.status


def _signed(key, *, header=(), typ=dpop.TYP, **changes):
    """A proof with some of its claims changed; None leaves a claim out."""
    claims = {"jti": "1", "htm": "POST", "htu": URL, "iat": NOW, "ath": dpop.token_hash(TOKEN)} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jose.sign(typ, kept, key, {"jwk": key.public.jwk} | dict(header))


def test_a_proof_that_was_made_is_taken(key) -> None:
    """For the request it was made for, with the token and the nonce."""
    proof = dpop.prove("POST", f"{URL}?a=b", key, at=AT, random=bytes, token=TOKEN, nonce="n")
    taken = _check(proof, token=TOKEN, bound=key.public.thumbprint, accepts={"n"}.__contains__)

    assert (key.public.thumbprint, "AAAAAAAAAAAAAAAAAAAAAA") == (taken.thumbprint, taken.jti)
    assert AT + timedelta(seconds=301) == taken.until


def test_a_proof_without_a_token_is_for_the_authorization_server(key) -> None:
    """A token request has no token yet."""
    proof = dpop.prove("POST", URL, key, at=AT, random=bytes)

    assert key.public.thumbprint == _check(proof).thumbprint
    assert ("invalid_dpop_proof", 401) == _refusal(proof, token=TOKEN)


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": None},
        {"htm": None},
        {"htm": "post"},
        {"htu": None},
        {"htu": "https://issuer.example.go.kr/nonce"},
        {"htu": "http://issuer.example.go.kr/credential"},
        {"htu": "not a url"},
        {"iat": None},
        {"iat": NOW - 301},
        {"iat": NOW + 61},
        {"ath": None},
        {"ath": dpop.token_hash("another")},
        {"ath": "없음"},
        {"nonce": 1},
        {"typ": "JWT"},
        {"header": {"jwk": None}},
        {"header": {"jwk": {"kty": "oct", "k": "AA"}}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "RS256"}},
    ],
)
def test_a_proof_for_something_else_is_refused(key, changes) -> None:
    """Each claim and header must be there and be about this request."""
    assert ("invalid_dpop_proof", 401) == _refusal(_signed(key, **changes), token=TOKEN)


def test_a_proof_by_another_key_than_it_names_is_refused(key) -> None:
    """The key in the header is the one that signs."""
    other = SigningKey.generate().public.jwk

    assert ("invalid_dpop_proof", 401) == _refusal(_signed(key, header={"jwk": other}), token=TOKEN)


def test_there_is_one_proof(key) -> None:
    """None, two or an endless one is refused; without a token with 400."""
    proof = _signed(key)

    assert ("invalid_dpop_proof", 400) == _refusal()
    assert ("invalid_dpop_proof", 400) == _refusal(proof, proof)
    assert ("invalid_dpop_proof", 400) == _refusal(proof + "a" * 9000)


def test_a_token_bound_to_another_key_is_no_token(key) -> None:
    """At the issuer the token is refused; at the authorization server the proof is."""
    assert ("invalid_token", 401) == _refusal(_signed(key), token=TOKEN, bound="another")
    assert ("invalid_dpop_proof", 400) == _refusal(_signed(key), bound="another")


def test_a_server_that_wants_a_nonce_says_which(key) -> None:
    """The error brings the nonce to try again with."""
    for token, status in ((TOKEN, 401), (None, 400)):
        with pytest.raises(ProtocolError) as refused:
            _check(_signed(key, nonce="old"), token=token, accepts={"new"}.__contains__, next_nonce="new")
        assert ("request.invalid", "use_dpop_nonce", status) == (
            refused.value.code,
            refused.value.error,
            refused.value.status,
        )
        assert "new" == refused.value.headers["DPoP-Nonce"]
        assert (token is not None) == ("WWW-Authenticate" in refused.value.headers)
    assert ("use_dpop_nonce", 400) == _refusal(_signed(key), accepts={"new"}.__contains__)


def _answer(error, status=401):
    """What a server answers to a proof that it does not take."""
    return Response(
        status=status,
        headers={"www-authenticate": f'DPoP error="{error}", algs="ES256"', "dpop-nonce": "new"},
        body=b"" if status == 401 else b'{"error": "%s"}' % error.encode(),
    )


def test_a_wallet_tries_again_with_the_nonce_it_was_given() -> None:
    """Only where the nonce is what is missing; a success may bring one too."""
    assert ["new", "new"] == [dpop.retry_nonce(_answer("use_dpop_nonce", status)) for status in (400, 401)]
    assert dpop.retry_nonce(_answer("invalid_token")) is None
    assert dpop.retry_nonce(_answer("use_dpop_nonce", 200)) is None
    assert "new" == dpop.given_nonce(Response(200, {"dpop-nonce": "new"}))


@pytest.mark.parametrize("nonce", ["", 'a"b', "a b", "가", "a" * 1025])
def test_a_nonce_that_could_not_travel_is_none(nonce) -> None:
    """It would go back into a token of ours."""
    assert dpop.given_nonce(Response(200, {"dpop-nonce": nonce})) is None
    assert dpop.given_nonce(Response(200)) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("HTTPS://A.Example:443", "https://a.example/"),
        ("https://a.example/?q#f", "https://a.example/"),
        ("https://a.example:8443/a", "https://a.example:8443/a"),
        ("http://a.example:80/a/./b/../c", "http://a.example/a/c"),
        ("https://a.example/../..", "https://a.example/"),
        ("https://a.example/a/..", "https://a.example/"),
        ("https://a.example/a/b/.", "https://a.example/a/b/"),
        ("https://a.example/%7Euser/%ea%b0%80%2f", "https://a.example/~user/%EA%B0%80%2F"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("https://u@a.example/A", "https://u@a.example/A"),
    ],
)
def test_addresses_compare_as_written_once_normalised(written, expected) -> None:
    """RFC 3986 §6.2.2-6.2.3."""
    assert expected == dpop.normalised(written)


def test_what_is_no_address_cannot_be_compared() -> None:
    """It is malformed, not equal to anything."""
    with pytest.raises(Malformed) as refused:
        dpop.normalised("https://a.example:99999/")
    assert "malformed.url" == refused.value.code
