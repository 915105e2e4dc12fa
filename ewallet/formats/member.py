"""A member of a package: what one agency provides of one person to one recipient, on their request (꾸러미 데이터).

A compact JWS of its own type, ``mydata-member+jwt``. It is made for one recipient and bound to that recipient's key, so
it is none of :data:`ewallet.formats.FORMATS`: no wallet holds it, and nothing that a wallet holds is one. Its payload::

    vct, iss, iat, nbf, exp, status      as in an SD-JWT VC
    aud, cnf.jkt                         the recipient, and the thumbprint of the recipient's key (RFC 7638)
    consent                              the digest of the consent under which it is provided
    claims                               the claims that were consented to, and the answers to questions, each by the
                                         question and its parameters: ``income_at_least(n=30000000)``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Final

from ewallet import jose
from ewallet.credential import Binding, Claims, Credential, StatusRef, Validity, moment
from ewallet.errors import BindingError
from ewallet.formats.once import Once
from ewallet.keys import PublicKey, Signer
from ewallet.shape import Json, member, numeric_date, refuse

TYP: Final = "mydata-member+jwt"


@dataclass(frozen=True, kw_only=True)
class MemberDraft:
    """Everything an agency signs of a member, but the key and the status entry."""

    type_id: str
    issuer: str
    recipient: str
    key: str
    consent: str
    claims: Claims = field(repr=False)
    issued: datetime
    until: datetime


def prepare(draft: MemberDraft, status: StatusRef, signer: Signer) -> jose.Unsigned:
    """The member, ready for the signer's signature; the key is not used yet."""
    issued, until = (int(at.timestamp()) for at in (draft.issued, draft.until))
    payload: Mapping[str, Json] = {
        "vct": draft.type_id,
        "iss": draft.issuer,
        "aud": draft.recipient,
        "cnf": {"jkt": draft.key},
        "iat": issued,
        "nbf": issued,
        "exp": until,
        "status": {"status_list": status.to_json()},
        "consent": draft.consent,
        "claims": dict(draft.claims),
    }
    return jose.unsigned(TYP, payload, signer)


@dataclass(eq=False)
class Member:
    """A member taken apart; nothing of it believed."""

    jws: jose.Jws
    raw: str = field(repr=False)

    @classmethod
    def open(cls, raw: str) -> Member:
        """Take one apart; ``malformed.*``, ``limit.*``, ``crypto.typ_mismatch``, ``crypto.alg_not_allowed``."""
        if not raw.isascii():
            refuse("malformed.encoding", "a member with other characters than ascii")
        return cls(jose.parse(raw, TYP, what="the member"), raw)

    @Once
    def payload(self) -> dict[str, Json]:
        """The payload as signed; ``malformed.*``."""
        return self.jws.claims

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuer's DER certificates, leaf first; empty without ``x5c``."""
        return self.jws.chain

    @property
    def type_id(self) -> str:
        """The ``vct``."""
        return member(self.payload, "vct", str)

    @property
    def issuer(self) -> str:
        """The ``iss``."""
        return member(self.payload, "iss", str)

    @property
    def consent(self) -> str:
        """The digest of the consent it is provided under."""
        return member(self.payload, "consent", str)

    def check_signature(self, key: PublicKey) -> None:
        """Return if that key signed it; ``crypto.*``."""
        self.jws.verify(key)

    def check_disclosures(self) -> Credential:
        """What it says; ``malformed.*``."""
        since, issued, until = (self._date(name) for name in ("nbf", "iat", "exp"))
        status = member(member(self.payload, "status", dict), "status_list", dict)
        return Credential(
            format=TYP,
            type_id=self.type_id,
            issuer=self.issuer,
            validity=Validity(since, until),
            issued=issued,
            holder=None,
            status=StatusRef.of_json(status),
            claims=member(self.payload, "claims", dict),
        )

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Return if it was made for that recipient and the key of theirs; ``kb.aud``, ``kb.signature_invalid``."""
        if binding is None or binding.recipient is None:
            raise BindingError("kb.missing", "a member of a package, and no recipient to compare with")
        if member(self.payload, "aud", str) != binding.audience:
            raise BindingError("kb.aud", "a member that was made for another recipient")
        key = member(member(self.payload, "cnf", dict), "jkt", str)
        if not compare_digest(key.encode(), binding.recipient.encode()):
            raise BindingError("kb.signature_invalid", "a member that is bound to another key of the recipient")

    def _date(self, name: str) -> datetime:
        return moment(numeric_date(member(self.payload, name, int), name))
