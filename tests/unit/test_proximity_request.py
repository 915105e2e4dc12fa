"""Device requests: the same question as a DCQL query for mdocs, and nothing that could be misread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cbor2 import CBORTag

from ewallet import cose
from ewallet.dcql import ClaimQuery, CredentialQuery, CredentialSet, Query, TrustedAuthorities
from ewallet.errors import EWalletError, ProtocolError, UsageError
from ewallet.proximity import request as requests
from ewallet.proximity.request import PURPOSE, Asking, reader_authentication
from ewallet.shape import cbor, to_cbor

SESSION = to_cbor([None, None, None])
DOC_TYPE, SPACE = "org.iso.18013.5.1.mDL", "org.iso.18013.5.1"
ITEMS = {"docType": DOC_TYPE, "nameSpaces": {SPACE: {"family_name": False}}}


def _mdoc(id_="q", doc_type=DOC_TYPE, **members):
    claims = (ClaimQuery(path=(SPACE, "family_name")), ClaimQuery(path=(SPACE, "portrait"), intent_to_retain=True))
    asked = CredentialQuery(id=id_, format="mso_mdoc", meta={"doctype_value": doc_type}, claims=claims)
    return replace(asked, **members)


def _sd_jwt(id_="s"):
    return CredentialQuery(id=id_, format="dc+sd-jwt", meta={"vct_values": ["urn:x"]})


def _request(*items, **members):
    asked = [{"itemsRequest": CBORTag(24, to_cbor(each))} for each in items or (ITEMS,)]
    return to_cbor({"version": "1.0", "docRequests": asked, **members})


def _refused(message):
    with pytest.raises(EWalletError) as caught:
        requests.parse(message)
    return caught.value.code


def test_what_is_asked_arrives():
    """Every element, with whether it is kept, and why it is asked for."""
    message = Asking.of(Query((_mdoc(),)), "가상 확인").to_bytes(SESSION, None)

    (items,) = requests.parse(message)
    assert (DOC_TYPE, "가상 확인", None) == (items.doc_type, items.purpose, items.auth)
    assert {(SPACE, "family_name"): False, (SPACE, "portrait"): True} == items.elements
    assert [(SPACE, "family_name"), (SPACE, "portrait")] == [
        claim.path for claim in requests.query([items]).credentials[0].claims
    ]


def test_of_two_formats_the_one_that_is_spoken_here_is_asked_for(ewallet_catalog):
    """A bank writes one query for all ways to ask."""
    query = Query.for_type(ewallet_catalog.type("mobile_driver_license"), ["not_juvenile"])

    (asked,) = Asking.of(query).query.credentials

    assert ("mso_mdoc", "mobile_driver_license") == (asked.format, asked.name)


def test_optional_sets_are_not_asked_for():
    """Nobody is asked for more than is needed."""
    sets = (CredentialSet((("q",),)), CredentialSet((("r",),), required=False))

    asking = Asking.of(Query((_mdoc(), _mdoc("r", "other")), sets))

    assert ["q"] == [asked.id for asked in asking.query.credentials]


def test_one_query_of_two_sets_is_asked_for_once():
    """Where it is in both."""
    sets = (CredentialSet((("q",),)), CredentialSet((("q",), ("r",))))

    asking = Asking.of(Query((_mdoc(), _mdoc("r", "other")), sets))

    assert ["q"] == [asked.id for asked in asking.query.credentials]


@pytest.mark.parametrize(
    "query",
    [
        Query((_sd_jwt(),)),
        Query((_mdoc(), _sd_jwt())),
        Query((_mdoc(), _sd_jwt()), (CredentialSet((("q", "s"),)),)),
        Query((_mdoc(),), (CredentialSet((("q",),), required=False),)),
        Query((_mdoc("a"), _mdoc("b"))),
        Query((_mdoc(claims=()),)),
        Query((_mdoc(multiple=True),)),
        Query((_mdoc(claim_sets=(("x",),)),)),
        Query((_mdoc(trusted_authorities=(TrustedAuthorities("aki", ("x",)),)),)),
        Query((_mdoc(claims=(ClaimQuery(path=(SPACE, "sex"), values=(1,)),)),)),
    ],
)
def test_what_cannot_be_said_here_is_not_asked(query):
    """A reader that leaves a part out would ask something else."""
    with pytest.raises(UsageError) as caught:
        Asking.of(query)

    assert "usage.argument" == caught.value.code


def test_what_a_later_edition_adds_to_a_request_is_ignored():
    """Another minor version, and members that nobody here knows."""
    message = _request({**ITEMS, "requestInfo": {"x": 1}, "y": 2}, version="1.1", deviceRequestInfo={})

    assert [DOC_TYPE] == [items.doc_type for items in requests.parse(message)]


def test_words_of_a_stranger_are_only_words():
    """Nothing in a purpose commands a terminal or a page."""
    (items,) = requests.parse(_request({**ITEMS, "requestInfo": {PURPOSE: "<b>\x1b[2J"}}))

    assert "\\u003cb\\u003e\\u001b[2J" == items.purpose


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "malformed.cbor"),
        (bytes(requests.MAX_REQUEST + 1), "limit.size"),
        (to_cbor([]), "malformed.mdoc"),
        (_request(version="2.0"), "malformed.mdoc"),
        (_request(version=1), "malformed.mdoc"),
        (_request(docRequests=[]), "malformed.mdoc"),
        (_request(docRequests={}), "malformed.mdoc"),
        (_request(docRequests=[[]]), "malformed.mdoc"),
        (_request(docRequests=[{}]), "malformed.mdoc"),
        (_request(docRequests=[{"itemsRequest": to_cbor(ITEMS)}]), "malformed.mdoc"),
        (_request(*[ITEMS] * 17), "limit.count"),
        (_request([]), "malformed.mdoc"),
        (_request({**ITEMS, "docType": 1}), "malformed.mdoc"),
        (_request({"docType": DOC_TYPE}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {}}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {1: {"a": True}}}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {SPACE: {}}}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {SPACE: ["a"]}}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {SPACE: {"a": 1}}}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {SPACE: {1: True}}}), "malformed.mdoc"),
        (_request({**ITEMS, "nameSpaces": {str(n): {"a": True} for n in range(101)}}), "limit.count"),
        (_request({**ITEMS, "nameSpaces": {SPACE: {str(n): True for n in range(101)}}}), "limit.count"),
        (_request({**ITEMS, "requestInfo": 1}), "malformed.mdoc"),
        (_request({**ITEMS, "requestInfo": {PURPOSE: 1}}), "malformed.mdoc"),
        (_request(docRequests=[{"itemsRequest": CBORTag(24, to_cbor(ITEMS)), "readerAuth": 1}]), "malformed.cose"),
    ],
)
def test_a_request_of_another_form_is_refused(message, code):
    """Nothing of it is shown to anybody."""
    assert code == _refused(message)


def test_items_in_a_longer_form_than_needed_are_refused():
    """What is signed over has one form only."""
    items = to_cbor(ITEMS)
    longer = b"\xd8\x18\x59" + len(items).to_bytes(2, "big") + items
    message = b"\xa2" + to_cbor("version") + to_cbor("1.0") + to_cbor("docRequests")

    assert "malformed.mdoc" == _refused(message + b"\x81\xa1" + to_cbor("itemsRequest") + longer)


# -- who asks --------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(ewallet_pki):
    """A request for two documents, signed by the PKI's verifier, and what it takes to judge who asks."""
    asking = Asking.of(Query((_mdoc(), _mdoc("r", "other"))))
    return cbor(asking.to_bytes(SESSION, ewallet_pki.verifier)), ewallet_pki


def _who(members, pki, session=SESSION):
    return requests.authenticate(requests.parse(to_cbor(members)), session, trust=pki.trust_list(), at=pki.at)


def test_a_reader_that_signed_every_part_is_known(signed):
    """By the name of its certificate."""
    assert "Example verifier signer" == _who(*signed).name


def test_a_reader_that_signed_only_a_part_is_not_known(signed):
    """Somebody may have added the rest."""
    members, pki = signed
    del members["docRequests"][1]["readerAuth"]

    assert ("", None) == (_who(members, pki).name, _who(members, pki).doubt)


def test_a_request_in_the_name_of_two_readers_has_none(signed):
    """Nobody could say to whom the answer goes."""
    members, pki = signed
    other = pki.signer("verifier", pki.profile("verifier", subject="Another reader"))
    items = members["docRequests"][1]["itemsRequest"].value
    header = cose.protected("ES256")
    signature = other.sign(cose.to_be_signed(header, reader_authentication(items, SESSION)))
    members["docRequests"][1]["readerAuth"] = [header, cose.unprotected(other.chain), None, signature]

    assert "" == _who(members, pki).name


def test_a_reader_with_an_expired_certificate_is_not_known(ewallet_pki):
    """The holder is told that nobody vouches for it any more."""
    profile = ewallet_pki.profile("verifier")
    old = ewallet_pki.signer("verifier", replace(profile, until=ewallet_pki.at))
    asked = requests.parse(Asking.of(Query((_mdoc(),))).to_bytes(SESSION, old))
    later = ewallet_pki.at + timedelta(hours=1)

    who = requests.authenticate(asked, SESSION, trust=ewallet_pki.trust_list(), at=later)

    assert ("", "request.untrusted_verifier") == (who.name, who.doubt)


def _spoiled(part):
    def spoil(auth):
        if part == "signature":
            auth[3] = bytes([auth[3][0] ^ 1]) + auth[3][1:]
        elif part == "payload":
            auth[2] = b"inside"
        else:
            auth[0] = cose.protected("ES384")

    return spoil


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("signature", "request.signature_invalid"),
        ("payload", "request.invalid"),
        ("header", "request.signature_invalid"),
    ],
)
def test_a_signature_that_is_none_is_refused(signed, part, code):
    """Whoever sent it is not whom the certificate names."""
    members, pki = signed
    _spoiled(part)(members["docRequests"][0]["readerAuth"])

    with pytest.raises(ProtocolError) as caught:
        _who(members, pki)

    assert code == caught.value.code


def test_a_signature_over_other_items_is_refused(signed):
    """An element that was slipped in is not asked for by whoever signed."""
    members, pki = signed
    members["docRequests"][0]["itemsRequest"] = CBORTag(24, to_cbor(ITEMS))

    with pytest.raises(ProtocolError) as caught:
        _who(members, pki)

    assert "request.signature_invalid" == caught.value.code


def test_a_signature_over_another_session_is_refused(signed):
    """It was captured elsewhere."""
    members, pki = signed

    with pytest.raises(ProtocolError) as caught:
        _who(members, pki, to_cbor([None, None, 1]))

    assert "request.signature_invalid" == caught.value.code
