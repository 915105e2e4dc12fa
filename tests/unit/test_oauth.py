"""OAuth: errors, addresses, forms, access tokens, PKCE and client attestation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ewallet import jose, oauth
from ewallet.errors import Malformed, ProtocolError
from ewallet.flow import Response
from ewallet.keys import SigningKey

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
SERVER = "https://as.example.go.kr"
WALLET = "https://wallet.example"


def _refusal(call, *arguments, **options):
    """The (error, status) of the protocol error the call ends in."""
    with pytest.raises(ProtocolError) as refused:
        call(*arguments, **options)
    assert "request.invalid" == refused.value.code
    assert "request.invalid" == refused.value.code
    return refused.value.error, refused.value.status


def test_an_error_travels_in_both_directions() -> None:
    """What one side refuses with is what the other side raises, and its words are plain ASCII."""
    raised = ProtocolError("request.invalid", 'no "code" \\ 없음', error="invalid_grant")
    sent = oauth.ErrorResponse.of(raised).to_bytes()

    assert {"error": "invalid_grant", "error_description": "no 'code' ' ''"} == json.loads(sent)
    received = oauth.ErrorResponse.parse(sent).refusal(400)
    assert ("invalid_grant", 400, "request.invalid") == (received.error, received.status, received.code)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(400, {}, b'{"error": "invalid_grant"}'), "invalid_grant"),
        (Response(401, {"www-authenticate": 'DPoP algs="ES256", error="invalid_token"'}), "invalid_token"),
        (Response(401, {"www-authenticate": 'Bearer error_uri="x"'}, b"<html>"), "server_error"),
        (Response(502), "server_error"),
    ],
)
def test_an_error_is_found_wherever_a_server_puts_it(response, error) -> None:
    """In the body, else in the challenge; a server that says nothing has an error of its own."""
    assert error == oauth.ErrorResponse.received(response).error


def test_an_error_without_words_has_no_description() -> None:
    """A description is left out where there is nothing to say."""
    assert b'{"error":"invalid_grant"}' == oauth.ErrorResponse(error="invalid_grant").to_bytes()
    assert oauth.ErrorResponse(error="invalid_grant") == oauth.ErrorResponse.parse(b'{"error":"invalid_grant"}')


def test_a_strangers_words_are_cleaned_and_cut() -> None:
    """What a server says about its error can neither hide nor flood."""
    said = json.dumps({"error": "x", "error_description": "\u202e<b>" + "a" * 1000})

    assert "?<b>" + "a" * 196 == oauth.ErrorResponse.parse(said).description


@pytest.mark.parametrize("raw", ['{"error": ""}', '{"error": "\\n"}', '{"error": 1}', '{"error": "%s"}' % ("a" * 201)])
def test_an_error_that_is_no_code_is_malformed(raw) -> None:
    """An error is a short word in ASCII."""
    with pytest.raises(Malformed) as refused:
        oauth.ErrorResponse.parse(raw)
    assert "malformed.claim_type" == refused.value.code


@pytest.mark.parametrize("text", ["https://a.example/b?c=d", "https://a.example:8443", "https://[2001:db8::1]/"])
def test_an_https_address_is_taken(text) -> None:
    """Host, port, path and query are the server's own affair."""
    assert text == oauth.url(text, "it")


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example",
        "http://127.0.0.1/",
        "ftp://a.example",
        "https://",
        "https:///path",
        "a.example",
        "https://a.example:port",
        "https://[::1",
        "https://user@a.example",
        "https://a.example/#",
        "https://a.example/ b",
        "https://a.example\\b",
        "https://한국.example",
        "",
    ],
)
def test_another_address_is_malformed(text) -> None:
    """No user, no fragment, no spelling that programs read differently."""
    with pytest.raises(Malformed) as refused:
        oauth.url(text, "it")
    assert "malformed.url" == refused.value.code


def test_this_machine_is_reached_without_tls_only_when_told_so() -> None:
    """Demos on one machine need no certificates; other machines do."""
    assert "http://127.0.0.1:8000/a" == oauth.url("http://127.0.0.1:8000/a", "it", loopback=True)
    with pytest.raises(Malformed) as refused:
        oauth.url("http://192.0.2.1/", "it", loopback=True)
    assert "malformed.url" == refused.value.code


def test_a_form_is_read_as_it_was_written() -> None:
    """Whatever is in the values comes back, and what has no value counts as left out (RFC 6749 §3.1)."""
    parameters = {"grant_type": "urn:x", "note": "가 나&=%+"}

    assert parameters == oauth.parse_form(oauth.form(parameters))
    assert {"a": "1"} == oauth.parse_form(b"a=1&b=")
    assert {} == oauth.parse_form(b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"a=1&a=2",
        b"a=1&a=",
        b'{"a": 1}',
        b"a=%zz",
        b"a=%",
        b"a=%ff",
        "a=가".encode(),
        b"a=1&&b=2",
        b"&".join(b"a%d=1" % i for i in range(65)),
        b"a=" + b"1" * 65536,
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(raw) -> None:
    """Repeated parameters, broken escapes, other encodings and floods."""
    assert ("invalid_request", 400) == _refusal(oauth.parse_form, raw)


def test_an_access_token_is_read_from_its_header() -> None:
    """The scheme is in any case, the token as it is."""
    authorization = oauth.Authorization.parse(["dpop abc~1.-_+/=="], query="a=b&c")

    assert ("DPoP", "abc~1.-_+/==") == (authorization.scheme, authorization.token)
    assert authorization == oauth.Authorization.parse([authorization.header])
    assert "abc" not in repr(authorization)


@pytest.mark.parametrize(
    "headers", [[], ["Bearer a", "Bearer a"], ["Bearer"], ["Bearer a b"], ["Basic YTpi"], ["DPoP " + "a" * 9000]]
)
def test_no_single_token_is_an_invalid_token(headers) -> None:
    """Without exactly one token the answer is 401, with a challenge."""
    assert ("invalid_token", 401) == _refusal(oauth.Authorization.parse, headers)
    with pytest.raises(ProtocolError) as refused:
        oauth.Authorization.parse(headers)
    assert refused.value.headers["WWW-Authenticate"].startswith('DPoP error="invalid_token", algs="')


@pytest.mark.parametrize("query", ["access_token=a", "x=1&access_token=a", "%61ccess_token=a", "access_token"])
def test_a_token_in_the_query_is_refused(query) -> None:
    """Addresses are logged, so that tokens have no place in them."""
    assert ("invalid_request", 400) == _refusal(oauth.Authorization.parse, ["Bearer a"], query=query)


def test_a_token_is_used_as_it_was_bound() -> None:
    """A token bound to a key is no bearer token, and the other way round."""
    dpop = oauth.Authorization(scheme="DPoP", token="a")
    bearer = oauth.Authorization(scheme="Bearer", token="a")
    dpop.check_scheme("thumbprint")
    bearer.check_scheme(None)

    assert ("invalid_token", 401) == _refusal(bearer.check_scheme, "thumbprint")
    with pytest.raises(ProtocolError) as refused:
        dpop.check_scheme(None)
    assert {"WWW-Authenticate": 'Bearer error="invalid_token"'} == refused.value.headers


def test_a_code_verifier_answers_its_challenge() -> None:
    """The challenge of a fresh verifier is taken, and answered by it alone."""
    verifier = oauth.code_verifier(lambda n: b"\x01" * n)
    challenge = oauth.code_challenge(verifier)
    oauth.check_code_challenge(challenge, "S256")
    oauth.check_code_verifier(verifier, challenge)

    assert ("invalid_grant", 400) == _refusal(oauth.check_code_verifier, verifier[:-1] + "x", challenge)
    assert ("invalid_grant", 400) == _refusal(oauth.check_code_verifier, "short", oauth.code_challenge("short"))
    assert ("invalid_request", 400) == _refusal(oauth.check_code_verifier, None, challenge)


@pytest.mark.parametrize(
    ("challenge", "method"), [(None, None), ("a" * 43, "plain"), ("a" * 43, None), ("a", "S256"), (None, "S256")]
)
def test_a_challenge_other_than_s256_is_refused(challenge, method) -> None:
    """PKCE is not optional, and has one method."""
    assert ("invalid_request", 400) == _refusal(oauth.check_code_challenge, challenge, method)


@pytest.fixture(scope="module")
def provider():
    """A wallet provider's key."""
    return SigningKey.generate()


@pytest.fixture(scope="module")
def instance():
    """The key of one installation of a wallet."""
    return SigningKey.generate()


@pytest.fixture
def ask(provider, instance):
    """Checks an attestation and a proof with some of their claims changed; None leaves a claim out."""

    def ask(attested=(), proven=(), *, by=None, proof_by=None, times=(1, 1), **options):
        attestation = {"sub": WALLET, "exp": NOW + 60, "cnf": {"jwk": instance.public.jwk}} | dict(attested)
        proof = {"aud": SERVER, "jti": "1", "iat": NOW} | dict(proven)
        return oauth.check_client_attestation(
            [_signed(oauth.ATTESTATION_TYP, attestation, by or provider)] * times[0],
            [_signed(oauth.ATTESTATION_POP_TYP, proof, proof_by or instance)] * times[1],
            audience=SERVER,
            at=AT,
            attester=lambda _jws: provider.public,
            **options,
        )

    return ask


def _signed(typ, claims, by):
    return jose.sign(typ, {name: value for name, value in claims.items() if value is not None}, by)


def test_an_attested_wallet_is_known(ask, instance) -> None:
    """Who it is, its key, and what must not come again."""
    client = ask(client_id=WALLET, proven={"iss": WALLET})

    assert (WALLET, instance.public, "1") == (client.client_id, client.key, client.jti)
    assert AT + timedelta(seconds=oauth.PAST + 1) == client.until
    assert client == ask()


def test_a_challenge_must_be_answered(ask) -> None:
    """A server that gave a challenge wants it in the proof."""
    accepts = {"ours"}.__contains__

    assert WALLET == ask(proven={"challenge": "ours"}, accepts=accepts).client_id
    assert ("use_attestation_challenge", 400) == _refusal(ask, accepts=accepts)


@pytest.mark.parametrize(
    ("attested", "proven"),
    [
        ({"sub": None}, {}),
        ({"exp": None}, {}),
        ({"cnf": {}}, {}),
        ({}, {"aud": f"{SERVER}/token"}),
        ({}, {"aud": [SERVER]}),
        ({}, {"iss": "https://other.example"}),
        ({}, {"jti": None}),
        ({}, {"jti": ""}),
        ({}, {"jti": "a" * 257}),
        ({}, {"iat": None}),
        ({}, {"iat": NOW - oauth.PAST - 1}),
        ({}, {"iat": NOW + oauth.FUTURE + 1}),
    ],
)
def test_a_wallet_that_is_not_attested_is_no_client(ask, attested, proven) -> None:
    """Every claim that is missing or about something else."""
    assert ("invalid_client", 401) == _refusal(ask, attested, proven)


def test_an_expired_attestation_is_to_be_renewed(ask) -> None:
    """The wallet is told that a new one would do."""
    assert ("use_fresh_attestation", 400) == _refusal(ask, {"exp": NOW})


def test_an_attestation_of_others_is_refused(ask) -> None:
    """Another provider, another key, another client, and not one header each."""
    assert ("invalid_client", 401) == _refusal(ask, by=SigningKey.generate())
    assert ("invalid_client", 401) == _refusal(ask, proof_by=SigningKey.generate())
    assert ("invalid_client", 401) == _refusal(ask, client_id="https://other.example")
    for times in ((0, 0), (0, 1), (1, 0), (2, 1), (1, 2)):
        assert ("invalid_client", 401) == _refusal(ask, times=times)
