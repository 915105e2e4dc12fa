"""How a request of OpenID4VP travels, and who a wallet believes asks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet import jose
from ewallet.dcql import Query
from ewallet.errors import ProtocolError, TransportError, TrustError, UsageError
from ewallet.flow import Response
from ewallet.jose import new_encryption_key
from ewallet.keys import SigningKey
from ewallet.oid4vp import AuthorizationRequest
from ewallet.oid4vp.metadata import ClientMetadata, wallet_metadata
from ewallet.oid4vp.request import (
    AUDIENCE,
    MEDIA_TYPE,
    TYP,
    Fetch,
    RequestLink,
    authenticate,
    client_id,
    fetched,
    link,
    shown_text,
    signed,
)
from ewallet.shape import certificate, to_base64url
from ewallet.testing.stage import jws

HOST = "bank.example"
URI = f"https://{HOST}/requests/1"
QUERY = Query.parse(
    {"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:example:register"]}}]}
)


@pytest.fixture
def at(ewallet_clock):
    """Now."""
    return ewallet_clock.now()


@pytest.fixture
def signer(ewallet_pki):
    """The key of a verifier that is on the trust list."""
    return ewallet_pki.verifier


@pytest.fixture
def asks(at, signer):
    """A verifier's request for an encrypted answer, with changes."""

    def make(prefix="x509_hash", **changed):
        request = AuthorizationRequest(
            client_id=client_id(signer, prefix),
            nonce="n-0S6_WzA2Mj",
            query=QUERY,
            purpose="가상 대출 심사",
            issued=at,
            until=at + timedelta(minutes=5),
            response_mode="direct_post.jwt",
            response_uri=f"https://{HOST}/answers/1",
            state="af0ifjsldkj",
            metadata=ClientMetadata.make(new_encryption_key()),
        )
        return replace(request, **changed)

    return make


@pytest.fixture
def believes(ewallet_pki, at):
    """What a wallet makes of a link and the request object behind it."""
    trust = ewallet_pki.trust_list()

    def open_(asked, compact=None, **means):
        return authenticate(asked, compact, **({"trust": trust, "at": at} | means))

    return open_


@pytest.fixture
def forged(asks, signer):
    """The link and the request object of a request, the claims changed or left out before they are signed."""

    def make(changed, key=signer, typ=TYP, outside=None):
        claims = asks().to_json() | {"aud": AUDIENCE} | changed
        claims = {name: value for name, value in claims.items() if value is not None}
        asked = RequestLink.read(link(outside or claims["client_id"], URI, post=True))
        return asked, jose.sign(typ, claims, key)

    return make


def _code(call, *args, **kwargs):
    with pytest.raises(ProtocolError) as refused:
        call(*args, **kwargs)
    return refused.value.code


@pytest.mark.parametrize("prefix", ["x509_hash", "x509_san_dns"])
@pytest.mark.parametrize("post", [False, True], ids=["get", "post"])
def test_a_signed_request_is_believed(asks, believes, signer, at, prefix, post):
    """Link, fetch and signature lead the wallet to the very request, and to the name of who asks."""
    request = asks(prefix)
    asked = RequestLink.read(link(request.client_id, URI, post=post))
    wanted = asked.fetch("a-wallet-nonce")
    nonce = Fetch.parse(wanted.body).wallet_nonce
    response = Response(200, {"content-type": f"{MEDIA_TYPE}; charset=utf-8"}, signed_bytes(request, signer, nonce))
    sender = believes(asked, fetched(response), wallet_nonce="a-wallet-nonce")

    assert ("POST" if post else "GET", URI, MEDIA_TYPE) == (wanted.method, wanted.url, wanted.headers["accept"])
    assert (request.response_uri, request.state) == (sender.response_uri, sender.state)
    assert replace(request, verifier_name="Example verifier signer") == sender.request(at)


def signed_bytes(request, signer, nonce):
    """The request object as it is served."""
    return signed(request, signer, wallet_nonce=nonce).encode("ascii")


def test_a_request_object_is_served_again_as_it_was(asks, signer):
    """VPV-09: fetched twice it says the same, and echoes the nonce of whoever fetched it."""
    request = asks()
    first, second = (jose.parse(signed(request, signer, wallet_nonce=nonce), TYP).claims for nonce in ("a", "b"))

    assert ("a", "b") == (first.pop("wallet_nonce"), second.pop("wallet_nonce"))
    assert first == second
    assert "wallet_nonce" not in jose.parse(signed(request, signer), TYP).claims


def test_a_post_says_what_the_wallet_can(asks):
    """VPV-09: the verifier reads the nonce and the wallet's metadata from the form."""
    wanted = RequestLink.read(link(asks().client_id, URI, post=True)).fetch("a-wallet-nonce")

    assert "application/x-www-form-urlencoded" == wanted.headers["content-type"]
    assert Fetch(wallet_nonce="a-wallet-nonce", wallet_metadata=wallet_metadata()) == Fetch.parse(wanted.body)
    assert Fetch() == Fetch.parse(b"")


@pytest.mark.parametrize(
    "body",
    [b"wallet_nonce=a&wallet_nonce=b", b"wallet_metadata=%5B%5D", b"wallet_metadata=x", b"wallet_nonce=" + b"a" * 501],
)
def test_a_post_that_is_none_is_refused(body):
    """VPV-09: parameters twice, metadata that is no object, a nonce nobody needs."""
    assert "request.invalid" == _code(Fetch.parse, body)


def test_a_link_is_what_a_qr_holds():
    """The identifier and the address are escaped, the method is said only where it is post."""
    text = link("x509_hash:abc", f"{URI}?a=b&c", post=True, scheme="haip-vp")

    assert "haip-vp" == urlsplit(text).scheme
    assert {
        "client_id": ["x509_hash:abc"],
        "request_uri": [f"{URI}?a=b&c"],
        "request_uri_method": ["post"],
    } == parse_qs(urlsplit(text).query)
    assert "request_uri_method" not in link("x509_hash:abc", URI)
    assert RequestLink.read(text) == RequestLink.read(f" {urlsplit(text).query}\n")


BAD_LINKS = {
    "no client_id": ({"request_uri": URI}, "invalid_request"),
    "both ways": ({"client_id": "x509_hash:a", "request_uri": URI, "request": "a.b.c"}, "invalid_request"),
    "http": ({"client_id": "x509_hash:a", "request_uri": "http://bank.example/"}, "invalid_request"),
    "a method of nothing": ({"client_id": "x509_hash:a", "request_uri_method": "post"}, "invalid_request"),
    "another method": (
        {"client_id": "x509_hash:a", "request_uri": URI, "request_uri_method": "PUT"},
        "invalid_request_uri_method",
    ),
    "a method in capitals": (
        {"client_id": "x509_hash:a", "request_uri": URI, "request_uri_method": "POST"},
        "invalid_request_uri_method",
    ),
    "a query that is no json": ({"client_id": "redirect_uri:https://a.example", "dcql_query": "{"}, "invalid_request"),
}


@pytest.mark.parametrize(("parameters", "error"), BAD_LINKS.values(), ids=BAD_LINKS.keys())
def test_a_link_that_breaks_a_rule_is_refused(parameters, error):
    """Nothing is fetched for it."""
    with pytest.raises(ProtocolError) as refused:
        RequestLink.read(f"openid4vp://?{urlencode(parameters)}")

    assert ("request.invalid", error) == (refused.value.code, refused.value.error)


@pytest.mark.parametrize("text", ["openid4vp://?client_id=a&client_id=b", "openid4vp://?client_id=%zz", "EW1:이"])
def test_a_text_that_is_no_link_is_refused(text):
    """A parameter twice, a broken escape, something else altogether."""
    assert "request.invalid" == _code(RequestLink.read, text)


def test_a_request_by_value_is_not_fetched(asks, believes, signer, at):
    """What is in the link itself is judged in the same way."""
    parameters = {"client_id": asks().client_id, "request": signed(asks(), signer)}
    asked = RequestLink.read(f"openid4vp://?{urlencode(parameters)}")

    assert asks().nonce == believes(asked).request(at).nonce
    with pytest.raises(UsageError) as refused:
        asked.fetch("a-wallet-nonce")
    assert "usage.argument" == refused.value.code


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (Response(302, {"location": "https://bank.example/"}), TransportError, "fetch.redirect"),
        (Response(503), TransportError, "fetch.unavailable"),
        (Response(404), ProtocolError, "request.invalid"),
        (Response(410), ProtocolError, "request.invalid"),
        (Response(200, {"content-type": "application/jwt"}, b"a.b.c"), ProtocolError, "request.invalid"),
        (Response(200, {}, b"a.b.c"), ProtocolError, "request.invalid"),
        (Response(200, {"content-type": MEDIA_TYPE}, "가".encode()), ProtocolError, "request.invalid"),
    ],
)
def test_only_a_request_object_is_taken_for_one(response, error, code):
    """A redirect is not followed, an error or another kind of document is none (§5.10); what is gone is over."""
    with pytest.raises(error) as refused:
        fetched(response)

    assert code == refused.value.code


CLAIMS = {
    "WAL-01: expired": {"exp": 1},
    "dated in the future": {"iat": 4_000_000_000},
    "not yet valid": {"nbf": 4_000_000_000},
    "a time of another kind": {"exp": "soon"},
    "no audience": {"aud": None},
    "another audience": {"aud": "https://wallet.example"},
    "several audiences": {"aud": [AUDIENCE, "https://wallet.example"]},
    "another wallet_nonce": {"wallet_nonce": "b"},
    "no wallet_nonce": {"wallet_nonce": None},
    "a response_uri of another kind": {"response_uri": ["https://bank.example"]},
}


@pytest.mark.parametrize("changed", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_request_object_for_others_or_for_another_time_is_refused(forged, believes, changed):
    """WAL-01: who asks is not established by it, so that nothing is sent to anyone."""
    asked, compact = forged({"wallet_nonce": "a"} | changed)

    assert "request.invalid" == _code(believes, asked, compact, wallet_nonce="a")


def test_a_request_object_may_leave_out_its_times(forged, believes, at):
    """Without times it is judged as made when it came; one audience may stand in an array."""
    asked, compact = forged({"exp": None, "iat": None, "aud": [AUDIENCE]})

    assert at == believes(asked, compact).request(at).issued


def test_a_request_object_that_nobody_signed_is_refused(asks, believes, signer):
    """WAL-01: alg none, a changed signature, no signature at all, another type of JWT, something else."""
    asked = RequestLink.read(link(asks().client_id, URI))
    good = signed(asks(), signer)
    claims = jose.parse(good, TYP).claims
    bare = RequestLink.read(urlencode({"client_id": asks().client_id, "nonce": "n", "response_type": "vp_token"}))

    codes = {
        "none": _code(believes, asked, jws({"alg": "none", "typ": TYP}, claims, None)),
        "changed": _code(believes, asked, f"{good.rpartition('.')[0]}.{to_base64url(bytes(64))}"),
        "by value": _code(believes, bare),
        "type": _code(believes, asked, jose.sign("JWT", claims, signer)),
        "crit": _code(believes, asked, jws({"alg": "ES256", "typ": TYP, "crit": ["a"]}, claims, signer.sign)),
        "text": _code(believes, asked, "hello"),
        "no json": _code(believes, asked, f"{jose.signing_input(TYP, b'x', 'ES256', signer.chain)}.AA"),
    }
    assert {
        "none": "request.signature_invalid",
        "changed": "request.signature_invalid",
        "by value": "request.signature_invalid",
        "type": "request.invalid",
        "crit": "request.invalid",
        "text": "request.invalid",
        "no json": "request.signature_invalid",
    } == codes


def test_a_verifier_that_nobody_vouches_for_is_refused(forged, believes, ewallet_pki):
    """An issuer's certificate is not one to ask with, and neither is none."""
    issuer = next(iter(ewallet_pki.signers.values()))

    for key in (issuer, SigningKey.generate(), issuer.with_chain(issuer.chain)):
        asked, compact = forged({"client_id": "x509_hash:abc"}, key=key)
        assert "request.untrusted_verifier" == _code(believes, asked, compact)


def test_a_trust_list_that_is_over_says_so(forged, believes, ewallet_pki):
    """Our own material is stale: the verifier is not to blame."""
    asked, compact = forged({})

    with pytest.raises(TrustError) as refused:
        believes(asked, compact, trust=replace(ewallet_pki.trust_list(), until=datetime(2026, 1, 1, tzinfo=UTC)))
    assert "trust.list_invalid" == refused.value.code


@pytest.mark.parametrize(
    "name",
    """
    bank.example https://bank.example did:web:bank.example x509_san_uri:https://bank.example x509_hash: :a
    verifier_attestation:bank origin:https://bank.example decentralized_identifier:did:web:bank.example
    redirect_uri:https://bank.example/answers/1
    """.split(),
)
def test_a_prefix_that_proves_nothing_is_refused(forged, believes, name):
    """WAL-03: unknown, legacy and reserved prefixes, none at all, and one that is taken only on demand."""
    asked, compact = forged({"client_id": name})

    assert "request.untrusted_verifier" == _code(believes, asked, compact)


def test_another_client_id_inside_is_refused(forged, believes):
    """WAL-02: outside and inside must be the same, prefix and all."""
    asked, compact = forged({}, outside="x509_san_dns:bank.example")

    assert "request.client_id_mismatch" == _code(believes, asked, compact)


def _digest(raw):
    return to_base64url(sha256(raw).digest())


def test_a_hash_of_something_else_is_refused(forged, believes, ewallet_pki, signer):
    """X5T-21: the hash is that of the leaf in DER, not of its issuer, the root or the PEM text."""
    leaf = certificate(signer.chain[0])
    authority = ewallet_pki.authorities["verifier"]
    others = (ewallet_pki.root.der, authority.der, leaf.public_bytes(Encoding.PEM), leaf.tbs_certificate_bytes)

    for other in others:
        asked, compact = forged({"client_id": f"x509_hash:{_digest(other)}"})
        assert "request.client_id_mismatch" == _code(believes, asked, compact)
    asked, compact = forged({"client_id": f"x509_hash:{_digest(signer.chain[0])}"})
    assert "Example verifier signer" == believes(asked, compact).verifier_name


LOOK_ALIKE = "bänk.example".encode("idna").decode()


def _named(pki, *names, subject="x"):
    """A verifier of the trust list whose certificate has those names."""
    profile = replace(pki.profile("verifier", subject=subject), names=())
    extra = ((x509.SubjectAlternativeName(list(names)), False),) if names else ()
    return pki.signer("verifier", replace(profile, extra=(*profile.extra, *extra)))


@pytest.mark.parametrize(
    ("names", "asked_as"),
    [
        ([], HOST),
        ([x509.DNSName("*.example")], HOST),
        ([x509.DNSName("*.example")], "*.example"),
        ([x509.DNSName(LOOK_ALIKE)], HOST),
        ([x509.DNSName(LOOK_ALIKE)], "bänk.example"),
        ([x509.IPAddress(ip_address("192.0.2.1"))], "192.0.2.1"),
        ([x509.UniformResourceIdentifier("https://bank.example")], HOST),
        ([x509.DNSName(HOST)], "BANK.example"),
        ([x509.DNSName(HOST)], "www.bank.example"),
        ([x509.DNSName(HOST)], "bank.example."),
    ],
    ids=["cn", "wildcard", "wildcard-itself", "punycode", "unicode", "ip", "uri", "capitals", "subdomain", "dot"],
)
def test_a_name_that_is_not_the_certificates_is_refused(forged, believes, ewallet_pki, names, asked_as):
    """X5T-21: only a DNS name of the leaf, whole and in lower case, is the verifier's."""
    key = _named(ewallet_pki, *names, subject=HOST)
    claims = {"client_id": f"x509_san_dns:{asked_as}", "response_uri": "https://bank.example/"}
    asked, compact = forged(claims, key=key)

    assert "request.client_id_mismatch" == _code(believes, asked, compact)


@pytest.mark.parametrize(
    "address",
    [
        "https://www.bank.example/a",
        "https://evil.example/bank.example",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https://bank.example.evil.example/",
        "http://bank.example/a",
    ],
)
def test_an_answer_goes_to_the_host_that_asks(forged, believes, address):
    """WAL-06: a response_uri outside the certificate's name is refused, and nobody is notified."""
    asked, compact = forged({"client_id": f"x509_san_dns:{HOST}", "response_uri": address})

    assert "request.response_uri_mismatch" == _code(believes, asked, compact)


def test_a_hash_binds_no_host(forged, believes):
    """§5.9.3: with x509_hash the answer may go to any https address, but to an address."""
    asked, compact = forged({"response_uri": "https://answers.example/1"})
    elsewhere = forged({"response_uri": "http://answers.example/1"})

    assert "https://answers.example/1" == believes(asked, compact).response_uri
    assert "request.response_uri_mismatch" == _code(believes, *elsewhere)


@pytest.mark.parametrize("changed", [{"response_uri": None}, {"state": 1}, {"request_uri": URI}, {"request": "a.b.c"}])
def test_what_is_wrong_inside_is_found_once_who_asks_is_known(forged, believes, at, changed):
    """Then the verifier may be told."""
    for prefix in ("x509_hash", "x509_san_dns"):
        name = {} if prefix == "x509_hash" else {"client_id": f"x509_san_dns:{HOST}"}
        sender = believes(*forged(name | changed))
        assert "request.invalid" == _code(sender.request, at)
        assert sender.state == (None if "state" in changed else "af0ifjsldkj")


def test_a_mode_must_be_named(forged, believes, at):
    """Without one the answer would go into the fragment of an address (§5.2)."""
    sender = believes(*forged({"response_mode": None}))

    assert "request.invalid" == _code(sender.request, at)


def test_what_a_stranger_wrote_is_shown_as_text(forged, believes, at, ewallet_pki):
    """Purpose and name are cut, and markup, controls and direction marks escaped."""
    key = _named(ewallet_pki, subject="<b>가상\u202e은행</b>")
    claims = {"client_id": client_id(key), "purpose": "<script>" + "가" * 10_000}
    sender = believes(*forged(claims, key=key))

    assert "\\u003cb\\u003e가상\\u202e은행\\u003c/b\\u003e" == sender.verifier_name
    assert "\\u003cscript\\u003e" + "가" * 192 == sender.request(at).purpose
    assert "a\\u000d\\u000ab" == shown_text("a\r\nb")


def test_a_verifier_without_a_name_is_shown_by_its_identifier(forged, believes, ewallet_pki):
    """Only of a request that nobody signed the name is empty."""
    key = _named(ewallet_pki, x509.DNSName(HOST), subject="")

    assert client_id(key) == believes(*forged({"client_id": client_id(key)}, key=key)).verifier_name


def _unsigned(**changed):
    parameters = {
        "client_id": "redirect_uri:https://bank.example/answers/1",
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "nonce": "n-0S6_WzA2Mj",
        "exp": "1",
        "dcql_query": json.dumps(QUERY.to_json()),
        **changed,
    }
    return RequestLink.read(f"openid4vp://?{urlencode(parameters)}")


def test_an_unsigned_request_is_taken_on_demand(believes, at):
    """Its answer goes to the address it names itself by, and nobody is named as asking."""
    sender = believes(_unsigned(), unsafe_unsigned=True)

    assert ("https://bank.example/answers/1", "") == (sender.request(at).response_uri, sender.verifier_name)
    assert "request.untrusted_verifier" == _code(believes, _unsigned())
    assert "request.untrusted_verifier" == _code(believes, _unsigned(client_id="redirect_uri:"), unsafe_unsigned=True)


def test_an_unsigned_request_is_answered_nowhere_else(believes):
    """WAL-06: another response_uri, or one that is no https address, is refused."""
    for changed in ({"response_uri": "https://evil.example/"}, {"client_id": "redirect_uri:http://bank.example/"}):
        assert "request.response_uri_mismatch" == _code(believes, _unsigned(**changed), unsafe_unsigned=True)


def test_an_unsigned_request_is_not_signed(believes, forged):
    """§5.9.3: the prefix redirect_uri and a signature do not go together."""
    asked, compact = forged({"client_id": "redirect_uri:https://bank.example/answers/1"})

    assert "request.invalid" == _code(believes, asked, compact, unsafe_unsigned=True)
    assert "request.invalid" == _code(believes, asked, unsafe_unsigned=True)


def test_a_verifier_does_not_sign_what_no_wallet_would_believe(asks, signer, ewallet_pki):
    """Its own request is read as a wallet would before it is given away."""
    issuer = next(iter(ewallet_pki.signers.values()))
    cases = [
        (asks(response_mode=None), signer, "usage.configuration"),
        (asks(), SigningKey.generate(), "usage.configuration"),
        (asks(), issuer, "usage.argument"),
        (asks("x509_san_dns", response_uri="https://evil.example/"), signer, "usage.argument"),
        (asks(nonce="a b"), signer, "usage.argument"),
    ]

    for request, key, code in cases:
        with pytest.raises(UsageError) as refused:
            signed(request, key)
        assert code == refused.value.code


def test_a_client_id_needs_a_certificate_that_says_it(ewallet_pki):
    """A key alone is nobody, a certificate without a DNS name no host."""
    with pytest.raises(UsageError) as nobody:
        client_id(SigningKey.generate(), "x509_hash")
    with pytest.raises(UsageError) as nowhere:
        client_id(_named(ewallet_pki), "x509_san_dns")

    assert ["usage.configuration"] * 2 == [nobody.value.code, nowhere.value.code]
