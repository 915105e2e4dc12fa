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
from ewallet.credential import Binding, Claims, Credential, StatusRef
from ewallet.errors import BindingError
from ewallet.formats.whole import Whole
from ewallet.keys import Signer
from ewallet.shape import Json, member

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


class Member(Whole):
    """A member taken apart; nothing of it believed."""

    TYP = TYP
    WHAT = "member of a package"

    @property
    def consent(self) -> str:
        """The digest of the consent it is provided under."""
        return member(self.payload, "consent", str)

    def check_disclosures(self) -> Credential:
        """What it says; ``malformed.*``."""
        status = member(member(self.payload, "status", dict), "status_list", dict)
        return self.says(member(self.payload, "claims", dict), StatusRef.of_json(status))

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Return if it was made for that recipient and the key of theirs; ``kb.aud``, ``kb.signature_invalid``."""
        if binding is None or binding.recipient is None:
            raise BindingError("kb.missing", "a member of a package, and no recipient to compare with")
        if member(self.payload, "aud", str) != binding.audience:
            raise BindingError("kb.aud", "a member that was made for another recipient")
        key = member(member(self.payload, "cnf", dict), "jkt", str)
        if not compare_digest(key.encode(), binding.recipient.encode()):
            raise BindingError("kb.signature_invalid", "a member that is bound to another key of the recipient")
