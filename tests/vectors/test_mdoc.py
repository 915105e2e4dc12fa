"""Outside vectors for mdoc: the exchange of ISO/IEC 18013-5 Annex D, samples of others, and what must be refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ewallet.credential import Binding
from ewallet.env import Env
from ewallet.errors import EWalletError
from ewallet.formats.document import Mdoc, split
from ewallet.formats.mdoc import MDOC
from ewallet.formats.mso import embedded
from ewallet.formats.transcript import mac_key
from ewallet.keys import PublicKey, SigningKey
from ewallet.policy import AcceptTypes
from ewallet.shape import base64url, cbor, certificates, to_base64url
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.trust import TrustAnchor, TrustList
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier

_HOME = "standards/vectors/mdoc"

#: Why ours refuses what the vectors list as invalid, or leave to us.
_CODES = {
    "neg-alg-es384-with-p256-fully-specified": "crypto.alg_not_allowed",
    "neg-alg-only-in-unprotected": "crypto.alg_not_allowed",
    "neg-annexD-element-value-changed": "mdoc.digest_mismatch",
    "neg-annexD-wrong-reader-key": "mdoc.device_auth",
    "neg-both-signature-and-mac": "mdoc.device_auth",
    "neg-device-key-not-on-curve": "crypto.key_invalid",
    "neg-device-signed-not-authorized": "mdoc.device_namespace",
    "neg-devicesignature-attached-payload": "malformed.cose",
    "neg-digest-alg-sha1": "crypto.hash_not_allowed",
    "neg-digest-missing-in-mso": "mdoc.digest_missing",
    "neg-doctype-mismatch-document": "mdoc.doctype_mismatch",
    "neg-doctype-not-requested": "policy.vct_not_accepted",
    "neg-ds-country-mismatch": "trust.cert_profile",
    "neg-ds-expired": "trust.cert_expired",
    "neg-ds-not-yet-valid": "trust.cert_expired",
    "neg-ds-wrong-eku": "trust.cert_profile",
    "neg-element-identifier-changed": "mdoc.digest_mismatch",
    "neg-element-repeated": "malformed.mdoc",
    "neg-element-value-changed": "mdoc.digest_mismatch",
    "neg-iaca-expired": "trust.cert_expired",
    "neg-issuer-signature-der-encoded": "crypto.signature_invalid",
    "neg-issuer-signature-tampered": "crypto.signature_invalid",
    "neg-issuing-country-mismatch": "trust.issuer_mismatch",
    "neg-item-reencoded-key-order": "mdoc.digest_mismatch",
    "neg-mso-expired": "time.expired",
    "neg-mso-payload-not-tag24": "malformed.mdoc",
    "neg-mso-signed-before-ds": "trust.cert_expired",
    "neg-namespace-renamed": "mdoc.digest_missing",
    "neg-no-device-auth": "mdoc.device_auth",
    "neg-other-device-key": "mdoc.device_auth",
    "neg-redirect-transcript-used-for-dcapi": "mdoc.device_auth",
    "neg-self-signed-ds": "trust.self_signed",
    "neg-status-10": "malformed.mdoc",
    "neg-thumbprint-null-when-encrypted": "mdoc.device_auth",
    "neg-trailing-garbage": "malformed.cbor",
    "neg-untrusted-iaca-same-name": "trust.no_path",
    "neg-wrong-client-id-transcript": "mdoc.device_auth",
    "neg-wrong-nonce-transcript": "mdoc.device_auth",
    "neg-x5chain-missing": "trust.no_path",
    "real-eudi-sample-mdl-signed-after-ds-expiry": "trust.cert_expired",
    "real-eudi-sample-pid-signed-after-ds-expiry": "trust.cert_expired",
    "real-google-cm-draft24-dcapi": "malformed.mdoc",  # a moment with a fraction of a second (§7.2.1)
    "own-issuerauth-tag18": "malformed.cbor",  # an inner message has no tag (ISO/IEC 18013-5 §9.1.2.4)
}


def _private(jwk):
    number = int.from_bytes(base64url(jwk["d"]), "big")
    return SigningKey.of(ec.derive_private_key(number, ec.SECP256R1()))


def _transcript(case):
    if "session_transcript_hex" in case:
        return bytes.fromhex(case["session_transcript_hex"])
    return embedded(cbor(bytes.fromhex(case["session_transcript_bytes_hex"])), "the transcript")


def _response(case):
    return bytes.fromhex(case["device_response_hex"])


def _verifier(case, at):
    """A verifier that trusts the authorities of a vector, for now."""
    pems = "".join(case["iaca_pem"]).encode("ascii")
    anchors = tuple(
        TrustAnchor(
            id=str(place),
            purpose="issuer",
            certificate=found,
            types=frozenset({"*"}),
            key_identifiers=False,
            profile="iso18013-5" if case.get("profile_strict") else None,
        )
        for place, found in enumerate(certificates(pems))
    )
    trust = TrustList(anchors=anchors, version=1, since=at - timedelta(days=1), until=at + timedelta(days=1))
    wanted = frozenset({case["expected_doctype"]}) if "expected_doctype" in case else None
    return Verifier(
        "",
        trust=trust,
        store=MemoryVerifierStore(),
        policy=AcceptTypes(wanted) if wanted else None,
        status=None,
        env=Env(now=lambda: at),
    )


def _judged(case):
    """The elements by docType, or our code."""
    at = datetime.fromisoformat(case["now"])
    reader = _private(case["reader_ephemeral_private_jwk"]) if "reader_ephemeral_private_jwk" in case else None
    shown = {}
    for position, (doc_type, presentation) in enumerate(split(_response(case))):
        binding = Binding(audience="", nonce=str(position), transcript=_transcript(case), reader_key=reader)
        verdict = _verifier(case, at).verify(presentation, binding)
        if not isinstance(verdict, Accepted):
            return verdict.code
        shown[doc_type] = {space: sorted(found) for space, found in verdict.claims[doc_type].items()}
    return shown


def _expected(documents):
    return {
        document["docType"]: {space: sorted(found) for space, found in document["elements"].items()}
        for document in documents
    }


@pytest.mark.vectors(f"{_HOME}/own-*.json", f"{_HOME}/neg-*.json", count=46)
def test_response_is_judged_as_listed(vector):
    """A device response gives the listed elements, or is refused with our code."""
    case = json.loads(vector.read_bytes())
    if "device_response_hex" not in case or "iaca_pem" not in case:
        pytest.skip(f"{vector.stem}: no response to a reader, or one of Annex D: below")
    try:
        judged = _judged(case)
    except EWalletError as exc:
        judged = exc.code
    if case["expect"]["result"] == "valid":
        assert _expected(case["expect"]["documents"]) == judged
    else:
        assert _CODES[vector.stem] == judged


def _of_annex_d(case):
    """What the response of Annex D says at the time it was made, its signer trusted by name."""
    at = datetime.fromisoformat(case["now"])
    ((_, presentation),) = split(_response(case))
    evidence = Mdoc.parse(presentation)
    signer = x509.load_der_x509_certificate(bytes.fromhex(case["ds_cert_der_hex"]))
    evidence.check_signature(PublicKey.of_certificate(signer))
    credential = evidence.check_disclosures()
    reader = _private(case["reader_ephemeral_private_jwk"])
    evidence.check_binding(Binding(audience="", nonce="", transcript=_transcript(case), reader_key=reader), at)
    credential.check_validity(at)
    return credential


@pytest.mark.vectors(f"{_HOME}/iso18013-5-annexD-device-response.json", count=1)
def test_response_of_annex_d_holds(vector):
    """Signature, digests and mac, byte for byte; the values are those of the annex."""
    case = json.loads(vector.read_bytes())
    credential = _of_annex_d(case)
    found = credential.claims["org.iso.18013.5.1"]

    assert case["expect"]["doctype"] == credential.type_id
    assert set(case["expect"]["elements"]) <= set(found)
    assert ("Doe", "2019-10-20", "123456789") == (found["family_name"], found["issue_date"], found["document_number"])
    assert ["A", "B"] == [each["vehicle_category_code"] for each in found["driving_privileges"]]
    assert base64url(found["portrait"].replace("+", "-").replace("/", "_").rstrip("=")).startswith(b"\xff\xd8\xff")


@pytest.mark.vectors(f"{_HOME}/neg-annexD-*.json", count=2)
def test_changed_response_of_annex_d_is_refused(vector):
    """Another value, and the reader's key of another session."""
    with pytest.raises(EWalletError) as refused:
        _of_annex_d(json.loads(vector.read_bytes()))
    assert _CODES[vector.stem] == refused.value.code


@pytest.mark.vectors("security/vectors/iso18013-5-annexD/annexD.json", count=1)
def test_signer_of_annex_d_is_over_by_now(vector):
    """The certificate in the response is the one of the annex, good until 2021."""
    hexes = json.loads(vector.read_bytes())["hex"]
    ((doc_type, presentation),) = split(bytes.fromhex(hexes["ISO_18013_5_ANNEX_D_DEVICE_RESPONSE"]))
    (signer,) = Mdoc.parse(presentation).chain

    assert "org.iso.18013.5.1.mDL" == doc_type
    assert hexes["ISO_18013_5_ANNEX_D_DS_CERT"] == signer.hex()
    assert 2021 == x509.load_der_x509_certificate(signer).not_valid_after_utc.year


@pytest.mark.vectors(f"{_HOME}/iso18013-5-annexD-session-keys.json", count=1)
def test_mac_key_of_annex_d_is_derived(vector):
    """The key that device and reader agree on, both ways."""
    case = json.loads(vector.read_bytes())
    device, reader = (_private(case[name]) for name in ("s_device_key_private_jwk", "e_reader_key_private_jwk"))
    session = _transcript(case)
    made = {mac_key(device.agree(reader.public), session), mac_key(reader.agree(device.public), session)}

    assert {bytes.fromhex(case["expect"]["EMacKey_hex"])} == made


@pytest.mark.vectors(f"{_HOME}/own-issuersigned-oid4vci.json", count=1)
def test_issued_mdoc_is_read(vector):
    """What an issuer sends over OpenID4VCI: signed, whole, and bound to the device's key."""
    case = json.loads(vector.read_bytes())
    held = MDOC.open(case["credential_b64url"])
    held.check_signature(PublicKey.of_certificate(x509.load_der_x509_certificate(held.chain[0])))
    credential = MDOC.read(case["credential_b64url"])

    assert case["expect"]["doctype"] == credential.type_id
    assert case["expect"]["n_elements"] == len(credential.shown)
    assert _private(case["device_private_jwk"]).public == credential.holder


@pytest.mark.vectors(f"{_HOME}/real-*.json", count=4)
def test_sample_of_another_house_is_read(vector):
    """What others issue is taken apart, and refused for what the vector says is wrong with it."""
    case = json.loads(vector.read_bytes())
    raw = case.get("device_response_b64url") or to_base64url(bytes.fromhex(case["device_response_hex"]))
    for _, presentation in split(base64url(raw.rstrip("="))):
        evidence = MDOC.open(presentation)
        key = PublicKey.of_certificate(x509.load_der_x509_certificate(evidence.chain[0]))
        if vector.stem in _CODES:
            with pytest.raises(EWalletError) as refused:
                evidence.check_signature(key)
            assert _CODES[vector.stem] == refused.value.code
        else:
            evidence.check_signature(key)
            assert case["expect"]["elements"] == [element for _, element in evidence.check_disclosures().shown]
