"""mdoc as a format: issued, held, shown and taken apart; what is in it is what was recorded, and nothing tells more."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet import cose
from ewallet.catalog import Catalog
from ewallet.credential import Binding, Draft, StatusRef, Validity
from ewallet.errors import EWalletError
from ewallet.formats import FORMATS, open_any
from ewallet.formats.document import Mdoc, split
from ewallet.formats.mdoc import MDOC
from ewallet.formats.mso import Item, Mso
from ewallet.keys import SigningKey
from ewallet.shape import base64url, cbor, to_base64url
from ewallet.testing.clock import START, Clock
from ewallet.testing.mdoc import response
from ewallet.testing.pki import Profile, certified, issue_certificate, private_key

_TYPE, _SPACE, _OTHER = "org.example.card.1", "org.example.card", "org.example.more"
_HOLDER, _ISSUER = SigningKey.generate(), SigningKey.generate()
_TO = Binding(audience="x509_san_dns:bank.example", nonce="n-1", response_uri="https://bank.example/response/1")
_CLAIMS = {
    _SPACE: {
        "family_name": "가상",
        "birth_date": CBORTag(1004, "1990-01-01"),
        "issued_at": CBORTag(0, "2026-11-21T00:00:00Z"),
        "portrait": b"\xff\xd8\xff",
        "age_over_19": True,
        "height": 170,
        "weight": 61.5,
        "privileges": [{"code": "B", "since": CBORTag(1004, "2010-05-05")}],
        "codes": {1: "one"},
        "further": CBORTag(24, b"\xa0"),
        "nothing": None,
    },
    _OTHER: {"family_name": "더", "name": "가상"},
}


def _code(call, *args):
    with pytest.raises(EWalletError) as refused:
        call(*args)
    return refused.value.code


def _draft(**changes):
    members: dict[str, Any] = {
        "type_id": _TYPE,
        "issuer": "https://issuer.example",
        "claims": _CLAIMS,
        "validity": Validity(START, START + timedelta(days=30)),
        "disclosable": frozenset(),
        "holder": _HOLDER.public,
        "status": StatusRef("https://issuer.example/status/1", 7),
        "decoys": 8,
    }
    return Draft(**members | changes)


def _issued(signer=_ISSUER, **changes):
    to_sign = MDOC.prepare(_draft(**changes), signer, Clock().env().random)
    return to_sign.complete(signer.sign(to_sign.data))


def _presented(paths=((_SPACE, "family_name"),), raw=None, **binding):
    return MDOC.present(raw or _issued(), paths, replace(_TO, **binding), _HOLDER, START)


def test_what_was_recorded_is_read():
    """As JSON has it: dates and moments are text, bytes are base64 text."""
    credential = MDOC.read(_issued())

    own = {
        "family_name": "가상",
        "birth_date": "1990-01-01",
        "issued_at": "2026-11-21T00:00:00Z",
        "portrait": b64encode(b"\xff\xd8\xff").decode(),
        "age_over_19": True,
        "height": 170,
        "weight": 61.5,
        "privileges": [{"code": "B", "since": "2010-05-05"}],
        "codes": {"1": "one"},
        "further": b64encode(b"\xa0").decode(),
        "nothing": None,
    }
    assert {_SPACE: own, _OTHER: {"family_name": "더", "name": "가상"}} == credential.claims
    assert ("mso_mdoc", _TYPE, None) == (credential.format, credential.type_id, credential.issuer)
    assert (_HOLDER.public, StatusRef("https://issuer.example/status/1", 7)) == (credential.holder, credential.status)
    assert Validity(START, START + timedelta(days=30)) == credential.validity
    assert START == credential.issued
    assert (_OTHER, "name") == credential.shown[-1]


def test_any_number_of_elements_is_read_again():
    """The heads of arrays and maps have one form for few, another for many."""
    for count in (0, 1, 23, 24, 255, 256):
        claims = {_SPACE: {f"element_{number}": number for number in range(count)}}
        assert claims == MDOC.read(_issued(claims=claims, decoys=0)).claims
    many = {f"{_SPACE}.{number}": {"name": "a"} for number in range(24)}
    assert many == MDOC.read(_issued(claims=many)).claims


def test_moments_have_no_fraction():
    """They are cut to the second, in UTC."""
    since = datetime(2026, 11, 21, 1, 2, 3, 999_999, UTC)
    credential = MDOC.read(_issued(validity=Validity(since, since + timedelta(days=1))))

    assert since.replace(microsecond=0) == credential.validity.since


def test_what_is_signed_may_be_embedded_with_a_longer_head():
    """It is read as any other, but neither with something behind it nor without its end."""
    payload = MDOC.prepare(_draft(), _ISSUER, Clock().env().random).payload
    content = cbor(payload).value

    assert payload == b"\xd8\x18\x59" + len(content).to_bytes(2, "big") + content
    assert Mso.parse(payload) == Mso.parse(b"\xd8\x18\x5a" + len(content).to_bytes(4, "big") + content)
    assert ["malformed.cbor"] * 2 == [_code(Mso.parse, each) for each in (payload + b"\0", payload[:-1])]


def test_copies_cannot_be_linked():
    """Each copy has other salts, digests and digest identifiers; decoys hide how much is recorded."""
    random = Clock().env().random
    copies = [MDOC.prepare(_draft(), _ISSUER, random) for _ in range(2)]
    objects = [cbor(cbor(copy.payload).value)["valueDigests"] for copy in copies]
    ids = [[Item.parse(cbor(item).value).digest_id for item in copy.items[_SPACE]] for copy in copies]

    assert {} == {id_: each for id_, each in objects[0][_SPACE].items() if each in objects[1][_SPACE].values()}
    assert ids[0] != ids[1]
    assert [16, 8] == [len(objects[0][space]) for space in (_SPACE, _OTHER)]
    assert [list(range(16)), list(range(8))] == [list(objects[0][space]) for space in (_SPACE, _OTHER)]


@pytest.mark.parametrize("changes", [{}, {"status": None}, {"claims": {}}], ids=["all", "no status", "no claims"])
def test_what_is_signed_is_in_the_preferred_encoding(changes):
    """Written piece by piece, it is what an encoder makes of the whole."""
    payload = MDOC.prepare(_draft(**changes), _ISSUER, Clock().env().random).payload
    content = cbor(payload).value

    assert content == cbor2.dumps(cbor(content))


def test_salts_are_in_their_items_alone():
    """A decoy is drawn for itself: whoever knows a salt can try values, and learn what is not shown."""
    copy = MDOC.prepare(_draft(), _ISSUER, Clock().env().random)
    salts = {cbor(cbor(item).value)["random"] for items in copy.items.values() for item in items}

    assert [13, 0] == [len(salts), sum(salt in copy.payload for salt in salts)]


def test_without_decoys_there_is_a_digest_for_each_element():
    """And none besides; without claims there is none at all."""
    payload = MDOC.prepare(_draft(decoys=0), _ISSUER, Clock().env().random).payload

    assert [11, 2] == [len(digests) for digests in cbor(cbor(payload).value)["valueDigests"].values()]
    assert {} == MDOC.read(_issued(claims={})).claims


@pytest.mark.parametrize(
    "changes",
    [
        {"holder": None},
        {"validity": Validity(None, START)},
        {"validity": Validity(START, None)},
    ],
    ids=["nobody's", "without beginning", "without end"],
)
def test_mdoc_needs_a_key_and_a_time(changes):
    """What has neither is not made."""
    assert "usage.argument" == _code(MDOC.prepare, _draft(**changes), _ISSUER, Clock().env().random)


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "EdDSA"])
def test_every_algorithm_issues_and_presents(alg):
    """Issuer and device may have a key of any kind that is spoken here."""
    issuer, holder = SigningKey.generate(alg), SigningKey.generate(alg)
    raw = _issued(issuer, holder=holder.public)
    evidence = MDOC.open(MDOC.present(raw, [(_SPACE, "height")], _TO, holder, START))

    evidence.check_signature(issuer.public)
    evidence.check_binding(_TO, START)
    assert {_SPACE: {"height": 170}} == evidence.check_disclosures().claims


def test_only_what_is_chosen_is_shown():
    """By namespace and element; what is below an element is shown with it; nothing may be chosen, too."""
    paths = [(_SPACE, "height"), (_OTHER, "family_name"), (_SPACE, "privileges", 0, "code")]
    credential = MDOC.open(_presented(paths)).check_disclosures()

    assert {_SPACE: {"height", "privileges"}, _OTHER: {"family_name"}} == {
        k: set(v) for k, v in credential.claims.items()
    }
    bare = MDOC.open(_presented(()))
    bare.check_binding(_TO, START)
    assert {} == bare.check_disclosures().claims
    assert "nameSpaces" not in cbor(base64url(_presented(())))["documents"][0]["issuerSigned"]


@pytest.mark.parametrize(
    "path", [(_SPACE,), (_SPACE, "resident_address"), ("org.example.none", "name"), (_OTHER, None)]
)
def test_what_is_not_held_is_not_shown(path):
    """A path that leads nowhere is the caller's mistake."""
    assert "usage.argument" == _code(_presented, [path])


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256])
def test_types_of_any_length_are_presented(length):
    """The holder reads the docType alone, whatever its head; one that is not ASCII, or named twice, with the rest."""
    spaces = {"docType": {"docType": "another"}}
    for type_id, claims in (("t" * length, _CLAIMS), ("t" * length, spaces), ("가" * length, _CLAIMS)):
        presented = _presented((), _issued(type_id=type_id, claims=claims))
        assert (type_id, type_id) == (MDOC.open(presented).type_id, MDOC.open(presented).mso.doc_type)


def test_unusual_encodings_are_shown_as_they_are():
    """An issuer may write a name with a longer head than it needs; the item is found, and its bytes are kept."""
    usual = Item(0, "name", "a")
    content = b"\xa4" + b"".join(
        cbor2.dumps(part) if part != "elementIdentifier" else b"\x78\x11elementIdentifier"
        for pair in (("digestID", 0), ("random", bytes(32)), ("elementIdentifier", "name"), ("elementValue", "a"))
        for part in pair
    )
    assert usual == Item.parse(content)
    members = cbor(base64url(_issued(claims={_SPACE: {"name": "a"}})))
    members["nameSpaces"][_SPACE] = [CBORTag(24, content)]
    shown = MDOC.open(_presented([(_SPACE, "name")], to_base64url(cbor2.dumps(members))))

    assert [content] == [item.value for item in shown.namespaces[_SPACE]]


def test_what_an_issuer_sent_is_not_what_a_device_shows():
    """A response is not held; what is held proves nobody."""
    assert "malformed.mdoc" == _code(MDOC.read, _presented())
    held = MDOC.open(_issued())
    held.check_signature(_ISSUER.public)
    held.check_binding(None, START)

    assert _TYPE == held.type_id
    assert held.issuer is None
    assert "mdoc.device_auth" == _code(held.check_binding, _TO, START)


def test_binding_is_to_one_session():
    """Another nonce, audience or address does not fit; without a binding the form is looked at all the same."""
    shown = MDOC.open(_presented())
    shown.check_binding(_TO, START)
    shown.check_binding(None, START)

    for other in (
        {"nonce": "n-2"},
        {"audience": "bank.example"},
        {"response_uri": None},
        {"origin": "https://a.example"},
    ):
        assert "mdoc.device_auth" == _code(shown.check_binding, replace(_TO, **other), START)


def test_no_transaction_is_confirmed():
    """There is no element for that, so who wants one confirmed is refused by both sides."""
    assert "policy.transaction_data" == _code(lambda: _presented(transaction_data=("e30",)))
    evidence = MDOC.open(_presented())
    assert "policy.transaction_data" == _code(evidence.check_binding, replace(_TO, transaction_data=("e30",)), START)


def _certified():
    key, by = SigningKey.generate(), SigningKey.generate()
    profile = Profile(subject="Example signer", since=START - timedelta(days=9), until=START + timedelta(days=90))
    return certified(key, issue_certificate(profile, private_key(key).public_key(), by=by))


def test_country_is_that_of_who_signed():
    """Where certificate and document both say one; who is trusted for one country does not speak for another."""
    signer = _certified()

    def read(**elements):
        return MDOC.read(_issued(signer, claims={_SPACE: elements}))

    assert {_SPACE: {"issuing_country": "KR"}} == read(issuing_country="KR").claims
    assert "trust.issuer_mismatch" == _code(lambda: read(issuing_country="XX"))
    assert {_SPACE: {"issuing_jurisdiction": "KR-11"}} == read(issuing_jurisdiction="KR-11").claims
    assert "XX" == MDOC.read(_issued(claims={_SPACE: {"issuing_country": "XX"}})).claims[_SPACE]["issuing_country"]


def test_signature_was_made_while_the_certificate_was_valid():
    """Neither before nor after."""
    signer = _certified()
    for since, code in ((START, None), (START - timedelta(days=10), "trust"), (START + timedelta(days=91), "trust")):
        evidence = MDOC.open(_issued(signer, validity=Validity(since, since + timedelta(days=1))))
        if code is None:
            evidence.check_signature(signer.public)
        else:
            assert "trust.cert_expired" == _code(evidence.check_signature, signer.public)


def test_status_of_another_kind_is_none():
    """An identifier list is not known here, and what has no status says so to the verifier."""
    payload = MDOC.prepare(_draft(status=None), _ISSUER, Clock().env().random).payload
    members = cbor(cbor(payload).value)

    def status(value):
        return Mso.parse(cbor2.dumps(CBORTag(24, cbor2.dumps({**members, "status": value})))).status

    assert MDOC.read(_issued(status=None)).status is None
    assert status({}) is None
    assert status({"identifier_list": {"id": b"a", "uri": "https://issuer.example"}}) is None
    assert "malformed.mdoc" == _code(status, {"status_list": {"idx": -1, "uri": "https://issuer.example"}})
    assert "malformed.mdoc" == _code(status, {"status_list": {"idx": "1", "uri": "https://issuer.example"}})
    assert "malformed.mdoc" == _code(status, {"status_list": []})
    assert "malformed.mdoc" == _code(status, None)


def test_response_with_several_documents_is_taken_one_by_one():
    """At close range one response answers for all; each document is judged on its own, in its order."""
    one, other = (cbor(base64url(_presented([(_SPACE, name)])))["documents"][0] for name in ("height", "weight"))
    whole = base64url(response(one, other))

    assert "malformed.mdoc" == _code(MDOC.open, to_base64url(whole))
    parts = split(whole)
    assert [_TYPE, _TYPE] == [doc_type for doc_type, _ in parts]
    for _, presentation in parts:
        Mdoc.parse(presentation).check_binding(_TO, START)
    claims = [Mdoc.parse(presentation).check_disclosures().claims for _, presentation in parts]
    assert [{_SPACE: {"height": 170}}, {_SPACE: {"weight": 61.5}}] == claims
    assert "limit.size" == _code(split, bytes(1 << 20))


def _spoilt(change):
    document = cbor(base64url(_presented()))["documents"][0]
    change(document)
    return response(document)


def test_what_is_no_document_is_refused():
    """Signed data with something else beside, or without what was signed; a device that brings what it signed."""

    def beside(document):
        document["issuerSigned"]["more"] = 1

    def without(document):
        document["issuerSigned"]["issuerAuth"][2] = None

    def attached(document):
        document["deviceSigned"]["deviceAuth"]["deviceSignature"][2] = b"a"

    def stating(document):
        document["deviceSigned"]["nameSpaces"] = CBORTag(24, b"\x80")

    assert "malformed.mdoc" == _code(MDOC.open, _spoilt(beside))
    assert "malformed.cose" == _code(MDOC.open, _spoilt(without))
    assert "malformed.cose" == _code(MDOC.open(_spoilt(attached)).check_binding, _TO, START)
    assert "malformed.mdoc" == _code(MDOC.open(_spoilt(stating)).check_disclosures)
    assert "limit.size" == _code(MDOC.open, "A" * (1 << 20))


def test_object_of_another_version_is_refused():
    """What it means is not known."""
    payload = MDOC.prepare(_draft(), _ISSUER, Clock().env().random).payload
    members = cbor(cbor(payload).value)

    wrong: tuple[Any, ...] = ({**members, "version": "2.0"}, {**members, "version": None}, [], None)
    for changed in wrong:
        assert "malformed.mdoc" == _code(Mso.parse, cbor2.dumps(CBORTag(24, cbor2.dumps(changed))))


def test_format_is_found_by_what_is_there():
    """Without its name, too; and what is of neither format is refused by the first, unless another could read it."""
    assert ("mso_mdoc", "dc+sd-jwt") == (open_any(_presented())[0], next(iter(FORMATS)))
    assert "malformed.sdjwt" == _code(open_any, "no presentation")
    assert "malformed.sdjwt" == _code(open_any, "AAAA")
    assert "malformed.mdoc" == _code(open_any, "oA")


def test_query_names_a_doctype_and_elements():
    """``doctype_value`` in its meta, a namespace and an element in its paths."""
    MDOC.check_path((_SPACE, "name"))

    assert frozenset({_TYPE}) == MDOC.type_ids(MDOC.meta(_TYPE))
    assert "dcql.invalid" == _code(MDOC.type_ids, {"doctype_value": [_TYPE]})
    assert "dcql.invalid" == _code(MDOC.type_ids, {})
    for path in ((_SPACE,), (_SPACE, None), (0, "name"), (_SPACE, "name", "first"), ()):
        assert "dcql.invalid" == _code(MDOC.check_path, path)


def test_configuration_names_numbers():
    """The docType and COSE numbers in issuer metadata, and none for a kind without a docType."""
    catalog = Catalog.bundled()
    card = catalog.type("mobile_resident_card")
    form = replace(card, doctype=None)
    members = MDOC.configuration(card, ("ES256", "ES384"))

    assert MDOC.configuration(form, ("ES256",)) is None
    assert MDOC.type_id(form) is None
    assert members is not None
    assert [-7, -35] == members["credential_signing_alg_values_supported"]
    assert ["cose_key"] == members["cryptographic_binding_methods_supported"]
    assert card.doctype == MDOC.configured_type(members) == MDOC.type_id(card)
    assert card.doctype == MDOC.configured_type({"doctype": card.doctype})


@pytest.mark.parametrize("numbers", [["ES256"], [], "ES256", [True]], ids=repr)
def test_configuration_of_another_kind_is_refused(numbers):
    """Names where numbers are wanted, or nothing."""
    members = {"doctype": _TYPE, "credential_signing_alg_values_supported": numbers}
    assert "malformed.claim_type" == _code(MDOC.configured_type, members)
    assert "malformed.claim_type" == _code(MDOC.configured_type, {"vct": _TYPE})


def test_record_is_laid_out_as_elements():
    """A kind says where its claims lie, and the format asks it."""
    card = Catalog.bundled().type("mobile_resident_card")
    namespace, element = card.elements["name"]

    assert (namespace, element) == MDOC.path(card, ("name",))
    assert {namespace: {element: "가상"}} == MDOC.arrange(card, {"name": "가상"})
    assert MDOC.path(card, ("name", "first")) is None


def test_algorithms_are_those_that_are_verified():
    """For issuer and device the same, the usual and the fully specified numbers."""
    assert {frozenset(cose.ALGORITHMS)} == {frozenset(numbers) for numbers in MDOC.algorithms.values()}
