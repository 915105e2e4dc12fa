"""Deletion at whoever received an answer: the holder asks for it with the receipt, and gets it back signed once more.

A recipient that can be asked says where in its half of the receipt, and by which name it knows the answer::

    deletion    {"uri": "https://bank.example/v1/deletions", "ref": "..."}

A receipt may be shown to many, so it deletes nothing alone. The holder adds a JWS of type ``deletion-request+jwt``
under the key that confirmed the consent, which nobody else has::

    aud, iat, jti    the recipient's client identifier, when, and the identifier of the receipt
    consent          the digest of the record of the consent

Posted are both, ``{"receipt": RECEIPT, "proof": JWS}``; the answer is the receipt after one more event, ``deleted``.
Asked again it is answered again, so it does not matter which answer was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from ewallet import jose
from ewallet.errors import BindingError, PolicyError, ProtocolError, UsageError
from ewallet.flow import Flow, Request
from ewallet.formats.sdjwt import binding_claims, check_fresh
from ewallet.keys import Signer
from ewallet.receipt import Receipt
from ewallet.shape import MAX_DOCUMENT, Json, json_object, member, refuse
from ewallet.trust import TrustList

TYP: Final = "deletion-request+jwt"
MEMBER: Final = "deletion"  # of the recipient's half
_JSON: Final = {"content-type": "application/json", "accept": "application/json"}


@dataclass(frozen=True)
class Where:
    """Where a recipient takes demands, and the name under which it finds what it keeps of an answer."""

    uri: str
    ref: str

    @classmethod
    def of(cls, receipt: Receipt) -> Where:
        """That of a receipt; ``usage.argument`` where its recipient has said nothing, ``malformed.*``."""
        found = receipt.signed[0].claims.get(MEMBER)
        if not isinstance(found, dict):
            raise UsageError("usage.argument", "the receiver has not said where it can be asked to delete")
        return cls(uri=member(found, "uri", str), ref=member(found, "ref", str))

    def to_json(self) -> dict[str, Json]:
        """What the recipient states."""
        return {MEMBER: {"uri": self.uri, "ref": self.ref}}


@dataclass(frozen=True)
class Demand:
    """A receipt, and the proof that whoever confirmed its consent wants it deleted."""

    receipt: Receipt
    proof: str = field(repr=False)

    @classmethod
    def make(cls, receipt: Receipt, signer: Signer, at: datetime) -> Demand:
        """One signed by the key that confirmed the consent."""
        return cls(receipt, jose.sign(TYP, {**_stated(receipt), "iat": int(at.timestamp())}, signer))

    @classmethod
    def parse(cls, raw: bytes) -> Demand:
        """The demand of a body; ``malformed.*``, ``limit.*``, ``receipt.invalid``."""
        found = json_object(raw, "the demand", limit=MAX_DOCUMENT)
        if found.keys() != {"receipt", "proof"}:
            refuse("malformed.claim_type", "other members than receipt and proof")
        receipt = Receipt.parse(jose.to_json(member(found, "receipt", dict)))
        return cls(receipt, member(found, "proof", str))

    def to_bytes(self) -> bytes:
        """The body."""
        return jose.to_json({"receipt": self.receipt.to_json(), "proof": self.proof})

    def check(self, recipient: Signer, at: datetime) -> None:
        """Return if that recipient signed the receipt, and the holder of its other half demands this, just now.

        Raises ``receipt.invalid``, ``kb.*``, ``time.*``.
        """
        self.receipt.check_countersigned(recipient.public)
        claims = binding_claims(self.proof, self.receipt.holder, TYP)
        check_fresh(claims, at)
        if claims.get("aud") != self.receipt.request.client_id:
            raise BindingError("kb.aud", "a demand to somebody else")
        if any(claims.get(name) != value for name, value in _stated(self.receipt).items()):
            raise PolicyError("receipt.invalid", "a demand about another receipt")


def demand(receipt: Receipt, signer: Signer, trust: TrustList, at: datetime) -> Flow[Receipt]:
    """Have a recipient delete; the receipt that says so, checked.

    Raises ``usage.argument``, ``fetch.*``, ``request.invalid`` where it refuses, ``receipt.invalid`` for an answer that
    says something else.
    """
    where = Where.of(receipt)
    body = Demand.make(receipt, signer, at).to_bytes()
    response = yield Request("POST", where.uri, _JSON, body, MAX_DOCUMENT)
    if response.status != 200:
        raise ProtocolError("request.invalid", f"the receiver answered with status {response.status}")
    told = Receipt.parse(response.body)
    if told.event != "deleted" or replace(told, events=told.events[:-1]) != receipt:
        raise PolicyError("receipt.invalid", "an answer that does not say that it was deleted")
    told.check_recipient(trust)
    return told


def _stated(receipt: Receipt) -> dict[str, Json]:
    return {"aud": receipt.request.client_id, "jti": receipt.id, "consent": receipt.consent.digest}
