"""Issuer and authorization server metadata: what is built is read, and what breaks a rule is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ewallet import jose
from ewallet.catalog import Catalog
from ewallet.errors import EWalletError
from ewallet.formats.sdjwt import SdJwtFormat
from ewallet.keys import SigningKey
from ewallet.links import well_known
from ewallet.oid4vci.configuration import CredentialConfiguration, Display, KeyLevels, ProofType, label
from ewallet.oid4vci.metadata import (
    AUTHORIZATION_SERVER,
    ISSUER,
    PRE_AUTHORIZED,
    SIGNED_TYP,
    AuthorizationServerMetadata,
    IssuerMetadata,
    Recipient,
    RequestEncryption,
    ResponseEncryption,
)

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ISSUER_ID = "https://issuer.example.go.kr"
KIND = Catalog.bundled().type("resident_register_copy")
CONFIGURATION = "resident_register_copy.dc+sd-jwt"


def _public(key):
    return {name: value for name, value in key.items() if name != "d"}


KEY = jose.new_encryption_key()


def _built(**options):
    return IssuerMetadata.build(ISSUER_ID, [KIND], algorithms={KIND.system: "ES256"}, **options)


@pytest.fixture
def members():
    """Small metadata, to be changed."""
    return {
        "credential_issuer": ISSUER_ID,
        "credential_endpoint": f"{ISSUER_ID}/credential",
        "credential_configurations_supported": {"a": _configuration()},
    }


def _configuration(**changes):
    members = {
        "format": "dc+sd-jwt",
        "vct": "urn:example:a",
        "cryptographic_binding_methods_supported": ["jwk"],
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
    } | changes
    return {name: value for name, value in members.items() if value is not None}


def _read(members, issuer=ISSUER_ID, **options):
    return IssuerMetadata.parse(json.dumps(members), issuer, **options)


def _code(call, *arguments, **options):
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **options)
    return refused.value.code


def test_metadata_that_is_built_is_read() -> None:
    """Every part of it, the second time as the first."""
    built = _built(
        names={"ko": "예시 발급기관", "en": "Example issuer"},
        batch_size=10,
        request_encryption=RequestEncryption(keys=(_public(KEY),)),
        response_encryption=ResponseEncryption(),
    )
    read = IssuerMetadata.parse(built.to_bytes(), ISSUER_ID)

    assert built == read
    assert (ISSUER_ID,) == read.servers
    assert f"{ISSUER_ID}/nonce" == read.nonce_endpoint
    assert "예시 발급기관" == label(read.display, "ko")


def test_a_kind_is_offered_in_every_format_by_its_own_names() -> None:
    """The configuration has the identifier of kind and format, as scope too, and Korean and English names."""
    configuration, other = _built().configurations.values()

    assert KIND.doctype == other.type_id
    assert (CONFIGURATION, CONFIGURATION, KIND.vct) == (configuration.id, configuration.scope, configuration.type_id)
    assert KIND.label("en") == label(configuration.display, "en")
    names = {claim.path: claim for claim in configuration.claims}
    assert "문서확인번호" == label(names["document_number",].display, "ko")
    assert names["document_number",].mandatory
    assert not names["purpose",].mandatory
    assert {(p.id,) for p in KIND.predicates if p.presign} <= set(names)


class _Paper(SdJwtFormat):
    """A format that no kind has a form in."""

    def configuration(self, type_, algorithms):
        return None


def test_a_kind_without_a_signer_or_a_form_is_not_offered() -> None:
    """An issuer offers what it can sign, in the formats that the kind has."""
    assert {} == IssuerMetadata.build(ISSUER_ID, [KIND], algorithms={"property": "ES256"}).configurations
    assert CredentialConfiguration.build(KIND, _Paper(), ("ES256",)) is None


def test_a_name_is_told_in_the_language_asked_or_in_the_first() -> None:
    """Locales count by their language; without any name there is none."""
    displays = (Display(name="Register", locale="en-US"), Display(name="등본", locale="ko"))

    assert ["등본", "Register", "Register"] == [label(displays, language) for language in ("ko", "en", "fr")]
    assert "" == label((), "ko")


def _encrypting(*keys):
    offered = {"jwks": {"keys": list(keys)}, "enc_values_supported": ["A128GCM"], "encryption_required": False}
    return {"credential_request_encryption": offered}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"credential_issuer": f"{ISSUER_ID}/"}, "request.issuer_mismatch"),
        ({"credential_endpoint": "http://issuer.example.go.kr/credential"}, "malformed.url"),
        ({"credential_endpoint": None}, "malformed.claim_type"),
        ({"nonce_endpoint": "http://issuer.example.go.kr/nonce"}, "malformed.url"),
        ({"deferred_credential_endpoint": 1}, "malformed.claim_type"),
        ({"authorization_servers": []}, "malformed.claim_type"),
        ({"authorization_servers": ["http://as.example"]}, "malformed.url"),
        ({"authorization_servers": ["https://as.example/?a=b"]}, "malformed.url"),
        ({"batch_credential_issuance": {}}, "malformed.claim_type"),
        ({"batch_credential_issuance": {"batch_size": 1}}, "malformed.claim_type"),
        ({"display": [{"locale": "ko"}, {"locale": "ko"}]}, "malformed.json_duplicate"),
        ({"display": [{"logo": {}}]}, "malformed.claim_type"),
        ({"credential_configurations_supported": []}, "malformed.claim_type"),
        ({"credential_configurations_supported": {str(i): {} for i in range(5001)}}, "limit.count"),
        ({"credential_response_encryption": {"alg_values_supported": ["ECDH-ES"]}}, "malformed.claim_type"),
        (_encrypting(), "malformed.claim_type"),
        (_encrypting(KEY), "crypto.key_invalid"),
        (_encrypting({"kty": "oct", "kid": "a", "alg": "A128KW", "k": "AA"}), "crypto.key_invalid"),
        (_encrypting({"kid": "a"}), "malformed.claim_type"),
        (_encrypting({"alg": "ECDH-ES"}), "malformed.claim_type"),
    ],
)
def test_metadata_that_breaks_a_rule_is_refused(members, changes, code) -> None:
    """One change at a time."""
    changed = {name: value for name, value in (members | changes).items() if value is not None}

    assert ISSUER_ID == _read(members).credential_issuer
    assert code == _code(_read, changed)


def _described(*claims):
    return {"credential_metadata": {"claims": list(claims)}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": None}, "malformed.claim_type"),
        ({"vct": None}, "malformed.claim_type"),
        ({"credential_signing_alg_values_supported": [-7]}, "malformed.claim_type"),
        ({"scope": 1}, "malformed.claim_type"),
        ({"claims": {"name": {}}}, "malformed.claim_type"),
        ({"proof_types_supported": None}, "malformed.claim_type"),
        ({"cryptographic_binding_methods_supported": None}, "malformed.claim_type"),
        ({"proof_types_supported": {"jwt": {}}}, "malformed.claim_type"),
        ({"credential_metadata": {"display": [{"locale": "ko"}]}}, "malformed.claim_type"),
        (_described({"path": []}), "malformed.claim_type"),
        (_described({"path": [True]}), "malformed.claim_type"),
        (_described({"path": [-1]}), "malformed.claim_type"),
        (_described({"path": [1.5]}), "malformed.claim_type"),
        (_described({"path": ["a", "b"]}, {"path": ["a", None]}), "malformed.claim_type"),
        (_described({"path": ["a"]}, {"path": ["a"]}), "malformed.json_duplicate"),
    ],
)
def test_a_configuration_that_breaks_a_rule_is_refused(changes, code) -> None:
    """One change at a time."""
    assert "urn:example:a" == CredentialConfiguration.of("a", _configuration()).type_id
    assert code == _code(CredentialConfiguration.of, "a", _configuration(**changes))


def test_a_configuration_is_written_as_it_was_read() -> None:
    """Claims with and without names, proofs, and what the format adds."""
    claims = [{"path": ["a", None, 0]}, {"path": ["b"], "mandatory": True, "display": [{"name": "B", "locale": "en"}]}]
    members = _configuration(scope="a", credential_metadata={"display": [{"name": "A"}], "claims": claims})

    assert members == CredentialConfiguration.of("a", members).to_json()


def test_pictures_of_a_configuration_are_looked_at_and_left_alone() -> None:
    """They need an address, which nobody fetches."""
    shown = {"name": "A", "logo": {"uri": "https://logo.example"}}
    configuration = CredentialConfiguration.of("a", _configuration(credential_metadata={"display": [shown]}))

    assert (Display(name="A"),) == configuration.display


def test_a_configuration_of_an_unknown_format_is_kept_without_a_type() -> None:
    """A wallet leaves alone what it does not speak."""
    configuration = CredentialConfiguration.of("a", {"format": "jwt_vc_json", "credential_definition": {"type": ["A"]}})

    assert configuration.type_id is None
    assert {"format": "jwt_vc_json", "credential_definition": {"type": ["A"]}} == configuration.to_json()


def test_what_an_unknown_format_has_is_not_judged() -> None:
    """An issuer may serve wallets of an earlier draft beside us."""
    earlier = {
        "format": "vc+sd-jwt",
        "vct": "urn:example:a",
        "claims": {"name": {"display": [{"name": "Name"}]}},
        "cryptographic_binding_methods_supported": ["did:jwk"],
        "credential_metadata": [],
    }
    configuration = CredentialConfiguration.of("a", earlier)

    assert (None, {}) == (configuration.type_id, configuration.proof_types)
    assert earlier == configuration.to_json()


def test_names_without_a_language_may_be_several() -> None:
    """§12.2.4: one object for each language identifier, which is optional."""
    two = [{"name": "A"}, {"name": "B"}]
    assert 2 == len(CredentialConfiguration.of("a", _configuration(credential_metadata={"display": two})).display)


def test_key_attestations_are_asked_with_and_without_levels() -> None:
    """An empty object asks for an attestation too (§12.2.4)."""
    for levels in ({}, {"key_storage": ["iso_18045_high"]}, {"user_authentication": ["iso_18045_basic"]}):
        members = {"proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": levels}
        assert members == ProofType.of(members).to_json()
        assert (
            KeyLevels(**{name: tuple(values) for name, values in levels.items()}) == ProofType.of(members).attestation
        )


def test_metadata_has_its_place_between_host_and_path() -> None:
    """A tenant's path comes after the well-known part."""
    assert f"{ISSUER_ID}/.well-known/{ISSUER}/t" == well_known(f"{ISSUER_ID}/t", ISSUER)
    assert f"{ISSUER_ID}/.well-known/{AUTHORIZATION_SERVER}" == well_known(f"{ISSUER_ID}/", AUTHORIZATION_SERVER)


def test_this_machine_may_be_an_issuer_when_told_so(members) -> None:
    """Demos run without certificates."""
    local = "http://127.0.0.1:8000"
    changed = members | {"credential_issuer": local, "credential_endpoint": f"{local}/credential"}

    assert local == _read(changed, local, loopback=True).credential_issuer
    assert "malformed.url" == _code(_read, changed, local)


def test_signed_metadata_is_believed_from_its_signer_only() -> None:
    """Signer, subject and dates; then the same rules as ever."""
    signer, built = SigningKey.generate(), _built()
    compact = built.signed(signer, at=AT, until=AT + timedelta(days=1))

    def read(compact, at=AT, issuer=ISSUER_ID, key=signer):
        return IssuerMetadata.parse_signed(compact, issuer, at=at, key_of=lambda _jws: key.public)

    assert built == read(compact)
    assert built == read(jose.sign(SIGNED_TYP, {"sub": ISSUER_ID, "iat": 0, **built.to_json()}, signer))
    assert "crypto.signature_invalid" == _code(read, compact, key=SigningKey.generate())
    assert "crypto.typ_mismatch" == _code(read, jose.sign("JWT", {}, signer))
    assert "request.issuer_mismatch" == _code(read, compact, issuer="https://other.example")
    other = {"sub": "https://other.example", "iat": 0, **built.to_json()}
    assert "request.issuer_mismatch" == _code(read, jose.sign(SIGNED_TYP, other, signer))
    assert "time.expired" == _code(read, compact, at=AT + timedelta(days=1))
    assert "time.not_yet_valid" == _code(read, compact, at=AT - timedelta(seconds=61))


def test_a_recipient_is_chosen_among_what_is_spoken_here() -> None:
    """The first key and encryption that fit; none where none does."""
    rsa = {"kty": "RSA", "kid": "r", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}
    edwards = {**SigningKey.generate("EdDSA").public.jwk, "kid": "e", "alg": "ECDH-ES"}
    off = _public(KEY) | {"kid": "off", "x": KEY["y"]}
    offered = RequestEncryption(keys=(rsa, edwards, off, _public(KEY)), enc_values=("A192GCM", "A256GCM"))

    assert Recipient(jwk=_public(KEY), enc="A256GCM") == offered.recipient
    assert RequestEncryption(keys=(rsa,)).recipient is None
    assert offered.recipient is not None
    assert b"text" == jose.decrypt(offered.recipient.encrypt(b"text"), KEY)


def test_an_issuer_encrypts_as_it_offers_only() -> None:
    """Algorithm and encryption must both be among those listed."""
    offered = ResponseEncryption(enc_values=("A128GCM",))

    assert offered.takes(Recipient(jwk=_public(KEY), enc="A128GCM"))
    assert not offered.takes(Recipient(jwk=_public(KEY), enc="A256GCM"))
    assert not offered.takes(Recipient(jwk=_public(KEY) | {"alg": "ECDH-ES+A128KW"}, enc="A128GCM"))
    assert not offered.takes(Recipient(jwk=_public(KEY) | {"use": "sig"}, enc="A128GCM"))


def test_what_else_a_key_says_does_not_stop_its_use() -> None:
    """What a certificate or a later text has of it is not looked at."""
    recipient = Recipient(jwk=_public(KEY) | {"key_ops": ["sign"], "x5c": "none", "ext": True}, enc="A128GCM")

    assert recipient.usable
    assert b"text" == jose.decrypt(recipient.encrypt(b"text"), KEY)


def test_server_metadata_that_is_built_is_read() -> None:
    """A server that takes pre-authorized codes from anybody."""
    built = AuthorizationServerMetadata.build(ISSUER_ID)
    read = AuthorizationServerMetadata.parse(built.to_bytes(), ISSUER_ID)

    assert built == read
    assert (PRE_AUTHORIZED,) == read.grant_types
    assert f"{ISSUER_ID}/token" == read.token_endpoint
    assert f"{ISSUER_ID}/status" == read.status_lists


def test_server_metadata_defaults_to_what_the_text_says() -> None:
    """RFC 8414 §2: the two grants of old; no anonymous access."""
    read = AuthorizationServerMetadata.parse(json.dumps({"issuer": ISSUER_ID}), ISSUER_ID)

    assert AuthorizationServerMetadata(issuer=ISSUER_ID) == read
    assert not read.anonymous
    assert "implicit" in read.grant_types


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "https://other.example"}, "request.issuer_mismatch"),
        ({"token_endpoint": "https://other.example/token"}, "request.issuer_mismatch"),
        ({"token_endpoint": "http://issuer.example.go.kr/token"}, "malformed.url"),
        ({"grant_types_supported": "a"}, "malformed.claim_type"),
        ({"dpop_signing_alg_values_supported": []}, "malformed.claim_type"),
        ({"pre-authorized_grant_anonymous_access_supported": "yes"}, "malformed.claim_type"),
        ({"status_list_aggregation_endpoint": ["a"]}, "malformed.claim_type"),
    ],
)
def test_server_metadata_that_breaks_a_rule_is_refused(changes, code) -> None:
    """A code goes to no server but the one that was named."""
    raw = json.dumps({"issuer": ISSUER_ID} | changes)

    assert code == _code(AuthorizationServerMetadata.parse, raw, ISSUER_ID)
