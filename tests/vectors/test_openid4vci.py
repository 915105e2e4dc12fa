"""OpenID4VCI 1.0: every outside offer, metadata, proof, request and response is judged as listed."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from ewallet import jose
from ewallet.credential import moment
from ewallet.errors import EWalletError, Malformed, ProtocolError
from ewallet.formats import FORMATS
from ewallet.keys import PublicKey
from ewallet.links import well_known
from ewallet.oid4vci import (
    AuthorizationDetail,
    CredentialRequest,
    CredentialResponse,
    open_response,
    parse_credential_response,
)
from ewallet.oid4vci.configuration import CredentialConfiguration, ProofType
from ewallet.oid4vci.metadata import (
    AUTHORIZATION_SERVER,
    ISSUER,
    AuthorizationServerMetadata,
    IssuerMetadata,
)
from ewallet.oid4vci.offer import CredentialOffer, parse_link
from ewallet.oid4vci.proof import ProofRules, check_proofs
from ewallet.shape import certificate, certificates
from ewallet.trust import TrustAnchor, TrustList

_HOME = "standards/vectors/openid4vci"

#: Named valid for what another suite tests, refused here, and why.
_STRICTER = {
    "valid-openid-credential-issuer-metadata-spec-DcSdJwt-claims-missing-vct-example": "malformed.claim_type",
}


def _load(vector):
    return json.loads(vector.read_bytes())


def _trusting(pem, purpose, at):
    """Finds the key of whoever has a path to that anchor for that purpose."""
    (anchor,) = certificates(pem.encode())
    listed = TrustAnchor(id="a", purpose=purpose, certificate=anchor, types=frozenset({"*"}), key_identifiers=False)
    day = timedelta(days=1)
    trust = TrustList(anchors=(listed,), version=1, since=at - day, until=at + day)
    return lambda jws: trust.check(jws.chain, purpose, at, type_id=None).key


def _offered(case):
    offer = parse_link(case["uri_by_value"])
    assert isinstance(offer, CredentialOffer)
    return offer


@pytest.mark.vectors(f"{_HOME}/offer-*.json", f"{_HOME}/neg-offer-*.json", count=9)
def test_offer_is_judged_as_listed(vector):
    """An offer is read from its link with its grants, or refused as an offer."""
    case = _load(vector)
    expect = case["expect"]
    metadata = IssuerMetadata.parse(json.dumps(case["issuer_metadata"]), case["issuer_metadata"]["credential_issuer"])
    if expect["result"] == "valid":
        offer = _offered(case)
        assert CredentialOffer.parse(json.dumps(case["offer"])) == offer
        assert expect["tx_code_required"] == offer.tx_code_required
        assert expect["grants"] == list(offer.to_json()["grants"])
        assert offer.check(metadata) in metadata.authorization_servers
        assert offer == parse_link(offer.uri)
        return
    with pytest.raises(Malformed) as refused:
        _offered(case).check(metadata)
    assert "malformed.offer" == refused.value.code


@pytest.mark.vectors(f"{_HOME}/metadata-*.json", f"{_HOME}/neg-metadata-*.json", count=5)
def test_issuer_metadata_is_judged_as_listed(vector):
    """Metadata is taken for the issuer that was asked, or refused."""
    case = _load(vector)
    raw, asked = json.dumps(case["body"]), case["asked_identifier"]
    if case["expect"]["result"] == "valid":
        metadata = IssuerMetadata.parse(raw, asked)
        assert metadata == IssuerMetadata.parse(metadata.to_bytes(), asked)
        return
    with pytest.raises(EWalletError) as refused:
        IssuerMetadata.parse(raw, asked)
    codes = {
        "neg-metadata-claims-duplicate-path": "malformed.json_duplicate",
        "neg-metadata-endpoint-http": "malformed.url",
        "neg-metadata-issuer-mismatch": "request.issuer_mismatch",
        "neg-metadata-vct-missing": "malformed.claim_type",
    }
    assert codes[vector.stem] == refused.value.code


@pytest.mark.vectors("security/vectors/oid4vci-metadata/*openid-credential-issuer-metadata*.json", count=13)
def test_foreign_issuer_metadata_is_judged_by_its_name(vector):
    """What other issuers publish is read, what other suites refuse is refused."""
    raw = vector.read_bytes()
    asked = json.loads(raw)["credential_issuer"]
    if vector.stem.startswith("valid") and vector.stem not in _STRICTER:
        metadata = IssuerMetadata.parse(raw, asked)
        assert metadata == IssuerMetadata.parse(metadata.to_bytes(), asked)
        return
    with pytest.raises(Malformed) as refused:
        IssuerMetadata.parse(raw, asked)
    assert _STRICTER.get(vector.stem, "malformed.claim_type") == refused.value.code


@pytest.mark.vectors("security/vectors/oid4vci-metadata/credential-issuer-metadata-*.json", count=1)
def test_metadata_in_use_is_read(vector):
    """The metadata of a city's pass, which has pictures inside."""
    raw = vector.read_bytes()
    assert IssuerMetadata.parse(raw, json.loads(raw)["credential_issuer"]).configurations


@pytest.mark.vectors("security/vectors/oid4vci-metadata/*oauth-authorization-server-metadata*.json", count=3)
def test_foreign_server_metadata_is_judged_by_its_name(vector):
    """The metadata of an authorization server is read or refused."""
    raw = vector.read_bytes()
    asked = json.loads(raw)["issuer"]
    if vector.stem.startswith("valid"):
        assert asked == AuthorizationServerMetadata.parse(raw, asked).issuer
        return
    with pytest.raises(Malformed) as refused:
        AuthorizationServerMetadata.parse(raw, asked)
    assert "malformed.claim_type" == refused.value.code


@pytest.mark.vectors(f"{_HOME}/signed-*.json", f"{_HOME}/neg-signed-*.json", count=5)
def test_signed_metadata_is_judged_as_listed(vector):
    """Signed metadata is believed as far as its signer, its subject and its dates go."""
    case = _load(vector)
    at = moment(case["now"])
    if "trust_anchor_der_b64" in case:  # the specification's example signs with the very certificate that is trusted
        der = base64.b64decode(case["trust_anchor_der_b64"])
        listed = PublicKey.of_certificate(certificate(der))
        found = {(der,): listed}

        def key_of(jws):
            return found[jws.chain]

    else:
        key_of = _trusting(case["trust_anchor_pem"], "issuer", at)
    if case["expect"]["result"] == "valid":
        metadata = IssuerMetadata.parse_signed(case["jwt"], case["credential_issuer"], at=at, key_of=key_of)
        assert case["credential_issuer"] == metadata.credential_issuer
        return
    with pytest.raises(EWalletError) as refused:
        IssuerMetadata.parse_signed(case["jwt"], case["credential_issuer"], at=at, key_of=key_of)
    codes = {
        "neg-signed-metadata-expired": "time.expired",
        "neg-signed-metadata-sub-mismatch": "request.issuer_mismatch",
        "neg-signed-metadata-typ-jwt": "crypto.typ_mismatch",
    }
    assert codes[vector.stem] == refused.value.code


def _proven(case):
    """What a credential endpoint does with the message."""
    members, token = case["issuer_metadata"], case["token"]
    metadata = IssuerMetadata.parse(json.dumps(members), members["credential_issuer"])
    request = CredentialRequest.parse(json.dumps(case["request"]))
    configuration = request.check(
        metadata, granted=token["authorized_configurations"], identifiers=token.get("credential_identifiers")
    )
    at = moment(case["now"])
    rules = ProofRules(
        issuer=metadata.credential_issuer,
        at=at,
        proof_types=configuration.proof_types,
        accepts={case["valid_c_nonce"]}.__contains__ if metadata.nonce_endpoint else None,
        client_id=token["client_id"],
        attester=_trusting(case["wallet_provider_ca_pem"], "wallet", at),
    )
    return check_proofs(request.proof_type, request.proofs, rules)


@pytest.mark.vectors(f"{_HOME}/request-*.json", f"{_HOME}/neg-request-*.json", count=36)
def test_credential_request_is_judged_as_listed(vector):
    """A request binds to the listed keys, or is refused with the listed error; what is policy is refused."""
    case = _load(vector)
    expect = case["expect"]
    if expect["result"] == "valid":
        assert expect["bound_keys_thumbprints"] == [key.thumbprint for key in _proven(case).keys]
        return
    with pytest.raises(ProtocolError) as refused:
        _proven(case)
    assert ("request.invalid", expect["error"], expect["http_status"]) == (
        refused.value.code,
        refused.value.error,
        refused.value.status,
    )


@pytest.mark.vectors(f"{_HOME}/proof-*.json", count=1)
def test_proof_of_the_specification_holds(vector):
    """The example of App. F.1 binds to the listed key."""
    case = _load(vector)
    rules = ProofRules(
        issuer=case["credential_issuer"],
        at=moment(case["now"]),
        proof_types={"jwt": ProofType(algorithms=("ES256",))},
        accepts={case["expected_nonce"]}.__contains__,
    )
    (key,) = check_proofs("jwt", [case["proof"]], rules).keys
    assert case["expect"]["bound_jwk"] == key.jwk


@pytest.mark.vectors(f"{_HOME}/response-*.json", f"{_HOME}/neg-response-*.json", count=4)
def test_credential_response_is_judged_as_listed(vector):
    """A response holds credentials, or is refused for a shape that drafts had."""
    case = _load(vector)
    raw, status = json.dumps(case["body"]), case["http_status"]
    if case["expect"]["result"] == "valid":
        response = parse_credential_response(raw, status)
        assert case["body"] == json.loads(response.to_bytes())
        return
    with pytest.raises(Malformed) as refused:
        parse_credential_response(raw, status)
    assert "malformed.claim_type" == refused.value.code


@pytest.mark.vectors(f"{_HOME}/encrypted-credential-response.json", count=1)
def test_encrypted_response_is_opened(vector):
    """A response is decrypted with the wallet's key."""
    case = _load(vector)
    raw = open_response(case["jwe"].encode(), case["content_type"], case["private_jwk"])
    payload = case["expect"]["payload"]
    assert payload == json.loads(raw)
    expected = CredentialResponse(
        credentials=tuple(entry["credential"] for entry in payload["credentials"]),
        notification_id=payload["notification_id"],
    )
    assert expected == parse_credential_response(raw, 200)


@pytest.mark.vectors(f"{_HOME}/credential-response-sd-jwt-vc-spec.json", count=1)
def test_credential_of_the_specification_is_read(vector):
    """The example's credential is read whole, and its issuer's signature holds."""
    case = _load(vector)
    evidence = FORMATS[case["kind"]].open(case["credential"])
    evidence.check_signature(PublicKey.of_jwk(case["issuer_jwk"]))
    assert case["expect"]["n_disclosures"] == len(evidence.check_disclosures().shown)


@pytest.mark.vectors(f"{_HOME}/well-known-url-construction.json", count=1)
def test_metadata_is_where_listed(vector):
    """The well-known part goes between host and path."""
    for case in _load(vector)["cases"]:
        identifier = case["identifier"]
        assert case["issuer_metadata_url"] == well_known(identifier, ISSUER)
        assert case["as_metadata_url"] == well_known(identifier, AUTHORIZATION_SERVER)
        assert case["jwt_vc_issuer_url"] == well_known(identifier, "jwt-vc-issuer")


def _reread(stem, body):
    """The same JSON after reading and writing it."""
    if "authorization-details" in stem:  # the claims that are asked for are not kept: a copy has them all
        claims = [{"claims": entry["claims"]} if "claims" in entry else {} for entry in body]
        details = AuthorizationDetail.parse(body)
        return [detail.to_json() | asked for detail, asked in zip(details, claims, strict=True)]
    if "credential-offer" in stem:
        return CredentialOffer.parse(jose.to_json(body)).to_json()
    if "issuer-metadata" in stem:
        return IssuerMetadata.parse(jose.to_json(body), body["credential_issuer"]).to_json()
    found = body["credential_configurations_supported"]
    return {
        "credential_configurations_supported": {
            id_: CredentialConfiguration.of(id_, value).to_json() for id_, value in found.items()
        }
    }


#: What we read and do not repeat: compression, and what people see besides names.
_LEFT_OUT = frozenset({"logo", "background_color", "text_color", "zip_values_supported"})


def _without(value):
    if isinstance(value, dict):
        left_out = _LEFT_OUT | ({"description"} if "locale" in value else set())
        return {name: _without(entry) for name, entry in value.items() if name not in left_out}
    return [_without(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.vectors(f"{_HOME}/spec-*.json", count=6)
def test_example_of_the_specification_is_read_and_written(vector):
    """What the specification shows comes out as it went in, but for what is not kept."""
    body = _load(vector)["body"]
    expected = _without(body)
    for grant in expected.get("grants", {}).values() if isinstance(expected, dict) else ():
        grant.get("tx_code", {}).pop("input_mode", None)  # numeric is the default
    assert expected == _without(_reread(vector.stem, body))
