"""SD-JWT VC: credentials, certificate chains, type metadata and issuer metadata of the outside vectors."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from ewallet.credential import Binding
from ewallet.errors import EWalletError, Malformed, PolicyError
from ewallet.formats.sdjwt import SD_JWT, SdJwt
from ewallet.issuer_metadata import IssuerMetadata, well_known
from ewallet.keys import PublicKey
from ewallet.trust import TrustAnchor, TrustList
from ewallet.type_metadata import TypeMetadata

_CODES = {
    "neg-aka-vcts-empty": "malformed.claim_type",
    "neg-disclosed-cnf": "sdjwt.validity_claim_disclosed",
    "neg-disclosed-exp": "sdjwt.validity_claim_disclosed",
    "neg-disclosed-iss": "sdjwt.validity_claim_disclosed",
    "neg-disclosed-status": "sdjwt.validity_claim_disclosed",
    "neg-expired": "time.expired",
    "neg-typ-missing": "crypto.typ_mismatch",
    "neg-typ-vc-sd-jwt": "crypto.typ_mismatch",
    "neg-vct-missing": "malformed.claim_type",
    "neg-vct-selectively-disclosed": "sdjwt.validity_claim_disclosed",
    "neg-x5c-expired-leaf": "trust.cert_expired",
    "neg-x5c-missing-intermediate": "trust.no_path",
    "neg-x5c-self-signed-leaf": "trust.self_signed",
}

#: Where the specification leaves the choice: whether ours refuses it.
_POLICY = {
    "neg-aka-vcts-empty": True,  # the text forbids it since draft -18
    "neg-x5c-includes-trust-anchor": False,  # HAIP forbids it to the sender; what is sent along becomes no anchor
}


def _invalid(stem, expect):
    return _POLICY.get(stem, expect["result"] != "valid")


def _refusal(judge):
    with pytest.raises(EWalletError) as refused:
        judge()
    return refused.value.code


def _judged(given):
    at = datetime.fromtimestamp(given["now"], UTC)
    if given.get("role") == "holder":
        SD_JWT.read(given["sd_jwt"])
    sd_jwt = SdJwt.parse(given["sd_jwt"])
    sd_jwt.check_signature(PublicKey.of_jwk(given["issuer_jwk"]))
    credential = sd_jwt.check_disclosures()
    wanted = given.get("key_binding", {})
    binding = Binding(audience=wanted["aud"], nonce=wanted["nonce"]) if wanted.get("required") else None
    sd_jwt.check_binding(binding, at)
    credential.check_validity(at)
    return dict(credential.claims)


@pytest.mark.vectors(
    "standards/vectors/sd-jwt-vc/neg-[!x]*.json",
    "standards/vectors/sd-jwt-vc/own-[!x]*.json",
    "standards/vectors/sd-jwt-vc/vc-*.json",
    count=15,
)
def test_credential_is_judged_as_listed(vector):
    """A valid credential gives the listed payload, any other one of our errors, with its own code."""
    case = json.loads(vector.read_bytes())
    if not _invalid(vector.stem, case["expect"]):
        assert case["expect"]["processed_payload"] == _judged(case["input"])
        return
    code = _refusal(lambda: _judged(case["input"]))
    assert _CODES.get(vector.stem, code) == code


def _check_chain(case):
    at = datetime.fromtimestamp(case["now"], UTC)
    sd_jwt = SdJwt.parse(case["sd_jwt"])
    root = x509.load_pem_x509_certificate(case["trust_anchor_pem"].encode())
    anchor = TrustAnchor(
        id="root",
        purpose="issuer",
        certificate=root,
        types=frozenset("*"),
        key_identifiers=False,  # the authorities of these vectors have none
    )
    trust = TrustList(anchors=(anchor,), version=1, since=at, until=at + timedelta(days=1))
    path = trust.check(sd_jwt.chain, "issuer", at, type_id=sd_jwt.type_id)
    sd_jwt.check_signature(path.key)
    sd_jwt.check_disclosures().check_validity(at)


@pytest.mark.vectors(
    "standards/vectors/sd-jwt-vc/neg-x5c-*.json", "standards/vectors/sd-jwt-vc/own-x5c-*.json", count=5
)
def test_certificate_chain_is_judged_as_listed(vector):
    """The issuer's key is that of a chain that ends in the anchor."""
    case = json.loads(vector.read_bytes())
    if not _invalid(vector.stem, case["expect"]):
        _check_chain(case)
        return
    code = _refusal(lambda: _check_chain(case))
    assert _CODES.get(vector.stem, code) == code


def _documents(encoded):
    return {vct: b64decode(text) for vct, text in encoded.items()}


def _read(case):
    credential = case["credential"]
    return TypeMetadata.read(
        _documents(case["documents_b64"]), credential["vct"], integrity=credential.get("vct#integrity")
    )


@pytest.mark.vectors("standards/vectors/sd-jwt-vc/type-metadata-extends*.json", count=1)
def test_extended_type_metadata_is_merged_as_listed(vector):
    """Claims are merged by path and member, the display of the type is replaced as a whole."""
    case = json.loads(vector.read_bytes())
    metadata = _read(case)
    listed = case["expect"]
    assert listed["vct_chain"] == list(metadata.chain)
    assert listed["effective_display"] == [dict(entry) for entry in metadata.display]
    effective = [claim.to_json() for claim in metadata.claims]
    assert sorted(listed["effective_claims_any_order"], key=str) == sorted(effective, key=str)


@pytest.mark.vectors("standards/vectors/sd-jwt-vc/type-metadata-negatives-*.json", count=2)
def test_bad_type_metadata_is_refused(vector):
    """Each of the listed faults is refused: by its form, or because it does not fit what refers to it."""
    for case in json.loads(vector.read_bytes())["cases"]:
        if case["expect"] == "valid":
            _read(case)
            continue
        with pytest.raises((PolicyError, Malformed)) as refused:
            _read(case)
        assert (case["name"], _FAULTS.get(case["name"], refused.value.code)) == (case["name"], refused.value.code)


_FAULTS = {
    "vct-integrity-mismatch": "policy.type_metadata",
    "integrity-base64url": "policy.type_metadata",
    "integrity-unsupported-alg": "policy.type_metadata",
    "vct-mismatch-in-document": "policy.type_metadata",
    "vct-missing-in-document": "malformed.claim_type",
    "extends-self": "policy.type_metadata",
    "extends-cycle": "policy.type_metadata",
    "extends-missing-document": "policy.type_metadata",
    "extends-integrity-mismatch": "policy.type_metadata",
    "child-relaxes-sd-always": "policy.type_metadata",
    "child-relaxes-mandatory": "policy.type_metadata",
    "claims-path-empty": "malformed.claim_type",
    "claims-path-negative-index": "malformed.claim_type",
    "svg-id-duplicate": "malformed.claim_type",
    "svg-id-starts-with-digit": "malformed.claim_type",
    "document-not-object": "malformed.claim_type",
}


@pytest.mark.vectors("standards/vectors/sd-jwt-vc/type-metadata-enforcement*.json", count=1)
def test_type_metadata_is_enforced_as_listed(vector):
    """Mandatory claims are missed by the holder only; what must or must not be disclosable by both."""
    bundle = json.loads(vector.read_bytes())
    document = b64decode(bundle["type_metadata_b64"])
    for case in bundle["cases"]:
        sd_jwt = SdJwt.parse(case["sd_jwt"])
        sd_jwt.check_signature(PublicKey.of_jwk(bundle["issuer_jwk"]))
        metadata = TypeMetadata.read(lambda _vct: document, sd_jwt.type_id)
        if case["expect"] == "valid":
            metadata.check(sd_jwt.processed, sd_jwt.shown, role=case["role"])
            continue
        with pytest.raises(PolicyError) as refused:
            metadata.check(sd_jwt.processed, sd_jwt.shown, role=case["role"])
        assert (case["name"], "policy.type_metadata") == (case["name"], refused.value.code)


@pytest.mark.vectors("standards/vectors/sd-jwt-vc/jwt-vc-issuer-metadata*.json", count=1)
def test_issuer_metadata_is_judged_as_listed(vector):
    """The document is that of the issuer and has its keys in one way."""
    for case in json.loads(vector.read_bytes())["documents"]:
        if case["expect"] == "valid":
            read = IssuerMetadata.read(json.dumps(case["body"]).encode(), case["iss"])
            assert read.key(read.keys[0]["kid"]) == PublicKey.of_jwk(case["body"]["jwks"]["keys"][0])
            continue
        assert _refusal(lambda: IssuerMetadata.read(json.dumps(case["body"]).encode(), case["iss"])) in {  # noqa: B023
            "trust.issuer_mismatch",
            "malformed.claim_type",
            "malformed.url",
        }


@pytest.mark.vectors("standards/vectors/sd-jwt-vc/well-known-url-construction*.json", count=1)
def test_well_known_addresses_are_built_as_listed(vector):
    """The name goes between host and path; what is no plain https identifier has no such address."""
    case = json.loads(vector.read_bytes())
    for name, key in (
        ("jwt-vc-issuer", "jwt_vc_issuer"),
        ("openid-credential-issuer", "openid_credential_issuer"),
        ("oauth-authorization-server", "oauth_authorization_server_rfc8414"),
    ):
        for entry in case[key]:
            identifier = next(value for member, value in entry.items() if member != "url")
            if entry["url"] is None:
                assert _refusal(lambda: well_known(identifier, name)) == "malformed.url"  # noqa: B023
            else:
                assert entry["url"] == well_known(identifier, name)
