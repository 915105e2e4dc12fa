"""Holders and issuers of mdocs that misbehave on demand, as those of SD-JWT VCs in :mod:`ewallet.testing.misbehave`.

:data:`HOLDERS` and :data:`ISSUERS` make a presentation of an :class:`ewallet.testing.mdoc.MdocStage` in which one thing
is wrong. Each has the row of the security matrix that it belongs to, and the rung and code it is refused with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import cbor2
from cbor2 import CBORTag

from ewallet.formats.mso import TDATE
from ewallet.keys import SigningKey
from ewallet.shape import base64url, cbor, to_base64url
from ewallet.testing.mdoc import MdocStage, item, response
from ewallet.testing.misbehave import Misdeed, listed
from ewallet.testing.pki import certified, issue_certificate, private_key

Forgery = Callable[[MdocStage], str]

_holders: list[Misdeed[Forgery]] = []
_issuers: list[Misdeed[Forgery]] = []


def tdate(at: datetime) -> CBORTag:
    """A moment as an mdoc has it."""
    return CBORTag(TDATE, at.strftime("%Y-%m-%dT%H:%M:%SZ"))


# The holder has a genuine credential, and the key it is bound to.


@listed(_holders, "MDO-35", "format", "malformed.encoding")
def padded(stage: MdocStage) -> str:
    """MDO-35: pads the base64url."""
    return stage.presentation + "=" * (-len(stage.presentation) % 4 or 4)


@listed(_holders, "MDO-04", "format", "malformed.cbor")
def trailing_bytes(stage: MdocStage) -> str:
    """MDO-04: sends something after the response."""
    return to_base64url(base64url(stage.presentation) + b"\x00")


@listed(_holders, "MDO-13", "format", "malformed.cose")
def detached_object(stage: MdocStage) -> str:
    """MDO-13: leaves out what the issuer signed."""
    return replace(stage, auth=(*stage.auth[:2], None, stage.auth[3])).show()


@listed(_holders, "MDO-29", "format", "malformed.mdoc")
def two_documents(stage: MdocStage) -> str:
    """MDO-29: answers one question with two documents."""
    return response(stage.document, stage.document)


@listed(_holders, "MDO-29", "format", "malformed.mdoc")
def error_status(stage: MdocStage) -> str:
    """MDO-29: says that something went wrong, and sends a document all the same."""
    return response(stage.document, status=10)


@listed(_holders, "MDO-13", "signature", "crypto.signature_invalid")
def added_header(stage: MdocStage) -> str:
    """MDO-13: adds to the header after it was signed."""
    protected = cbor2.dumps(cbor(stage.auth[0]) | {4: b"kid"})
    return replace(stage, auth=(protected, *stage.auth[1:])).show()


@listed(_holders, "MDO-19", "signature", "mdoc.doctype_mismatch")
def another_doctype(stage: MdocStage) -> str:
    """MDO-19: passes a document off as another one of the same issuer."""
    own = stage.doc_type
    others = next(types for types in stage.pki.types.values() if own in types) - {own}
    return stage.show(doc_type=min(others))


@listed(_holders, "MDO-20", "disclosures", "mdoc.digest_mismatch")
def improved_element(stage: MdocStage) -> str:
    """MDO-20: gives a signed element another value."""
    return _with_first(stage, cbor2.dumps({**stage.first, "elementValue": "a better one"}))


@listed(_holders, "MDO-20", "disclosures", "mdoc.digest_mismatch")
def reencoded_item(stage: MdocStage) -> str:
    """MDO-20: sends the same item with its members in another order."""
    return _with_first(stage, cbor2.dumps(dict(reversed(stage.first.items()))))


@listed(_holders, "MDO-20", "disclosures", "mdoc.digest_missing")
def invented_element(stage: MdocStage) -> str:
    """MDO-20: adds an element that the issuer never signed."""
    found = [*stage.contents[stage.namespace], item(1 << 20, "age_over_99", True)]
    return stage.showing({**stage.contents, stage.namespace: found})


@listed(_holders, "MDO-20", "disclosures", "mdoc.digest_missing")
def moved_element(stage: MdocStage) -> str:
    """MDO-20: puts a signed item into another namespace."""
    return stage.showing({"org.iso.18013.5.1.elsewhere": stage.contents[stage.namespace]})


@listed(_holders, "MDO-27", "disclosures", "mdoc.device_namespace")
def stated_by_the_device(stage: MdocStage) -> str:
    """MDO-27: states an element itself that only an issuer may."""
    return stage.show(stated=cbor2.dumps({stage.namespace: {"age_over_19": True}}))


@listed(_holders, "MDO-24", "holder", "mdoc.device_auth")
def no_device_signature(stage: MdocStage) -> str:
    """MDO-24: leaves out what the device signs."""
    return stage.show(change=lambda document: document.pop("deviceSigned"))


@listed(_holders, "MDO-24", "holder", "mdoc.device_auth")
def empty_device_auth(stage: MdocStage) -> str:
    """MDO-24: neither signs nor authenticates."""
    return stage.show(change=lambda document: document["deviceSigned"]["deviceAuth"].clear())


@listed(_holders, "MDO-24", "holder", "mdoc.device_auth")
def signature_and_mac(stage: MdocStage) -> str:
    """MDO-24: sends both a signature and a mac."""
    mac: dict[str, Any] = {"deviceMac": [cbor2.dumps({1: 5}), {}, None, bytes(32)]}
    return stage.show(change=lambda document: document["deviceSigned"]["deviceAuth"].update(mac))


@listed(_holders, "MDO-25", "holder", "mdoc.device_auth")
def stolen_document(stage: MdocStage) -> str:
    """MDO-25: shows somebody else's document with a key of its own."""
    return stage.show(key=SigningKey.generate())


@listed(_holders, "MDO-25", "holder", "mdoc.device_auth")
def mac_of_zeros(stage: MdocStage) -> str:
    """MDO-25: sends a mac of zeros to a reader that has no key to make one with."""
    auth: dict[str, Any] = {"deviceMac": [cbor2.dumps({1: 5}), {}, None, bytes(32)]}
    return stage.show(change=lambda document: document["deviceSigned"].update(deviceAuth=auth))


@listed(_holders, "MDO-13", "holder", "malformed.cose")
def attached_authentication(stage: MdocStage) -> str:
    """MDO-13: sends along what the device signed."""
    return stage.show(payload=b"whatever it signed")


@listed(_holders, "MDO-26", "holder", "mdoc.device_auth")
def another_session_nonce(stage: MdocStage) -> str:
    """MDO-26: answers an earlier request once more."""
    return stage.show(binding=replace(stage.binding, nonce="an-earlier-nonce"))


@listed(_holders, "MDO-26", "holder", "mdoc.device_auth")
def another_client_id(stage: MdocStage) -> str:
    """MDO-26: forwards what was made for another verifier."""
    return stage.show(binding=replace(stage.binding, audience="x509_san_dns:shop.example"))


@listed(_holders, "MDO-26", "holder", "mdoc.device_auth")
def another_response_uri(stage: MdocStage) -> str:
    """MDO-26: forwards what was to be sent elsewhere."""
    return stage.show(binding=replace(stage.binding, response_uri="https://shop.example/response/1"))


@listed(_holders, "MDO-26", "holder", "mdoc.device_auth")
def another_recipient(stage: MdocStage) -> str:
    """MDO-26: forwards what was encrypted to another key."""
    return stage.show(binding=replace(stage.binding, recipient=SigningKey.generate().public.thumbprint))


@listed(_holders, "MDO-26", "holder", "mdoc.device_auth")
def made_for_a_browser(stage: MdocStage) -> str:
    """MDO-26: forwards what was made for a page in a browser."""
    return stage.show(binding=replace(stage.binding, origin="https://bank.example"))


@listed(_holders, "MDO-19", "query", "dcql.unsatisfied")
def withheld_element(stage: MdocStage) -> str:
    """MDO-19: keeps back what was asked for."""
    return stage.showing({name: found[1:] for name, found in stage.contents.items()})


@listed(_holders, "MDO-27", "query", "dcql.extra_claims")
def unasked_element(stage: MdocStage) -> str:
    """MDO-27: discloses what nobody asked for."""
    name, hidden = next((name, found) for name, found in stage.hidden.items() if found)
    return stage.showing({**stage.contents, name: [*stage.contents.get(name, ()), hidden[0]]})


def _with_first(stage: MdocStage, content: bytes) -> str:
    return stage.showing({**stage.contents, stage.namespace: [content, *stage.contents[stage.namespace][1:]]})


# The issuer has the key that the trust list vouches for, or says so.


@listed(_issuers, "MDO-12", "format", "crypto.alg_not_allowed")
def no_algorithm(stage: MdocStage) -> str:
    """MDO-12: names no algorithm."""
    return stage.forge(stage.mso, header={})


@listed(_issuers, "MDO-12", "format", "crypto.alg_not_allowed")
def unprotected_algorithm(stage: MdocStage) -> str:
    """MDO-12: names the algorithm where nobody signed it."""
    return stage.forge(stage.mso, header=b"", unprotected={1: -7, **stage.auth[1]})


@listed(_issuers, "MDO-12", "format", "crypto.alg_not_allowed")
def mac_for_a_signature(stage: MdocStage) -> str:
    """MDO-12: names a MAC."""
    return stage.forge(stage.mso, header={1: 5})


@listed(_issuers, "MDO-12", "signature", "crypto.alg_not_allowed")
def algorithm_of_another_curve(stage: MdocStage) -> str:
    """MDO-12: signs with P-256 and calls it ES384."""
    return stage.forge(stage.mso, header={1: -35})


@listed(_issuers, "MDO-13", "format", "crypto.crit_unsupported")
def critical_header(stage: MdocStage) -> str:
    """MDO-13: demands an extension that nobody knows."""
    return stage.forge(stage.mso, header={1: -7, 2: [99], 99: True})


@listed(_issuers, "MDO-14", "issuer", "trust.no_path")
def no_certificate(stage: MdocStage) -> str:
    """MDO-14: sends no certificate."""
    return stage.forge(stage.mso, unprotected={})


@listed(_issuers, "MDO-14", "issuer", "trust.self_signed")
def self_signed(stage: MdocStage) -> str:
    """MDO-14: vouches for itself."""
    key = SigningKey.generate()
    own = issue_certificate(stage.pki.profile(), private_key(key).public_key(), by=key)
    return stage.forge(stage.mso, signer=certified(key, own))


@listed(_issuers, "MDO-25", "signature", "crypto.signature_invalid")
def signed_by_another(stage: MdocStage) -> str:
    """MDO-25: signs with another key than that of the certificate."""
    return stage.forge(stage.mso, signer=SigningKey.generate())


@listed(_issuers, "MDO-17", "signature", "trust.cert_expired")
def signed_before_its_certificate(stage: MdocStage) -> str:
    """MDO-17: signed when its certificate was not valid yet."""
    return stage.forge({**stage.mso, "validityInfo": validity(stage, signed=stage.at - timedelta(days=3650))})


@listed(_issuers, "MDO-18", "validity", "time.expired")
def over(stage: MdocStage) -> str:
    """MDO-18: issued something that is over this very second."""
    return stage.forge({**stage.mso, "validityInfo": validity(stage, until=stage.at)})


@listed(_issuers, "MDO-18", "validity", "time.not_yet_valid")
def not_begun(stage: MdocStage) -> str:
    """MDO-18: issued something that begins tomorrow."""
    return stage.forge({**stage.mso, "validityInfo": validity(stage, since=stage.at + timedelta(days=1))})


@listed(_issuers, "MDO-18", "signature", "malformed.mdoc")
def no_validity(stage: MdocStage) -> str:
    """MDO-18: says nowhere how long it holds."""
    return stage.forge({name: member for name, member in stage.mso.items() if name != "validityInfo"})


@listed(_issuers, "MDO-21", "signature", "crypto.hash_not_allowed")
def weak_hash(stage: MdocStage) -> str:
    """MDO-21: hashes with SHA-1."""
    return stage.forge({**stage.mso, "digestAlgorithm": "SHA-1"})


@listed(_issuers, "MDO-09", "signature", "malformed.mdoc")
def negative_digest_id(stage: MdocStage) -> str:
    """MDO-09: counts digests from below zero."""
    return stage.forge({**stage.mso, "valueDigests": {stage.namespace: {-1: bytes(32)}}})


@listed(_issuers, "MDO-03", "disclosures", "malformed.cbor")
def repeated_member(stage: MdocStage) -> str:
    """MDO-03: signs an item that has a member twice."""
    first = stage.contents[stage.namespace][0]
    return stage.disclosing({0: b"\xa5" + first[1:] + cbor2.dumps("random") + cbor2.dumps(bytes(32))})


@listed(_issuers, "STA-12", "status", "status.missing")
def no_status(stage: MdocStage) -> str:
    """STA-12: says nowhere how to learn the status."""
    return stage.forge({name: member for name, member in stage.mso.items() if name != "status"})


def validity(
    stage: MdocStage, *, signed: datetime | None = None, since: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    """The validity of the stage's object with other moments in it."""
    given = {"signed": signed, "validFrom": since, "validUntil": until}
    return {**stage.mso["validityInfo"], **{name: tdate(at) for name, at in given.items() if at}}


HOLDERS: Final = tuple(_holders)
ISSUERS: Final = tuple(_issuers)
