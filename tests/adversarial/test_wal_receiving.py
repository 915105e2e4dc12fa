"""Rows WAL-07, 14, 15, 16, 26 and 28 of the security matrix: offers that a wallet must not take.

Every one ends with a code, with nothing kept, and without a secret having gone where it does not belong.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import pytest

from ewallet import jose
from ewallet.errors import EWalletError, TransportError
from ewallet.flow import Response
from ewallet.oid4vci import CredentialResponse, parse_credential_response
from ewallet.oid4vci.metadata import SIGNED_TYP
from ewallet.oid4vci.offer import AuthorizationCode, CredentialOffer, OfferReference, PreAuthorized
from ewallet.shape import MAX_DOCUMENT, base64url, json_object, to_base64url
from ewallet.testing import Kit
from ewallet.testing.peers import IssuerPeer
from ewallet.testing.pki import ISSUER
from ewallet.wallet import Wallet

KIND = "resident_register_copy"
JSON = {"content-type": "application/json"}
METADATA, SERVER = "/.well-known/openid-credential-issuer", "/.well-known/oauth-authorization-server"


@pytest.fixture
def issuer(ewallet_kit):
    """The issuer, honest so far."""
    return IssuerPeer(ewallet_kit)


@pytest.fixture
def refused(ewallet_kit):
    """The code with which an offer is refused; then nothing is held, pending, or left of any key."""

    def code(offer, **options):
        with pytest.raises(EWalletError) as caught:
            ewallet_kit.wallet.accept(offer, **options)
        assert ((), (), {}) == (
            ewallet_kit.wallet.documents(),
            ewallet_kit.wallet.pending,
            ewallet_kit.wallet_store._keys,
        )
        return caught.value.code

    return code


def _answer(document, status=200, **headers):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda _request, _response: Response(status, JSON | headers, body)


def _said(response):
    """The JSON of an answer, of a signed one that which is signed."""
    if response.headers["content-type"] == "application/jwt":
        return jose.parse(response.body.decode(), SIGNED_TYP, what="metadata", limit=MAX_DOCUMENT).claims
    return json_object(response.body)


def _changed(**members):
    """The honest JSON with members changed, or left out for None."""

    def spoil(_request, response):
        found = {**_said(response), **members}
        body = json.dumps({k: v for k, v in found.items() if v is not None}).encode()
        return replace(response, headers={**response.headers, **JSON}, body=body)

    return spoil


def _asked(kit):
    return [request.url.removeprefix(ISSUER) for request in kit.network.requests]


def _offer(issuer=ISSUER, **changed):
    offer = CredentialOffer(
        issuer=issuer, configuration_ids=(f"{KIND}.dc+sd-jwt",), pre_authorized=PreAuthorized(code="code")
    )
    return replace(offer, **changed)


STRANGERS = {
    "another": _offer("https://evil.example").uri,
    "below": _offer(f"{ISSUER}/tenant").uri,
    "with a slash": _offer(f"{ISSUER}/").uri,
    "its name in another": _offer(f"{ISSUER}.evil.example").uri,
    "another port": _offer(f"{ISSUER}:8443").uri,
    "by reference": OfferReference("https://evil.example/offers/1").uri,
    "by reference at another port": OfferReference(f"{ISSUER}:8443/offers/1").uri,
    "loopback": OfferReference("http://127.0.0.1/offers/1").uri,
}


@pytest.mark.parametrize("offer", STRANGERS.values(), ids=STRANGERS.keys())
def test_wal_14_an_issuer_that_is_not_on_the_trust_list_hears_nothing(ewallet_kit, refused, offer):
    """WAL-14, WAL-07: refused before anything is fetched, and before anybody is asked for a code."""
    assert "offer.untrusted_issuer" == refused(offer, tx_code=lambda _: pytest.fail("a code was asked for"))
    assert [] == ewallet_kit.network.requests


MALFORMED = {
    "both": (_offer().uri + "&" + urlencode({"credential_offer_uri": f"{ISSUER}/offers/1"}), "malformed.offer"),
    "http": (_offer("http://issuer.example.go.kr").uri, "malformed.offer"),
    "neither": ("openid-credential-offer://?a=b", "malformed.offer"),
    "a megabyte": ("openid-credential-offer://?credential_offer=" + "a" * 1_000_000, "limit.size"),
    "a request": ("openid4vp://?client_id=x", "malformed.offer"),
}


@pytest.mark.parametrize(("offer", "code"), MALFORMED.values(), ids=MALFORMED.keys())
def test_wal_14_what_is_no_offer_is_refused_at_once(ewallet_kit, refused, offer, code):
    """WAL-14: without a request to anybody."""
    assert code == refused(offer)
    assert [] == ewallet_kit.network.requests


@pytest.mark.parametrize("at", ["after", "distrusted", "elsewhere"])
def test_wal_14_the_trust_list_decides_from_when_to_when(ewallet_kit, issuer, at):
    """WAL-14: an anchor that is no longer trusted, or of another purpose, vouches for no service."""
    trust = ewallet_kit.pki.trust_list()
    now = ewallet_kit.clock.now()
    change = {"distrusted": {"distrust_after": now}, "elsewhere": {"purpose": "verifier"}, "after": {}}[at]
    trust = replace(trust, anchors=tuple(replace(anchor, **change) for anchor in trust.anchors))
    if at == "after":
        trust = replace(trust, until=now)
    wallet = Wallet(store=ewallet_kit.wallet_store, trust=trust, send=ewallet_kit.network, env=ewallet_kit.env)

    with pytest.raises(EWalletError) as caught:
        wallet.accept(issuer.offer(KIND))

    expected = "trust.list_invalid" if at == "after" else "offer.untrusted_issuer"
    assert (expected, []) == (caught.value.code, ewallet_kit.network.requests)


def test_wal_14_an_issuer_hands_out_only_what_it_is_trusted_for(ewallet_kit, issuer):
    """WAL-14: of an issuer that may not hand out this kind only the metadata are fetched; the code stays here."""
    trust = ewallet_kit.pki.trust_list()
    type_ = ewallet_kit.catalog.type(KIND)
    anchors = [replace(each, issuers=frozenset()) if each.id == type_.system else each for each in trust.anchors]
    wallet = Wallet(
        store=ewallet_kit.wallet_store,
        trust=replace(trust, anchors=tuple(anchors)),
        send=ewallet_kit.network,
        env=ewallet_kit.env,
    )

    with pytest.raises(EWalletError) as caught:
        wallet.accept(issuer.offer(KIND))

    assert ("offer.untrusted_issuer", [METADATA, SERVER]) == (caught.value.code, _asked(ewallet_kit))


def test_wal_14_an_offer_by_reference_is_of_where_it_was_fetched(ewallet_kit, issuer, refused):
    """WAL-14: a listed host cannot offer in the name of another one."""
    issuer.spoil["/offers"] = _answer(_offer("https://other.example.go.kr").to_bytes())

    assert "request.issuer_mismatch" == refused(issuer.offered(KIND).reference.uri)
    assert 1 == len(ewallet_kit.network.requests)


def test_wal_14_an_offer_by_reference_is_of_an_issuer_that_is_listed(ewallet_kit, issuer, refused):
    """WAL-14: not of another one at the same host."""
    issuer.spoil["/offers"] = _answer(_offer(f"{ISSUER}/tenant").to_bytes())

    assert "offer.untrusted_issuer" == refused(issuer.offered(KIND).reference.uri)
    assert 1 == len(ewallet_kit.network.requests)


MISMATCHES = {
    "credential_issuer": (METADATA, {"credential_issuer": "https://evil.example"}, "request.issuer_mismatch"),
    "issuer": (SERVER, {"issuer": "https://evil.example"}, "request.issuer_mismatch"),
    "token_endpoint": (SERVER, {"token_endpoint": "https://evil.example/token"}, "request.issuer_mismatch"),
    "token_endpoint in the clear": (SERVER, {"token_endpoint": "http://evil.example/token"}, "malformed.url"),
    "no token_endpoint": (SERVER, {"token_endpoint": None}, "offer.unsupported"),
    "credential_endpoint": (METADATA, {"credential_endpoint": "http://evil.example/c"}, "malformed.url"),
    "another configuration": (METADATA, {"credential_configurations_supported": {}}, "malformed.offer"),
}


@pytest.mark.parametrize(("path", "members", "code"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_wal_15_metadata_of_another_are_not_used(ewallet_kit, issuer, refused, path, members, code):
    """WAL-15: the code goes nowhere but to the server that the listed issuer names."""
    issuer.spoil[path] = _changed(**members)

    assert code == refused(issuer.offer(KIND))
    assert {METADATA, SERVER} >= set(_asked(ewallet_kit))


UNSPOKEN = {
    "a proof of another type": {"proof_types_supported": {"di_vp": {"proof_signing_alg_values_supported": ["a"]}}},
    "an attested key": {
        "proof_types_supported": {
            "jwt": {"proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {}}
        }
    },
    "another algorithm": {"proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["RS256"]}}},
    "another format": {"format": "jwt_vc_json", "credential_definition": {"type": ["a"]}},
}


@pytest.mark.parametrize("members", UNSPOKEN.values(), ids=UNSPOKEN.keys())
def test_an_offer_that_needs_what_is_not_spoken_here_is_left(ewallet_kit, issuer, refused, members):
    """The code is kept for a wallet that can use it."""
    id_ = f"{KIND}.dc+sd-jwt"
    found = issuer.issuance.metadata.to_json()["credential_configurations_supported"][id_]
    issuer.spoil[METADATA] = _changed(credential_configurations_supported={id_: found | members})

    assert "offer.unsupported" == refused(issuer.offer(KIND))
    assert [METADATA, SERVER] == _asked(ewallet_kit)


@pytest.mark.usefixtures("issuer")
def test_an_offer_for_which_one_signs_in_is_left(ewallet_kit, refused):
    """The grant of an authorization code is not spoken here."""
    offer = _offer(pre_authorized=None, authorization_code=AuthorizationCode(issuer_state="state"))

    assert "offer.unsupported" == refused(offer.uri)
    assert "/token" not in _asked(ewallet_kit)


NONCES = {
    "500": (_answer({}, 500), "fetch.unavailable"),
    "404": (_answer({}, 404), "fetch.unavailable"),
    "no c_nonce": (_answer({}), "malformed.claim_type"),
    "an empty one": (_answer({"c_nonce": ""}), "malformed.claim_type"),
    "no json": (_answer(b"<html>"), "malformed.json"),
    "another type": (_answer({"c_nonce": "n"}, **{"content-type": "text/html"}), "malformed.encoding"),
    "a redirect": (_answer(b"", 307, location="https://evil.example/"), "fetch.redirect"),
}


@pytest.mark.parametrize(("spoil", "code"), NONCES.values(), ids=NONCES.keys())
def test_wal_16_without_a_nonce_there_is_no_proof(ewallet_kit, issuer, refused, spoil, code):
    """WAL-16: the issuance ends; the credential endpoint hears nothing."""
    issuer.spoil["/nonce"] = spoil

    assert code == refused(issuer.offer(KIND))
    assert "/nonce" == _asked(ewallet_kit)[-1]


def test_wal_16_a_nonce_endpoint_that_is_too_slow_ends_it(issuer, refused):
    """WAL-16, WAL-26: what the network refuses is what the holder hears."""

    def slow(_request, _response):
        raise TransportError("fetch.timeout", "too slow")

    issuer.spoil["/nonce"] = slow

    assert "fetch.timeout" == refused(issuer.offer(KIND))


ENDPOINTS = ["/token", "/credential", METADATA, SERVER]


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_wal_26_redirects_are_not_followed(ewallet_kit, issuer, refused, path, status):
    """WAL-26: neither a code nor a token goes to another origin, whatever the endpoint says."""
    issuer.spoil[path] = _answer(b"", status, location="https://evil.example/")

    assert "fetch.redirect" == refused(issuer.offer(KIND))
    assert path == _asked(ewallet_kit)[-1]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_wal_26_every_answer_has_a_limit(ewallet_kit, issuer, path):
    """WAL-26: a hundred megabytes are cut off by whoever sends; the wallet says how much it takes."""
    ewallet_kit.wallet.accept(issuer.offer(KIND), copies=1)

    limits = [request.limit for request in ewallet_kit.network.requests if request.url == f"{ISSUER}{path}"]

    assert limits
    assert max(limits) <= 4 * 1024 * 1024


def test_wal_28_the_code_is_asked_for_when_the_issuer_is_known(ewallet_kit, issuer):
    """WAL-28: whoever asks is given the offer with its issuer; the code goes to nobody else and is kept nowhere."""
    offered, told = issuer.offered(KIND, tx_code=True), []

    def ask(offer):
        told.append((offer.issuer, _asked(ewallet_kit)))
        return offered.tx_code

    (document,) = ewallet_kit.wallet.accept(offered.reference.uri, tx_code=ask)

    assert [(ISSUER, [f"/offers/{offered.handle}", METADATA, SERVER])] == told
    shown = {request.url for request in ewallet_kit.network.requests if offered.tx_code.encode() in request.body}
    assert {f"{ISSUER}/token"} == shown
    assert offered.tx_code not in repr(document) + repr(vars(ewallet_kit.wallet_store))


@pytest.mark.parametrize("code", [None, "", "12345", "1234567", "12345a", "\uff11\uff12\uff13\uff14\uff15\uff16"])
def test_wal_28_a_code_of_another_form_is_not_sent(ewallet_kit, issuer, refused, code):
    """WAL-28: tries are counted, so that a slip of the finger should not be one."""
    assert "usage.argument" == refused(issuer.offered(KIND, tx_code=True).offer.uri, tx_code=code)
    assert "/token" not in _asked(ewallet_kit)


def test_a_code_that_is_not_asked_for_stays_here(ewallet_kit, issuer):
    """Where the offer wants none, none is sent."""
    ewallet_kit.wallet.accept(issuer.offer(KIND), tx_code="123456", copies=1)

    assert not any(b"123456" in request.body for request in ewallet_kit.network.requests)


TOKENS = {
    "bearer": (_changed(token_type="Bearer"), "request.invalid"),
    "mac": (_changed(token_type="mac"), "malformed.claim_type"),
    "none": (_changed(access_token=None), "malformed.claim_type"),
    "refused": (_answer({"error": "invalid_grant"}, 400), "offer.refused"),
    "down": (_answer(b"", 503), "fetch.unavailable"),
    "html": (_answer(b"<html>", **{"content-type": "text/html"}), "malformed.encoding"),
    "a nonce for ever": (_answer({"error": "use_dpop_nonce"}, 400, **{"dpop-nonce": "again"}), "offer.refused"),
}


@pytest.mark.parametrize(("spoil", "code"), TOKENS.values(), ids=TOKENS.keys())
def test_a_token_that_is_not_bound_as_asked_is_not_used(ewallet_kit, issuer, refused, spoil, code):
    """Nor is the server asked more than twice."""
    issuer.spoil["/token"] = spoil

    assert code == refused(issuer.offer(KIND))
    assert _asked(ewallet_kit).count("/token") <= 2


def test_a_token_for_a_thousand_credentials_is_not_used(issuer, refused):
    """An offer is for a few."""
    details = [
        {
            "type": "openid_credential",
            "credential_configuration_id": f"{KIND}.dc+sd-jwt",
            "credential_identifiers": [str(number) for number in range(1000)],
        }
    ]
    issuer.spoil["/token"] = lambda request, response: (
        _changed(authorization_details=details)(request, response) if response.status == 200 else response
    )

    assert "limit.count" == refused(issuer.offer(KIND))


def test_a_token_for_nothing_of_the_offer_is_not_used(issuer, refused):
    """The issuer granted something else."""
    details = [
        {"type": "openid_credential", "credential_configuration_id": "x", "credential_identifiers": ["1"]},
    ]
    issuer.spoil["/token"] = lambda request, response: (
        _changed(authorization_details=details)(request, response) if response.status == 200 else response
    )

    assert "request.invalid" == refused(issuer.offer(KIND))


def _given(change):
    """The honest credentials, changed."""

    def spoil(_request, response):
        answer = parse_credential_response(response.body, response.status)
        assert isinstance(answer, CredentialResponse)
        return replace(response, body=replace(answer, credentials=tuple(change(answer.credentials))).to_bytes())

    return spoil


def _broken(credential):
    """The same with another signature."""
    issued, _, rest = credential.partition("~")
    head, payload, signature = issued.split(".")
    turned = bytearray(base64url(signature))
    turned[3] ^= 1
    return f"{head}.{payload}.{to_base64url(bytes(turned))}~{rest}"


CREDENTIALS = {
    "altered": (lambda found: [_broken(found[0]), *found[1:]], "crypto.signature_invalid"),
    "one twice": (lambda found: [found[0], found[0]], "crypto.key_invalid"),
    "too many": (lambda found: [*found, found[0]], "limit.count"),
    "none at all": (lambda _found: ["nothing"], "malformed.sdjwt"),
}


@pytest.mark.parametrize(("change", "code"), CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_copies_that_do_not_hold_are_refused_and_the_issuer_hears_it(issuer, refused, change, code):
    """All of them or none, each bound to another of the keys of this very issuance."""
    issuer.spoil["/credential"] = _given(change)

    assert code == refused(issuer.offer(KIND), copies=2)
    assert ["credential_failure"] == [event for _, event in issuer.store.events]


def test_copies_bound_to_the_keys_of_another_wallet_are_refused(ewallet_kit, issuer, refused):
    """Genuine, but of no use here: a mix-up, or somebody else's certificate."""
    other = Kit.make(clock=ewallet_kit.clock).wallet.new_keys(1)
    foreign = ewallet_kit.issuer.issue(KIND, ewallet_kit.catalog.type(KIND).sample, subject="x", holders=other)
    issuer.spoil["/credential"] = _given(lambda _found: foreign.credentials)

    assert "crypto.key_invalid" == refused(issuer.offer(KIND), copies=1)


def test_a_copy_bound_to_no_key_is_refused(ewallet_kit, issuer, refused):
    """Anybody could show it."""
    signer = ewallet_kit.pki.signers[ewallet_kit.catalog.type(KIND).system]

    def unbound(found):
        issued = jose.parse(found[0].partition("~")[0], "dc+sd-jwt")
        claims = {name: value for name, value in issued.claims.items() if name != "cnf"}
        return [f"{jose.sign('dc+sd-jwt', claims, signer)}~"]

    issuer.spoil["/credential"] = _given(unbound)

    assert "crypto.key_invalid" == refused(issuer.offer(KIND), copies=1)


def test_copies_of_another_kind_are_refused(ewallet_kit, issuer, refused):
    """However genuine: the holder agreed to something else."""
    other = "disabled_person_certificate"
    sample = ewallet_kit.catalog.type(other).sample
    keys = Kit.make(clock=ewallet_kit.clock).wallet.new_keys(1)
    foreign = ewallet_kit.issuer.issue(other, sample, subject="x", holders=keys)
    issuer.spoil["/credential"] = _given(lambda _found: foreign.credentials)

    assert "policy.vct_not_accepted" == refused(issuer.offer(KIND), copies=1)


def test_copies_that_expired_on_the_way_are_refused(ewallet_kit, issuer, refused):
    """The clock of the holder says so."""
    issuer.spoil["/credential"] = lambda _request, response: (
        ewallet_kit.clock.advance(timedelta(days=1000)) and response
    )

    assert refused(issuer.offer(KIND)).startswith(("time.", "trust."))


def test_an_answer_in_the_clear_is_refused_where_encryption_was_asked_for(ewallet_kit, refused):
    """It may have been read on its way, or made by somebody who does not know the key."""
    issuer = IssuerPeer(ewallet_kit, encrypted=True)
    plain = CredentialResponse(credentials=("a",)).to_bytes()
    issuer.spoil["/credential"] = _answer(plain)

    assert "crypto.not_encrypted" == refused(issuer.offer(KIND))


ENCRYPTION = {
    "no key": {"credential_request_encryption": None},
    "another encryption": {
        "credential_response_encryption": {
            "alg_values_supported": ["ECDH-ES"],
            "enc_values_supported": ["A256CBC-HS512"],
            "encryption_required": True,
        }
    },
    "another algorithm": {
        "credential_response_encryption": {
            "alg_values_supported": ["RSA-OAEP"],
            "enc_values_supported": ["A256GCM"],
            "encryption_required": True,
        }
    },
}


@pytest.mark.parametrize("members", ENCRYPTION.values(), ids=ENCRYPTION.keys())
def test_what_must_be_encrypted_and_cannot_be_is_not_sent(ewallet_kit, refused, members):
    """Never in the clear instead."""
    issuer = IssuerPeer(ewallet_kit, encrypted=True)
    issuer.spoil[METADATA] = _changed(**members)

    assert "offer.unsupported" == refused(issuer.offer(KIND))
    assert "/credential" not in _asked(ewallet_kit)


def test_a_request_that_must_be_encrypted_to_a_key_we_cannot_use_is_not_sent(ewallet_kit, refused):
    """Also where the answer may come in the clear."""
    issuer = IssuerPeer(ewallet_kit, encrypted=True)
    jwk = {**jose.new_encryption_key(), "alg": "RSA-OAEP"}
    jwk.pop("d")
    requests = {"jwks": {"keys": [jwk]}, "enc_values_supported": ["A256GCM"], "encryption_required": True}
    issuer.spoil[METADATA] = _changed(credential_request_encryption=requests, credential_response_encryption=None)

    assert "offer.unsupported" == refused(issuer.offer(KIND))
    assert "/credential" not in _asked(ewallet_kit)


def test_one_refusal_among_several_keeps_nothing(issuer, refused):
    """What came before it is given back: the issuer is told."""
    denied, answers = _answer({"error": "credential_request_denied"}, 403), []

    def second_denied(request, response):
        answers.append(response)
        return denied(request, response) if len(answers) > 1 else response

    issuer.spoil["/credential"] = second_denied

    assert "offer.refused" == refused(issuer.offer(KIND, "disabled_person_certificate"))
    assert ["credential_failure"] == [event for _, event in issuer.store.events]


def test_the_token_goes_to_the_issuer_alone(ewallet_kit, issuer):
    """Neither metadata nor nonce are asked for with it, and each use of it is proven with the same key."""
    ewallet_kit.wallet.accept(issuer.offer(KIND), copies=1)

    shown = [request for request in ewallet_kit.network.requests if "authorization" in request.headers]

    assert [f"{ISSUER}/credential", f"{ISSUER}/notification"] == [request.url for request in shown]
    keys = {json.dumps(jose.parse(request.headers["dpop"], "dpop+jwt").header["jwk"]) for request in shown}
    assert 1 == len(keys)


def test_no_form_but_the_tokens_has_the_code(ewallet_kit, issuer):
    """The pre-authorized code is a secret too."""
    offered = issuer.offered(KIND)
    code = offered.offer.pre_authorized.code
    ewallet_kit.wallet.accept(offered.offer.uri, copies=1)

    shown = [request for request in ewallet_kit.network.requests if code.encode() in request.body]

    assert {f"{ISSUER}/token"} == {request.url for request in shown}
    assert [code] == parse_qs(shown[0].body.decode())["pre-authorized_code"]
