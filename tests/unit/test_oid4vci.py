"""The messages of OpenID4VCI: offers, tokens, requests, responses and notifications, read as they were written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ewallet import jose
from ewallet.errors import CryptoError, Malformed, ProtocolError
from ewallet.oauth import Authorization, form
from ewallet.oid4vci import (
    AuthorizationDetail,
    CredentialRequest,
    CredentialResponse,
    DeferredRequest,
    DeferredResponse,
    NotificationRequest,
    TokenRequest,
    TokenResponse,
    decrypt,
    nonce_response,
    open_request,
    open_response,
    parse_credential_response,
    parse_nonce_response,
)
from ewallet.oid4vci.configuration import CredentialConfiguration
from ewallet.oid4vci.metadata import PRE_AUTHORIZED, IssuerMetadata, Recipient, RequestEncryption, ResponseEncryption
from ewallet.oid4vci.offer import AuthorizationCode, CredentialOffer, OfferReference, PreAuthorized, TxCode, parse_link

ISSUER = "https://issuer.example.go.kr"
KEY = jose.new_encryption_key()
PUBLIC = {name: value for name, value in KEY.items() if name != "d"}
RECIPIENT = Recipient(jwk=PUBLIC, enc="A256GCM")

METADATA = IssuerMetadata(
    credential_issuer=ISSUER,
    credential_endpoint=f"{ISSUER}/credential",
    configurations={id_: CredentialConfiguration(id=id_, format="dc+sd-jwt", type_id=id_) for id_ in ("a", "b")},
    request_encryption=RequestEncryption(keys=(PUBLIC,)),
    response_encryption=ResponseEncryption(),
    batch_size=2,
)


def _malformed(call, *arguments, **options):
    """The code of the error that a wallet gets."""
    with pytest.raises(Malformed) as refused:
        call(*arguments, **options)
    return refused.value.code


def _refusal(call, *arguments, **options):
    """The (error, status) that a wallet is told."""
    with pytest.raises(ProtocolError) as refused:
        call(*arguments, **options)
    assert "request.invalid" == refused.value.code
    assert "request.invalid" == refused.value.code
    return refused.value.error, refused.value.status


# -- offers ------------------------------------------------------------------------------------------------

OFFER = CredentialOffer(
    issuer=ISSUER,
    configuration_ids=("a",),
    pre_authorized=PreAuthorized(
        code="the-code", tx_code=TxCode(numeric=False, length=6, description="문자로 보낸 코드")
    ),
)


@pytest.mark.parametrize(
    "offer",
    [
        OFFER,
        CredentialOffer(issuer=ISSUER, configuration_ids=("a", "b")),
        CredentialOffer(issuer=ISSUER, configuration_ids=("a",), pre_authorized=PreAuthorized(code="c")),
        CredentialOffer(
            issuer=ISSUER,
            configuration_ids=("a",),
            authorization_code=AuthorizationCode(issuer_state="s", authorization_server="https://as.example"),
        ),
        CredentialOffer(
            issuer=ISSUER,
            configuration_ids=("a",),
            pre_authorized=PreAuthorized(code="c", tx_code=TxCode(), authorization_server="https://as.example"),
            authorization_code=AuthorizationCode(),
        ),
    ],
)
def test_an_offer_is_read_from_its_link(offer) -> None:
    """Every grant, with and without a code."""
    assert offer == parse_link(offer.uri)
    assert offer == CredentialOffer.parse(offer.to_bytes())
    assert "the-code" not in repr(offer)


def test_an_empty_tx_code_is_a_tx_code() -> None:
    """§4.1.1: the object is what asks for a code, whatever is in it."""
    grant = {PRE_AUTHORIZED: {"pre-authorized_code": "c", "tx_code": {}}}

    assert CredentialOffer.parse(json.dumps(_offer(grants=grant))).tx_code_required
    assert not replace(OFFER, pre_authorized=PreAuthorized(code="c")).tx_code_required
    assert not replace(OFFER, pre_authorized=None).tx_code_required


def test_an_offer_by_reference_is_read_without_being_fetched() -> None:
    """The address is for later, when the person agrees."""
    reference = OfferReference(f"{ISSUER}/offers/1")

    assert reference == parse_link(reference.uri)
    assert reference == parse_link("haip-vci:" + reference.uri.partition(":")[2])


def _offer(**changes):
    members = {"credential_issuer": ISSUER, "credential_configuration_ids": ["a"]} | changes
    return {name: value for name, value in members.items() if value is not None}


def _granting(**members):
    return {"grants": {PRE_AUTHORIZED: {"pre-authorized_code": "c"} | members}}


@pytest.mark.parametrize(
    "changes",
    [
        {"credential_issuer": None},
        {"credential_issuer": "http://issuer.example.go.kr"},
        {"credential_issuer": f"{ISSUER}?a=b"},
        {"credential_issuer": f"{ISSUER}/#"},
        {"credential_configuration_ids": []},
        {"credential_configuration_ids": ["a", "a"]},
        {"credential_configuration_ids": None, "credentials": ["a"]},
        {"grants": []},
        {"grants": {"authorization_code": 1}},
        {"grants": {PRE_AUTHORIZED: {}}},
        {"grants": {PRE_AUTHORIZED: {"pre-authorized_code": ""}}},
        _granting(user_pin_required=True),
        _granting(tx_code=None),
        _granting(tx_code={"input_mode": "voice"}),
        _granting(tx_code={"length": 0}),
        _granting(tx_code={"description": "a" * 301}),
    ],
)
def test_an_offer_that_breaks_a_rule_is_malformed(changes) -> None:
    """Also where it has the shape of a draft."""
    assert "malformed.offer" == _malformed(CredentialOffer.parse, json.dumps(_offer(**changes)))


def test_an_offer_of_a_megabyte_is_not_read() -> None:
    """Neither by value, nor in a link, nor where it was fetched."""
    assert "limit.size" == _malformed(CredentialOffer.parse, json.dumps(_offer(more="a" * 2**20)))
    assert "limit.size" == _malformed(parse_link, "openid-credential-offer://?credential_offer=" + "a" * 2**20)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "openid-credential-offer://",
        OFFER.uri.replace("openid-credential-offer:", "https:"),
        f"{OFFER.uri}&credential_offer_uri=https%3A%2F%2Fissuer.example.go.kr",
        f"{OFFER.uri}&credential_offer=%7B%7D",
        "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fissuer.example.go.kr",
        "openid-credential-offer://?credential_offer=%7B%7D",
        "openid-credential-offer://?credential_offer=가",
    ],
)
def test_a_link_that_is_no_single_offer_is_malformed(link) -> None:
    """Exactly one of offer and address, each once, under a scheme that is ours."""
    assert "malformed.offer" == _malformed(parse_link, link)


def test_an_offer_names_the_server_to_turn_to() -> None:
    """One of the issuer's; unsaid, the first."""
    servers = replace(METADATA, authorization_servers=("https://as.example", "https://as2.example"))
    second = replace(OFFER, pre_authorized=PreAuthorized(code="c", authorization_server="https://as2.example"))

    assert ISSUER == OFFER.check(METADATA)
    assert "https://as.example" == OFFER.check(servers)
    assert "https://as2.example" == second.check(servers)
    assert "malformed.offer" == _malformed(second.check, METADATA)
    both = replace(second, authorization_code=AuthorizationCode(authorization_server="https://as.example"))
    assert "malformed.offer" == _malformed(both.check, servers)


def test_an_offer_is_of_its_issuer() -> None:
    """Of configurations that the issuer has."""
    assert "malformed.offer" == _malformed(replace(OFFER, configuration_ids=("c",)).check, METADATA)
    with pytest.raises(ProtocolError) as refused:
        replace(OFFER, issuer="https://other.example").check(METADATA)
    assert "request.issuer_mismatch" == refused.value.code


# -- tokens and nonces -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [TokenRequest(code="c"), TokenRequest(code="c&=가", tx_code="123456", client_id="https://wallet.example")],
)
def test_a_token_request_is_read_as_it_was_written(request_) -> None:
    """And its secrets are not shown."""
    assert request_ == TokenRequest.parse(request_.to_bytes())
    assert "123456" not in repr(request_)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"pre-authorized_code": ""}, "invalid_request"),
    ],
)
def test_a_token_request_that_breaks_a_rule_is_refused(changes, error) -> None:
    """With the error of RFC 6749."""
    members = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": "c"} | changes

    assert (error, 400) == _refusal(TokenRequest.parse, form(members))
    assert ("invalid_request", 400) == _refusal(TokenRequest.parse, b'{"grant_type": "a"}')


def test_what_drafts_called_the_tx_code_is_ignored() -> None:
    """RFC 6749 §3.2: wallets that still send ``user_pin`` beside ``tx_code`` are served, and it stands for nothing."""
    members = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": "c", "user_pin": "1"}

    assert TokenRequest(code="c", tx_code="2") == TokenRequest.parse(form(members | {"tx_code": "2"}))
    assert ("invalid_request", 400) == _refusal(TokenRequest.parse(form(members)).check_tx_code, required=True)


def test_a_tx_code_is_there_exactly_where_one_was_announced() -> None:
    """§6.3: missing and unexpected are the same error."""
    plain, coded = TokenRequest(code="c"), TokenRequest(code="c", tx_code="1")
    plain.check_tx_code(required=False)
    coded.check_tx_code(required=True)

    assert ("invalid_request", 400) == _refusal(plain.check_tx_code, required=True)
    assert ("invalid_request", 400) == _refusal(coded.check_tx_code, required=False)


def test_an_anonymous_client_is_taken_where_that_is_said() -> None:
    """§6.1: only a server that says so."""
    TokenRequest(code="c").check_client(anonymous=True)
    TokenRequest(code="c", client_id="w").check_client(anonymous=False)

    assert ("invalid_client", 401) == _refusal(TokenRequest(code="c").check_client, anonymous=False)


@pytest.mark.parametrize(
    "response",
    [
        TokenResponse(access_token="t", token_type="Bearer"),
        TokenResponse(
            access_token="t",
            token_type="DPoP",
            expires_in=300,
            details=(AuthorizationDetail(configuration_id="a", identifiers=("a-1",), locations=(ISSUER,)),),
        ),
    ],
)
def test_a_token_response_is_read_as_it_was_written(response) -> None:
    """The token goes into a header."""
    assert response == TokenResponse.parse(response.to_bytes())
    assert Authorization(scheme=response.token_type, token="t") == response.authorization


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": "a\r\nb"},
        {"token_type": None},
        {"token_type": "mac"},
        {"expires_in": -1},
        {"expires_in": "300"},
        {"authorization_details": {}},
        {"authorization_details": [{"type": "openid_credential"}]},
        {"authorization_details": [{"type": "openid_credential", "credential_configuration_id": "a"}]},
    ],
)
def test_a_token_response_that_breaks_a_rule_is_malformed(changes) -> None:
    """Nothing of it is sent on."""
    members = {"access_token": "t", "token_type": "bearer"} | changes
    raw = json.dumps({name: value for name, value in members.items() if value is not None})

    assert "malformed.claim_type" == _malformed(TokenResponse.parse, raw)


def test_details_of_other_types_are_left_out() -> None:
    """They are of other specifications (RFC 9396)."""
    assert () == AuthorizationDetail.parse([{"type": "payment"}])


def test_a_nonce_is_read_as_it_was_written() -> None:
    """An answer without one is malformed, so that no proof goes out without a nonce."""
    assert "n1" == parse_nonce_response(nonce_response("n1"))
    assert "malformed.claim_type" == _malformed(parse_nonce_response, '{"c_nonce": ""}')
    assert "malformed.claim_type" == _malformed(parse_nonce_response, "{}")


# -- requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        CredentialRequest(configuration_id="a", proof_type="jwt", proofs=("x", "y")),
        CredentialRequest(identifier="a-1", recipient=RECIPIENT),
    ],
)
def test_a_credential_request_is_read_as_it_was_written(request_) -> None:
    """In the clear or, once opened, encrypted."""
    assert request_ == CredentialRequest.parse(request_.to_bytes())
    assert replace(request_, encrypted=True) == CredentialRequest.parse(request_.to_bytes(), encrypted=True)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"credential_configuration_id": None}, "invalid_credential_request"),
        ({"credential_configuration_id": None, "format": "dc+sd-jwt"}, "invalid_credential_request"),
        ({"credential_configuration_id": 1}, "invalid_credential_request"),
        ({"credential_identifier": "a-1"}, "invalid_credential_request"),
        ({"proofs": []}, "invalid_credential_request"),
        ({"proofs": {}}, "invalid_credential_request"),
        ({"proofs": {"jwt": ["x"], "attestation": ["y"]}}, "invalid_credential_request"),
        ({"proofs": {"jwt": []}}, "invalid_proof"),
        ({"proofs": {"jwt": "x"}}, "invalid_proof"),
        ({"proofs": {"jwt": [{}]}}, "invalid_proof"),
        ({"credential_response_encryption": {}}, "invalid_encryption_parameters"),
        ({"credential_response_encryption": {"jwk": KEY, "enc": "A256GCM"}}, "invalid_encryption_parameters"),
        ({"credential_response_encryption": {"jwk": PUBLIC}}, "invalid_encryption_parameters"),
        (
            {"credential_response_encryption": {"jwk": PUBLIC, "enc": "A256GCM", "zip": "DEF"}},
            "invalid_encryption_parameters",
        ),
    ],
)
def test_a_credential_request_that_breaks_a_rule_is_refused(changes, error) -> None:
    """With the error of §8.3.1.2."""
    members = {"credential_configuration_id": "a"} | changes
    raw = json.dumps({name: value for name, value in members.items() if value is not None})

    assert (error, 400) == _refusal(CredentialRequest.parse, raw)
    assert ("invalid_credential_request", 400) == _refusal(CredentialRequest.parse, "[")


def test_a_request_is_for_what_the_token_grants() -> None:
    """By configuration, or by the identifiers that came with the token."""
    by_configuration, by_identifier = CredentialRequest(configuration_id="a"), CredentialRequest(identifier="a-1")
    identifiers = {"a-1": "a"}

    assert "a" == by_configuration.check(METADATA, granted={"a"}).id
    assert "a" == by_identifier.check(METADATA, granted={"a"}, identifiers=identifiers).id

    def refused(request, granted="a", identifiers=None):
        return _refusal(request.check, METADATA, granted={granted}, identifiers=identifiers)

    assert ("invalid_credential_request", 400) == refused(by_configuration, identifiers=identifiers)
    assert ("unknown_credential_identifier", 400) == refused(by_identifier)
    assert ("unknown_credential_configuration", 400) == refused(CredentialRequest(configuration_id="c"), "c")
    assert ("credential_request_denied", 400) == refused(by_configuration, "b")


def test_a_request_has_no_more_proofs_than_a_batch() -> None:
    """An issuer says how many copies it makes."""
    request = CredentialRequest(configuration_id="a", proof_type="jwt", proofs=("x", "y"))

    assert "a" == request.check(METADATA, granted={"a"}).id
    three = replace(request, proofs=("x", "y", "z"))
    assert ("invalid_credential_request", 400) == _refusal(three.check, METADATA, granted={"a"})


def _encryption(request, **changes):
    """The error a request gets from an issuer with that encryption, or None."""
    try:
        request.check(replace(METADATA, **changes), granted={"a"})
    except ProtocolError as exc:
        return exc.error
    return None


def test_encryption_is_as_the_issuer_offers_it() -> None:
    """A response is encrypted only in answer to an encrypted request (§8.2)."""
    clear = CredentialRequest(configuration_id="a")
    sealed = replace(clear, encrypted=True)
    wanting = replace(sealed, recipient=RECIPIENT)

    assert [None, None, None] == [_encryption(request) for request in (clear, sealed, wanting)]
    assert _encryption(clear, request_encryption=None, response_encryption=None) is None
    assert _encryption(wanting, response_encryption=ResponseEncryption(required=True)) is None
    refused = [
        _encryption(replace(wanting, encrypted=False)),
        _encryption(clear, request_encryption=RequestEncryption(keys=(PUBLIC,), required=True)),
        _encryption(sealed, response_encryption=ResponseEncryption(required=True)),
        _encryption(wanting, response_encryption=ResponseEncryption(enc_values=("A128GCM",))),
        _encryption(wanting, response_encryption=None),
        _encryption(replace(wanting, recipient=Recipient(jwk=PUBLIC, enc="A128CBC-HS256"))),
    ]
    assert ["invalid_encryption_parameters"] * 6 == refused


def test_an_encrypted_request_is_opened() -> None:
    """With the key it names; a request in the clear is passed on as it is."""
    body = CredentialRequest(configuration_id="a").to_bytes()
    sealed = RECIPIENT.encrypt(body).encode()

    assert (body, True) == open_request(sealed, "application/jwt", [jose.new_encryption_key(), KEY])
    assert (body, False) == open_request(body, "Application/JSON; charset=utf-8", [KEY])
    for wrong, keys in ((sealed, []), (b"\xff", [KEY]), (b"x", [KEY])):
        assert ("invalid_encryption_parameters", 400) == _refusal(open_request, wrong, "application/jwt", keys)
    media_type = "application/x-www-form-urlencoded"
    assert ("invalid_credential_request", 415) == _refusal(open_request, b"a=b", media_type, [KEY])


def test_a_response_is_opened_with_the_key_it_was_asked_for() -> None:
    """In the clear only where nobody asked for more."""
    body = b'{"credentials": []}'
    sealed = RECIPIENT.encrypt(body).encode()

    assert body == open_response(sealed, "application/jwt", KEY)
    assert body == open_response(body, "application/json", None)
    assert body == decrypt(sealed.decode(), [KEY])
    assert "malformed.encoding" == _malformed(open_response, sealed, "application/jwt", None)
    with pytest.raises(CryptoError) as refused:
        open_response(body, "application/json", KEY)
    assert "crypto.not_encrypted" == refused.value.code
    with pytest.raises(CryptoError) as refused:
        open_response(sealed, "application/jwt", jose.new_encryption_key())
    assert "crypto.decrypt_failed" == refused.value.code


# -- responses, deferral, notification ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        CredentialResponse(credentials=("x", "y"), notification_id="n"),
        CredentialResponse(credentials=("x",)),
        DeferredResponse(transaction_id="t", interval=5),
    ],
)
def test_a_credential_response_is_read_as_it_was_written(response) -> None:
    """At once with 200, later with 202."""
    assert response == parse_credential_response(response.to_bytes(), response.status)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, 200),
        ({"credential": "x"}, 200),
        ({"credentials": []}, 200),
        ({"credentials": "x"}, 200),
        ({"credentials": ["x"]}, 200),
        ({"credentials": [{"credential": {}}]}, 200),
        ({"credentials": [{"credential": ""}]}, 200),
        ({"credentials": [{"credential": "x"}], "notification_id": 1}, 200),
        ({"credentials": [{"credential": "x"}], "transaction_id": "t"}, 200),
        ({"credentials": [{"credential": "x"}]}, 202),
        ({"transaction_id": "t", "interval": 5}, 200),
        ({"transaction_id": "t"}, 202),
        ({"transaction_id": "t", "interval": 0}, 202),
        ({"transaction_id": "", "interval": 5}, 202),
    ],
)
def test_a_credential_response_that_breaks_a_rule_is_malformed(members, status) -> None:
    """Also where it has the shape of a draft."""
    assert "malformed.claim_type" == _malformed(parse_credential_response, json.dumps(members), status)


@pytest.mark.parametrize("recipient", [None, RECIPIENT])
def test_a_deferred_request_is_read_as_it_was_written(recipient) -> None:
    """Its encryption may be another than the first time, and keeps to the same rules."""
    request = DeferredRequest(transaction_id="t", recipient=recipient, encrypted=True)

    assert request == DeferredRequest.parse(request.to_bytes(), encrypted=True)
    request.check(METADATA)
    if recipient:
        assert ("invalid_encryption_parameters", 400) == _refusal(replace(request, encrypted=False).check, METADATA)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({}, "invalid_transaction_id"),
        ({"transaction_id": ""}, "invalid_transaction_id"),
        ({"transaction_id": "t", "credential_response_encryption": {}}, "invalid_encryption_parameters"),
    ],
)
def test_a_deferred_request_that_breaks_a_rule_is_refused(members, error) -> None:
    """With the error of §9.3."""
    assert (error, 400) == _refusal(DeferredRequest.parse, json.dumps(members))


@pytest.mark.parametrize("description", ["", "stored"])
def test_a_notification_is_read_as_it_was_written(description) -> None:
    """What became of the credentials."""
    request = NotificationRequest(notification_id="n", event="credential_accepted", description=description)

    assert request == NotificationRequest.parse(request.to_bytes())


@pytest.mark.parametrize(
    "members", [{}, {"notification_id": "n", "event": "lost"}, {"notification_id": "", "event": "credential_deleted"}]
)
def test_a_notification_that_breaks_a_rule_is_refused(members) -> None:
    """With the error of §11.3."""
    assert ("invalid_notification_request", 400) == _refusal(NotificationRequest.parse, json.dumps(members))
