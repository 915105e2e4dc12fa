"""OpenID4VP 1.0: every outside request is believed or refused as listed, every outside answer read and judged so."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from cryptography import x509

from ewallet import jose
from ewallet.answer import Candidate, check
from ewallet.credential import Binding, moment
from ewallet.disclosure import HASHES, digest
from ewallet.errors import EWalletError, Malformed
from ewallet.formats import FORMATS, transcript
from ewallet.keys import PublicKey
from ewallet.oid4vp import AuthorizationRequest, TransactionData
from ewallet.oid4vp.request import RequestLink, authenticate
from ewallet.oid4vp.response import Declined, Posted, error_of
from ewallet.shape import certificate
from ewallet.trust import TrustAnchor, TrustList

_CODES = {
    "neg-req-alg-none": "request.signature_invalid",
    "neg-req-both-dcql-and-scope": "request.invalid",
    "neg-req-cert-expired": "request.untrusted_verifier",
    "neg-req-client-id-mismatch": "request.client_id_mismatch",
    "neg-req-client-id-prefix-missing-outside": "request.untrusted_verifier",
    "neg-req-enc-key-without-alg": "request.invalid",
    "neg-req-expired": "request.invalid",
    "neg-req-leaf-signed-by-end-entity": "request.untrusted_verifier",
    "neg-req-legacy-client-id-scheme": "request.untrusted_verifier",
    "neg-req-legacy-https-prefix": "request.untrusted_verifier",
    "neg-req-no-query": "request.invalid",
    "neg-req-no-usable-enc-key": "request.invalid",
    "neg-req-nonce-missing": "request.invalid",
    "neg-req-redirect-uri-prefix-mismatch": "request.response_uri_mismatch",
    "neg-req-redirect-uri-prefix-signed": "request.invalid",
    "neg-req-redirect-uri-with-direct-post": "request.invalid",
    "neg-req-request-and-request-uri": "request.invalid",
    "neg-req-request-uri-method-put": "request.invalid",
    "neg-req-response-uri-http": "request.response_uri_mismatch",
    "neg-req-san-dns-mismatch": "request.client_id_mismatch",
    "neg-req-san-dns-response-uri-other-host": "request.response_uri_mismatch",
    "neg-req-san-dns-subdomain": "request.response_uri_mismatch",
    "neg-req-self-signed-leaf": "request.untrusted_verifier",
    "neg-req-signature-tampered": "request.signature_invalid",
    "neg-req-transaction-data-credential-id": "request.invalid",
    "neg-req-transaction-data-missing-field": "request.invalid",
    "neg-req-transaction-data-unknown-type": "request.invalid",
    "neg-req-typ-jwt": "request.invalid",
    "neg-req-unsigned-x509-prefix": "request.signature_invalid",
    "neg-req-untrusted-ca": "request.untrusted_verifier",
    "neg-req-wallet-nonce-missing": "request.invalid",
    "neg-req-wallet-nonce-other": "request.invalid",
    "neg-req-x509-hash-wrong": "request.client_id_mismatch",
    "neg-resp-clear-although-encryption-required": "crypto.not_encrypted",
    "neg-resp-jwe-epk-off-curve": "crypto.decrypt_failed",
    "neg-resp-jwe-kid-missing": "crypto.key_invalid",
    "neg-resp-jwe-kid-unknown": "crypto.key_invalid",
    "neg-resp-jwe-tag-tampered": "crypto.decrypt_failed",
    "neg-resp-jwe-zip-def": "crypto.crit_unsupported",
    "neg-resp-kb-aud-without-prefix": "kb.aud",
    "neg-resp-kb-iat-old": "kb.iat",
    "neg-resp-kb-missing": "kb.missing",
    "neg-resp-kb-nonce": "kb.nonce",
    "neg-resp-kb-sd-hash": "kb.sd_hash",
    "neg-resp-kb-wrong-key": "kb.signature_invalid",
    "neg-resp-mdoc-base64-padded": "malformed.encoding",
    "neg-resp-mdoc-claim-missing": "dcql.unsatisfied",
    "neg-resp-mdoc-other-holder-key": "mdoc.device_auth",
    "neg-resp-mdoc-thumbprint-of-other-key": "mdoc.device_auth",
    "neg-resp-mdoc-transcript-thumbprint-null": "mdoc.device_auth",
    "neg-resp-missing-required-credential": "dcql.unsatisfied",
    "neg-resp-required-set-not-satisfied": "dcql.unsatisfied",
    "neg-resp-state-mismatch": "request.invalid",
    "neg-resp-transaction-data-hash-missing": "policy.transaction_data",
    "neg-resp-two-presentations-not-multiple": "malformed.vp_token",
    "neg-resp-unknown-credential-id": "malformed.vp_token",
    "neg-resp-value-not-array": "malformed.vp_token",
    "neg-resp-vp-token-string-legacy": "malformed.vp_token",
    "neg-resp-wrong-vct": "policy.vct_not_accepted",
}

#: Where the specification leaves the choice: whether ours takes it.
_POLICY = {
    "neg-req-anchor-in-x5c": True,  # HAIP 1.0 §5 binds who sends it; the path is the same without it
    "neg-resp-jwe-kid-missing": False,  # §8.3 demands it where the key has one, and ours has
    "neg-resp-jwe-zip-def": False,  # compression was not offered
}
_HELD = frozenset({"cnf", "_sd_alg", "status"})  # members of a payload that the listed output leaves out


def _trust(pems, at):
    anchors = tuple(
        TrustAnchor(
            id=str(position),
            purpose="verifier",
            certificate=x509.load_pem_x509_certificate(pem.encode("ascii")),
            types=frozenset({"*"}),
            key_identifiers=False,  # the certificates of these vectors have none
        )
        for position, pem in enumerate(pems)
    )
    return TrustList(anchors=anchors, version=1, since=at - timedelta(days=1), until=at + timedelta(days=1))


def _link(parameters):
    """The parameters of a vector as a wallet finds them behind a QR."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    return f"openid4vp://?{urlencode(texts)}"


def _asked(given):
    """The request that a wallet makes of an input, or our error."""
    at = moment(given["now"])
    types = {type_: frozenset(fields) for type_, fields in given["wallet"]["transaction_data_types"].items()}
    asked = RequestLink.read(_link(given["params"]))
    sender = authenticate(
        asked,
        given.get("request_object"),
        trust=_trust(given["trust_anchors_pem"], at),
        at=at,
        wallet_nonce=given.get("wallet_nonce_sent"),
        unsafe_unsigned=True,
    )
    return sender.request(at, transaction_types=types)


def _chosen(request):
    return request.recipient and {"kid": request.recipient.jwk["kid"], "enc": request.recipient.enc}


def _listed(encryption):
    """Of the content encryptions that may be chosen, ours is the strongest."""
    return encryption and {"kid": encryption["kid"], "enc": max(encryption["enc"])}


def _accepted(vector, expect):
    return _POLICY.get(vector.stem, expect["result"] == "valid")


@pytest.mark.vectors("standards/vectors/openid4vp/req-*.json", "standards/vectors/openid4vp/neg-req-*.json", count=42)
def test_request_is_judged_as_listed(vector):
    """A request is believed with the listed audience and encryption, or refused with our code and the fixed error."""
    case = json.loads(vector.read_bytes())
    expect = case["expect"]
    if not _accepted(vector, expect):
        with pytest.raises(EWalletError) as refused:
            _asked(case["input"])
        assert _CODES[vector.stem] == refused.value.code
        assert expect.get("error", error_of(refused.value)) == error_of(refused.value)
        return
    request = _asked(case["input"])
    if expect["result"] == "policy":
        return
    assert expect["client_id"] == request.client_id
    assert expect["aud_for_kb_jwt"] == request.binding.audience
    assert expect["response_mode"] == request.response_mode
    assert _listed(expect["encryption"]) == _chosen(request)


@pytest.mark.vectors(
    "standards/vectors/openid4vp/dcapi-*.json", "standards/vectors/openid4vp/neg-dcapi-*.json", count=8
)
def test_request_of_the_browser_is_judged_as_listed(vector):
    """Requests through the Digital Credentials API of a browser are not spoken yet."""
    pytest.skip(f"{vector.stem}: the digital credentials api, which is not there yet")


def _request(session):
    members = {
        "response_type": "vp_token",
        "client_id": session["client_id"],
        "client_metadata": {
            "jwks": {"keys": [{k: v for k, v in jwk.items() if k != "d"} for jwk in session["enc_private_jwks"]]},
            "encrypted_response_enc_values_supported": session["enc_values"],
        },
        **{
            name: session[name]
            for name in ("nonce", "state", "response_mode", "response_uri", "dcql_query", "transaction_data")
            if name in session
        },
    }
    return AuthorizationRequest.of(members, at=moment(0))


def _signer(evidence):
    """The key of the first certificate; the paths of certificates are checked elsewhere."""
    return PublicKey.of_certificate(certificate(evidence.chain[0]))


def _judged(given):
    """The claims by query id that a verifier reads of an input, or the wallet's error, or our error."""
    request, at, issuer = _request(given["session"]), moment(given["now"]), PublicKey.of_jwk(given["issuer_jwk"])
    posted = Posted.parse(urlencode(given["response"]).encode("ascii"))
    token = posted.read(request, given["session"]["enc_private_jwks"][0])
    if isinstance(token, Declined):
        return {"error": token.error}
    bindings = request.bindings(token)
    presented: dict[str, list[Candidate]] = {}
    for query_id, presentations in token.items():
        asked = request.query.get(query_id)
        if asked is None:
            raise Malformed("malformed.vp_token", "an answer to a query that was not asked")
        for raw in presentations:
            evidence = FORMATS[asked.format].open(raw)
            evidence.check_signature(_signer(evidence) if evidence.issuer is None else issuer)
            credential = evidence.check_disclosures()
            evidence.check_binding(bindings[query_id] if asked.holder_binding else None, at)
            credential.check_validity(at)
            presented.setdefault(query_id, []).append(Candidate(id=query_id, credential=credential))
    check(request.query, presented)
    return {
        query_id: [{k: v for k, v in each.credential.claims.items() if k not in _HELD} for each in candidates]
        for query_id, candidates in presented.items()
    }


@pytest.mark.vectors("standards/vectors/openid4vp/resp-*.json", "standards/vectors/openid4vp/neg-resp-*.json", count=38)
def test_answer_is_judged_as_listed(vector):
    """An answer gives the listed claims or the wallet's error, or is refused with our code."""
    case = json.loads(vector.read_bytes())
    given, expect = case["input"], case["expect"]
    if given["session"]["channel"] != "redirect":
        pytest.skip(f"{vector.stem}: the digital credentials api, which is not there yet")
    if _accepted(vector, expect):
        assert expect["output"] == _judged(given)
        return
    with pytest.raises(EWalletError) as refused:
        _judged(given)
    assert _CODES[vector.stem] == refused.value.code


@pytest.mark.vectors("standards/vectors/openid4vp/handover-*.json", count=5)
def test_handover_has_the_listed_bytes(vector):
    """What an mdoc is bound to, by a redirect or through a browser, encrypted or not."""
    case = json.loads(vector.read_bytes())
    given, jwk = case["input"], case["input"].get("enc_jwk")
    if "mdoc_generated_nonce" in given:
        pytest.skip(f"{vector.stem}: a draft before openid4vp 1.0")
    binding = Binding(
        audience=given.get("client_id", ""),
        nonce=given["nonce"],
        response_uri=given.get("response_uri"),
        origin=given.get("origin"),
        recipient=PublicKey.of_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y")}).thumbprint if jwk else None,
    )
    assert case["expect"]["session_transcript_hex"] == transcript.of_binding(binding).hex()


@pytest.mark.vectors("standards/vectors/openid4vp/hpke-*.json", count=1)
def test_hpke_has_the_listed_session_info(vector):
    """Encryption by HPKE belongs to the draft of version 1.1."""
    pytest.skip(f"{vector.stem}: openid4vp 1.1, a draft")


@pytest.mark.vectors("standards/vectors/openid4vp/encrypted-response-spec.json", count=1)
def test_encrypted_response_of_the_text_is_read(vector):
    """The example of §8.3 opens with its key, and has the listed header and payload."""
    case = json.loads(vector.read_bytes())
    assert case["expect"]["header"] == jose.encryption_header(case["jwe"])
    assert case["expect"]["payload"] == json.loads(jose.decrypt(case["jwe"], case["private_jwk"]))


@pytest.mark.vectors("standards/vectors/openid4vp/jwk-thumbprint-*.json", count=1)
def test_thumbprint_is_that_of_the_required_members(vector):
    """What else a key says about itself does not enter its thumbprint (RFC 7638)."""
    case = json.loads(vector.read_bytes())
    point = {name: case["jwk"][name] for name in case["jwk_minimal"]}
    assert case["expect"]["thumbprint_b64url"] == PublicKey.of_jwk(point).thumbprint


@pytest.mark.vectors("standards/vectors/openid4vp/transaction-data-*.json", count=1)
def test_transaction_is_hashed_as_received(vector):
    """The hash is over the base64url text of a transaction, whatever spaces its JSON has (App. B.3.3)."""
    case = json.loads(vector.read_bytes())
    found = [digest(HASHES["sha-256"], TransactionData.parse(raw).raw) for raw in case["transaction_data"]]
    assert case["expect"]["transaction_data_hashes"] == found
